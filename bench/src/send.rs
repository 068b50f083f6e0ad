//! A publisher: one thread that writes, one that reads what the server answers.

use crate::BenchError;
use crate::dialect::{Dialect, Link};
use crate::intake::{Each, Intake, Length, Tally};
use crate::load::Progress;
use crate::pace::{Pace, sleep_exactly};
use crate::payload::{MARK, Payload};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How long a publisher that is a whole window ahead sleeps before it looks again.
const AHEAD: Duration = Duration::from_micros(30);

/// Messages that are written together, over and over.
pub(crate) struct Chunk {
    pub bytes: Vec<u8>,
    pub messages: u64,
}

impl Chunk {
    /// Messages to each of `topics` in turn, of about `size` bytes and at least one each.
    pub(crate) fn new(
        dialect: &dyn Dialect,
        topics: &[String],
        payload: &Payload,
        size: usize,
    ) -> Chunk {
        let mut chunk = Chunk { bytes: Vec::new(), messages: 0 };
        loop {
            for topic in topics {
                dialect.publish(topic, payload, &mut chunk.bytes);
                chunk.messages += 1;
            }
            let one_more = chunk.bytes.len() / chunk.messages as usize * topics.len();
            if chunk.bytes.len() + one_more > size {
                return chunk;
            }
        }
    }
}

/// Writes chunks until `stop`, never more than `window` messages ahead of the slowest subscriber.
pub(crate) fn flood(
    stream: &mut TcpStream,
    chunk: &Chunk,
    window: u64,
    stop: &AtomicBool,
    progress: &Progress<'_>,
) -> Result<(), BenchError> {
    sleep_exactly();
    while !stop.load(Relaxed) {
        if progress.ahead() + chunk.messages > window.max(chunk.messages) {
            std::thread::sleep(AHEAD);
            continue;
        }
        progress.sent.fetch_add(chunk.messages, Relaxed);
        stream.write_all(&chunk.bytes).map_err(BenchError::io("cannot write to the server"))?;
    }
    Ok(())
}

/// Writes one message at a time at a steady rate until `stop`, each stamped.
pub(crate) fn paced(
    stream: &mut TcpStream,
    messages: &mut [Vec<u8>],
    per_second: f64,
    stop: &AtomicBool,
    progress: &Progress<'_>,
) -> Result<(), BenchError> {
    sleep_exactly();
    let stamps: Vec<usize> =
        messages.iter().map(|message| mark(message)).collect::<Result<_, _>>()?;
    let mut pace = Pace::new(per_second);
    let mut next = 0;
    loop {
        let stamp = pace.next();
        if stop.load(Relaxed) {
            return Ok(());
        }
        let (message, at) = (&mut messages[next], stamps[next]);
        message[at..at + 8].copy_from_slice(&stamp.to_be_bytes());
        progress.sent.fetch_add(1, Relaxed);
        stream.write_all(message).map_err(BenchError::io("cannot write to the server"))?;
        next = (next + 1) % messages.len();
    }
}

/// Where the sender's time stands in an encoded message.
pub(crate) fn mark(message: &[u8]) -> Result<usize, BenchError> {
    message
        .windows(MARK.len())
        .position(|bytes| bytes == MARK)
        .ok_or_else(|| BenchError::Plan("a payload without a place for the time".into()))
}

/// Reads what the server answers to a publisher until the connection ends. A server's wish to know
/// whether the publisher is alive is left unanswered: what it sends shows that.
pub(crate) fn listen(
    dialect: &dyn Dialect,
    link: &mut Link,
    tally: &Tally,
    ended: &AtomicBool,
) -> Result<(), BenchError> {
    let mut intake = Intake::new(dialect, Length::Varies, tally);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match link.stream.read(&mut buffer) {
            Ok(0) | Err(_) if ended.load(Relaxed) => return Ok(()),
            Ok(0) => return Err(BenchError::Server("a publisher's connection was closed".into())),
            Ok(read) => read,
            Err(error) => return Err(BenchError::io("cannot read the server's answers")(error)),
        };
        link.unused.extend_from_slice(&buffer[..read]);
        let used = intake.take(&link.unused, &mut Each::Count, &mut Vec::new())?;
        link.unused.drain(..used);
    }
}
