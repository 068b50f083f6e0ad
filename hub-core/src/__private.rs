//! Holds the types and functions that the code written by `#[derive(Event)]` uses. No other code
//! should use them.
//!
//! Without this module, the derive macro would have to write the parsing of topics into each crate
//! that uses it.

use hub_wire::NameError;
use std::fmt::{Display, Write};
use std::sync::LazyLock;

/// This line exports the traits alone, because `hub_core::Event` is also the name of the derive
/// macro.
pub use crate::emitter::event::{Event, Request};
pub use hub_wire::{TopicFilter, TopicName};

/// `Event::topic` returns this type.
pub type TopicResult = Result<TopicName, NameError>;
/// This type holds a topic name that is parsed when it is first needed.
pub type Name = LazyLock<TopicName>;
/// This type holds a topic filter that is parsed when it is first needed.
pub type Filter = LazyLock<TopicFilter>;

/// Parses a topic name that the derive macro has checked.
///
/// # Panics
/// The function panics if macro and parser disagree. A test of `hub-macros` rules that out.
#[must_use]
pub fn name(checked: &str) -> TopicName {
    match TopicName::parse(checked) {
        Ok(name) => name,
        Err(error) => unreachable!("{checked} was checked when it was compiled: {error}"),
    }
}

/// Parses a topic filter that the derive macro has checked.
///
/// # Panics
/// The function panics if macro and parser disagree. A test of `hub-macros` rules that out.
#[must_use]
pub fn filter(checked: &str) -> TopicFilter {
    match TopicFilter::parse(checked) {
        Ok(filter) => filter,
        Err(error) => unreachable!("{checked} was checked when it was compiled: {error}"),
    }
}

/// Builds the topic name that consists of these tokens.
///
/// # Errors
/// A token is refused if it is empty or contains a dot: a token with a dot would be several tokens,
/// and the event would be on a topic that its own filter does not match. A name that breaks a rule
/// for topic names is refused, too.
pub fn join(tokens: &[&dyn Display]) -> TopicResult {
    let mut text = String::new();
    for token in tokens {
        if !text.is_empty() {
            text.push('.');
        }
        let start = text.len();
        if write!(text, "{token}").is_err() {
            // If `Display` fails, the text of the token is unknown, and the token counts as empty.
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
