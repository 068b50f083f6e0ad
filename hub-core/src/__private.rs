//! What the code that `#[derive(Event)]` writes calls. Not for use by hand.

use hub_wire::NameError;
use std::fmt::{Display, Write};
use std::sync::LazyLock;

/// The traits alone; `hub_core::Event` is also the derive macro.
pub use crate::emitter::event::{Event, Request};
pub use hub_wire::{TopicFilter, TopicName};

/// What `Event::topic` returns.
pub type TopicResult = Result<TopicName, NameError>;
/// A name that is parsed when it is first needed.
pub type Name = LazyLock<TopicName>;
/// A filter that is parsed when it is first needed.
pub type Filter = LazyLock<TopicFilter>;

/// The name that the derive macro has checked.
///
/// # Panics
/// Where macro and parser disagree, which a test of `hub-macros` rules out.
#[must_use]
pub fn name(checked: &str) -> TopicName {
    match TopicName::parse(checked) {
        Ok(name) => name,
        Err(error) => unreachable!("{checked} was checked when it was compiled: {error}"),
    }
}

/// The filter that the derive macro has checked.
///
/// # Panics
/// As [`name`].
#[must_use]
pub fn filter(checked: &str) -> TopicFilter {
    match TopicFilter::parse(checked) {
        Ok(filter) => filter,
        Err(error) => unreachable!("{checked} was checked when it was compiled: {error}"),
    }
}

/// The name with these tokens.
///
/// # Errors
/// When one of them is none: a token with a dot in it would be several, and the event would be
/// on a topic that its own filter does not match.
pub fn join(tokens: &[&dyn Display]) -> TopicResult {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            text.push('.');
        }
        let start = text.len();
        if write!(text, "{token}").is_err() {
            // A `Display` that fails has not said what the token is.
            text.truncate(start);
        }
        if let Some(dot) = text[start..].find('.') {
            return Err(NameError::BadByte { byte: b'.', at: start + dot });
        }
        if text.len() == start {
            return Err(NameError::EmptyToken { at: start });
        }
    }
    TopicName::parse(&text)
}
