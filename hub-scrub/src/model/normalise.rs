//! The action `normalise` gives strings one spelling.
//!
//! Without it, two spellings of one value would be two values for subscribers and for keyed hashes.

use super::action::{Case, Normal};
use super::keys::Keys;
use super::mark;
use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Returns the normalised string. Marks in it stay as they are.
pub(crate) fn normalise<'t>(how: Normal, text: &'t str, keys: &Keys) -> Cow<'t, str> {
    let marks = mark::find(text, keys);
    if marks.is_empty() {
        return plain(how, text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (range, _) in marks {
        out.push_str(&plain(how, &text[from..range.start]));
        out.push_str(&text[range.clone()]);
        from = range.end;
    }
    out.push_str(&plain(how, &text[from..]));
    Cow::Owned(out)
}

fn plain(how: Normal, text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if how.trim {
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            text = Cow::Owned(trimmed.to_owned());
        }
    }
    if how.timestamps
        && let Ok(time) = text.parse::<jiff::Timestamp>()
    {
        return Cow::Owned(time.to_string());
    }
    match how.case {
        Some(Case::Lower) if text.chars().any(|c| c.to_lowercase().ne([c])) => {
            text = Cow::Owned(text.to_lowercase());
        }
        Some(Case::Upper) if text.chars().any(|c| c.to_uppercase().ne([c])) => {
            text = Cow::Owned(text.to_uppercase());
        }
        _ => {}
    }
    if how.nfc && !is_nfc(&text) {
        text = Cow::Owned(text.nfc().collect());
    }
    text
}
