//! A pass lists here what rules found in a message: which values, and which parts of their texts.
//!
//! Without this list, a pass would have to change the message while it reads it, once for each view.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// This engine reads base64 with and without padding, because programs write both.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A `FoundValue` is a value in which a rule found something, with the text in which it was found.
#[derive(Debug)]
pub(super) struct FoundValue {
    /// The value begins at this offset in the message.
    pub(super) at: usize,
    /// The map entry that contains the value begins at this offset. A value outside of maps has its own
    /// offset here.
    pub(super) entry: usize,
    /// The map that contains the value begins at this offset.
    pub(super) map: Option<usize>,
    /// If this is true, the value is a key of a map.
    pub(super) key: bool,
    pub(super) form: ValueForm,
    pub(super) text: FoundText,
    /// If this is true, the text differs from the value because a rule has normalised it.
    pub(super) normalised: bool,
    /// The finds in this value have these indexes in [`Finds::ranges`].
    pub(super) ranges: Range<usize>,
}

/// A `ValueForm` is the form of a value. A changed text is written in the form of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueForm {
    Str,
    /// The value is a number, and its text has its decimal digits.
    Number,
    Bin,
    /// The value is an ext value of this ext type.
    Ext(i8),
    /// The bytes of the value are the base64 of the text. The value is an ext value of this ext type, or a
    /// `bin` if there is none.
    Base64(Option<i8>),
    /// The value has no text, so actions apply to it as a whole.
    Whole,
    /// The entry is removed in all views.
    Gone,
    /// Nil replaces the value in all views.
    Nil,
}

/// A `FoundText` is the text of a value in which a rule found something.
#[derive(Debug, Clone)]
pub(super) enum FoundText {
    /// The text is this range of bytes of the message.
    Here(Range<usize>),
    /// The text has this index in [`Finds::owned`].
    Owned(usize),
    None,
}

/// A `TextRange` is a part of a text that a rule found. `start` and `end` are in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextRange {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: usize,
}

/// `Finds` has everything that rules found in one payload, or in the headers of one event.
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

    /// Returns the text of a value. A value without text has an empty one. `bytes` is the message.
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
