//! Finds out what is on a port that is not a hub: listens for a greeting, and says a few words of
//! other protocols. Many programs say nothing to a HELLO, and stay unknown without this.
//!
//! Each question takes a connection of its own and a few bytes. None of them changes anything.

use crate::program::{Program, Protocol, identify};
use crate::route;
use crate::tls;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// Each question waits this long for its answer.
const PATIENCE: Duration = Duration::from_millis(700);
/// HTTP servers answer this question, and Redis answers it with an error. It has no header `Host`,
/// for which Redis would end the connection in silence.
const HTTP: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
/// Redis and memcached answer this question.
const REDIS: &[u8] = b"PING\r\n";
/// This is CONNECT of MQTT 3.1.1 with a clean session and without a name.
const MQTT: &[u8] = &[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 10, 0, 0];

/// Returns the program on a port; none if it says nothing to any question. All questions are asked at
/// once, because most of them get no answer.
pub(crate) fn probe(address: SocketAddr) -> Option<Program> {
    let questions = [&b""[..], HTTP, REDIS, MQTT];
    thread::scope(|scope| {
        let tls = scope.spawn(|| tls::speaks(address));
        let asked = questions.map(|question| scope.spawn(move || ask(address, question)));
        let said: Vec<_> = asked.into_iter().filter_map(|asked| asked.join().ok()?).collect();
        let tls = tls.join().is_ok_and(|speaks| speaks);
        let tls = tls.then(|| Program { protocol: Protocol::Tls, said: String::new() });
        let known = said.iter().find(|program| program.protocol != Protocol::Unknown).cloned();
        known.or(tls).or_else(|| said.into_iter().next())
    })
}

/// Says something to a port and returns the program that answers.
fn ask(address: SocketAddr, question: &[u8]) -> Option<Program> {
    let mut tcp = route::connect(address, None).ok()?;
    tcp.set_read_timeout(Some(PATIENCE)).ok()?;
    tcp.set_write_timeout(Some(PATIENCE)).ok()?;
    tcp.write_all(question).ok()?;
    let mut said = vec![0; 2048];
    let mut length = 0;
    // The body of an HTTP answer may come after its head.
    while length < said.len() {
        match tcp.read(&mut said[length..]) {
            Ok(read) if read > 0 => length += read,
            _ => break,
        }
        if !said.starts_with(b"HTTP/") {
            break;
        }
    }
    identify(&said[..length])
}
