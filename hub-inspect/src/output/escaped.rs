//! Shows text of a capture so that it cannot command the terminal. Without it, a topic name could hide a
//! line of the output.

use std::fmt;

/// A text of a stranger, which must not control the terminal.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        // Most names are plain, and looking up each character would take longer than all other work.
        match self.0.bytes().all(plain) {
            true => f.write_str(self.0),
            false => self.0.escape_debug().fmt(f),
        }
    }
}
