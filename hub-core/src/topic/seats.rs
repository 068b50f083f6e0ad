use std::collections::HashMap;
use std::hash::Hash;

/// Values in an order that is cheap to go through, each found by its key.
///
/// A topic can have tens of thousands of members, and looking for one happens under its lock.
#[derive(Debug)]
pub(super) struct Seats<K, V> {
    values: Vec<(K, V)>,
    places: HashMap<K, usize>,
}

impl<K, V> Default for Seats<K, V> {
    fn default() -> Self {
        Seats { values: Vec::new(), places: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Seats<K, V> {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.values.iter().map(|(_, value)| value)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut().map(|(_, value)| value)
    }

    /// The value in a place, counted from 0.
    pub(super) fn at(&self, place: usize) -> Option<&V> {
        self.values.get(place).map(|(_, value)| value)
    }

    pub(super) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let place = *self.places.get(key)?;
        self.values.get_mut(place).map(|(_, value)| value)
    }

    /// The value with this key, made if there is none.
    pub(super) fn get_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let place = *self.places.entry(key.clone()).or_insert(self.values.len());
        if place == self.values.len() {
            self.values.push((key, make()));
        }
        &mut self.values[place].1
    }

    /// Takes a value out. The last one takes its place.
    pub(super) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let place = self.places.remove(key)?;
        let (_, value) = self.values.swap_remove(place);
        if let Some((moved, _)) = self.values.get(place) {
            self.places.insert(moved.clone(), place);
        }
        Some(value)
    }
}
