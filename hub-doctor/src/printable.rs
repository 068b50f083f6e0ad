//! Makes text from the other side fit for a terminal. A server chooses its texts freely, and a terminal
//! would obey control characters in them.

/// So many characters of a text are shown.
const SHOWN: usize = 200;

/// Returns the beginning of a text, without control characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
