//! The figures of a connection: bytes, times, and how often what happened.
//!
//! The figures count up while the capture is read, so they need no memory for segments.

use super::{Signs, State};

/// The figures of one direction.
#[derive(Debug, Clone, Default)]
pub struct SideFigures {
    /// Segments, and the bytes of data in them.
    pub segments: u64,
    /// The bytes of data, those that were sent again included.
    pub bytes: u64,
    /// The bytes of data that were sent again.
    pub repeated_bytes: u64,
    /// How often each sign came, in the order of [`Signs::NAMED`].
    pub signs: [u32; Signs::NAMED.len()],
    /// Segments whose checksum is wrong.
    pub bad_checksums: u64,
    /// Round-trip times of data that was sent once: from the segment to its acknowledgement, as far as
    /// the place of the capture sees it.
    pub rtt: Times,
    /// The first and the last segment with data, in nanoseconds since the Unix epoch.
    pub data_ns: Option<(i64, i64)>,
    /// The time in each state, in the order of [`State::ALL`], in nanoseconds.
    pub time_in: [i64; State::ALL.len()],
    /// The time that the side kept its peer waiting with a closed or full window, in nanoseconds.
    pub window_closed_ns: i64,
    /// The time in which data of this side, or its acknowledgement, was lost and had to be sent again.
    pub network_ns: i64,
    /// The time in which this side left data of its peer without an acknowledgement.
    pub late_ns: i64,
    /// The time in which the side had nothing to send and its peer had acknowledged everything.
    pub idle_ns: i64,
    /// The largest segment in bytes.
    pub largest: u32,
    /// The most bytes that were under way at once.
    pub most_in_flight: u32,
    /// The smallest and the largest window of the side, scaled.
    pub window: Option<(u32, u32)>,
}

impl SideFigures {
    /// Counts the signs of a segment.
    #[inline]
    pub(super) fn count(&mut self, signs: Signs) {
        if signs.is_empty() {
            return;
        }
        for (count, sign) in self.signs.iter_mut().zip(Signs::NAMED) {
            *count += u32::from(signs.any(sign.0));
        }
    }

    /// Counts time in a state.
    pub(super) fn spend(&mut self, state: State, ns: i64) {
        let sum = &mut self.time_in[state as usize];
        *sum = sum.saturating_add(ns);
    }

    /// Returns how many segments had one of the signs. A segment with two of them counts twice.
    #[must_use]
    pub fn with(&self, signs: Signs) -> u32 {
        let named = self.signs.iter().zip(Signs::NAMED);
        named.filter(|(_, sign)| signs.any(sign.0)).map(|(count, _)| count).sum()
    }

    /// Returns the bytes a second between the first and the last segment with data.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        let (first, last) = self.data_ns?;
        let bytes = self.bytes - self.repeated_bytes;
        (last > first).then(|| bytes as f64 / ((last - first) as f64 / 1e9))
    }
}

/// Times that came one after another: least, most, mean and deviation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// How many times there were.
    pub count: u64,
    /// The shortest time in nanoseconds.
    pub least: i64,
    /// The longest time in nanoseconds.
    pub most: i64,
    sum: f64,
    squares: f64,
}

impl Times {
    /// Adds a time.
    pub(super) fn add(&mut self, ns: i64) {
        self.least = if self.count == 0 { ns } else { self.least.min(ns) };
        self.most = if self.count == 0 { ns } else { self.most.max(ns) };
        self.count += 1;
        self.sum += ns as f64;
        self.squares += (ns as f64).powi(2);
    }

    /// Returns the mean in nanoseconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// Returns the standard deviation in nanoseconds.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        (self.squares / self.count as f64 - self.mean().powi(2)).max(0.0).sqrt()
    }
}
