//! Reads text files so that an error says what is wrong with the file. Without this module, an
//! error about UTF-8 would not name the line.

use crate::bounded_read::{self, MaxBytes};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
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

/// Reads the text of a file as [`read`] does. A pipe is read to its end, because a program that reads a
/// file only once can read a pipe as well.
///
/// # Errors
/// Returns an error of [`read`], or an error of the operating system.
pub(crate) fn read_once(path: &Path, most: MaxBytes) -> Result<String> {
    if bounded_read::stamp(path)?.is_file {
        return read(path, most);
    }
    let mut text = String::new();
    let read = File::open(path)?.take(most.bytes.saturating_add(1)).read_to_string(&mut text)?;
    if read as u64 > most.bytes { Err(most.exceeded()) } else { Ok(text) }
}

/// Returns a count with its noun, such as `1 rule` or `2 rules`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
