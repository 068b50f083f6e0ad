//! Compares filters with one another, and puts the name of an identity into filters. Without this
//! module, a right for a filter could not be compared with a subscription.

use hub_wire::{FilterToken, NameError, TopicFilter};

use super::name::IdentityName;

/// Returns whether `wide` matches every topic that `narrow` matches.
#[must_use]
pub fn covers(wide: &TopicFilter, narrow: &TopicFilter) -> bool {
    use FilterToken::{Literal, One, Rest};
    if narrow.is_reserved() && !wide.is_reserved() {
        return false;
    }
    let (mut wide, mut narrow) = (wide.tokens(), narrow.tokens());
    loop {
        match (wide.next(), narrow.next()) {
            (None, None) => return true,
            (Some(Rest), Some(_)) => return true,
            (Some(One), Some(One | Literal(_))) => {}
            (Some(Literal(a)), Some(Literal(b))) if a == b => {}
            _ => return false,
        }
    }
}

/// Returns whether any topic is matched by both filters.
#[must_use]
pub fn overlap(a: &TopicFilter, b: &TopicFilter) -> bool {
    use FilterToken::{Literal, Rest};
    if a.is_reserved() != b.is_reserved() {
        return false;
    }
    let (mut a, mut b) = (a.tokens(), b.tokens());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(Rest), Some(_)) | (Some(_), Some(Rest)) => return true,
            (Some(Literal(a)), Some(Literal(b))) if a != b => return false,
            (Some(_), Some(_)) => {}
            _ => return false,
        }
    }
}

/// This placeholder stands for the name of the identity in a role's filter. It is a token of its
/// own.
pub(super) const IDENTITY: &str = "{identity}";

/// Holds a filter of a role, which may contain `{identity}`.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Fixed(TopicFilter),
    Named(String),
}

impl Pattern {
    /// Parses a filter of a role.
    ///
    /// # Errors
    /// The error says why the text is not a filter.
    pub(super) fn parse(text: &str) -> Result<Pattern, NameError> {
        if !text.split('.').any(|token| token == IDENTITY) {
            return TopicFilter::parse(text).map(Pattern::Fixed);
        }
        fill(text, "x")?;
        Ok(Pattern::Named(text.to_owned()))
    }

    pub(super) fn is_named(&self) -> bool {
        matches!(self, Pattern::Named(_))
    }

    /// Returns the filter for one identity.
    ///
    /// # Errors
    /// The error means that the filter would be longer than a filter may be.
    pub(super) fn resolve(&self, name: &IdentityName) -> Result<TopicFilter, NameError> {
        match self {
            Pattern::Fixed(filter) => Ok(filter.clone()),
            Pattern::Named(text) => fill(text, &name.token()),
        }
    }

    /// Returns the first token, which decides to whom the topics belong.
    pub(super) fn first_token(&self) -> &str {
        let text = match self {
            Pattern::Fixed(filter) => filter.as_str(),
            Pattern::Named(text) => text,
        };
        text.split('.').next().unwrap_or(text)
    }
}

fn fill(text: &str, name: &str) -> Result<TopicFilter, NameError> {
    let tokens = text.split('.').map(|token| if token == IDENTITY { name } else { token });
    TopicFilter::parse(&tokens.collect::<Vec<_>>().join("."))
}
