//! Provides two indexes, each of which is a trie over tokens. One index finds the filters that
//! match a topic, and the other index finds the topics that match a filter.
//!
//! Without the indexes, the hub would compare every subscription with every new topic, and every
//! topic with every new subscription.

use super::{FilterToken, TopicFilter, TopicName};
use std::collections::HashMap;

/// Finds every value whose filter matches a topic.
///
/// For each token, a look-up visits at most two branches, one for the literal token and one for `*`,
/// however many filters the index has.
#[derive(Debug)]
pub struct FilterIndex<V> {
    root: FilterNode<V>,
    len: usize,
}

/// Holds the filters that begin with the same tokens.
#[derive(Debug)]
struct FilterNode<V> {
    /// These filters have a literal as the next token. The literal is the key.
    literals: HashMap<Box<str>, FilterNode<V>>,
    /// These filters have `*` as the next token.
    one: Option<Box<FilterNode<V>>>,
    /// The filters of these values end with `**` here.
    rest: Vec<V>,
    /// The filters of these values end here.
    here: Vec<V>,
}

impl<V> Default for FilterNode<V> {
    fn default() -> Self {
        FilterNode { literals: HashMap::new(), one: None, rest: Vec::new(), here: Vec::new() }
    }
}

impl<V> Default for FilterIndex<V> {
    fn default() -> Self {
        FilterIndex { root: FilterNode::default(), len: 0 }
    }
}

impl<V> FilterIndex<V> {
    /// Adds a value under a filter. A filter can have many values.
    pub fn insert(&mut self, filter: &TopicFilter, value: V) {
        let mut node = &mut self.root;
        self.len += 1;
        for token in filter.tokens() {
            node = match token {
                FilterToken::Literal(text) => node.literals.entry(text.into()).or_default(),
                FilterToken::One => node.one.get_or_insert_default(),
                FilterToken::Rest => return node.rest.push(value),
            };
        }
        node.here.push(value);
    }

    /// Removes and returns the first value under this filter for which `is_it` returns true.
    pub fn remove(&mut self, filter: &TopicFilter, is_it: impl FnMut(&V) -> bool) -> Option<V> {
        let tokens: Vec<_> = filter.tokens().collect();
        let removed = self.root.remove(&tokens, is_it);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// Returns how many values the index has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the index has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls `found` with every value whose filter matches the topic.
    pub fn matching<'a>(&'a self, topic: &TopicName, mut found: impl FnMut(&'a V)) {
        let tokens: Vec<_> = topic.tokens().collect();
        self.root.matching(&tokens, !topic.is_reserved(), &mut found);
    }
}

impl<V> FilterNode<V> {
    fn is_empty(&self) -> bool {
        self.literals.is_empty()
            && self.one.is_none()
            && self.rest.is_empty()
            && self.here.is_empty()
    }

    /// Removes a value. The recursion ends after at most [`TopicName::MAX_TOKENS`] steps.
    fn remove(&mut self, tokens: &[FilterToken<'_>], is_it: impl FnMut(&V) -> bool) -> Option<V> {
        fn take<V>(values: &mut Vec<V>, is_it: impl FnMut(&V) -> bool) -> Option<V> {
            values.iter().position(is_it).map(|at| values.swap_remove(at))
        }
        match tokens {
            [] => take(&mut self.here, is_it),
            [FilterToken::Rest, ..] => take(&mut self.rest, is_it),
            [FilterToken::One, after @ ..] => {
                let child = self.one.as_mut()?;
                let removed = child.remove(after, is_it);
                if child.is_empty() {
                    self.one = None;
                }
                removed
            }
            [FilterToken::Literal(text), after @ ..] => {
                let child = self.literals.get_mut(*text)?;
                let removed = child.remove(after, is_it);
                if child.is_empty() {
                    self.literals.remove(*text);
                }
                removed
            }
        }
    }

    fn matching<'a>(&'a self, tokens: &[&str], wildcards: bool, found: &mut impl FnMut(&'a V)) {
        let [token, after @ ..] = tokens else {
            return self.here.iter().for_each(found);
        };
        if wildcards {
            self.rest.iter().for_each(&mut *found);
            if let Some(one) = &self.one {
                one.matching(after, true, found);
            }
        }
        if let Some(node) = self.literals.get(*token) {
            node.matching(after, true, found);
        }
    }
}

/// Finds every topic that a filter matches.
#[derive(Debug, Default)]
pub struct TopicIndex {
    root: TopicNode,
}

/// Holds the topics whose names begin with the same tokens.
#[derive(Debug, Default)]
struct TopicNode {
    children: HashMap<Box<str>, TopicNode>,
    topic: Option<TopicName>,
}

impl TopicIndex {
    /// Adds a topic.
    pub fn insert(&mut self, topic: &TopicName) {
        let mut node = &mut self.root;
        for token in topic.tokens() {
            node = node.children.entry(token.into()).or_default();
        }
        node.topic = Some(topic.clone());
    }

    /// Removes a topic.
    pub fn remove(&mut self, topic: &TopicName) {
        let tokens: Vec<_> = topic.tokens().collect();
        self.root.remove(&tokens);
    }

    /// Calls `found` with every topic that the filter matches.
    pub fn matching<'a>(&'a self, filter: &TopicFilter, mut found: impl FnMut(&'a TopicName)) {
        let tokens: Vec<_> = filter.tokens().collect();
        self.root.matching(&tokens, true, &mut found);
    }
}

impl TopicNode {
    fn remove(&mut self, tokens: &[&str]) {
        let [token, after @ ..] = tokens else {
            self.topic = None;
            return;
        };
        if let Some(child) = self.children.get_mut(*token) {
            child.remove(after);
            if child.topic.is_none() && child.children.is_empty() {
                self.children.remove(*token);
            }
        }
    }

    fn matching<'a>(
        &'a self,
        tokens: &[FilterToken<'_>],
        first: bool,
        found: &mut impl FnMut(&'a TopicName),
    ) {
        let wild = |token: &str| !(first && token.starts_with('$'));
        match tokens {
            [] => self.topic.iter().for_each(found),
            [FilterToken::Literal(text), after @ ..] => {
                if let Some(child) = self.children.get(*text) {
                    child.matching(after, false, found);
                }
            }
            [FilterToken::One, after @ ..] => {
                for (_, child) in self.children.iter().filter(|(token, _)| wild(token)) {
                    child.matching(after, false, found);
                }
            }
            [FilterToken::Rest, ..] => {
                for (_, child) in self.children.iter().filter(|(token, _)| wild(token)) {
                    child.topic.iter().for_each(&mut *found);
                    child.matching(tokens, false, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn topic() -> impl Strategy<Value = TopicName> {
        proptest::collection::vec("[ab$]|ab", 1..4)
            .prop_map(|tokens| TopicName::parse(&tokens.join(".")).unwrap())
    }

    fn filter() -> impl Strategy<Value = TopicFilter> {
        (proptest::collection::vec("[ab$*]|ab", 0..4), any::<bool>()).prop_filter_map(
            "a filter has a token",
            |(mut tokens, rest)| {
                tokens.extend(rest.then(|| "**".to_owned()));
                TopicFilter::parse(&tokens.join(".")).ok()
            },
        )
    }

    proptest! {
        /// Both indexes find the same pairs as a comparison of each filter with each topic.
        #[test]
        fn the_indexes_agree_with_matching_one_by_one(
            filters in proptest::collection::vec(filter(), 0..30),
            topics in proptest::collection::btree_set(topic(), 0..30),
            gone in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let mut by_filter = FilterIndex::default();
            let mut by_topic = TopicIndex::default();
            filters.iter().enumerate().for_each(|(n, filter)| by_filter.insert(filter, n));
            topics.iter().for_each(|topic| by_topic.insert(topic));
            let (mut kept_filters, mut kept_topics) = (Vec::new(), Vec::new());
            for (n, filter) in filters.iter().enumerate() {
                if gone[n] {
                    prop_assert_eq!(by_filter.remove(filter, |v| *v == n), Some(n));
                } else {
                    kept_filters.push((n, filter));
                }
            }
            for (n, topic) in topics.iter().enumerate() {
                if gone[30 + n] { by_topic.remove(topic) } else { kept_topics.push(topic) }
            }
            prop_assert_eq!(by_filter.len(), kept_filters.len());
            for topic in &topics {
                let mut found = Vec::new();
                by_filter.matching(topic, |n| found.push(*n));
                found.sort_unstable();
                let expected: Vec<_> = kept_filters
                    .iter().filter(|(_, filter)| filter.matches(topic)).map(|(n, _)| *n).collect();
                prop_assert_eq!(found, expected);
            }
            for filter in &filters {
                let mut found = Vec::new();
                by_topic.matching(filter, |topic| found.push(topic));
                found.sort_unstable();
                let expected: Vec<_> =
                    kept_topics.iter().copied().filter(|topic| filter.matches(topic)).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
