//! Prepares the RUN frame in front of a run of events, so that numbering a run is cheap.
//!
//! Without this template, the hub would encode topic, epoch and publisher again for each run while it
//! holds the lock that orders the topic.

use crate::frame::FrameType;
use crate::pack::Packer;

/// Holds the template of a RUN frame. The first event number, the count and the time are filled in
/// later.
///
/// Topic, epoch and publisher are equal for every run that one connection publishes on one topic, so
/// they are encoded once. The sequencer fills in the other numbers under its lock, when it numbers a
/// run. For that reason, these integers have a fixed length and not their shortest form.
#[derive(Debug, Clone)]
pub struct RunHead {
    template: Vec<u8>,
    /// The first event number has this offset in the frame.
    first: usize,
    /// The time has this offset in the frame.
    time: usize,
}

impl RunHead {
    /// Returns the head for runs of `publisher` on `topic` in `epoch`.
    #[must_use]
    pub fn new(topic: &str, epoch: u64, publisher: &str) -> Self {
        let mut template = vec![0; 4];
        let mut pack = Packer(&mut template);
        pack.array(8).uint(FrameType::Run.number().into()).str(topic);
        pack.raw(&[0xcf]).raw(&epoch.to_be_bytes());
        pack.raw(&[0xcf]);
        let first = pack.0.len();
        pack.raw(&[0; 8]).raw(&[0xce, 0, 0, 0, 0]).str(publisher).raw(&[0xcf]);
        let time = pack.0.len();
        pack.raw(&[0; 8]).nil();
        let mut head = RunHead { template, first, time };
        head.set_length();
        head
    }

    /// Writes the length of the frame into its first 4 bytes.
    fn set_length(&mut self) {
        let length = (self.template.len() - 4) as u32; // names have at most a few hundred bytes
        self.template[..4].copy_from_slice(&length.to_be_bytes());
    }

    /// Returns the encoded frame, with zeros in place of the numbers that are filled in later.
    #[must_use]
    pub fn template(&self) -> &[u8] {
        &self.template
    }

    /// Fills in the numbers of `frame`, which begins with a copy of [`RunHead::template`].
    pub fn stamp(&self, frame: &mut [u8], first: u64, count: u32, time_ms: u64) {
        frame[self.first..self.first + 8].copy_from_slice(&first.to_be_bytes());
        frame[self.first + 9..self.first + 13].copy_from_slice(&count.to_be_bytes());
        frame[self.time..self.time + 8].copy_from_slice(&time_ms.to_be_bytes());
    }

    /// Returns the complete frame for a run that only one subscription gets.
    #[must_use]
    pub fn for_subscription(
        &self,
        subscription: u64,
        first: u64,
        count: u32,
        time_ms: u64,
    ) -> Vec<u8> {
        let mut named = self.clone();
        named.template.pop();
        Packer(&mut named.template).uint(subscription);
        named.set_length();
        named.stamp_self(first, count, time_ms)
    }

    /// Returns the complete frame for a run that all plain subscriptions get.
    #[must_use]
    pub fn for_all(&self, first: u64, count: u32, time_ms: u64) -> Vec<u8> {
        self.clone().stamp_self(first, count, time_ms)
    }

    /// Returns the complete frame with these numbers.
    fn stamp_self(self, first: u64, count: u32, time_ms: u64) -> Vec<u8> {
        let mut frame = self.template.clone();
        self.stamp(&mut frame, first, count, time_ms);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Limits};

    #[test]
    fn a_stamped_head_reads_as_the_run_it_stands_for() {
        let head = RunHead::new("orders.placed", 7, "orders#1");
        let all = head.for_all(u64::MAX, u32::MAX, 12);
        let one = head.for_subscription(300, 5, 6, 12);
        let limits = Limits::default();
        let Ok(Frame::Run(run)) = Frame::parse(&all[4..], &limits) else { panic!("{all:x?}") };
        assert_eq!((run.topic, run.epoch, run.publisher), ("orders.placed", 7, "orders#1"));
        assert_eq!((run.first, run.count, run.time_ms), (u64::MAX, u32::MAX, 12));
        assert_eq!(run.subscription, None);
        let Ok(Frame::Run(run)) = Frame::parse(&one[4..], &limits) else { panic!("{one:x?}") };
        assert_eq!((run.first, run.count, run.subscription), (5, 6, Some(300)));
        assert_eq!(one.len() - 4, u32::from_be_bytes(one[..4].try_into().unwrap()) as usize);
    }
}
