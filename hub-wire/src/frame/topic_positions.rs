//! Keeps how far a subscription has come in each of its topics.
//!
//! A client may come back with the positions of a hundred thousand topics. So they lie in a few large pieces of
//! memory. With a piece for each name, a hub would take many milliseconds to read the positions of one frame,
//! and as many to free them.

use hashbrown::HashTable;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// States how far a subscription has come in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The event number belongs to this epoch of the topic.
    pub epoch: u64,
    /// The subscription has come to the event with this number. It is 0 in front of the first event.
    pub seq: u64,
}

impl Position {
    /// The positions of one subscription may take 16 MiB in a hub (PROTOCOL.md, section 12). For this bound,
    /// a position counts for so many bytes besides the name of its topic.
    pub const COUNTS_FOR: usize = 100;
}

/// Maps the names of topics to positions.
///
/// Names are any text, because the reader of a frame does not check them.
#[derive(Clone, Default)]
pub struct TopicPositions(Box<Table>); // Most subscriptions have no positions, and should not keep room for them.

#[derive(Clone, Default)]
struct Table {
    /// The names of all topics stand here, one behind the other.
    names: String,
    /// The positions are in the order in which they were inserted.
    entries: Vec<Entry>,
    /// The entries are found here by the hashes of their names.
    slots: HashTable<Slot>,
    /// The keys are random, so nobody can choose names with equal hashes.
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Entry {
    /// The name begins here, and ends where the next one begins.
    name: usize,
    position: Position,
}

/// Finds an entry. The hash stands here too, so that a table that grows need not read all names again.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    number: usize,
}

impl TopicPositions {
    /// Returns how many topics have a position.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Returns whether no topic has a position.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// Returns how many bytes of memory the positions take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let entries = self.0.entries.capacity() * size_of::<Entry>();
        let slots = self.0.slots.allocation_size();
        size_of::<Table>() + self.0.names.capacity() + entries + slots
    }

    /// Returns the position in a topic, if there is one.
    #[must_use]
    pub fn get(&self, topic: &str) -> Option<&Position> {
        let number = self.find(topic, self.0.hasher.hash_one(topic))?;
        Some(&self.0.entries[number].position)
    }

    /// Adds the position in a topic. Returns false, and changes nothing, if the topic has a position already.
    pub fn insert(&mut self, topic: &str, position: Position) -> bool {
        let hash = self.0.hasher.hash_one(topic);
        if self.find(topic, hash).is_some() {
            return false;
        }
        self.0
            .slots
            .insert_unique(hash, Slot { hash, number: self.0.entries.len() }, |slot| slot.hash);
        self.0.entries.push(Entry { name: self.0.names.len(), position });
        self.0.names.push_str(topic);
        true
    }

    fn find(&self, topic: &str, hash: u64) -> Option<usize> {
        let is_topic = |slot: &Slot| slot.hash == hash && self.name(slot.number) == topic;
        self.0.slots.find(hash, is_topic).map(|slot| slot.number)
    }

    /// Returns all topics with their positions, in the order in which they were inserted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Position)> {
        self.0.entries.iter().enumerate().map(|(n, entry)| (self.name(n), entry.position))
    }

    fn name(&self, number: usize) -> &str {
        let end = self.0.entries.get(number + 1).map_or(self.0.names.len(), |next| next.name);
        &self.0.names[self.0.entries[number].name..end]
    }
}

/// Of several positions in one topic, the first counts.
impl FromIterator<(String, Position)> for TopicPositions {
    fn from_iter<I: IntoIterator<Item = (String, Position)>>(all: I) -> Self {
        let mut positions = TopicPositions::default();
        for (topic, position) in all {
            positions.insert(&topic, position);
        }
        positions
    }
}

impl<const N: usize> From<[(String, Position); N]> for TopicPositions {
    fn from(all: [(String, Position); N]) -> Self {
        all.into_iter().collect()
    }
}

/// The order does not matter.
impl PartialEq for TopicPositions {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(topic, position)| other.get(topic) == Some(&position);
        self.len() == other.len() && self.iter().all(is_same)
    }
}

impl Eq for TopicPositions {}

impl fmt::Debug for TopicPositions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Positions are a map in which the first position of a topic counts.
        #[test]
        fn positions_are_a_map(given in proptest::collection::vec(("[a-cä]{0,3}", 0..9_u64), 0..200)) {
            let (mut positions, mut model) = (TopicPositions::default(), BTreeMap::new());
            for (n, (topic, seq)) in given.iter().enumerate() {
                let position = Position { epoch: n as u64, seq: *seq };
                let is_new = !model.contains_key(topic);
                prop_assert_eq!(positions.insert(topic, position), is_new);
                model.entry(topic.clone()).or_insert(position);
            }
            prop_assert_eq!((positions.len(), positions.is_empty()), (model.len(), model.is_empty()));
            for topic in given.iter().map(|(topic, _)| topic.as_str()).chain(["x", ""]) {
                prop_assert_eq!(positions.get(topic), model.get(topic));
            }
            let listed: BTreeMap<_, _> =
                positions.iter().map(|(topic, position)| (topic.to_owned(), position)).collect();
            prop_assert_eq!(&listed, &model);
            let mut other: TopicPositions = model.into_iter().rev().collect();
            prop_assert_eq!(&other, &positions);
            other.insert("x", Position { epoch: 0, seq: 0 });
            prop_assert_ne!(other, positions);
        }
    }
}
