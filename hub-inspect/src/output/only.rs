//! Leaves out all connections but one.
//!
//! A capture of a busy machine has thousands of connections, and the one in question would drown.

use crate::capture::Packet;
use crate::inspector::{Finding, Observer, Over, Seen};
use crate::segment::SegmentError;
use crate::stream::FrameSeen;

/// Passes on what belongs to one connection, or everything.
#[derive(Debug)]
pub struct Only<O> {
    /// The number of the connection; `None` stands for all.
    pub stream: Option<u64>,
    /// The observer behind.
    pub to: O,
}

impl<O> Only<O> {
    fn wants(&self, stream: u64) -> bool {
        self.stream.is_none_or(|only| only == stream)
    }
}

impl<O: Observer> Observer for Only<O> {
    fn segment(&mut self, seen: &Seen<'_>) {
        if self.wants(seen.connection.id) {
            self.to.segment(seen);
        }
    }

    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        if self.stream.is_none() {
            self.to.unreadable(packet, error);
        }
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        if self.wants(seen.connection.id) {
            self.to.frame(seen, frame);
        }
    }

    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        if self.wants(seen.connection.id) {
            self.to.finding(seen, finding);
        }
    }

    fn connection(&mut self, over: &Over<'_>) {
        if self.wants(over.connection.id) {
            self.to.connection(over);
        }
    }
}
