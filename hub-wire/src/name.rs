//! Names of topics, and the rules for their text.
//!
//! Every name in the hub was checked here. Without the check, a wildcard or a line break in a name would
//! reach filters, logs and file names.

use std::{fmt, str::FromStr, sync::Arc};
use thiserror::Error;

/// A topic's name: 1 to 32 tokens joined by dots, such as `orders.placed`.
///
/// A value of this type is a valid name; there is no way around [`TopicName::parse`]. Names
/// whose first byte is `$` belong to the hub.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(Arc<str>);

/// Why text is not a topic name or filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// No text at all.
    #[error("the name is empty")]
    Empty,
    /// More bytes than allowed.
    #[error("the name has {length} bytes, at most {} are allowed", TopicName::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// More tokens than allowed.
    #[error("the name has more than {} tokens", TopicName::MAX_TOKENS)]
    TooManyTokens,
    /// Nothing before, between or after dots.
    #[error("empty token at byte {at}")]
    EmptyToken {
        /// Offset of the token.
        at: usize,
    },
    /// A byte outside the set of [`TopicName::is_allowed`].
    #[error("byte {byte:#04x} at {at} is not allowed in a name")]
    BadByte {
        /// The byte.
        byte: u8,
        /// Its offset.
        at: usize,
    },
    /// `*` where a name is wanted, or in a filter not as a whole token.
    #[error("'*' at byte {at} stands where no wildcard can")]
    Wildcard {
        /// Its offset.
        at: usize,
    },
}

impl TopicName {
    /// Longest name in bytes.
    pub const MAX_BYTES: usize = 255;
    /// Most tokens in a name.
    pub const MAX_TOKENS: usize = 32;

    /// Checks `text` and makes it a name.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text, false)?;
        Ok(TopicName(text.into()))
    }

    /// Whether a byte may stand in a token: ASCII letters, digits and `-_:@/+=~%#$`.
    ///
    /// No white space, quotes or control characters, so that a name can be printed in a log
    /// line or a shell without quoting.
    #[must_use]
    pub fn is_allowed(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"-_:@/+=~%#$".contains(&byte)
    }

    /// Whether a client or a queue group may be called so: 1 to 64 bytes that may stand in a token.
    #[must_use]
    pub fn is_label(text: &str) -> bool {
        (1..=64).contains(&text.len()) && text.bytes().all(Self::is_allowed)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether the name belongs to the hub.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }
}

/// The one place where the rules for names and filters are.
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

/// Lets maps keyed by names be asked with text; `Hash` and `Eq` agree with those of `str`.
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
