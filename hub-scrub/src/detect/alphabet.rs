//! The characters of which secrets consist.
//!
//! Without the alphabets, each format of a secret would need a check of its own.

/// An `Alphabet` has the characters of which a part of a secret consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// The alphabet is `0-9`.
    Digit,
    /// The alphabet is `0-9 A-Z`.
    Upper,
    /// The alphabet is `0-9 a-z`.
    Lower,
    /// The alphabet is `0-9 a-f`.
    Hex,
    /// The alphabet is `0-9 A-F a-f`.
    AnyHex,
    /// The alphabet is `0-9 A-Z a-z`.
    Alphanumeric,
    /// The alphabet is `0-9 A-Z a-z _ -`.
    Url,
    /// The alphabet has the characters of `Url`, and `.`.
    Dotted,
    /// The alphabet has the characters of base64 and of base64url, and the `=` at their ends.
    Base64,
}

/// There are this many alphabets.
pub(super) const ALPHABETS: usize = Alphabet::ALL.len();

impl Alphabet {
    /// The alphabets are in the order of their discriminants.
    pub(super) const ALL: [Alphabet; Alphabet::Base64 as usize + 1] = [
        Alphabet::Digit,
        Alphabet::Upper,
        Alphabet::Lower,
        Alphabet::Hex,
        Alphabet::AnyHex,
        Alphabet::Alphanumeric,
        Alphabet::Url,
        Alphabet::Dotted,
        Alphabet::Base64,
    ];

    pub(super) fn has(self, b: u8) -> bool {
        match self {
            Alphabet::Digit => b.is_ascii_digit(),
            Alphabet::Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Alphabet::Lower => b.is_ascii_lowercase() || b.is_ascii_digit(),
            Alphabet::Hex => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
            Alphabet::AnyHex => b.is_ascii_hexdigit(),
            Alphabet::Alphanumeric => b.is_ascii_alphanumeric(),
            Alphabet::Url => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Alphabet::Dotted => Alphabet::Url.has(b) || b == b'.',
            Alphabet::Base64 => Alphabet::Url.has(b) || matches!(b, b'+' | b'/' | b'='),
        }
    }
}
