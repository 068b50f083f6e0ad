//! A client over TLS whose bytes are changed, cut, repeated or swapped on their way ends its own
//! connection. Nothing panics, and others notice nothing. Bytes that only arrive in other pieces
//! make no difference.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Random, event, hello, metric, numbered, wait_until};
use tls_support::{Secured, soon};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// What happens to the client's bytes.
#[derive(Debug, Clone, Copy)]
enum Harm {
    /// They come in other pieces.
    None,
    Flip,
    Cut,
    Repeat,
    Insert,
}

struct Hostile<'a> {
    socket: TcpStream,
    random: &'a mut Random,
    harm: Harm,
    /// After so many bytes.
    at: usize,
    sent: usize,
}

impl Hostile<'_> {
    fn harmed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (from, to) = (self.sent, self.sent + bytes.len());
        self.sent = to;
        let mut bytes = bytes.to_vec();
        if !(from..to).contains(&self.at) {
            return bytes;
        }
        let here = self.at - from;
        match self.harm {
            Harm::None => {}
            Harm::Flip => bytes[here] ^= 1 << self.random.below(8),
            Harm::Cut => bytes.truncate(here),
            Harm::Repeat => bytes.extend_from_within(here..),
            Harm::Insert => {
                // What looks like the beginning of a record, of any type and length.
                let kind = 20 + self.random.below(5) as u8;
                let length = self.random.below(300) as u8;
                bytes.splice(here..here, [kind, 3, 3, 0, length, 1, 0, 0, length]);
            }
        }
        bytes
    }
}

impl Write for Hostile<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let harmed = self.harmed(bytes);
        let mut rest = harmed.as_slice();
        while !rest.is_empty() {
            let piece = match self.random.below(3) {
                0 => 1 + self.random.below(40),
                _ => rest.len(),
            };
            let (now, later) = rest.split_at(piece.min(rest.len()));
            self.socket.write_all(now)?;
            rest = later;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Read for Hostile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.socket.read(buffer)
    }
}

/// Whether the hub answered everything: HELLO, and a PING behind some events.
fn converse(stream: &mut impl ReadWrite) -> std::io::Result<bool> {
    stream.write_all(&hub_wire::Frame::Hello(hello("hostile")).to_bytes())?;
    for n in 0..3 {
        stream.write_all(&event("t", &numbered(n, 5_000)))?;
    }
    stream.write_all(&support::ping(7))?;
    let pong = hub_wire::Frame::Pong { token: 7 }.to_bytes();
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    while !got.ends_with(&pong) {
        match stream.read(&mut buffer)? {
            0 => return Ok(false),
            read => got.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(true)
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn none_of_it() {
    let steps: u64 = std::env::var("HUB_TEST_STEPS").map_or(300, |steps| steps.parse().unwrap());
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        usual(panic);
    }));
    let secured = Secured::mutual();
    let issued = secured.ca.issue(&["me.example.org"]);
    let good = soon(secured.client_as("me", &issued).connect()).await.unwrap();
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    tls.certificate = Some(secured.files.path("me.pem"));
    tls.key = Some(secured.files.path("me.key"));
    let config = tls.load().unwrap();
    let seed = Random::seed("HUB_TEST_SEED");
    println!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    for step in 0..steps {
        let harm =
            [Harm::None, Harm::Flip, Harm::Cut, Harm::Repeat, Harm::Insert][(step % 5) as usize];
        let name = tls.name("localhost").unwrap();
        let mut connection = rustls::ClientConnection::new(config.clone(), name).unwrap();
        let socket = TcpStream::connect(secured.hub.clients()).unwrap();
        // The hub waits for bytes that were cut; then nobody answers, and that is no fault.
        let patience = if matches!(harm, Harm::None) { support::PATIENCE } else { A_LITTLE };
        socket.set_read_timeout(Some(patience)).unwrap();
        let at = random.below(20_000);
        let mut hostile = Hostile { socket, random: &mut random, harm, at, sent: 0 };
        let outcome = converse(&mut rustls::Stream::new(&mut connection, &mut hostile));
        if matches!(harm, Harm::None) {
            assert!(outcome.as_ref().is_ok_and(|answered| *answered), "step {step}: {outcome:?}");
        }
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "step {step}: {harm:?} at {at}");
    }
    wait_until("only the good one is left", || metric(&secured.hub, "hub_connections") == 1);
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    soon(good.drain()).await.unwrap();
    let _ = std::panic::take_hook();
}

const A_LITTLE: Duration = Duration::from_millis(20);
