//! Reads text files so that an error says what is wrong with the file. Without this module, an
//! error about UTF-8 would not name the line.

use crate::bounded_read::{self, MaxBytes};
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// Reads the text of a file that has at most this many bytes.
///
/// # Errors
/// Returns an error of [`bounded_read::read`], or an error with the number of the first line that
/// is not UTF-8. The error contains no text of the file.
pub(crate) fn read(path: &Path, most: MaxBytes) -> Result<String> {
    String::from_utf8(bounded_read::read(path, most)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::new(ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// Returns a count with its noun, such as `1 rule` or `2 rules`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
