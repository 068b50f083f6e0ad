//! This module compiles the paths of all rules of a plan to one automaton.
//!
//! Without it, every key of a message would be compared with every path.

use super::names::Names;
use super::path_pattern::{PathPattern, Segment};
use crate::model::RuleBits;
use std::collections::BTreeMap;

/// A `State` of the automaton is a segment of a path, or the end of a path.
#[derive(Debug)]
enum State {
    /// The key has the number `atom` in [`PathSet::atoms`]. If the segment is a number, it is also the index
    /// `index`.
    Key {
        atom: u32,
        index: Option<u64>,
    },
    One,
    Rest,
    /// The path of these rules ends here.
    End(RuleBits),
}

/// A `PathSet` has all paths of a plan. A row is a set of states, with one bit for each state, in words of 64
/// bits. Each open container has one row.
#[derive(Debug, Default)]
pub(crate) struct PathSet {
    states: Vec<State>,
    /// Each key that some path names has a number.
    atoms: Names<u32>,
    /// The root of a payload has this row.
    payload: Vec<u64>,
    /// The root of headers has this row.
    headers: Vec<u64>,
    /// From the states in this row, every key or index leads to another state.
    open: Vec<u64>,
    /// At the states in this row, a path ends.
    ends: Vec<u64>,
}

/// A `Step` leads from a container to a value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value has a key that some path names. The key has this number.
    Atom(u32),
    /// The value has this index, or this integer as its key.
    Number(u64),
    /// The value has a key that no path names.
    Other,
}

impl PathSet {
    /// Compiles paths. Each of them comes with the number of its rule.
    pub(crate) fn new<'a>(paths: impl Iterator<Item = (usize, &'a PathPattern)>) -> Self {
        let mut set = PathSet::default();
        let mut atoms: BTreeMap<Box<[u8]>, u32> = BTreeMap::new();
        let mut starts = Vec::new();
        for (rule, path) in paths {
            starts.push((set.states.len(), path.headers));
            for segment in &path.segments {
                let state = match segment {
                    Segment::One => State::One,
                    Segment::Rest => State::Rest,
                    Segment::Key(key) => {
                        let fresh = atoms.len() as u32;
                        let atom = *atoms.entry(key.as_bytes().into()).or_insert(fresh);
                        State::Key { atom, index: key.parse().ok() }
                    }
                };
                set.states.push(state);
            }
            set.states.push(State::End(RuleBits::one(rule)));
        }
        let width = set.states.len().div_ceil(64);
        (set.payload, set.headers) = (vec![0; width], vec![0; width]);
        let row_of = |want: fn(&State) -> bool| {
            let mut row = vec![0; width];
            for (at, _) in set.states.iter().enumerate().filter(|(_, state)| want(state)) {
                row[at / 64] |= 1 << (at % 64);
            }
            row
        };
        (set.open, set.ends) = (
            row_of(|state| matches!(state, State::One | State::Rest)),
            row_of(|state| matches!(state, State::End(_))),
        );
        set.atoms = atoms.into_iter().collect();
        for (start, headers) in starts {
            let mut row = vec![0; width];
            set.enter(start, &mut row);
            let rows = if headers { &mut set.headers } else { &mut set.payload };
            rows.iter_mut().zip(&row).for_each(|(have, new)| *have |= new);
        }
        set
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Returns the most steps that a value costs because of the paths.
    pub(crate) fn most_steps(&self) -> u64 {
        (self.width() + self.states.len() / 4) as u64
    }

    /// Returns how many words a row has.
    pub(crate) fn width(&self) -> usize {
        self.payload.len()
    }

    /// Returns the row of the root of headers or of a payload.
    pub(crate) fn start(&self, headers: bool) -> &[u64] {
        if headers { &self.headers } else { &self.payload }
    }

    /// Returns the step to the value of a key.
    #[inline]
    pub(crate) fn atom(&self, key: &[u8]) -> Step {
        if !self.atoms.may_have(key) {
            return Step::Other;
        }
        self.atoms.get(key).map_or(Step::Other, Step::Atom)
    }

    /// Adds a state to a row, and the states that are reached from it without a key.
    fn enter(&self, mut state: usize, row: &mut [u64]) {
        row[state / 64] |= 1 << (state % 64);
        // `**` may match no key at all, so the state behind it is reached at once.
        while matches!(self.states[state], State::Rest) {
            state += 1;
            row[state / 64] |= 1 << (state % 64);
        }
    }

    /// Returns whether a key that no path names leads from these states to another state.
    #[inline]
    pub(crate) fn open(&self, row: &[u64]) -> bool {
        row.iter().zip(&self.open).any(|(bits, open)| bits & open != 0)
    }

    /// Computes the row of a value from the row of its container. Returns how many states were followed.
    pub(crate) fn step(&self, from: &[u64], step: Step, into: &mut [u64]) -> u64 {
        into.fill(0);
        let mut followed = 0;
        for (word, bits) in from.iter().enumerate() {
            let mut bits = if step == Step::Other { bits & self.open[word] } else { *bits };
            while bits != 0 {
                let at = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                followed += 1;
                match (&self.states[at], step) {
                    (State::Rest, _) => self.enter(at, into),
                    (State::One, _) => self.enter(at + 1, into),
                    (State::Key { atom, .. }, Step::Atom(key)) if *atom == key => {
                        self.enter(at + 1, into);
                    }
                    (State::Key { index: Some(index), .. }, Step::Number(n)) if *index == n => {
                        self.enter(at + 1, into);
                    }
                    _ => {}
                }
            }
        }
        followed
    }

    /// Returns the rules whose path ends at one of these states.
    pub(crate) fn ends(&self, row: &[u64]) -> RuleBits {
        let mut rules = RuleBits::NONE;
        for (word, bits) in row.iter().enumerate() {
            let mut bits = bits & self.ends[word];
            while bits != 0 {
                let at = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if let State::End(ending) = &self.states[at] {
                    rules |= *ending;
                }
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &[&str]) -> bool {
        let pattern = PathPattern::parse(pattern).unwrap();
        let set = PathSet::new(std::iter::once((0, &pattern)));
        let mut row = set.start(pattern.headers).to_vec();
        for key in path {
            let step = match (set.atom(key.as_bytes()), key.parse()) {
                (Step::Other, Ok(n)) => Step::Number(n),
                (step, _) => step,
            };
            let mut next = vec![0; set.width()];
            set.step(&row, step, &mut next);
            row = next;
        }
        set.ends(&row).has(0)
    }

    #[test]
    fn a_path_matches_what_it_says() {
        assert!(matches("$", &[]) && !matches("$", &["a"]));
        assert!(matches("a.b", &["a", "b"]) && !matches("a.b", &["a"]));
        assert!(!matches("a.b", &["a", "b", "c"]) && !matches("a.b", &["a", "x"]));
        assert!(matches("a.*.c", &["a", "x", "c"]) && !matches("a.*.c", &["a", "c"]));
        assert!(matches("**", &[]) && matches("**", &["a", "b"]));
        assert!(matches("**.c", &["c"]) && matches("**.c", &["a", "b", "c"]));
        assert!(!matches("**.c", &["c", "d"]));
        assert!(matches("a.**", &["a"]) && matches("a.**.z", &["a", "b", "z", "z"]));
        assert!(matches("items.3", &["items", "3"]) && !matches("items.3", &["items", "4"]));
        assert!(matches("a\\.b", &["a.b"]) && matches("\\*", &["*"]) && !matches("\\*", &["x"]));
        assert!(matches("$headers.trace", &["trace"]));
    }
}
