//! Defines what the acknowledgement of events needs: the frame ACK, and the terms that a subscription
//! states for it.
//!
//! Without this frame, the hub could not tell an event that a handler has finished from one on which
//! it has failed, so nobody would give the event to a handler again.

use super::values::read_map;
use super::{FrameError, FrameErrorKind};
use crate::{Packer, Reader};
use std::time::Duration;

/// Holds the frame ACK, which is `[15, subscription, first, last, outcome, reason or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The SUBSCRIBE frame had this id.
    pub subscription: u64,
    /// The outcome is that of the deliveries from this number on. The events of a subscription are
    /// numbered from 1 on, in the order in which the hub sent them.
    pub first: u64,
    /// The last of these deliveries has this number.
    pub last: u64,
    /// The handler has come to this result.
    pub outcome: Outcome,
    /// The text says for people why the handler did not finish.
    pub reason: Option<String>,
}

/// States what a handler has done with events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The handler has finished the events.
    Done = 0,
    /// The handler has failed. The hub gives the events again after the backoff.
    Failed = 1,
    /// The handler will never succeed. The hub gives the events up at once.
    Rejected = 2,
    /// The handler is still working. Its time begins anew.
    Working = 3,
}

/// States the terms on which the events of a subscription are acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckTerms {
    /// A handler has so many milliseconds for an event, from the moment at which the hub sends it.
    pub timeout_ms: u64,
    /// An event is given at most this often before it is given up.
    pub attempts: u32,
    /// After the first failure, the hub waits for this many milliseconds. Each further failure doubles
    /// the time.
    pub backoff_ms: u64,
    /// Events that are given up are published to this topic. Without it, the subscription gets a GAP
    /// in their place.
    pub dead_letter: Option<String>,
    /// If this is true, the events of one key are given one at a time, in their order.
    pub ordered: bool,
}

/// The backoff doubles with each attempt up to this length, unless the first backoff is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// Returns how long a hub waits after the attempt with this number has failed, if it waits for `first`
/// after the first attempt.
#[must_use]
pub fn backoff_after(first: Duration, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    first.saturating_mul(1 << doublings).min(LONGEST_BACKOFF.max(first))
}

impl Default for AckTerms {
    fn default() -> Self {
        AckTerms {
            timeout_ms: 30_000,
            attempts: 5,
            backoff_ms: 100,
            dead_letter: None,
            ordered: false,
        }
    }
}

impl Ack {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let (subscription, first, last) =
            (read.uint("id")?, read.uint("first delivery")?, read.uint("last delivery")?);
        let at = read.position();
        let outcome = match read.uint("outcome")? {
            0 => Outcome::Done,
            1 => Outcome::Failed,
            2 => Outcome::Rejected,
            3 => Outcome::Working,
            _ => return Err(FrameErrorKind::NoSuchValue { what: "outcome" }.at(at)),
        };
        let reason = read.str_or_nil("reason")?.map(str::to_owned);
        Ok(Ack { subscription, first, last, outcome, reason })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.subscription).uint(self.first).uint(self.last);
        pack.uint(self.outcome as u64).str_or_nil(self.reason.as_deref());
    }
}

impl AckTerms {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let mut terms = AckTerms::default();
        read_map(read, "ack options", |key, read| {
            let at = read.position();
            let no = |what| Err(FrameErrorKind::NoSuchValue { what }.at(at));
            match key {
                "timeout_ms" => match read.uint("timeout_ms")? {
                    0 => return no("timeout_ms"),
                    timeout => terms.timeout_ms = timeout,
                },
                "attempts" => match u32::try_from(read.uint("attempts")?) {
                    Ok(0) | Err(_) => return no("attempts"),
                    Ok(attempts) => terms.attempts = attempts,
                },
                "backoff_ms" => terms.backoff_ms = read.uint("backoff_ms")?,
                "dead_letter" => {
                    terms.dead_letter = read.str_or_nil("dead_letter")?.map(str::to_owned);
                }
                "ordered" => terms.ordered = read.bool("ordered")?,
                _ => return no("ack option"),
            }
            Ok(true)
        })?;
        Ok(terms)
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.map(5).str("timeout_ms").uint(self.timeout_ms);
        pack.str("attempts").uint(self.attempts.into()).str("backoff_ms").uint(self.backoff_ms);
        pack.str("dead_letter").str_or_nil(self.dead_letter.as_deref());
        pack.str("ordered").bool(self.ordered);
    }
}
