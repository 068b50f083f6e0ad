//! Remembers what was said lately under a name, in bounded memory.
//!
//! A request may never get a reply, and a topic may never get another event. A map that waits for them
//! would grow with the capture.

use foldhash::HashMap;

/// Each of the two generations has at most this many names.
const GENERATION: usize = 512;
/// A longer name is not remembered.
const MAX_NAME: usize = 256;

/// The latest names, and what was said under each. At least the latest 512 names are there.
#[derive(Debug)]
pub(super) struct Recent<T> {
    young: HashMap<Box<str>, T>,
    old: HashMap<Box<str>, T>,
    bytes: usize,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent { young: HashMap::default(), old: HashMap::default(), bytes: 0 }
    }
}

impl<T: Copy> Recent<T> {
    /// Remembers what was said under a name. The latest value stays.
    pub(super) fn insert(&mut self, name: &str, value: T) {
        if let Some(known) = self.young.get_mut(name) {
            *known = value;
            return;
        }
        if name.len() > MAX_NAME {
            return;
        }
        if self.young.len() == GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.bytes = self.old.keys().map(|name| name.len()).sum();
        }
        self.bytes += name.len();
        self.young.insert(name.into(), value);
    }

    /// Changes what is remembered under a name. A new name begins with the default.
    pub(super) fn update(&mut self, name: &str, change: impl FnOnce(&mut T))
    where
        T: Default,
    {
        if let Some(known) = self.young.get_mut(name) {
            return change(known);
        }
        let mut value = self.get(name).unwrap_or_default();
        change(&mut value);
        self.insert(name, value);
    }

    /// Returns what was said under a name.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        self.young.get(name).or_else(|| self.old.get(name)).copied()
    }

    /// Returns about how many bytes of memory the names take.
    pub(super) fn held(&self) -> usize {
        let entry = size_of::<(Box<str>, T)>() + 1;
        self.bytes + (self.young.capacity() + self.old.capacity()) * entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_names_stay() {
        let mut recent = Recent::<usize>::default();
        for n in 0..10_000 {
            recent.insert(&n.to_string(), n);
            recent.insert(&n.to_string(), n + 1);
        }
        for n in 10_000 - GENERATION..10_000 {
            assert_eq!(recent.get(&n.to_string()), Some(n + 1));
        }
        assert_eq!(recent.get("1"), None);
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION);
        assert!(recent.held() < GENERATION * 200, "{}", recent.held());
        recent.insert(&"x".repeat(MAX_NAME + 1), 1);
        assert_eq!(recent.get(&"x".repeat(MAX_NAME + 1)), None);
    }
}
