//! The median and the tail of several times. A mean would hide that one of a hundred events waits.

use serde::Serialize;
use std::time::Duration;

/// A round trip that takes so much longer than the shortest one is a pause of the hub, if nothing was lost.
const PAUSE: Duration = Duration::from_millis(250);

/// Holds the times of several round trips, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// There were so many round trips.
    pub count: usize,
    /// The shortest round trip took this long.
    pub min_us: u64,
    /// Half of the round trips took no longer than this.
    pub median_us: u64,
    /// Of 100 round trips, 99 took no longer than this. With fewer than 100, this is the longest.
    pub p99_us: u64,
    /// The longest round trip took this long.
    pub max_us: u64,
    /// So many round trips took a quarter of a second longer than the shortest.
    pub pauses: usize,
}

impl Times {
    /// Sorts times; none if there are none.
    pub(super) fn of(mut all: Vec<Duration>) -> Option<Times> {
        all.sort_unstable();
        let us = |time: Duration| time.as_micros().try_into().unwrap_or(u64::MAX);
        let at = |part: f64| {
            let rank = (all.len() as f64 * part).ceil() as usize;
            us(all[rank.clamp(1, all.len()) - 1])
        };
        let (first, last) = (*all.first()?, *all.last()?);
        Some(Times {
            count: all.len(),
            min_us: us(first),
            median_us: at(0.5),
            p99_us: at(0.99),
            max_us: us(last),
            pauses: all.iter().filter(|time| **time > first + PAUSE).count(),
        })
    }
}
