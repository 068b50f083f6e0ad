//! Integers: what can be found in their digits, told without looking for it.

use super::builtin::BuiltIn::{self, *};
use super::card;
use std::ops::RangeInclusive;

/// The decimal digits of an integer.
pub(crate) struct Digits {
    text: [u8; LONGEST],
    /// Where the text begins.
    start: usize,
}

/// The longest integer has 20 digits; a sign may stand in front.
const LONGEST: usize = 21;

impl Digits {
    pub(crate) fn new(magnitude: u64, negative: bool) -> Digits {
        let mut digits = Digits { text: [b'-'; LONGEST], start: LONGEST };
        let mut rest = magnitude;
        loop {
            digits.start -= 1;
            digits.text[digits.start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        digits.start -= usize::from(negative);
        digits
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.text[self.start..]).unwrap_or_default()
    }
}

/// The built-ins, as bits of their discriminants, that could find something in a text that is a
/// number of so many digits, the first of them not 0, and perhaps a sign before it.
const fn kinds(digits: usize) -> u64 {
    let kinds: &[BuiltIn] = match digits {
        8 => &[NlBsn],
        9 => &[Phone, UsSsn, NlBsn, CaSin],
        10 => &[Phone, UkNhs, SePersonnummer],
        11 => &[Phone, DeSteuerId, BrCpf, PlPesel],
        12 => &[Card, SePersonnummer],
        15 => &[Card, FrNir],
        13..=19 => &[Card],
        _ => &[],
    };
    let mut bits = 0;
    let mut i = 0;
    while i < kinds.len() {
        bits |= 1 << kinds[i] as u32;
        i += 1;
    }
    bits
}

/// [`kinds`] of all numbers of digits.
const KINDS: [u64; LONGEST] = {
    let mut table = [0; LONGEST];
    let mut digits = 0;
    while digits < LONGEST {
        table[digits] = kinds(digits);
        digits += 1;
    }
    table
};

/// Numbers of so many digits are ambiguous to all built-ins that find something in them.
const AMBIGUOUS: RangeInclusive<usize> = 8..=10;

/// What could be found in the digits of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Nothing.
    Nothing,
    /// What needs a word nearby: matches of these built-ins, by the bits of their discriminants.
    Ambiguous(u64),
    /// Anything.
    Anything,
}

/// What the `wanted` built-ins could find in the digits of this integer, whatever its sign.
#[inline]
pub(super) fn outlook(wanted: u64, magnitude: u64) -> Outlook {
    let digits = magnitude.checked_ilog10().map_or(1, |log| log as usize + 1);
    let kinds = wanted & KINDS[digits];
    // Of the longer numbers all but few can be cards alone, and most are times.
    let is_card = || kinds != 1 << Card as u32 || card::is_issued_number(magnitude, digits);
    match kinds {
        0 => Outlook::Nothing,
        _ if AMBIGUOUS.contains(&digits) => Outlook::Ambiguous(kinds),
        _ if is_card() => Outlook::Anything,
        _ => Outlook::Nothing,
    }
}
