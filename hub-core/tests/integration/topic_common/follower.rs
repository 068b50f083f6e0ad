//! A plain subscription, as a client sees it that was written from PROTOCOL.md alone.

use super::Told;
use hub_wire::{GapReason, Position, Start, TopicFilter};
use std::collections::BTreeMap;

/// What a subscription was told of a topic's epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The first number, in an event or in a gap.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
    /// Numbers and ids of its events.
    pub(crate) events: Vec<(u64, u64)>,
}

#[derive(Debug)]
pub(crate) struct Follower {
    pub(crate) id: u64,
    pub(crate) filter: TopicFilter,
    start: Start,
    confirmed: bool,
    /// SUBSCRIBED has come on some connection: it can come back to where it was.
    pub(crate) established: bool,
    /// Shared copies that came before SUBSCRIBED.
    held: Vec<Told>,
    /// Where it stands in each topic: the epoch, and the last number.
    pub(crate) seen: BTreeMap<String, Position>,
    /// By topic and epoch.
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

    /// How to subscribe again: behind what was seen.
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

    /// What is for it alone says where the topic starts: shared copies that came before are from
    /// before that, perhaps from an older epoch.
    fn drop_held(&mut self, topic: &str) {
        self.held.retain(|told| match told {
            Told::Run { stream, .. } => stream.topic.as_str() != topic,
            Told::Gap(gap) => gap.topic != topic,
            _ => true,
        });
    }

    /// Nothing has said where these topics start. Either they began after the subscription did,
    /// or these are what was left of topics that have ended.
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
                // It comes behind the past, of which nothing is missing.
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

    /// Everything follows what was seen before, without a hole.
    fn covers(&mut self, topic: &str, epoch: u64, (from, to): (u64, u64), id: Option<u64>) {
        let seen = self.seen.get(topic).filter(|seen| seen.epoch == epoch);
        let last = seen.map_or(0, |seen| seen.seq);
        if to <= last {
            return; // a shared copy of what it has from the past
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
