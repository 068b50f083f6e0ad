//! This module compares names of keys regardless of the spelling habits of programming languages.
//!
//! Without it, a rule for `card_number` would miss the `cardNumber` of the next service.

/// A rule may search for names of keys of at most this many bytes.
pub(crate) const MAX_KEY_NAME: usize = 64;

/// Writes a name of a key in the form in which names are compared: in lower case, and without `_`,
/// `-` and blanks. So `card_number` equals `cardNumber`. Returns `None` if the result is longer than the
/// longest name of a rule.
pub(crate) fn fold_key<'b>(key: &[u8], buffer: &'b mut [u8; MAX_KEY_NAME]) -> Option<&'b [u8]> {
    let mut len = 0;
    for byte in key.iter().filter(|byte| !b"_- ".contains(byte)) {
        *buffer.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    Some(&buffer[..len])
}
