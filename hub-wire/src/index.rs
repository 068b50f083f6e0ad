//! Provides two indexes. One index is a trie over tokens, and finds the filters that match a topic. The
//! other index is an ordered set of names, and finds the topics that match a filter.
//!
//! Without the indexes, the hub would compare every subscription with every new topic, and every
//! topic with every new subscription.

use super::{FilterToken, TopicFilter, TopicName};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

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

/// Returns whether a collection should give memory back. Subscriptions come and go by the thousand, and each
/// literal takes more than a hundred bytes.
fn has_much_room(capacity: usize, len: usize) -> bool {
    capacity > 4 * len + 16
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
            let taken = values.iter().position(is_it).map(|at| values.swap_remove(at));
            if has_much_room(values.capacity(), values.len()) {
                values.shrink_to_fit();
            }
            taken
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
                    if has_much_room(self.literals.capacity(), self.literals.len()) {
                        self.literals.shrink_to_fit();
                    }
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

/// Finds every topic that a filter matches, in the order of the bytes of their names.
///
/// The names are kept in one order and not in a tree of tokens, so a search can stop at any name and
/// go on there later, although topics have come and gone in between.
#[derive(Debug, Default)]
pub struct TopicIndex {
    names: BTreeSet<TopicName>,
}

/// Holds the place at which a search for topics goes on.
#[derive(Debug, Clone)]
pub struct TopicSearch {
    /// Without a filter, every topic is found.
    filter: Option<TopicFilter>,
    /// No name before this text is of interest any more. `None` means that the search is over.
    from: Option<String>,
}

impl TopicSearch {
    /// Returns a search for the topics of this filter.
    #[must_use]
    pub fn new(filter: &TopicFilter) -> Self {
        TopicSearch { filter: Some(filter.clone()), from: Some(String::new()) }
    }

    /// Returns a search for all topics, also for those whose names begin with `$`.
    #[must_use]
    pub fn everything() -> Self {
        TopicSearch { filter: None, from: Some(String::new()) }
    }

    /// Returns whether the search has seen every name that can match.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.from.is_none()
    }
}

impl TopicIndex {
    /// Adds a topic.
    pub fn insert(&mut self, topic: &TopicName) {
        self.names.insert(topic.clone());
    }

    /// Removes a topic.
    pub fn remove(&mut self, topic: &TopicName) {
        self.names.remove(topic);
    }

    /// Calls `found` with every topic that the filter matches.
    pub fn matching<'a>(&'a self, filter: &TopicFilter, found: impl FnMut(&'a TopicName)) {
        self.search(&mut TopicSearch::new(filter), usize::MAX, found);
    }

    /// Goes on with a search: looks at no more than `most` names, and calls `found` with each topic
    /// among them that the filter matches.
    ///
    /// A topic that is there from the beginning of a search to its end is found once. A topic that
    /// comes or goes in between may be found or not.
    pub fn search<'a>(
        &'a self,
        search: &mut TopicSearch,
        most: usize,
        mut found: impl FnMut(&'a TopicName),
    ) {
        let TopicSearch { filter, from } = search;
        let mut left = most;
        while let Some(start) = from {
            let range = (Bound::Included(start.as_str()), Bound::Unbounded);
            let mut jump = None;
            for name in self.names.range::<str, _>(range) {
                if left == 0 {
                    *start = name.as_str().to_owned();
                    return;
                }
                left -= 1;
                let place = filter.as_ref().map(|filter| place(filter, name.as_str()));
                match place.unwrap_or(Place::Match) {
                    Place::Match => found(name),
                    Place::Next => {}
                    Place::From(next) => {
                        jump = Some(next);
                        break;
                    }
                    Place::Behind => break,
                }
            }
            *from = jump;
        }
    }
}

/// States where the names that a filter matches are, as seen from one name.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// The filter matches the name.
    Match,
    /// The filter does not match the name, and may match the next one.
    Next,
    /// The filter matches no name from this one up to the text.
    From(String),
    /// The filter matches no name behind this one.
    Behind,
}

/// Compares a name with a filter.
///
/// All names with the same first tokens, and a token behind them, stand together in the order of
/// names. So if one of these tokens differs from a literal, the names that can match stand together,
/// too, and the search can jump there.
fn place(filter: &TopicFilter, name: &str) -> Place {
    let mut tokens = filter.tokens().peekable();
    let mut at = 0; // The tokens of the name before this byte match.
    while let Some(token) = tokens.next() {
        let Some(rest) = name.get(at..).filter(|rest| !rest.is_empty()) else {
            return Place::Next; // The name has too few tokens.
        };
        let have = rest.split('.').next().unwrap_or_default();
        match token {
            // A wildcard as the first token does not match the topics of the hub.
            FilterToken::One | FilterToken::Rest if at == 0 && have.starts_with('$') => {
                return Place::From(after('$'));
            }
            FilterToken::Rest => return Place::Match,
            FilterToken::Literal(want) if want != have => {
                let (before, dot) = (&name[..at], if tokens.peek().is_some() { "." } else { "" });
                let first = format!("{before}{want}{dot}");
                return match before.strip_suffix('.') {
                    _ if first.as_str() > name => Place::From(first),
                    Some(parent) => Place::From(format!("{parent}{}", after('.'))),
                    None => Place::Behind,
                };
            }
            FilterToken::Literal(_) | FilterToken::One => at += have.len() + 1,
        }
    }
    if at > name.len() {
        return Place::Match;
    }
    Place::From(format!("{}{}", &name[..at - 1], after('.'))) // The name has too many tokens.
}

/// Returns the first text behind all texts that begin with this character, which is ASCII.
fn after(character: char) -> String {
    char::from(character as u8 + 1).to_string()
}

#[cfg(test)]
mod tests;
