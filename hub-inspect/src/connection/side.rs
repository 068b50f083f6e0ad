//! What is known of one side of a connection: its numbers, its window, and its data under way.
//!
//! The two sides are kept apart, because each direction of TCP has its own numbers. Without the list of
//! data under way, no round-trip time could be measured.

use super::{Scale, SideFigures, Signs, State};
use crate::segment::Seq;
use std::collections::VecDeque;

/// At most this many segments under way are remembered for a side. Of further ones, only the highest
/// sequence number is kept.
const MAX_IN_FLIGHT: usize = 4096;

/// A segment that has not been acknowledged yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub(super) seq: Seq,
    pub(super) end: Seq,
    pub(super) packet: u64,
    pub(super) time_ns: i64,
    /// Whether parts of it were sent more than once, so that an acknowledgement may be for another copy.
    pub(super) repeated: bool,
}

/// What an acknowledgement has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// The segment that ends at the acknowledged number was in this packet.
    pub packet: u64,
    /// The time from that segment to its acknowledgement, in nanoseconds.
    pub rtt_ns: i64,
    /// Whether all that the acknowledgement acknowledges was sent once only. Otherwise the time may belong to
    /// another copy, or the segment has waited for one.
    pub certain: bool,
}

/// One side of a connection.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) state: State,
    pub(super) state_since_ns: i64,
    /// Relative numbers count from here.
    pub(super) first: Option<Seq>,
    /// The highest sequence number so far, the next one that is expected.
    pub(super) next: Option<Seq>,
    pub(super) next_time_ns: i64,
    /// The numbers up to here have been seen without a hole.
    pub(super) contiguous: Option<Seq>,
    pub(super) last_ack: Option<Seq>,
    pub(super) last_ack_time_ns: i64,
    /// The packet that first had this acknowledgement, and how often it was repeated.
    pub(super) first_ack_packet: u64,
    pub(super) duplicates: u32,
    /// The last window, scaled.
    pub(super) window: Option<u32>,
    pub(super) scale: Scale,
    pub(super) fin: Option<Seq>,
    /// The signs of the last segment.
    pub(super) last_signs: Signs,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Whether the ends in `in_flight` only grow.
    sorted: bool,
    pub(super) figures: SideFigures,
}

impl Side {
    pub(super) fn new() -> Self {
        Side {
            state: State::Closed,
            state_since_ns: 0,
            first: None,
            next: None,
            next_time_ns: 0,
            contiguous: None,
            last_ack: None,
            last_ack_time_ns: 0,
            first_ack_packet: 0,
            duplicates: 0,
            window: None,
            scale: Scale::Unknown,
            fin: None,
            last_signs: Signs::NONE,
            in_flight: VecDeque::new(),
            sorted: true,
            figures: SideFigures::default(),
        }
    }

    /// Notes that a segment is under way.
    #[inline]
    pub(super) fn send(&mut self, segment: InFlight) {
        if self.in_flight.len() == MAX_IN_FLIGHT {
            return;
        }
        if segment.repeated {
            let overlaps =
                |it: &&mut InFlight| it.seq.before(segment.end) && segment.seq.before(it.end);
            self.in_flight.iter_mut().filter(overlaps).for_each(|it| it.repeated = true);
        }
        self.sorted &= self.in_flight.back().is_none_or(|last| last.end.before(segment.end));
        self.in_flight.push_back(segment);
    }

    /// Takes over an acknowledgement from the other side. Returns which segment it answers.
    #[inline]
    pub(super) fn acknowledged(&mut self, ack: Seq, time_ns: i64) -> Option<Acked> {
        let mut answered: Option<InFlight> = None;
        // What was sent again held back the acknowledgement of what stands behind it.
        let mut repeated = false;
        if self.sorted {
            while let Some(front) = self.in_flight.front_mut() {
                if front.end.after(ack) {
                    front.seq = front.seq.max(ack);
                    break;
                }
                repeated |= front.repeated;
                if front.end == ack {
                    answered = Some(*front);
                }
                self.in_flight.pop_front();
            }
        } else {
            self.in_flight.retain_mut(|it| {
                if it.end.after(ack) {
                    it.seq = it.seq.max(ack);
                    return true;
                }
                repeated |= it.repeated;
                if it.end == ack && answered.is_none() {
                    answered = Some(*it);
                }
                false
            });
        }
        self.sorted |= self.in_flight.is_empty();
        answered.map(|it| Acked {
            packet: it.packet,
            rtt_ns: time_ns - it.time_ns,
            certain: !repeated,
        })
    }

    /// Returns how many bytes are under way: from the first number that is not acknowledged to the last.
    pub(super) fn bytes_in_flight(&self) -> u32 {
        if self.sorted {
            let (front, back) = (self.in_flight.front(), self.in_flight.back());
            return front.zip(back).map_or(0, |(front, back)| back.end.relative(front.seq));
        }
        let mut ends: Option<(Seq, Seq)> = None;
        for it in &self.in_flight {
            let (first, last) = ends.get_or_insert((it.seq, it.end));
            if it.seq.before(*first) {
                *first = it.seq;
            }
            *last = last.max(it.end);
        }
        ends.map_or(0, |(first, last)| last.relative(first))
    }

    /// Changes the state, and counts the time in the old one.
    pub(super) fn enter(&mut self, state: State, time_ns: i64) {
        if self.state == state {
            return;
        }
        let spent = time_ns.saturating_sub(self.state_since_ns).max(0);
        self.figures.spend(self.state, spent);
        (self.state, self.state_since_ns) = (state, time_ns);
    }

    /// Returns how many bytes the lists of the side take.
    pub(super) fn held(&self) -> usize {
        self.in_flight.capacity() * size_of::<InFlight>()
    }
}
