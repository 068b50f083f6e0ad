//! REFUSED, GAP and CLOSE: what was not done, what is missing, and why it ends.

use super::FrameError;
use super::values::read_u16;
use crate::{CloseCode, GapReason, Packer, Reader, RefusedCode};

/// REFUSED: `[9, what, number, code, message, rule or nil, path or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind of frame was refused.
    pub what: RefusedWhat,
    /// The event's number, or the subscription's id; 0 for other frames.
    pub number: u64,
    /// Why, for programs.
    pub code: RefusedCode,
    /// Why, for people. It never quotes a payload.
    pub message: String,
    /// The scrub rule that refused it.
    pub rule: Option<String>,
    /// Where in the payload.
    pub path: Option<String>,
}

/// What a REFUSED frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedWhat {
    /// An EVENT, by its number.
    Event = 0,
    /// A SUBSCRIBE, by its id.
    Subscribe = 1,
    /// An UNSUBSCRIBE, by its id.
    Unsubscribe = 2,
    /// Another frame.
    Frame = 3,
}

impl RefusedWhat {
    /// A number of a later version says of nothing that this one sent.
    fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Event,
            1 => Self::Subscribe,
            2 => Self::Unsubscribe,
            _ => Self::Frame,
        }
    }
}

/// GAP: `[10, topic, epoch, from, to or nil, reason, subscription or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The topic in which events are missing.
    pub topic: String,
    /// The epoch of the numbers.
    pub epoch: u64,
    /// The first number that is missing.
    pub from: u64,
    /// The last number that is missing; `None` if it cannot be known.
    pub to: Option<u64>,
    /// Why.
    pub reason: GapReason,
    /// The one subscription that misses them; `None` stands for all plain ones that match.
    pub subscription: Option<u64>,
}

/// CLOSE: `[13, code, reason, retry_after_ms or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why, for programs.
    pub code: CloseCode,
    /// Why, for people.
    pub reason: String,
    /// After how many milliseconds to reconnect, where that makes sense.
    pub retry_after_ms: Option<u64>,
}

impl Refused {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Refused {
            what: RefusedWhat::from_number(read.uint("what")?),
            number: read.uint("number")?,
            code: RefusedCode::from_number(read_u16(read, "code")?),
            message: read.str("message")?.to_owned(),
            rule: read.str_or_nil("rule")?.map(str::to_owned),
            path: read.str_or_nil("path")?.map(str::to_owned),
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.what as u64).uint(self.number);
        pack.uint(self.code.number().into()).str(&self.message);
        pack.str_or_nil(self.rule.as_deref()).str_or_nil(self.path.as_deref());
    }
}

impl Gap {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Gap {
            topic: read.str("topic")?.to_owned(),
            epoch: read.uint("epoch")?,
            from: read.uint("from")?,
            to: read.uint_or_nil("to")?,
            reason: GapReason::from_number(read_u16(read, "reason")?),
            subscription: read.uint_or_nil("subscription")?,
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.str(&self.topic).uint(self.epoch).uint(self.from).uint_or_nil(self.to);
        pack.uint(self.reason.number().into()).uint_or_nil(self.subscription);
    }
}

impl Close {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Close {
            code: CloseCode::from_number(read_u16(read, "code")?),
            reason: read.str("reason")?.to_owned(),
            retry_after_ms: read.uint_or_nil("retry time")?,
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.code.number().into()).str(&self.reason);
        pack.uint_or_nil(self.retry_after_ms);
    }
}
