//! Defines the frames that report a failure: REFUSED reports a frame that the hub did not act on,
//! GAP reports missing events, and CLOSE reports the end of a connection.
//!
//! Without these frames, a publisher would not learn of a refused event, and a subscriber would not
//! learn of a lost event.

use super::FrameError;
use super::values::read_u16;
use crate::{CloseCode, GapReason, Packer, Reader, RefusedCode, SubscriptionIds};

/// Holds the frame REFUSED, which is `[9, what, number, code, message, rule or nil, path or nil, id or
/// nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The hub refused a frame of this kind.
    pub what: RefusedWhat,
    /// This is the publish number of the event, or the id of the subscription. It is 0 for other
    /// frames.
    pub number: u64,
    /// The code states the reason for programs.
    pub code: RefusedCode,
    /// The message states the reason for people. It never quotes a payload.
    pub message: String,
    /// The scrub rule with this name refused the event.
    pub rule: Option<String>,
    /// The rule refused the event because of the value at this path in the payload.
    pub path: Option<String>,
    /// The refused EVENT had this header `id`. The field is `None` if the event had no such header, or
    /// if the hub does not have its text.
    pub id: Option<String>,
}

/// States which kind of frame a REFUSED frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedWhat {
    /// The frame was an EVENT, with this publish number.
    Event = 0,
    /// The frame was a SUBSCRIBE, with this id.
    Subscribe = 1,
    /// The frame was an UNSUBSCRIBE, with this id.
    Unsubscribe = 2,
    /// The frame was of another type.
    Frame = 3,
    /// The frame was an ACK, for the subscription with this id.
    Ack = 4,
}

impl RefusedWhat {
    /// Returns the kind for a number on the wire. A number of a later version counts as another frame,
    /// because this version has sent no frame that it could mean.
    fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Event,
            1 => Self::Subscribe,
            2 => Self::Unsubscribe,
            4 => Self::Ack,
            _ => Self::Frame,
        }
    }
}

/// Holds the frame GAP, which is `[10, topic, epoch, from, to or nil, reason, [subscriptions]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Events of this topic are missing.
    pub topic: String,
    /// The event numbers belong to this epoch.
    pub epoch: u64,
    /// The first missing event has this number.
    pub from: u64,
    /// The last missing event has this number. `None` states that the number cannot be known.
    pub to: Option<u64>,
    /// The events are missing for this reason.
    pub reason: GapReason,
    /// The subscriptions with these ids miss the events.
    pub subscriptions: SubscriptionIds,
}

/// Holds the frame CLOSE, which is `[13, code, reason, retry_after_ms or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The code states the reason for programs.
    pub code: CloseCode,
    /// The text states the reason for people.
    pub reason: String,
    /// The client should connect again after this many milliseconds. `None` states no time.
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
            id: read.str_or_nil("id")?.map(str::to_owned),
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.what as u64).uint(self.number);
        pack.uint(self.code.number().into()).str(&self.message);
        pack.str_or_nil(self.rule.as_deref()).str_or_nil(self.path.as_deref());
        pack.str_or_nil(self.id.as_deref());
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
            subscriptions: SubscriptionIds::read(read)?,
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.str(&self.topic).uint(self.epoch).uint(self.from).uint_or_nil(self.to);
        pack.uint(self.reason.number().into());
        self.subscriptions.write(pack);
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
