//! Publishers.

use crate::BenchError;
use crate::board::Score;
use crate::dialect::{Dialect, Link};
use crate::intake::{Each, Intake, Length, Tally};
use crate::load::Plan;
use crate::pace::{Pace, sleep_exactly};
use crate::payload::{MARK, Payload};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
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

/// A connection that publishes. One thread writes, another reads what the server answers.
pub(crate) struct Publisher<'a> {
    stream: TcpStream,
    unused: Vec<u8>,
    topics: &'a [String],
    score: &'a Score,
    answers: &'a Tally,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        link: Link,
        topics: &'a [String],
        score: &'a Score,
        answers: &'a Tally,
    ) -> Result<Self, BenchError> {
        let Link { stream, unused } = link;
        stream.set_read_timeout(None).map_err(BenchError::io("cannot set up a socket"))?;
        Ok(Publisher { stream, unused, topics, score, answers })
    }

    /// Writes chunks until `stop`, never more than `window` messages ahead of the slowest
    /// subscriber.
    pub(crate) fn flood(
        &self,
        plan: &Plan<'_>,
        window: u64,
        stop: &AtomicBool,
    ) -> Result<(), BenchError> {
        sleep_exactly();
        let chunk = Chunk::new(plan.dialect, self.topics, &plan.payload, plan.chunk);
        while !stop.load(Relaxed) {
            if self.score.ahead() + chunk.messages > window.max(chunk.messages) {
                std::thread::sleep(AHEAD);
                continue;
            }
            self.score.sent.fetch_add(chunk.messages, Relaxed);
            self.write(&chunk.bytes)?;
        }
        Ok(())
    }

    /// Writes one message at a time, to each topic in turn, at a steady rate until `stop`, each
    /// stamped.
    pub(crate) fn paced(
        &self,
        plan: &Plan<'_>,
        per_second: f64,
        stop: &AtomicBool,
    ) -> Result<(), BenchError> {
        sleep_exactly();
        let message = |topic: &String| {
            let mut bytes = Vec::new();
            plan.dialect.publish(topic, &plan.payload, &mut bytes);
            mark(&bytes).map(|at| (bytes, at))
        };
        let mut messages = self.topics.iter().map(message).collect::<Result<Vec<_>, _>>()?;
        let mut pace = Pace::new(per_second);
        loop {
            for (message, at) in &mut messages {
                let stamp = pace.next();
                if stop.load(Relaxed) {
                    return Ok(());
                }
                message[*at..*at + MARK.len()].copy_from_slice(&stamp.to_be_bytes());
                self.score.sent.fetch_add(1, Relaxed);
                self.write(message)?;
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), BenchError> {
        (&self.stream).write_all(bytes).map_err(BenchError::io("cannot write to the server"))
    }

    /// Reads what the server answers until the connection ends, which is as it should be once
    /// `over`. A server's wish to know whether the publisher is alive is left unanswered: what it
    /// sends shows that.
    pub(crate) fn listen(
        &self,
        dialect: &dyn Dialect,
        over: &AtomicBool,
    ) -> Result<(), BenchError> {
        let mut intake = Intake::new(dialect, Length::Varies, self.answers);
        let mut unused = self.unused.clone();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match (&self.stream).read(&mut buffer) {
                Ok(0) | Err(_) if over.load(Relaxed) => return Ok(()),
                Ok(0) => {
                    let what = "a publisher's connection was closed";
                    return Err(BenchError::Server(what.into()));
                }
                Ok(read) => read,
                Err(error) => return Err(BenchError::io("cannot read from the server")(error)),
            };
            unused.extend_from_slice(&buffer[..read]);
            let used = intake.take(&unused, &mut Each::Count, &mut Vec::new())?;
            unused.drain(..used);
        }
    }

    /// Ends the connection, and with it whoever waits for it.
    pub(crate) fn hang_up(&self) {
        // It may have ended already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Where the sender's time stands in an encoded message.
pub(crate) fn mark(message: &[u8]) -> Result<usize, BenchError> {
    message
        .windows(MARK.len())
        .position(|bytes| bytes == MARK)
        .ok_or_else(|| BenchError::Plan("a payload without a place for the time".into()))
}
