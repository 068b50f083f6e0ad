//! `byte-relay` copies the bytes of one socket to the other sockets of its channel, and does
//! nothing else.
//!
//! The relay is the limit in the comparison. It shows how fast a process on this system can read from
//! sockets and write to sockets if it looks at no byte. Each publisher has a thread. A write waits for
//! as long as the slowest subscriber of the channel does not read.
//!
//! The first line of a client is `PUB channel` or `SUB channel`, and the answer is `OK`. The relay
//! prints its address on stdout, and ends when its stdin ends.

use hub_bench::dialect::{HELLO_PUBLISH, HELLO_SUBSCRIBE, RELAY_WELCOME};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// One read asks for this many bytes, which is as many as a read of the hub asks for.
const READ: usize = 128 << 10;
/// The first line of a client has at most this many bytes.
const MAX_LINE: usize = 300;

/// Holds the sockets that read each channel. A change replaces the list of a channel, so a publisher can
/// write to a list without holding the lock.
type Channels = Arc<Mutex<HashMap<String, Arc<Vec<Arc<TcpStream>>>>>>;

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let channels = Channels::default();
    loop {
        let (stream, _) = listener.accept()?;
        let channels = channels.clone();
        // A client that ends its connection ends only its own thread.
        thread::spawn(move || serve(stream, &channels));
    }
}

fn serve(mut stream: TcpStream, channels: &Channels) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') && line.len() < MAX_LINE {
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    let line = String::from_utf8_lossy(&line);
    if let Some(channel) = line.trim_end().strip_prefix(HELLO_SUBSCRIBE) {
        // The answer is written under the lock, so that it comes before all bytes of publishers.
        change(channels, channel, |all| {
            stream.write_all(RELAY_WELCOME.as_bytes())?;
            all.push(Arc::new(stream));
            Ok(())
        })
    } else if let Some(channel) = line.trim_end().strip_prefix(HELLO_PUBLISH) {
        stream.write_all(RELAY_WELCOME.as_bytes())?;
        copy(stream, channel, channels)
    } else {
        stream.write_all(b"PUB or SUB, and a channel\n")
    }
}

fn copy(mut from: TcpStream, channel: &str, channels: &Channels) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let list = {
            let channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
            channels.get(channel).cloned()
        };
        for to in list.iter().flat_map(|list| list.iter()) {
            if (&**to).write_all(&buffer[..read]).is_err() {
                change(channels, channel, |all| {
                    all.retain(|other| !Arc::ptr_eq(to, other));
                    Ok(())
                })?;
            }
        }
    }
}

fn change(
    channels: &Channels,
    channel: &str,
    how: impl FnOnce(&mut Vec<Arc<TcpStream>>) -> io::Result<()>,
) -> io::Result<()> {
    let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
    let list = channels.entry(channel.to_owned()).or_default();
    let mut all = Vec::clone(list);
    how(&mut all)?;
    *list = Arc::new(all);
    Ok(())
}
