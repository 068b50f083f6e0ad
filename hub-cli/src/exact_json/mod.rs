//! Converts JSON text to MessagePack, and refuses what MessagePack would not hold exactly as it is
//! written.
//!
//! Without this module, an integer of more than 64 bits would silently lose digits, and of a key that
//! an object has twice only one value would arrive.

mod hint;
#[cfg(test)]
mod tests;

pub(crate) use hint::Place;

use bytes::Bytes;
use hint::{hint, quoted};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A decimal number of at most this many digits always comes back from a 64-bit float as it was
/// written, if the float is neither zero nor tiny.
const SURE_DIGITS: usize = 15;

/// No 64-bit float has more digits than this in front of its trailing zeros.
const MOST_DIGITS: usize = 767;

/// States why a text cannot be published as JSON, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// The text is JSON if this is true, but it cannot be kept exactly.
    is_json: bool,
    problem: String,
    line: u64,
    /// The column counts characters, as editors do. Lines and columns are counted from 1.
    column: usize,
    /// It says what to write instead. It is empty where the problem says enough.
    instead: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not_json = if self.is_json { "" } else { "not JSON: " };
        let JsonError { problem, line, column, instead, .. } = self;
        write!(f, "{not_json}{problem} at line {line} column {column}")?;
        if instead.is_empty() { Ok(()) } else { write!(f, "; {instead}") }
    }
}

impl JsonError {
    /// Returns the error for the byte at `at` of a text whose first line has the number `first_line`.
    fn new(text: &[u8], at: usize, first_line: u64, is_json: bool, problem: String) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        JsonError { is_json, problem, line: first_line + lines, column, instead: String::new() }
    }
}

/// Returns the text without the byte order mark that editors of Windows put in front of it. The mark
/// belongs to the encoding of the text, not to its content.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// Converts a JSON text to MessagePack. `place` says where the text comes from.
///
/// # Errors
/// Returns an error if the text is not exactly one JSON value, or if MessagePack cannot hold the value
/// exactly.
pub(crate) fn to_msgpack(text: &[u8], place: Place) -> Result<Bytes, JsonError> {
    let first_line = place.first_line();
    let value: Value = serde_json::from_slice(text).map_err(|error| {
        let at = match error.is_eof() {
            true => text.trim_ascii_end().len(),
            false => offset(text, error.line(), error.column()),
        };
        let said = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        let problem = said.strip_suffix(&position).unwrap_or(&said);
        let problem = problem.replace("expected ident", "expected value");
        let instead = hint(text, at, &problem, place);
        JsonError { instead, ..JsonError::new(text, at, first_line, false, problem) }
    })?;
    if let Some(Loss { at, problem, instead }) = first_loss(text) {
        return Err(JsonError { instead, ..JsonError::new(text, at, first_line, true, problem) });
    }
    hub_client::encode(&value)
        .map_err(|error| JsonError::new(text, 0, first_line, true, hub_client::with_causes(&error)))
}

/// Returns the offset of a place that serde_json has named. Its columns count bytes from 1, and column 0
/// is the end of the line before.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let mut newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let start = match line.checked_sub(2) {
        Some(earlier) => newlines.nth(earlier).map_or(0, |(at, _)| at + 1),
        None => 0,
    };
    (start + column).saturating_sub(1).min(text.len())
}

/// States what MessagePack would not hold as it is written.
struct Loss {
    at: usize,
    problem: String,
    instead: String,
}

/// Returns the first part of a JSON text that MessagePack cannot hold exactly. The text has to be
/// valid JSON.
fn first_loss(text: &[u8]) -> Option<Loss> {
    // Each open container has an entry: an object the keys that it has so far, and an array nothing.
    let mut open: Vec<Option<HashSet<Cow<'_, str>>>> = Vec::new();
    let mut is_key = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let mut end = at + 1;
        match byte {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                end = end_of_string(text, at);
                if let (true, Some(Some(keys))) = (is_key, open.last_mut()) {
                    let key = key(&text[at..end]);
                    if keys.contains(&key) {
                        let problem = format!("the key {} comes twice in one object", quoted(&key));
                        let instead = "write each key once".to_owned();
                        return Some(Loss { at, problem, instead });
                    }
                    keys.insert(key);
                }
            }
            b'-' | b'0'..=b'9' => {
                let in_number =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                end = at + text[at..].iter().take_while(|byte| in_number(byte)).count();
                let number = std::str::from_utf8(&text[at..end]).unwrap_or_default();
                if let Some((problem, instead)) = loss_of_number(number) {
                    return Some(Loss { at, problem, instead });
                }
            }
            _ => {}
        }
        match byte {
            // A key comes next, or the end of the object.
            b'{' => is_key = true,
            b',' => is_key = matches!(open.last(), Some(Some(_))),
            byte if byte.is_ascii_whitespace() => {}
            _ => is_key = false,
        }
        at = end;
    }
    None
}

/// Returns the offset behind the string that begins at `start`.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match text.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

/// Returns the key that a string literal writes. Two literals can write one key: `"a"` and `"\u0061"`.
fn key(literal: &[u8]) -> Cow<'_, str> {
    let inner = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    match std::str::from_utf8(inner) {
        Ok(plain) if !inner.contains(&b'\\') => Cow::Borrowed(plain),
        _ => Cow::Owned(serde_json::from_slice(literal).unwrap_or_default()),
    }
}

/// Returns what is lost of a number, and what to write instead.
fn loss_of_number(number: &str) -> Option<(String, String)> {
    let as_text = format!("write it as text, in quotes: \"{}\"", shortened(number));
    if number == "-0" {
        let problem = "an integer cannot be -0".to_owned();
        return Some((problem, "write 0, or -0.0 for the floating-point number".to_owned()));
    }
    if !number.contains(['.', 'e', 'E']) {
        let fits = number.parse::<u64>().is_ok() || number.parse::<i64>().is_ok();
        let problem = || format!("{} does not fit into 64 bits", shortened(number));
        return (!fits).then(|| (problem(), as_text));
    }
    let value: f64 = number.parse().unwrap_or(f64::NAN);
    let digits = significant(number);
    if digits.is_empty()
        || (digits.len() <= SURE_DIGITS && value.is_normal())
        || is_exact(value, &digits)
    {
        return None;
    }
    let problem = format!("a 64-bit floating-point number cannot keep {}", shortened(number));
    Some((problem, format!("write {}, or {}", shortest(value), as_text.replacen("it ", "", 1))))
}

/// Returns whether a float has these digits when it is written with as many, or as short as it can be.
fn is_exact(value: f64, digits: &str) -> bool {
    if digits.len() > MOST_DIGITS {
        return false;
    }
    let written = format!("{:.*e}", digits.len() - 1, value.abs());
    significant(&written) == digits || significant(&format!("{value:e}")) == digits
}

/// Returns the digits of a decimal number, without the zeros at both ends, the point and the exponent.
fn significant(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Returns a float as JSON writes it.
fn shortest(value: f64) -> String {
    serde_json::Number::from_f64(value)
        .map_or_else(|| "null".to_owned(), |number| number.to_string())
}

/// Returns the beginning of a text that is too long to be shown whole.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
