//! Text files, read so that the error says what is wrong with them.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The text of a file.
///
/// # Errors
/// What the operating system says, or the first line that is not UTF-8. Nothing of what is in it.
pub(crate) fn read(path: &Path) -> Result<String> {
    String::from_utf8(std::fs::read(path)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::new(ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// `1 rule`, `2 rules`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
