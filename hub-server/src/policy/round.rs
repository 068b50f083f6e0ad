//! Gives those for whom jobs wait their turns. Without it, whoever asks most often would be served most
//! often.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

/// Gives each key its turn, and serves the jobs of one key in the order in which they came.
#[derive(Debug)]
pub(super) struct Round<K> {
    lines: HashMap<K, Line>,
    /// The key with the smallest turn is served next.
    turns: BTreeMap<u64, K>,
    next_turn: u64,
}

#[derive(Debug)]
struct Line {
    turn: u64,
    jobs: BTreeSet<u64>,
}

impl<K> Default for Round<K> {
    fn default() -> Self {
        Round { lines: HashMap::new(), turns: BTreeMap::new(), next_turn: 0 }
    }
}

impl<K: Clone + Eq + Hash> Round<K> {
    pub(super) fn waiting(&self, key: &K) -> usize {
        self.lines.get(key).map_or(0, |line| line.jobs.len())
    }

    pub(super) fn insert(&mut self, key: &K, job: u64) {
        if let Some(line) = self.lines.get_mut(key) {
            line.jobs.insert(job);
            return;
        }
        let turn = self.take_turn(key);
        self.lines.insert(key.clone(), Line { turn, jobs: BTreeSet::from([job]) });
    }

    pub(super) fn remove(&mut self, key: &K, job: u64) {
        let Some(line) = self.lines.get_mut(key) else { return };
        line.jobs.remove(&job);
        if line.jobs.is_empty() {
            self.turns.remove(&line.turn);
            self.lines.remove(key);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.turns.is_empty()
    }

    /// Returns the first job for which `may_run` holds, of the key whose turn it is.
    pub(super) fn first(&self, may_run: impl Fn(u64) -> bool) -> Option<u64> {
        let lines = self.turns.values().filter_map(|key| self.lines.get(key));
        lines.flat_map(|line| line.jobs.iter().copied()).find(|job| may_run(*job))
    }

    /// Puts the key behind all others.
    pub(super) fn was_served(&mut self, key: &K) {
        let Some(before) = self.lines.get(key).map(|line| line.turn) else { return };
        self.turns.remove(&before);
        let turn = self.take_turn(key);
        if let Some(line) = self.lines.get_mut(key) {
            line.turn = turn;
        }
    }

    fn take_turn(&mut self, key: &K) -> u64 {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert(turn, key.clone());
        turn
    }
}
