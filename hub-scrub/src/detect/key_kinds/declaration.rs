//! A kind of content declares its name, its names of keys, its check and its examples.
//!
//! Everything about a kind follows from its declaration, so a kind with a missing part does not compile.

use crate::model::ValueHead;

/// A `KeyKindDeclaration` is everything that the scrub knows about a kind.
pub(super) struct KeyKindDeclaration {
    /// The kind has this name in rule files.
    pub(super) name: &'static str,
    /// This says what keys of this kind name, for the documentation.
    pub(super) about: &'static str,
    /// A key is of this kind if it ends with one of these names.
    pub(super) names: &'static [&'static str],
    /// A key is not of this kind if it ends with one of these names, which are longer than those above.
    pub(super) except: &'static [&'static str],
    /// In a map under such a key, each entry has content of this kind.
    pub(super) collective: bool,
    /// A value under such a key is of this kind if it passes this check.
    pub(super) fits: fn(&ValueHead<'_>) -> bool,
    /// These keys are of this kind.
    pub(super) examples: &'static [&'static str],
    /// These keys look similar and are not of this kind.
    pub(super) counter_examples: &'static [&'static str],
}
