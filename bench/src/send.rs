//! Runs publishers, which write the messages of a cycle as fast as they can or paced.
//!
//! A publisher that is not paced stays within the window. Without a window, the servers would react in
//! different ways to a subscriber that is slower than the publisher. One server would drop messages,
//! another would keep them without a bound, and another would slow the publisher down.

use crate::counters::GroupCounters;
use crate::cycle::Cycle;
use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::field_offset::FieldOffset;
use crate::intake::{Each, Intake, Length, Tally};
use crate::pace::{Pace, sleep_exactly};
use crate::payload::MARK;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// A publisher that is a whole window ahead sleeps this long before it checks again.
const AHEAD: Duration = Duration::from_micros(30);

/// Publishes on one connection. One thread writes, and another thread reads the server's answers.
pub(crate) struct Publisher<'a> {
    stream: TcpStream,
    unused: Vec<u8>,
    cycle: &'a Cycle,
    counters: &'a GroupCounters,
    answers: &'a Tally,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(
        link: Link,
        cycle: &'a Cycle,
        counters: &'a GroupCounters,
        answers: &'a Tally,
    ) -> Result<Self, BenchError> {
        let Link { stream, unused } = link;
        stream.set_read_timeout(None).map_err(BenchError::io("cannot set up a socket"))?;
        Ok(Publisher { stream, unused, cycle, counters, answers })
    }

    /// Writes chunks until `stop` is set. Before each chunk, it waits until the group would be at
    /// most `window` messages ahead of its slowest subscriber. A chunk that is larger than the window
    /// waits until nothing is under way.
    pub(crate) fn flood(&self, window: u64, stop: &AtomicBool) -> Result<(), BenchError> {
        sleep_exactly();
        for chunk in self.cycle.chunks().iter().cycle() {
            let count = chunk.count();
            while self.counters.ahead() + count > window.max(count) && !stop.load(Relaxed) {
                std::thread::sleep(AHEAD);
            }
            if stop.load(Relaxed) {
                break;
            }
            self.counters.sent.fetch_add(count, Relaxed);
            self.write(chunk.bytes())?;
        }
        Ok(())
    }

    /// Writes one message at a time, with its time in it, at a steady rate until `stop` is set.
    pub(crate) fn paced(&self, per_second: f64, stop: &AtomicBool) -> Result<(), BenchError> {
        sleep_exactly();
        let stamp = FieldOffset::of(&MARK, self.cycle.messages())?;
        let mut pace = Pace::new(per_second);
        let mut stamped = Vec::new();
        loop {
            for message in self.cycle.messages() {
                stamped.clear();
                stamped.extend_from_slice(message);
                let time = pace.next();
                if stop.load(Relaxed) {
                    return Ok(());
                }
                stamp.write(&mut stamped, time.to_be_bytes());
                self.counters.sent.fetch_add(1, Relaxed);
                self.write(&stamped)?;
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<(), BenchError> {
        (&self.stream).write_all(bytes).map_err(BenchError::io("cannot write to the server"))
    }

    /// Reads the server's answers until the connection ends. The end is no error once `over` is set.
    /// If the server asks whether the publisher is alive, it gets no answer, because the messages of
    /// the publisher show that it is.
    pub(crate) fn listen(
        &self,
        dialect: &dyn Dialect,
        over: &AtomicBool,
    ) -> Result<(), BenchError> {
        let mut intake = Intake::new(dialect, Length::Told, self.answers);
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

    /// Ends the connection, so that the threads that wait for it end too.
    pub(crate) fn hang_up(&self) {
        // The connection may have ended already, so an error means nothing here.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
