//! The RUN frame in front of a run of events, prepared so that numbering a run is cheap.
//!
//! Without this template, the hub would encode topic, epoch and publisher again for each run while it
//! holds the lock that orders the topic.

use crate::frame::FrameType;
use crate::pack::Packer;

/// The RUN frame that goes in front of a run of EVENT frames, with its numbers left open.
///
/// Topic, epoch and publisher are the same for every run that one connection publishes on one
/// topic, so they are encoded once; the first number, the count and the time are put into
/// their places when the run is numbered, under the topic's sequencer lock. That is why these
/// integers do not use their shortest MessagePack form here.
#[derive(Debug, Clone)]
pub struct RunHead {
    template: Vec<u8>,
    first: usize,
    time: usize,
}

impl RunHead {
    /// The head for what `publisher` sends on `topic` in `epoch`.
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

    fn set_length(&mut self) {
        let length = (self.template.len() - 4) as u32; // names have at most a few hundred bytes
        self.template[..4].copy_from_slice(&length.to_be_bytes());
    }

    /// The encoded frame, with zeros for its open numbers.
    #[must_use]
    pub fn template(&self) -> &[u8] {
        &self.template
    }

    /// Puts the numbers into `frame`, which starts with a copy of [`RunHead::template`].
    pub fn stamp(&self, frame: &mut [u8], first: u64, count: u32, time_ms: u64) {
        frame[self.first..self.first + 8].copy_from_slice(&first.to_be_bytes());
        frame[self.first + 9..self.first + 13].copy_from_slice(&count.to_be_bytes());
        frame[self.time..self.time + 8].copy_from_slice(&time_ms.to_be_bytes());
    }

    /// The complete frame for one subscription, to go in front of events that only it gets.
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

    /// The complete frame for everyone.
    #[must_use]
    pub fn for_all(&self, first: u64, count: u32, time_ms: u64) -> Vec<u8> {
        self.clone().stamp_self(first, count, time_ms)
    }

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
