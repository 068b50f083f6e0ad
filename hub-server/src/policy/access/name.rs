//! Names of identities, and how one becomes a part of a topic.

use std::{fmt, sync::Arc};

use hub_wire::TopicName;

/// The name of an identity: 1 to 128 bytes of ASCII letters, digits and `-_:@/+=~%.|`.
///
/// So a name can be printed anywhere. It never has `#`, which is in the publisher stamp of
/// anonymous clients, `$`, which marks what is the hub's own, or a wildcard.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityName(Arc<str>);

impl IdentityName {
    /// Longest name in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The name, or `None` if it has other characters, none, or too many.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| {
            (TopicName::is_allowed(byte) && !matches!(byte, b'#' | b'$'))
                || matches!(byte, b'.' | b'|')
        };
        let good = !text.is_empty() && text.len() <= Self::MAX_BYTES && text.bytes().all(allowed);
        good.then(|| IdentityName(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one token of a topic: what stands for `{identity}`.
    ///
    /// `.`, `|` and `%` become `%2E`, `%7C` and `%25`; the rest stays. Different names have
    /// different tokens, because `%` itself is escaped.
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

/// Lets maps keyed by names be asked with text; `Hash` and `Eq` agree with those of `str`.
impl std::borrow::Borrow<str> for IdentityName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
