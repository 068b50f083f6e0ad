//! A plain subscription, as a client sees it that was written from PROTOCOL.md alone.

use super::Told;
use hub_wire::{GapReason, Position, Start, TopicFilter};
use std::collections::BTreeMap;

/// The events and gaps of one epoch of a topic that a subscription was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The first event or gap began with this number.
    pub(crate) first: u64,
    /// The last event or gap ended with this number.
    pub(crate) last: u64,
    /// The events came with these numbers and ids.
    pub(crate) events: Vec<(u64, u64)>,
}

/// A plain subscription, and its state at the client.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) id: u64,
    pub(crate) filter: TopicFilter,
    start: Start,
    /// SUBSCRIBED has come on some connection, so the subscription can resume.
    pub(crate) established: bool,
    /// The subscription has these positions.
    pub(crate) seen: BTreeMap<String, Position>,
    /// The events and gaps of each topic and epoch.
    pub(crate) covered: BTreeMap<(String, u64), Covered>,
}

impl Follower {
    pub(crate) fn new(id: u64, filter: &TopicFilter, start: Start) -> Self {
        Follower {
            id,
            filter: filter.clone(),
            start,
            established: false,
            seen: BTreeMap::new(),
            covered: BTreeMap::new(),
        }
    }

    /// Returns the start for subscribing again: behind the positions of the subscription.
    pub(crate) fn reconnect(&mut self) -> Start {
        let seen = self.seen.iter().map(|(topic, position)| (topic.clone(), *position)).collect();
        self.start = Start::After(seen);
        self.start.clone()
    }

    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Run { stream, .. } if stream.subscriptions.as_slice().contains(&self.id) => {
                assert!(self.filter.matches(&stream.topic), "{} for {}", stream.topic, self.filter);
                self.take(told);
            }
            Told::Gap(gap) if gap.subscriptions.as_slice().contains(&self.id) => self.take(told),
            Told::Stands { stream, next } if stream.subscriptions.as_slice() == [self.id] => {
                self.stands(stream.topic.as_str(), stream.epoch, *next);
            }
            Told::Subscribed(id) if *id == self.id => self.established = true,
            _ => {}
        }
    }

    fn stands(&mut self, topic: &str, epoch: u64, next: u64) {
        let last = match self.start {
            Start::Live | Start::Last => next - 1,
            Start::After(_) => {
                // The position comes behind the replay, of which no event is missing.
                let seen = self.seen.get(topic).filter(|seen| seen.epoch == epoch);
                assert_eq!(seen.map_or(0, |seen| seen.seq) + 1, next, "{topic} of {epoch}");
                return;
            }
        };
        self.seen.insert(topic.to_owned(), Position { epoch, seq: last });
    }

    fn take(&mut self, told: &Told) {
        match told {
            Told::Run { stream, first, ids } => {
                for (number, id) in (*first..).zip(ids) {
                    self.covers(stream.topic.as_str(), stream.epoch, (number, number), Some(*id));
                }
            }
            Told::Gap(gap) => match gap.to {
                Some(to) => self.covers(&gap.topic, gap.epoch, (gap.from, to), None),
                None => {
                    assert_eq!(gap.reason, GapReason::NewEpoch);
                    let seen = self.seen.remove(&gap.topic).unwrap();
                    assert_eq!((seen.epoch, seen.seq + 1), (gap.epoch, gap.from));
                }
            },
            _ => {}
        }
    }

    /// Checks that an event or a gap follows the ones before it without a hole.
    fn covers(&mut self, topic: &str, epoch: u64, (from, to): (u64, u64), id: Option<u64>) {
        let seen = self.seen.get(topic).filter(|seen| seen.epoch == epoch);
        let last = match (seen, &self.start) {
            (Some(seen), _) => seen.seq,
            // The last event of a topic has any number.
            (None, Start::Last) if !self.established => from - 1,
            (None, _) => 0,
        };
        if to <= last {
            return; // an event that came before the connection was lost
        }
        assert!(from <= last + 1, "{topic}: {from} to {to} where {} was due", last + 1);
        let covered = self.covered.entry((topic.to_owned(), epoch)).or_default();
        if covered.first == 0 {
            covered.first = last + 1;
        }
        covered.last = to;
        covered.events.extend(id.map(|id| (to, id)));
        self.seen.insert(topic.to_owned(), Position { epoch, seq: to });
    }
}
