//! Defines topic filters, which are patterns for topic names.
//!
//! Access rules and subscriptions match through this one type. With a second matcher, a client could
//! receive topics that its access rules do not allow.

use super::name::{NameError, TopicName, check};
use std::{fmt, str::FromStr, sync::Arc};

/// Matches topic names by a pattern: a name in which any token may be `*`, which stands for one
/// token, and the last token may be `**`, which stands for one or more tokens.
///
/// A wildcard as the first token does not match reserved topics, whose names begin with `$`.
///
/// ```
/// use hub_wire::{TopicFilter, TopicName};
/// let filter = TopicFilter::parse("orders.*.eu")?;
/// assert!(filter.matches(&TopicName::parse("orders.placed.eu")?));
/// assert!(!filter.matches(&TopicName::parse("orders.placed")?));
/// # Ok::<(), hub_wire::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter(Arc<str>);

/// Describes one token of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterToken<'a> {
    /// The name must have exactly this token.
    Literal(&'a str),
    /// The wildcard `*` stands for any one token.
    One,
    /// The wildcard `**` stands for the rest of the name, which has one or more tokens.
    Rest,
}

impl TopicFilter {
    /// Checks `text` and returns it as a filter.
    ///
    /// # Errors
    /// The error states which rule for filters the text breaks, and at which byte.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text, true)?;
        Ok(TopicFilter(text.into()))
    }

    /// Returns the filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tokens of the filter.
    pub fn tokens(&self) -> impl Iterator<Item = FilterToken<'_>> {
        self.0.split('.').map(|token| match token {
            "*" => FilterToken::One,
            "**" => FilterToken::Rest,
            literal => FilterToken::Literal(literal),
        })
    }

    /// Returns the only topic name that the filter matches, if the filter has no wildcard.
    #[must_use]
    pub fn as_name(&self) -> Option<TopicName> {
        TopicName::parse(&self.0).ok()
    }

    /// Returns whether the filter can match reserved topics only.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }

    /// Returns whether the filter matches the topic.
    #[must_use]
    pub fn matches(&self, name: &TopicName) -> bool {
        if name.is_reserved() && !self.is_reserved() {
            return false;
        }
        let mut names = name.tokens();
        for token in self.tokens() {
            match (token, names.next()) {
                (_, None) => return false,
                (FilterToken::Rest, Some(_)) => return true,
                (FilterToken::Literal(want), Some(have)) if want != have => return false,
                _ => {}
            }
        }
        names.next().is_none()
    }
}

impl From<&TopicName> for TopicFilter {
    /// Returns the filter that matches only this topic.
    fn from(name: &TopicName) -> Self {
        TopicFilter(name.as_str().into())
    }
}

impl FromStr for TopicFilter {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        TopicFilter::parse(text)
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicFilter({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_whole_tokens_and_the_rest_comes_last() {
        for good in ["*", "**", "a.*", "*.a.**", "a", "$hub.*"] {
            assert!(TopicFilter::parse(good).is_ok(), "{good}");
        }
        for bad in ["a*", "**.a", "a.***", "", "a..*", ">"] {
            assert!(TopicFilter::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn matching() {
        let matches = |filter: &str, name: &str| {
            TopicFilter::parse(filter).unwrap().matches(&TopicName::parse(name).unwrap())
        };
        assert!(matches("a.**", "a.b") && matches("a.**", "a.b.c") && !matches("a.**", "a"));
        assert!(matches("*", "a") && !matches("*", "a.b") && matches("**", "a.b"));
        assert!(
            !matches("**", "$hub.x") && !matches("*.x", "$hub.x") && matches("$hub.*", "$hub.x")
        );
        assert!(
            matches("a.*.c", "a.b.c") && !matches("a.*.c", "a.b.d") && !matches("a.b", "a.b.c")
        );
    }
}
