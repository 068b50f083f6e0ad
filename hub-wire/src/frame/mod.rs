//! Reads and writes the frames of the protocol.
//!
//! The hub and its clients use the same code for reading and for writing. Otherwise one side could
//! write a frame that the other side refuses.

mod ack;
mod credentials;
mod error;
mod event;
mod frame_type;
mod hello;
mod notices;
mod resume;
mod subscribe;
mod taken;
mod topic_positions;
mod values;

pub use ack::{Ack, AckTerms, Outcome, backoff_after};
pub use credentials::Credentials;
pub use error::{FrameError, FrameErrorKind};
pub use event::EventFrame;
pub use frame_type::FrameType;
pub use hello::{Hello, VersionRange, Welcome};
pub use notices::{Close, Gap, Refused, RefusedWhat};
pub use resume::Resume;
pub use subscribe::{Overflow, Start, Subscribe, Window};
pub use taken::Taken;
pub use topic_positions::{Position, TopicPositions};

use super::{Limits, Packer, Reader, RunHead, SubscriptionIds, frame_with};
use values::read_u32;

/// Holds one frame of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<'a> {
    /// The frame is HELLO. See [`Hello`].
    Hello(Hello),
    /// The frame is WELCOME. See [`Welcome`].
    Welcome(Welcome),
    /// The frame is EVENT. See [`EventFrame`].
    Event(EventFrame<'a>),
    /// The frame is RUN. See [`RunFrame`].
    Run(RunFrame<'a>),
    /// The frame is SUBSCRIBE. See [`Subscribe`].
    Subscribe(Subscribe),
    /// The frame SUBSCRIBED states that the subscription with this id is in place.
    Subscribed {
        /// The SUBSCRIBE frame had this id.
        id: u64,
    },
    /// The frame UNSUBSCRIBE ends the subscription with this id. It is `[7, id, drain]`.
    Unsubscribe {
        /// The SUBSCRIBE frame had this id.
        id: u64,
        /// If this is true, the client still wants the events that wait for it in the hub.
        drain: bool,
    },
    /// The frame RECEIPT states that every event with a smaller publish number is accepted or refused.
    Receipt {
        /// The hub has settled every publish number below this number.
        next: u64,
    },
    /// The frame is REFUSED. See [`Refused`].
    Refused(Refused),
    /// The frame is GAP. See [`Gap`].
    Gap(Gap),
    /// The frame PING asks for a PONG with the same token.
    Ping {
        /// The sender may choose any number.
        token: u64,
    },
    /// The frame PONG answers a PING.
    Pong {
        /// The PING had this token.
        token: u64,
    },
    /// The frame is CLOSE. See [`Close`].
    Close(Close),
    /// The frame is TAKEN. See [`Taken`].
    Taken(Taken),
    /// The frame is ACK. See [`Ack`].
    Ack(Ack),
    /// The frame is RESUME. See [`Resume`].
    Resume(Resume),
}

/// Holds the frame RUN, which is `[4, topic, epoch, first, count, publisher, time_ms,
/// [subscriptions]]`, or has `attempt` as one value more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFrame<'a> {
    /// The EVENT frames that follow belong to this topic.
    pub topic: &'a str,
    /// The event numbers belong to this epoch of the topic. Only numbers of the same epoch are
    /// comparable.
    pub epoch: u64,
    /// The first of the EVENT frames has this event number. The numbers of the others follow it.
    pub first: u64,
    /// This many EVENT frames follow. A RUN with zero frames only states that `first` is the next event
    /// number of the topic.
    pub count: u32,
    /// This is the publisher stamp of the client that sent the events.
    pub publisher: &'a str,
    /// The hub accepted the events at this time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The events are for the subscriptions with these ids.
    pub subscriptions: SubscriptionIds,
    /// The events are given to a handler for the time with this number. It is 1 for most runs, and
    /// the frame leaves it out then.
    pub attempt: u32,
}

impl<'a> Frame<'a> {
    /// Reads the frame with this body, which does not include the 4 bytes of the length.
    ///
    /// Values behind the known ones are walked and then ignored, so that a later version can add
    /// values. EVENT frames may not have such values, because the hub forwards them as they came.
    ///
    /// # Errors
    /// The error states the first fault of the frame, with its offset in the body.
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let kind = FrameType::of(body)?;
        let mut read = Reader::new(body, limits);
        let count = read.array("frame")?;
        read.uint("frame type")?;
        let frame = match kind {
            FrameType::Hello => Frame::Hello(Hello::read(&mut read)?),
            FrameType::Welcome => Frame::Welcome(Welcome::read(&mut read)?),
            FrameType::Event => return EventFrame::parse(body, limits).map(Frame::Event),
            FrameType::Run => Frame::Run(RunFrame {
                topic: read.str("topic")?,
                epoch: read.uint("epoch")?,
                first: read.uint("first number")?,
                count: read_u32(&mut read, "count")?,
                publisher: read.str("publisher")?,
                time_ms: read.uint("time")?,
                subscriptions: SubscriptionIds::read(&mut read)?,
                attempt: if count > 8 { read_u32(&mut read, "attempt")? } else { 1 },
            }),
            FrameType::Subscribe => Frame::Subscribe(Subscribe::read(&mut read)?),
            FrameType::Subscribed => Frame::Subscribed { id: read.uint("id")? },
            FrameType::Unsubscribe => {
                Frame::Unsubscribe { id: read.uint("id")?, drain: read.bool("drain")? }
            }
            FrameType::Receipt => Frame::Receipt { next: read.uint("next number")? },
            FrameType::Refused => Frame::Refused(Refused::read(&mut read)?),
            FrameType::Gap => Frame::Gap(Gap::read(&mut read)?),
            FrameType::Ping => Frame::Ping { token: read.uint("token")? },
            FrameType::Pong => Frame::Pong { token: read.uint("token")? },
            FrameType::Close => Frame::Close(Close::read(&mut read)?),
            FrameType::Taken => Frame::Taken(Taken::read(&mut read)?),
            FrameType::Ack => Frame::Ack(Ack::read(&mut read)?),
            FrameType::Resume => Frame::Resume(Resume::read(&mut read)?),
        };
        if count < frame.values() {
            // The values are in the body, but the array is too short to contain them.
            return Err(FrameErrorKind::Missing { what: "a value of the frame" }.at(0));
        }
        let known = frame.values() + u32::from(kind == FrameType::Run && count > 8);
        for _ in known..count {
            read.value("extra value")?;
        }
        if read.at_end() { Ok(frame) } else { Err(FrameErrorKind::Trailing.at(read.position())) }
    }

    /// Returns how many values the frame has at least, including its type.
    fn values(&self) -> u32 {
        match self {
            Frame::Subscribed { .. }
            | Frame::Receipt { .. }
            | Frame::Ping { .. }
            | Frame::Pong { .. } => 2,
            Frame::Welcome(_) | Frame::Unsubscribe { .. } => 3,
            Frame::Hello(_)
            | Frame::Event(_)
            | Frame::Subscribe(_)
            | Frame::Close(_)
            | Frame::Resume(_) => 4,
            Frame::Taken(_) => 5,
            Frame::Ack(_) => 6,
            Frame::Gap(_) => 7,
            Frame::Refused(_) | Frame::Run(_) => 8,
        }
    }

    /// Appends the frame to `out`, with its length in front.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Event(event) => event.write(out),
            Frame::Run(run) => {
                let head = RunHead::new(run.topic, run.epoch, run.publisher);
                head.write(out, run.first, run.count, run.time_ms, &run.subscriptions, run.attempt);
            }
            other => frame_with(out, |out| other.write_control(&mut Packer(out))),
        }
    }

    /// Returns the bytes of the frame, with its length in front.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Writes the body of any frame except EVENT and RUN.
    fn write_control(&self, pack: &mut Packer<'_>) {
        pack.array(self.values()).uint(self.kind().number().into());
        match self {
            Frame::Hello(hello) => hello.write(pack),
            Frame::Welcome(welcome) => welcome.write(pack),
            Frame::Subscribe(subscribe) => subscribe.write(pack),
            Frame::Refused(refused) => refused.write(pack),
            Frame::Gap(gap) => gap.write(pack),
            Frame::Close(close) => close.write(pack),
            Frame::Taken(taken) => taken.write(pack),
            Frame::Ack(ack) => ack.write(pack),
            Frame::Resume(resume) => resume.write(pack),
            Frame::Subscribed { id } => {
                pack.uint(*id);
            }
            Frame::Unsubscribe { id, drain } => {
                pack.uint(*id).bool(*drain);
            }
            Frame::Receipt { next } => {
                pack.uint(*next);
            }
            Frame::Ping { token } | Frame::Pong { token } => {
                pack.uint(*token);
            }
            Frame::Event(_) | Frame::Run(_) => unreachable!("written by Frame::write"),
        }
    }

    /// Returns the type of the frame.
    fn kind(&self) -> FrameType {
        match self {
            Frame::Hello(_) => FrameType::Hello,
            Frame::Welcome(_) => FrameType::Welcome,
            Frame::Event(_) => FrameType::Event,
            Frame::Run(_) => FrameType::Run,
            Frame::Subscribe(_) => FrameType::Subscribe,
            Frame::Subscribed { .. } => FrameType::Subscribed,
            Frame::Unsubscribe { .. } => FrameType::Unsubscribe,
            Frame::Receipt { .. } => FrameType::Receipt,
            Frame::Refused(_) => FrameType::Refused,
            Frame::Gap(_) => FrameType::Gap,
            Frame::Ping { .. } => FrameType::Ping,
            Frame::Pong { .. } => FrameType::Pong,
            Frame::Close(_) => FrameType::Close,
            Frame::Taken(_) => FrameType::Taken,
            Frame::Ack(_) => FrameType::Ack,
            Frame::Resume(_) => FrameType::Resume,
        }
    }
}
