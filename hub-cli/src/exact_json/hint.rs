//! Says what to write instead of a text that is not JSON.
//!
//! Most of these texts come from a shell that took the quotes away, from a file with a value over
//! several lines, or from another language than JSON. Without this module, their authors would read
//! only "expected value".

use crate::output::printable;
use serde_json::Value;

/// Says where a JSON text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The text is an argument of the command, or what a command has printed. It may have several lines.
    Whole,
    /// The text is the line of stdin with this number.
    Line(u64),
}

impl Place {
    /// Returns the number of the first line of the text.
    pub(crate) fn first_line(self) -> u64 {
        match self {
            Place::Whole => 1,
            Place::Line(number) => number,
        }
    }
}

/// Lists words of other languages, and what JSON has for them.
const WORDS: [(&str, &str); 11] = [
    ("NaN", "null, or \"NaN\" as text"),
    ("nan", "null, or \"NaN\" as text"),
    ("Infinity", "null, or \"Infinity\" as text"),
    ("-Infinity", "null, or \"-Infinity\" as text"),
    ("inf", "null, or \"Infinity\" as text"),
    ("True", "true"),
    ("False", "false"),
    ("None", "null"),
    ("Null", "null"),
    ("nil", "null"),
    ("undefined", "null"),
];

/// Returns what to write instead of a text that is not JSON, or nothing if the problem says enough.
/// `problem` is what serde_json says about the byte at `at`.
pub(crate) fn hint(text: &[u8], at: usize, problem: &str, place: Place) -> String {
    if problem.contains("surrogate") || problem.contains("hex escape") {
        return "the escapes from \\ud800 to \\udfff stand for one character in pairs; write both halves, \
                or the character itself"
            .to_owned();
    }
    if problem.contains("recursion limit") {
        return "the value is nested deeper than 127 levels, and a hub allows fewer (max_depth)"
            .to_owned();
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return "the text must be UTF-8, not UTF-16 or Latin-1".to_owned();
    };
    if text.contains('\0') {
        return "the text must be UTF-8, without the character NUL".to_owned();
    }
    if problem.contains("control character") {
        return "write it as an escape, such as \\n for a line break and \\t for a tab".to_owned();
    }
    if problem.contains("out of range") {
        return "a floating-point number ends at 1.8e308; write the number as text, in quotes"
            .to_owned();
    }
    if problem.starts_with("EOF") {
        return at_the_end(text, place);
    }
    let word = word_at(text, at);
    if let Some((_, instead)) = WORDS.iter().find(|(foreign, _)| *foreign == word) {
        return format!("JSON has no {word}; write {instead}");
    }
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some('\u{feff}') => {
            "a byte order mark may be only at the beginning of the input".to_owned()
        }
        Some('#') => "JSON has no comments".to_owned(),
        Some('/') if word.starts_with('/') => "JSON has no comments".to_owned(),
        _ if problem.starts_with("trailing comma") => "remove the comma".to_owned(),
        _ if text.trim_start().starts_with(['{', '[']) => inside(text, at, problem, &word, place),
        _ => at_the_top(text, problem, place),
    }
}

/// Returns what to write if the text ends in the middle of a value.
fn at_the_end(text: &str, place: Place) -> String {
    match place {
        _ if !text.trim_start().starts_with(['{', '[', '"']) && !text.trim().is_empty() => {
            as_text(text, place)
        }
        Place::Line(_) => {
            "the value does not end on its line, and each line of the input is one value; `jq -c .` writes \
             each value on one line"
                .to_owned()
        }
        Place::Whole if text.trim().is_empty() => {
            "the value is missing; write null for an event without content".to_owned()
        }
        Place::Whole => {
            "the value is cut short; put it into single quotes, so that the shell leaves it whole".to_owned()
        }
    }
}

/// Returns what to write if the fault is inside of an array or an object.
fn inside(text: &str, at: usize, problem: &str, word: &str, place: Place) -> String {
    if problem.starts_with("trailing characters") {
        return one_value(place);
    }
    if word.starts_with(['\'', '`', '“', '”', '‘', '’']) {
        return "JSON has only straight double quotes: \"".to_owned();
    }
    if word.is_empty() || serde_json::from_str::<Value>(word).is_ok() {
        return String::new();
    }
    if is_like_a_number(word) {
        return number(word);
    }
    let what = if problem.starts_with("key must be") { "keys need" } else { "text needs" };
    let quoted = quoted(word);
    match place {
        Place::Whole if !text[..at].contains('"') => format!(
            "{what} double quotes: {quoted}; put the whole value into single quotes, because the shell \
             takes double quotes away"
        ),
        _ => format!("{what} double quotes: {quoted}"),
    }
}

/// Returns what to write if the text is neither an array nor an object.
fn at_the_top(text: &str, problem: &str, place: Place) -> String {
    let text = text.trim();
    let complete = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    let several = problem.starts_with("trailing characters") && matches!(complete, Some(Ok(_)));
    match text {
        text if text.starts_with('"') && several => one_value(place),
        text if several
            && text
                .split_ascii_whitespace()
                .all(|part| serde_json::from_str::<Value>(part).is_ok()) =>
        {
            one_value(place)
        }
        text if is_like_a_number(text) => number(text),
        text => as_text(text, place),
    }
}

/// Says that the text has more than one value.
fn one_value(place: Place) -> String {
    match place {
        Place::Whole => {
            "this is more than one value; a command reads several values on stdin, each on a \
                         line of its own"
                .to_owned()
        }
        Place::Line(_) => {
            "the line has more than one value; `jq -c .` writes each value on a line of its \
                           own"
            .to_owned()
        }
    }
}

/// Says how to write a text. In an argument, the shell needs quotes of its own around it.
fn as_text(text: &str, place: Place) -> String {
    let text = text.trim();
    let bare = ['\'', '`', '“', '”', '‘', '’'];
    let bare = text.strip_prefix(bare).and_then(|text| text.strip_suffix(bare)).unwrap_or(text);
    let quoted = quoted(bare);
    match place {
        Place::Whole if !quoted.contains('\'') => {
            format!("text needs double quotes, and single quotes for the shell: '{quoted}'")
        }
        _ => format!("text needs double quotes: {quoted}"),
    }
}

/// Says how to write a number that JSON does not have.
fn number(word: &str) -> String {
    format!(
        "a number is decimal, without + and without leading zeros, and with digits on both sides of the \
         point; or write it as text, in quotes: {}",
        quoted(word)
    )
}

/// Returns whether the word looks like a number that JSON does not have, such as `.5`, `+1` or `0x1f`.
fn is_like_a_number(word: &str) -> bool {
    let digits = word.trim_start_matches(['+', '-', '.']);
    digits.starts_with(|char: char| char.is_ascii_digit())
        && digits.chars().all(|char| char.is_ascii_alphanumeric() || "._+-".contains(char))
}

/// Returns the word around an offset: what stands between white space and the signs of JSON.
fn word_at(text: &str, at: usize) -> String {
    let ends = |char: char| char.is_whitespace() || "{}[],:\"".contains(char);
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at]
        .rfind(ends)
        .map_or(0, |sign| sign + text[sign..].chars().next().map_or(1, char::len_utf8));
    text[start..].chars().take_while(|char| !ends(*char)).collect()
}

/// Returns the beginning of a text as JSON, without characters that a terminal would obey.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    printable(&Value::from(shown).to_string())
}
