//! Defines topic names, and the rules for their text.
//!
//! Every topic name in the hub was checked here. Without the check, a wildcard or a line break in a
//! name would reach filters, logs and file names.

use std::{fmt, str::FromStr, sync::Arc};
use thiserror::Error;

/// Holds the name of a topic: 1 to 32 tokens joined by dots, such as `orders.placed`.
///
/// A value of this type is always a valid name, because [`TopicName::parse`] is the only way to
/// make a value. Names whose first byte is `$` are reserved for the hub.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(Arc<str>);

/// States why a text is not a topic name or a topic filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text has more bytes than allowed.
    #[error("the name has {length} bytes, at most {} are allowed", TopicName::MAX_BYTES)]
    TooLong {
        /// The text has this many bytes.
        length: usize,
    },
    /// The text has more tokens than allowed.
    #[error("the name has more than {} tokens", TopicName::MAX_TOKENS)]
    TooManyTokens,
    /// A token is empty: there is nothing in front of, between or behind dots.
    #[error("empty token at byte {at}")]
    EmptyToken {
        /// The token begins at this byte offset.
        at: usize,
    },
    /// The text has a byte that [`TopicName::is_allowed`] does not allow.
    #[error("byte {byte:#04x} at {at} is not allowed in a name")]
    BadByte {
        /// This byte is not allowed.
        byte: u8,
        /// The byte has this offset.
        at: usize,
    },
    /// The text has a `*` although it must be a name, or the text is a filter in which a wildcard
    /// is not a whole token, or in which `**` is not the last token.
    #[error("'*' at byte {at} stands where no wildcard can")]
    Wildcard {
        /// The `*` has this byte offset.
        at: usize,
    },
}

impl TopicName {
    /// A name has at most this many bytes.
    pub const MAX_BYTES: usize = 255;
    /// A name has at most this many tokens.
    pub const MAX_TOKENS: usize = 32;
    /// The names of inboxes begin with this text.
    pub const INBOX: &str = "$inbox.";

    /// Checks `text` and returns it as a topic name.
    ///
    /// # Errors
    /// The error states which rule for names the text breaks, and at which byte.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text, false)?;
        Ok(TopicName(text.into()))
    }

    /// Returns whether a token may contain this byte. It may contain ASCII letters, digits and
    /// `-_:@/+=~%#$`.
    ///
    /// White space, quotes and control characters are not allowed, so that a name can be printed in
    /// a log line or a shell without quoting.
    #[must_use]
    pub fn is_allowed(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"-_:@/+=~%#$".contains(&byte)
    }

    /// Returns whether a client or a queue group may have this name. Such a name has 1 to 64 bytes, and
    /// only bytes that a token may contain.
    #[must_use]
    pub fn is_label(text: &str) -> bool {
        (1..=64).contains(&text.len()) && text.bytes().all(Self::is_allowed)
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tokens of the name.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Returns whether the topic is the inbox of a client, on which it gets replies.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.0.starts_with(Self::INBOX)
    }

    /// Returns whether the name is reserved for the hub.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }
}

/// Checks a text by the rules for names, or for filters if `wildcards` is true. No other code has these
/// rules.
pub(super) fn check(text: &str, wildcards: bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > TopicName::MAX_BYTES {
        return Err(NameError::TooLong { length: text.len() });
    }
    let (mut at, mut count) = (0, 0);
    let mut tokens = text.split('.').peekable();
    while let Some(token) = tokens.next() {
        count += 1;
        let wildcard = wildcards && (token == "*" || token == "**" && tokens.peek().is_none());
        if token.is_empty() {
            return Err(NameError::EmptyToken { at });
        }
        if let Some(bad) =
            token.bytes().position(|b| !TopicName::is_allowed(b)).filter(|_| !wildcard)
        {
            let (byte, at) = (token.as_bytes()[bad], at + bad);
            return Err(match byte {
                b'*' => NameError::Wildcard { at },
                byte => NameError::BadByte { byte, at },
            });
        }
        at += token.len() + 1;
    }
    if count > TopicName::MAX_TOKENS { Err(NameError::TooManyTokens) } else { Ok(()) }
}

impl FromStr for TopicName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        TopicName::parse(text)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicName({})", self.0)
    }
}

/// Allows a look-up by `str` in a map whose keys are names. `Hash` and `Eq` agree with those of `str`.
impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_name_is_said_with_its_place() {
        let error = |text: &str| TopicName::parse(text).unwrap_err();
        assert_eq!(error(""), NameError::Empty);
        assert_eq!(error("a..b"), NameError::EmptyToken { at: 2 });
        assert_eq!(error("a."), NameError::EmptyToken { at: 2 });
        assert_eq!(error("a.b c"), NameError::BadByte { byte: b' ', at: 3 });
        assert_eq!(error("a\0"), NameError::BadByte { byte: 0, at: 1 });
        assert_eq!(error("a.*"), NameError::Wildcard { at: 2 });
        assert_eq!(error(&"a".repeat(256)), NameError::TooLong { length: 256 });
        assert_eq!(error(&["a"; 33].join(".")), NameError::TooManyTokens);
        assert_eq!(error("ä"), NameError::BadByte { byte: 0xc3, at: 0 });
        assert!(TopicName::parse(&["a"; 32].join(".")).is_ok());
    }

    #[test]
    fn names_that_start_with_a_dollar_are_the_hubs() {
        assert!(TopicName::parse("$hub.stats").unwrap().is_reserved());
        assert!(!TopicName::parse("hub.$stats").unwrap().is_reserved());
    }
}
