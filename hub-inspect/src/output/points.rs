//! Collects the points of a time-sequence plot, in bounded memory.
//!
//! The points of both directions are kept until the end, because only then is it known which direction
//! sent more. Above the bound, later segments are left out, and the plot says so.

use crate::connection::Signs;
use crate::inspector::{Observer, Seen};
use crate::stream::FrameSeen;

/// A plot has at most this many segments. More would be a black area.
pub const MAX_POINTS: usize = 100_000;

/// What a point of a plot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// A segment with data, from its first relative number to the one behind it.
    Data {
        /// The first number.
        from: u64,
        /// The number behind the data.
        to: u64,
        /// Whether the data was sent before.
        again: bool,
    },
    /// The receiver has acknowledged everything up to `ack`, and accepts data up to `edge`.
    Acknowledged {
        /// The acknowledged number.
        ack: u64,
        /// The end of the window.
        edge: u64,
    },
    /// A frame of Hub ends.
    FrameEnd {
        /// The number behind the frame.
        at: u64,
    },
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) points: Vec<(f64, Point)>,
    pub(super) bytes: u64,
    /// The highest number so far, with the wraps counted.
    highest: u64,
}

impl Direction {
    /// Returns a relative number with the wraps counted.
    fn unwrapped(&mut self, relative: u32) -> u64 {
        let ahead = i64::from(relative.wrapping_sub(self.highest as u32) as i32);
        let number = self.highest.saturating_add_signed(ahead);
        self.highest = self.highest.max(number);
        number
    }
}

/// Collects the points of one connection.
#[derive(Debug)]
pub struct Points {
    stream: u64,
    /// What each endpoint sent.
    pub(super) directions: [Direction; 2],
    /// How many segments were left out.
    pub(super) left_out: u64,
    pub(super) title: Option<[String; 2]>,
    start_ns: Option<i64>,
}

impl Points {
    /// Collects the connection with this number.
    #[must_use]
    pub fn of(stream: u64) -> Self {
        let directions = Default::default();
        Points { stream, directions, left_out: 0, title: None, start_ns: None }
    }

    /// Returns whether the capture has the connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.title.is_none()
    }

    /// Returns the time since the first segment in seconds, if there is room for another point.
    fn time(&mut self, seen: &Seen<'_>) -> Option<f64> {
        let start = *self.start_ns.get_or_insert(seen.packet.time_ns);
        if self.directions.iter().map(|it| it.points.len()).sum::<usize>() >= MAX_POINTS {
            self.left_out += 1;
            return None;
        }
        Some(super::seconds(seen.packet.time_ns.saturating_sub(start)))
    }
}

impl Observer for Points {
    fn segment(&mut self, seen: &Seen<'_>) {
        if seen.connection.id != self.stream {
            return;
        }
        self.title.get_or_insert_with(|| seen.connection.endpoints.map(|it| it.to_string()));
        let Some(time) = self.time(seen) else { return };
        let (sender, observed) = (seen.observed.sender, seen.observed);
        let direction = &mut self.directions[sender];
        let from = direction.unwrapped(observed.seq);
        if seen.segment.len > 0 {
            let to = from + u64::from(seen.segment.len);
            direction.highest = direction.highest.max(to);
            direction.bytes += to - from;
            let again = observed.signs.any(Signs::RETRANSMISSIONS);
            direction.points.push((time, Point::Data { from, to, again }));
        }
        if seen.segment.flags.ack() && !seen.segment.flags.rst() {
            let peer = &mut self.directions[1 - sender];
            let ack = peer.unwrapped(observed.ack);
            let edge = ack + u64::from(observed.window);
            peer.points.push((time, Point::Acknowledged { ack, edge }));
        }
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        if seen.connection.id != self.stream {
            return;
        }
        let Some(time) = self.time(seen) else { return };
        // The stream begins behind the SYN, which has the relative number 0.
        let at = 1 + frame.tcp_end;
        self.directions[frame.sender].points.push((time, Point::FrameEnd { at }));
    }
}
