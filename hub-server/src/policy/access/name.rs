//! Defines the names of identities, and how a name becomes a token of a topic. Without the escaping, a
//! name could become several tokens and widen the rights of its identity.

use std::{fmt, sync::Arc};

use hub_wire::TopicName;

/// Holds the name of an identity: 1 to 128 bytes of ASCII letters, digits and
/// `-_:@/+=~%.|`.
///
/// So a name can be printed anywhere. It never contains `#`, which ends the name in a publisher
/// stamp, `$`, which marks the hub's own topics, or a wildcard.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityName(Arc<str>);

impl IdentityName {
    /// A name has at most this many bytes.
    pub const MAX_BYTES: usize = 128;

    /// Parses a name. Returns `None` if it is empty, too long, or contains another character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| {
            (TopicName::is_allowed(byte) && !matches!(byte, b'#' | b'$'))
                || matches!(byte, b'.' | b'|')
        };
        let good = !text.is_empty() && text.len() <= Self::MAX_BYTES && text.bytes().all(allowed);
        good.then(|| IdentityName(text.into()))
    }

    /// Returns the name as a text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as one token of a topic, which replaces `{identity}`.
    ///
    /// `.`, `|` and `%` become `%2E`, `%7C` and `%25`, and the other characters stay. Different
    /// names have different tokens, because `%` itself is escaped.
    ///
    /// ```
    /// use hub_server::access::IdentityName;
    /// let name = IdentityName::parse("ann@example.org").unwrap();
    /// assert_eq!(name.token(), "ann@example%2Eorg");
    /// ```
    #[must_use]
    pub fn token(&self) -> String {
        let mut token = String::with_capacity(self.0.len());
        for char in self.0.chars() {
            match char {
                '.' => token.push_str("%2E"),
                '|' => token.push_str("%7C"),
                '%' => token.push_str("%25"),
                char => token.push(char),
            }
        }
        token
    }

    pub(super) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl fmt::Display for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdentityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityName({})", self.0)
    }
}

/// Lets a map whose keys are names be searched with a text. `Hash` and `Eq` agree with those of
/// `str`, as `Borrow` demands.
impl std::borrow::Borrow<str> for IdentityName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
