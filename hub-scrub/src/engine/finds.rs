//! What rules found in a message: which values, and which parts of their texts.
//!
//! Without this list a pass would have to change the message while it reads it, for each view anew.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// Base64 as programs write it, with padding or without.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A value in which a rule found something, and the text in which it was found.
#[derive(Debug)]
pub(super) struct FoundValue {
    /// The offset of the value in the message.
    pub(super) at: usize,
    /// The offset of the map entry that contains the value, or of the value itself if it is in no
    /// map.
    pub(super) entry: usize,
    /// The offset of the head of the map that contains the value.
    pub(super) map: Option<usize>,
    /// Whether the value is a key of a map.
    pub(super) key: bool,
    pub(super) form: ValueForm,
    pub(super) text: FoundText,
    /// Whether the text differs from the value because a rule has normalised it.
    pub(super) normalised: bool,
    /// The indexes in [`Finds::ranges`] of the finds in this value.
    pub(super) ranges: Range<usize>,
}

/// The form of a value, in which a changed text is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueForm {
    Str,
    /// A number. Its text is its decimal digits.
    Number,
    Bin,
    Ext(i8),
    /// A `bin`, or an ext of this type, whose bytes are the base64 of the text.
    Base64(Option<i8>),
    /// A value without text. Actions apply to it as a whole.
    Whole,
    /// An entry that is removed in all views, whatever its value is.
    Gone,
    /// A value that nil replaces in all views, whatever it is.
    Nil,
}

#[derive(Debug, Clone)]
/// The text of a value in which a rule found something.
pub(super) enum FoundText {
    /// The text is this range of bytes of the message.
    Here(Range<usize>),
    /// The text is the one at this index of [`Finds::owned`].
    Owned(usize),
    None,
}

/// A part of a text that a rule found.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextRange {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: usize,
}

/// Everything that rules found in one payload, or in its headers.
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

    /// Keeps a text that is not in the message itself, such as decoded base64.
    pub(super) fn own(&mut self, text: String) -> FoundText {
        self.owned.push(text);
        FoundText::Owned(self.owned.len() - 1)
    }

    /// The text of a value; it is empty for a value without text.
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
