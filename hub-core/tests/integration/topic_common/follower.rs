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
    confirmed: bool,
    /// SUBSCRIBED has come on some connection, so the subscription can resume.
    pub(crate) established: bool,
    /// These shared copies came before SUBSCRIBED.
    held: Vec<Told>,
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
            confirmed: false,
            established: false,
            held: Vec::new(),
            seen: BTreeMap::new(),
            covered: BTreeMap::new(),
        }
    }

    /// Returns the start for subscribing again: behind the positions of the subscription.
    pub(crate) fn reconnect(&mut self) -> Start {
        let seen = self.seen.iter().map(|(topic, position)| (topic.clone(), *position)).collect();
        (self.start, self.confirmed) = (Start::After(seen), false);
        self.held.clear();
        self.start.clone()
    }

    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Run { stream, .. } => {
                self.about(stream.subscription, stream.topic.as_str(), told)
            }
            Told::Gap(gap) => self.about(gap.subscription, &gap.topic, told),
            Told::Stands { stream, next } if stream.subscription == Some(self.id) => {
                self.drop_held(stream.topic.as_str());
                self.stands(stream.topic.as_str(), stream.epoch, *next);
            }
            Told::Subscribed(id) if *id == self.id => {
                (self.confirmed, self.established) = (true, true);
                self.take_held();
            }
            _ => {}
        }
    }

    fn about(&mut self, subscription: Option<u64>, topic: &str, told: &Told) {
        match subscription {
            Some(id) if id == self.id => {
                self.drop_held(topic);
                self.take(told);
            }
            Some(_) => {}
            None if !self.filter.matches(&super::name(topic)) => {}
            None if self.confirmed => self.take(told),
            None => self.held.push(told.clone()),
        }
    }

    /// Drops the shared copies of a topic that came before SUBSCRIBED. A frame for this subscription
    /// alone states where the topic starts, and these copies are older, perhaps from another epoch.
    fn drop_held(&mut self, topic: &str) {
        self.held.retain(|told| match told {
            Told::Run { stream, .. } => stream.topic.as_str() != topic,
            Told::Gap(gap) => gap.topic != topic,
            _ => true,
        });
    }

    /// Accepts the shared copies that came before SUBSCRIBED, if no frame stated where their topics
    /// start. Such a topic either began after the subscription, or has ended in the meantime.
    fn take_held(&mut self) {
        for told in std::mem::take(&mut self.held) {
            let (topic, first) = match &told {
                Told::Run { stream, first, .. } => (stream.topic.as_str(), *first),
                Told::Gap(gap) => (gap.topic.as_str(), gap.from),
                _ => continue,
            };
            if first == 1 || self.seen.contains_key(topic) {
                self.take(&told);
            }
        }
    }

    fn stands(&mut self, topic: &str, epoch: u64, next: u64) {
        let last = match self.start {
            Start::Live => next - 1,
            Start::Last => next.saturating_sub(2),
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
        let last = seen.map_or(0, |seen| seen.seq);
        if to <= last {
            return; // a shared copy of an event that the replay had
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
