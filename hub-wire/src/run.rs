//! Prepares the RUN frame in front of a run of events, so that writing one is cheap.
//!
//! Without this template, the hub would encode topic, epoch and publisher again for each run and each
//! subscriber.

use crate::SubscriptionIds;
use crate::frame::FrameType;
use crate::pack::Packer;

/// Holds the part of a RUN frame that is equal for every run that one connection publishes on one
/// topic: topic, epoch and publisher.
///
/// The first event number, the count and the time have a fixed length in the frame and not their
/// shortest form, so they can be filled into a copy of the template.
#[derive(Debug, Clone)]
pub struct RunHead {
    template: Vec<u8>,
    /// The first event number has this offset in the frame.
    first: usize,
    /// The time has this offset in the frame.
    time: usize,
}

/// A list of subscriptions takes at most this many bytes more than its ids: the marker of its array.
const MOST_ARRAY: usize = 5;
/// An id takes at most this many bytes.
const MOST_ID: usize = 9;
/// The number of an attempt takes at most this many bytes.
const MOST_ATTEMPT: usize = 5;
/// This is the first byte of a RUN frame with the number of an attempt: an array of 9 values.
const ONE_VALUE_MORE: u8 = 0x99;

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
        pack.raw(&[0; 8]);
        RunHead { template, first, time }
    }

    /// Returns how many bytes the frame for `subscriptions` subscriptions has at most.
    #[must_use]
    pub fn most(&self, subscriptions: usize) -> usize {
        self.template.len() + MOST_ARRAY + MOST_ID * subscriptions + MOST_ATTEMPT
    }

    /// Appends the complete frame to `out`, with its length in front. `attempt` is 1 for events that
    /// were not given to a handler before.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        first: u64,
        count: u32,
        time_ms: u64,
        subscriptions: &SubscriptionIds,
        attempt: u32,
    ) {
        let start = out.len();
        out.extend_from_slice(&self.template);
        subscriptions.write(&mut Packer(out));
        if attempt > 1 {
            Packer(out).uint(attempt.into());
            out[start + 4] = ONE_VALUE_MORE;
        }
        let frame = &mut out[start..];
        let length = (frame.len() - 4) as u32; // names and lists are far shorter than 4 GiB
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame[self.first..self.first + 8].copy_from_slice(&first.to_be_bytes());
        frame[self.first + 9..self.first + 13].copy_from_slice(&count.to_be_bytes());
        frame[self.time..self.time + 8].copy_from_slice(&time_ms.to_be_bytes());
    }

    /// Returns the complete frame, with its length in front.
    #[must_use]
    pub fn to_bytes(
        &self,
        first: u64,
        count: u32,
        time_ms: u64,
        subscriptions: &SubscriptionIds,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.most(subscriptions.as_slice().len()));
        self.write(&mut out, first, count, time_ms, subscriptions, 1);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Limits};

    #[test]
    fn a_head_reads_as_the_run_it_stands_for() {
        let head = RunHead::new("orders.placed", 7, "orders#1");
        let several: SubscriptionIds = [300, u64::MAX, 1].into_iter().collect();
        let mut bytes = b"before".to_vec();
        head.write(&mut bytes, u64::MAX, u32::MAX, 12, &several, u32::MAX);
        let bytes = &bytes[6..];
        assert_eq!(bytes.len() - 4, u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize);
        assert!(bytes.len() <= head.most(3));
        let limits = Limits::default();
        let Ok(Frame::Run(run)) = Frame::parse(&bytes[4..], &limits) else { panic!("{bytes:x?}") };
        assert_eq!((run.topic, run.epoch, run.publisher), ("orders.placed", 7, "orders#1"));
        assert_eq!((run.first, run.count, run.time_ms), (u64::MAX, u32::MAX, 12));
        assert_eq!((run.subscriptions, run.attempt), (several, u32::MAX));
    }
}
