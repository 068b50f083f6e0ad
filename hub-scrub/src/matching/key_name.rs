//! Names of keys, compared without regard to how a language writes them.
//!
//! Without it a rule for `card_number` would miss the `cardNumber` of the next service.

/// Longest key name a rule may look for.
pub(crate) const MAX_KEY_NAME: usize = 64;

/// Key names are compared without case and without `_`, `-` and blanks: `card_number` is
/// `cardNumber`. `None` if it is longer than a rule can name.
pub(crate) fn fold_key<'b>(key: &[u8], buffer: &'b mut [u8; MAX_KEY_NAME]) -> Option<&'b [u8]> {
    let mut len = 0;
    for byte in key.iter().filter(|byte| !b"_- ".contains(byte)) {
        *buffer.get_mut(len)? = byte.to_ascii_lowercase();
        len += 1;
    }
    Some(&buffer[..len])
}
