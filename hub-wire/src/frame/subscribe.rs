//! Reads and writes the frame SUBSCRIBE. It states the topics of a subscription, its start, and its
//! overflow policy.
//!
//! An option that this version does not know is an error. If the hub ignored it, the client would
//! wait for a behaviour that it never gets.

use super::ack::AckTerms;
use super::topic_positions::{Position, TopicPositions};
use super::values::read_map;
use super::{FrameError, FrameErrorKind};
use crate::{Packer, Reader};

/// Holds the frame SUBSCRIBE, which is `[5, id, filter, {options}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The client chooses this id. It is unique within the connection.
    pub id: u64,
    /// The subscription is for the topics that match this filter. The reader does not check the
    /// filter.
    pub filter: String,
    /// This policy applies when the delivery queue of the connection is full.
    pub overflow: Overflow,
    /// The subscription is a member of the queue group with this name. Without a name, it is a
    /// plain subscription.
    pub group: Option<String>,
    /// In topics that exist already, the subscription starts here.
    pub start: Start,
    /// If this is true, the hub sends the next event number of each existing topic, as a RUN with count
    /// 0.
    pub positions: bool,
    /// At most so much may be on its way to the listener. Without a window, an event counts as taken
    /// when it is written to the connection.
    pub window: Option<Window>,
    /// The client acknowledges each event on these terms. Without terms, an event is finished when
    /// its listener has taken it.
    pub ack: Option<AckTerms>,
    /// If this is true, the subscription only watches: it does not count as somebody who answers
    /// requests.
    pub observe: bool,
    /// If this is true, another SUBSCRIBE with the same id and filter follows, with more positions in
    /// its `after`.
    pub more: bool,
    /// If this is true, the hub keeps the subscription for a while when the connection breaks, so that
    /// the client can resume it. The subscription then needs a window.
    pub keep: bool,
}

/// Bounds what is on its way to one subscription: events that the hub has sent and that the listener
/// has not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// At most this many events may be on their way, and at least one.
    pub events: u64,
    /// The EVENT frames on their way may have at most this many bytes. One event is always allowed.
    pub bytes: u64,
}

/// Names the overflow policy, which decides what happens to the events of a subscription when the
/// delivery queue of its connection is full.
///
/// The type has no order. When several subscriptions share one copy of an event, `hub-core` decides
/// which policy applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Overflow {
    /// The queue keeps the newest event of each key. For events without a key, the topic is the key.
    Latest,
    /// The queue drops the event that does not fit.
    DropNewest,
    /// The queue drops the oldest waiting events, so that the new event fits.
    #[default]
    DropOldest,
    /// The hub closes the connection. The client may connect again and resume.
    Disconnect,
    /// Publishers wait until the queue has room.
    Block,
}

impl Overflow {
    /// This list has all policies, in the order of `PROTOCOL.md`.
    pub const ALL: [Overflow; 5] = [
        Overflow::Latest,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Disconnect,
        Overflow::Block,
    ];

    /// Returns the name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Overflow::Latest => "latest",
            Overflow::DropNewest => "drop-newest",
            Overflow::DropOldest => "drop-oldest",
            Overflow::Disconnect => "disconnect",
            Overflow::Block => "block",
        }
    }
}

impl std::str::FromStr for Overflow {
    type Err = FrameErrorKind;

    fn from_str(name: &str) -> Result<Self, FrameErrorKind> {
        Overflow::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or(FrameErrorKind::NoSuchValue { what: "overflow" })
    }
}

/// States where in existing topics a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// The subscription starts with the next event that is published.
    #[default]
    Live,
    /// The subscription starts with the last event of each topic that has one.
    Last,
    /// The subscription starts behind these positions. A topic without a position starts with its first
    /// event.
    After(TopicPositions),
}

impl Subscribe {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Subscribe, FrameError> {
        let mut subscribe = Subscribe {
            id: read.uint("id")?,
            filter: read.str("filter")?.to_owned(),
            overflow: Overflow::default(),
            group: None,
            start: Start::Live,
            positions: false,
            window: None,
            ack: None,
            observe: false,
            more: false,
            keep: false,
        };
        let at = read.position();
        let mut start_given = false;
        read_map(read, "options", |key, read| {
            let at = read.position();
            if matches!(key, "start" | "after") && std::mem::replace(&mut start_given, true) {
                // Without this error, the order of the keys in the map would decide where the
                // subscription starts.
                return Err(FrameErrorKind::NoSuchValue { what: "second start" }.at(at));
            }
            match key {
                "overflow" => {
                    subscribe.overflow = read
                        .str("overflow")?
                        .parse()
                        .map_err(|kind: FrameErrorKind| kind.at(at))?;
                }
                "group" => subscribe.group = read.str_or_nil("group")?.map(str::to_owned),
                "start" => match read.str("start")? {
                    "live" => subscribe.start = Start::Live,
                    "last" => subscribe.start = Start::Last,
                    _ => return Err(FrameErrorKind::NoSuchValue { what: "start" }.at(at)),
                },
                "after" => subscribe.start = Start::After(read_positions(read)?),
                "positions" => subscribe.positions = read.bool("positions")?,
                "window" => {
                    if read.array("window")? != 2 {
                        let expected = "an array of events and bytes";
                        let wrong = FrameErrorKind::WrongType { what: "window", expected };
                        return Err(wrong.at(at));
                    }
                    let (events, bytes) = (read.uint("events")?, read.uint("bytes")?);
                    if events == 0 {
                        return Err(FrameErrorKind::NoSuchValue { what: "window" }.at(at));
                    }
                    subscribe.window = Some(Window { events, bytes });
                }
                "observe" => subscribe.observe = read.bool("observe")?,
                "more" => subscribe.more = read.bool("more")?,
                "ack" => subscribe.ack = Some(AckTerms::read(read)?),
                "keep" => subscribe.keep = read.bool("keep")?,
                // A client must not wait for a behaviour that the hub silently ignores.
                _ => return Err(FrameErrorKind::NoSuchValue { what: "subscription option" }.at(at)),
            }
            Ok(true)
        })?;
        if subscribe.group.is_some() && subscribe.start != Start::Live {
            // The queue group has a position in the topic, and its newest member has none.
            return Err(FrameErrorKind::NoSuchValue { what: "start of a queue group" }.at(at));
        }
        if subscribe.group.is_some() && subscribe.observe {
            // A member of a queue group takes events away from the others, so it does not only watch.
            return Err(FrameErrorKind::NoSuchValue { what: "observe of a queue group" }.at(at));
        }
        if subscribe.more && !matches!(subscribe.start, Start::After(_)) {
            return Err(FrameErrorKind::NoSuchValue { what: "more without after" }.at(at));
        }
        if subscribe.group.is_none() && subscribe.ack.as_ref().is_some_and(|ack| ack.ordered) {
            // A subscription alone gets its events in order anyway, unless it works on several at a time.
            return Err(FrameErrorKind::NoSuchValue { what: "ordered without a group" }.at(at));
        }
        if subscribe.ack.is_some() && subscribe.window.is_none() {
            // Without a window, nothing would bound the events that are not acknowledged.
            return Err(FrameErrorKind::NoSuchValue { what: "ack without a window" }.at(at));
        }
        if subscribe.keep && (subscribe.window.is_none() || subscribe.group.is_some()) {
            // Without a window, the hub does not know what the client has got. What a member of a
            // group leaves behind belongs to the other members.
            return Err(FrameErrorKind::NoSuchValue { what: "keep" }.at(at));
        }
        Ok(subscribe)
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.id).str(&self.filter);
        let count = 1
            + u32::from(self.group.is_some())
            + u32::from(self.start != Start::Live)
            + u32::from(self.positions)
            + u32::from(self.window.is_some())
            + u32::from(self.ack.is_some())
            + u32::from(self.observe)
            + u32::from(self.more)
            + u32::from(self.keep);
        pack.map(count).str("overflow").str(self.overflow.name());
        if let Some(group) = &self.group {
            pack.str("group").str(group);
        }
        match &self.start {
            Start::Live => {}
            Start::Last => {
                pack.str("start").str("last");
            }
            Start::After(positions) => {
                pack.str("after").map(positions.len() as u32);
                for (topic, position) in positions.iter() {
                    pack.str(topic).array(2).uint(position.epoch).uint(position.seq);
                }
            }
        }
        if self.positions {
            pack.str("positions").bool(true);
        }
        if let Some(Window { events, bytes }) = self.window {
            pack.str("window").array(2).uint(events).uint(bytes);
        }
        if let Some(terms) = &self.ack {
            pack.str("ack");
            terms.write(pack);
        }
        if self.observe {
            pack.str("observe").bool(true);
        }
        if self.more {
            pack.str("more").bool(true);
        }
        if self.keep {
            pack.str("keep").bool(true);
        }
    }
}

/// Reads the positions in the option `after`.
fn read_positions(read: &mut Reader<'_>) -> Result<TopicPositions, FrameError> {
    let mut positions = TopicPositions::default();
    for _ in 0..read.map("after")? {
        let start = read.position();
        let topic = read.str("topic")?;
        let at = read.position();
        if read.array("position")? != 2 {
            let expected = "an array of epoch and number";
            return Err(FrameErrorKind::WrongType { what: "position", expected }.at(at));
        }
        let position = Position { epoch: read.uint("epoch")?, seq: read.uint("number")? };
        if !positions.insert(topic, position) {
            return Err(FrameErrorKind::Repeated { what: "topics of after" }.at(start));
        }
    }
    Ok(positions)
}
