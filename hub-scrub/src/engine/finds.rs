//! What rules found in a message: which values, and which parts of their texts.
//!
//! Without this list a pass would have to change the message while it reads it, for each view anew.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// Base64 as people send it: with or without padding.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A value that a rule found something in, and where the text is in which it found it.
#[derive(Debug)]
pub(super) struct FoundValue {
    /// Where the value is.
    pub(super) at: usize,
    /// Where its map entry begins; the value itself if it is in no map.
    pub(super) entry: usize,
    /// Where the head of its map is.
    pub(super) map: Option<usize>,
    /// Whether it is a map's key.
    pub(super) key: bool,
    pub(super) form: ValueForm,
    pub(super) text: FoundText,
    /// Whether the text is no longer what the value says.
    pub(super) normalised: bool,
    /// Which of [`Finds::spans`] are its.
    pub(super) ranges: Range<usize>,
}

/// What the value is, and so what a changed text is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueForm {
    Str,
    /// A number; its text is its decimal digits.
    Number,
    Bin,
    Ext(i8),
    /// A `bin` (or an ext of this type) that is base64 of the text.
    Base64(Option<i8>),
    /// A value without text: the actions get it as a whole.
    Whole,
    /// Whatever it is, the entry goes in all views.
    Gone,
    /// Whatever it is, nil takes its place in all views.
    Nil,
}

#[derive(Debug, Clone)]
pub(super) enum FoundText {
    /// These bytes of the message.
    Here(Range<usize>),
    /// One of [`Finds::owned`].
    Owned(usize),
    None,
}

/// Part of a text, found by a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextRange {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: usize,
}

/// All that was found in one message, or in its headers.
#[derive(Debug, Default)]
pub(super) struct Finds {
    pub(super) values: Vec<FoundValue>,
    pub(super) ranges: Vec<TextRange>,
    pub(super) owned: Vec<String>,
}

impl Finds {
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.ranges.clear();
        self.owned.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn own(&mut self, text: String) -> FoundText {
        self.owned.push(text);
        FoundText::Owned(self.owned.len() - 1)
    }

    /// The text of a site; empty for one without.
    pub(super) fn text<'t>(&'t self, value: &FoundValue, bytes: &'t [u8]) -> &'t str {
        match &value.text {
            FoundText::Here(range) => bytes
                .get(range.clone())
                .and_then(|text| std::str::from_utf8(text).ok())
                .unwrap_or_default(),
            FoundText::Owned(at) => self.owned.get(*at).map_or("", String::as_str),
            FoundText::None => "",
        }
    }
}
