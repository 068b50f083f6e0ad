//! PINGs in a steady pace. A hub that pauses now and then answers most of a quick burst at once, so only
//! a longer look finds it.

use super::times::Times;
use crate::wire::{Wire, WireError};
use std::thread;
use std::time::{Duration, Instant};

/// The doctor pauses this long between two PINGs.
const BETWEEN: Duration = Duration::from_millis(10);
/// One PING may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first PING has this token.
const TOKEN: u64 = 1 << 40;

/// Holds how long PINGs took.
#[derive(Debug, Default)]
pub(super) struct Pings {
    times: Vec<Duration>,
    /// This process woke up so late from its pauses, at worst.
    pub(super) own_delay_us: u64,
}

impl Pings {
    /// Sends PINGs for this long.
    pub(super) fn run(&mut self, wire: &mut Wire, time_box: Duration) -> Result<(), WireError> {
        let until = Instant::now() + time_box;
        while Instant::now() < until {
            let token = TOKEN + self.times.len() as u64;
            let start = Instant::now();
            let deadline = start + PATIENCE;
            wire.send(&hub_wire::Frame::Ping { token }.to_bytes(), deadline)?;
            wire.pong(token, deadline, |_| {})?;
            self.times.push(start.elapsed());
            let asleep = Instant::now();
            thread::sleep(BETWEEN);
            let late = asleep.elapsed().saturating_sub(BETWEEN).as_micros();
            self.own_delay_us = self.own_delay_us.max(late.try_into().unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Returns the times of all PINGs so far.
    pub(super) fn times(&self) -> Option<Times> {
        Times::of(self.times.clone())
    }
}
