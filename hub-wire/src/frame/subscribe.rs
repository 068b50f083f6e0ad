//! SUBSCRIBE: which events a connection wants, from where on, and what may be dropped.

use super::values::read_map;
use super::{FrameError, FrameErrorKind};
use crate::{Packer, Reader};
use std::collections::BTreeMap;

/// SUBSCRIBE: `[5, id, filter, {options}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Chosen by the client, unique within its connection.
    pub id: u64,
    /// The topic filter; not checked here.
    pub filter: String,
    /// What happens when too much waits for this client.
    pub overflow: Overflow,
    /// The queue group of which this subscription is a member.
    pub group: Option<String>,
    /// Where to start.
    pub start: Start,
    /// Whether the hub says where each existing topic stands (a RUN with count 0).
    pub positions: bool,
}

/// What happens to a subscription's events when its connection's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Overflow {
    /// Keep the newest event of each key.
    Latest,
    /// Drop the event that does not fit.
    DropNewest,
    /// Drop the oldest events that wait, so that the new one fits.
    #[default]
    DropOldest,
    /// Close the connection; the client may reconnect and resume.
    Disconnect,
    /// Make publishers wait.
    Block,
}

impl Overflow {
    /// Every policy. Where several subscriptions share one copy, the last in this order counts.
    pub const ALL: [Overflow; 5] = [
        Overflow::Latest,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Disconnect,
        Overflow::Block,
    ];

    /// The name on the wire.
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

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With what is published from now on.
    #[default]
    Live,
    /// With the last event of each topic, if it has one.
    Last,
    /// After what was already seen of each topic; a topic that is not named here begins with
    /// its first event.
    After(BTreeMap<String, Position>),
}

/// How far a subscriber has come in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The topic's epoch.
    pub epoch: u64,
    /// The last number seen, or 0.
    pub seq: u64,
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
        };
        let at = read.position();
        let mut start_given = false;
        read_map(read, "options", |key, read| {
            let at = read.position();
            if matches!(key, "start" | "after") && std::mem::replace(&mut start_given, true) {
                // Otherwise the order of a map's keys would decide where the subscription starts.
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
                // An option that the hub silently ignored would be a promise broken silently.
                _ => return Err(FrameErrorKind::NoSuchValue { what: "subscription option" }.at(at)),
            }
            Ok(true)
        })?;
        if subscribe.group.is_some() && subscribe.start != Start::Live {
            // The group, not its newest member, has a position in the topic.
            return Err(FrameErrorKind::NoSuchValue { what: "start of a queue group" }.at(at));
        }
        Ok(subscribe)
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.id).str(&self.filter);
        let count = 1
            + u32::from(self.group.is_some())
            + u32::from(self.start != Start::Live)
            + u32::from(self.positions);
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
                for (topic, position) in positions {
                    pack.str(topic).array(2).uint(position.epoch).uint(position.seq);
                }
            }
        }
        if self.positions {
            pack.str("positions").bool(true);
        }
    }
}

fn read_positions(read: &mut Reader<'_>) -> Result<BTreeMap<String, Position>, FrameError> {
    let mut positions = BTreeMap::new();
    for _ in 0..read.map("after")? {
        let start = read.position();
        let topic = read.str("topic")?.to_owned();
        let at = read.position();
        if read.array("position")? != 2 {
            let expected = "an array of epoch and number";
            return Err(FrameErrorKind::WrongType { what: "position", expected }.at(at));
        }
        let position = Position { epoch: read.uint("epoch")?, seq: read.uint("number")? };
        if positions.insert(topic, position).is_some() {
            return Err(FrameErrorKind::Repeated { what: "topics of after" }.at(start));
        }
    }
    Ok(positions)
}
