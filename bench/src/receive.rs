//! Reads many subscribers on one thread, counts their messages and measures latencies.
//!
//! With a thread for each of a hundred subscribers, little of two cores would be left for the
//! server.

use crate::clock::now_ns;
use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::field_offset::FieldOffset;
use crate::intake::{Each, Intake, Length, Tally};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One read asks for this many bytes. The number is large enough to spread the cost of a system call
/// over many messages, and small enough for the cache of a core.
const READ: usize = 256 << 10;
/// The thread checks at least at this interval whether it is to end.
const LOOK: Duration = Duration::from_millis(20);

/// Hands one subscriber to the thread.
pub(crate) struct Subscriber<'a> {
    pub link: Link,
    pub tally: &'a Tally,
}

/// Describes delivered messages before they arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageLayout<'a> {
    /// Says how the length of each message is known.
    pub length: Length<'a>,
    /// Says where the sender's time is in each message. It is `None` if latencies are not measured.
    pub stamp: Option<FieldOffset>,
}

/// Holds the state of one connection that the thread reads.
struct ReaderState<'a> {
    stream: TcpStream,
    unused: Vec<u8>,
    intake: Intake<'a>,
    /// It is true if the connection is in the queue of connections to read.
    ready: bool,
}

/// Reads until `stop` is set. Returns the latencies in nanoseconds. Without stamps in the messages, the
/// histogram is empty.
pub(crate) fn receive(
    dialect: &dyn Dialect,
    subscribers: Vec<Subscriber<'_>>,
    layout: MessageLayout<'_>,
    stop: &AtomicBool,
    last: &AtomicU64,
) -> Result<Histogram<u64>, BenchError> {
    let failed = |source| BenchError::Io { what: "cannot read from the server".into(), source };
    let mut poll = Poll::new().map_err(failed)?;
    let mut all = Vec::new();
    for (index, subscriber) in subscribers.into_iter().enumerate() {
        let Link { stream, unused } = subscriber.link;
        stream.set_nonblocking(true).map_err(failed)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(index), Interest::READABLE).map_err(failed)?;
        let intake = Intake::new(dialect, layout.length, subscriber.tally);
        all.push(ReaderState { stream, unused, intake, ready: true });
    }
    let mut latency = histogram();
    let mut buffer = Vec::new();
    let mut events = Events::with_capacity(1024);
    // The system reports only new bytes, so a connection that was not read to the end stays in this
    // queue.
    let mut ready: VecDeque<usize> = (0..all.len()).collect();
    while !stop.load(Relaxed) {
        let wait = if ready.is_empty() { LOOK } else { Duration::ZERO };
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
            _ => {}
        }
        for event in &events {
            let index = event.token().0;
            if !std::mem::replace(&mut all[index].ready, true) {
                ready.push_back(index);
            }
        }
        for _ in 0..ready.len() {
            let Some(index) = ready.pop_front() else { break };
            let reading = &mut all[index];
            reading.ready = reading.read(&mut buffer, layout.stamp, &mut latency, last)?;
            if reading.ready {
                ready.push_back(index);
            }
        }
    }
    Ok(latency)
}

/// Makes a histogram from 1 ns to a minute with three significant digits.
#[allow(clippy::expect_used, reason = "constant, valid bounds")]
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("constant, valid bounds")
}

impl ReaderState<'_> {
    /// Reads the connection once. Returns whether there may be more bytes to read.
    fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        stamp: Option<FieldOffset>,
        latency: &mut Histogram<u64>,
        last: &AtomicU64,
    ) -> Result<bool, BenchError> {
        let kept = self.unused.len();
        if buffer.len() < kept + READ {
            buffer.resize(kept + READ, 0);
        }
        buffer[..kept].copy_from_slice(&self.unused);
        self.unused.clear();
        let room = &mut buffer[kept..];
        let wanted = room.len();
        let read = match self.stream.read(room) {
            Ok(0) => return Err(BenchError::Server("a subscriber's connection was closed".into())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.unused.extend_from_slice(&buffer[..kept]);
                return Ok(false);
            }
            Err(source) => {
                return Err(BenchError::Io { what: "cannot read a subscriber".into(), source });
            }
        };
        let now = now_ns();
        let bytes = &buffer[..kept + read];
        let mut answers = Vec::new();
        let mut see;
        let mut each = match stamp {
            None => Each::Count,
            Some(place) => {
                see = move |message: &[u8]| {
                    if let Some(sent) = place.read(message) {
                        latency.saturating_record(now.saturating_sub(u64::from_be_bytes(sent)));
                    }
                };
                Each::See(&mut see)
            }
        };
        let used = self.intake.take(bytes, &mut each, &mut answers)?;
        self.unused.extend_from_slice(&bytes[used..]);
        last.store(now, Relaxed);
        if !answers.is_empty() {
            // Nothing else is written to this socket, so its buffer has room for these few bytes. If
            // they are not sent, the server takes this subscriber for dead and closes the connection.
            let _ = self.stream.write(&answers);
        }
        Ok(read == wanted)
    }
}
