//! This module decides from the length of an integer what detectors could find in its digits.
//!
//! Without it, every time stamp of a message would be written as digits and scanned.

use super::built_ins::DECLARATIONS;
use super::card;
use super::kinds::BuiltIn;

/// `Digits` has the decimal digits of an integer as text.
pub(crate) struct Digits {
    text: [u8; LONGEST],
    /// The text begins at this offset of the buffer.
    start: usize,
}

/// The text of an integer has at most this many bytes: 20 digits and a sign.
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

/// The entry at a count of digits has the built-ins that could find something in an integer of this length,
/// as bits of their discriminants. The first digit is not 0, and a sign may be in front of it.
const KINDS: [u64; LONGEST] = {
    let mut table = [0; LONGEST];
    let mut n = 0;
    while n < DECLARATIONS.len() {
        let lengths = [DECLARATIONS[n].possible_integers, DECLARATIONS[n].likely_integers];
        let (mut list, mut i) = (0, 0);
        while list < lengths.len() {
            if i == lengths[list].len() {
                (list, i) = (list + 1, 0);
                continue;
            }
            table[lengths[list][i]] |= 1 << DECLARATIONS[n].kind as u32;
            i += 1;
        }
        n += 1;
    }
    table
};

/// The entry at a count of digits says whether matches in integers of this length are only possible, for all
/// built-ins that could find something in them.
const POSSIBLE: [bool; LONGEST] = {
    let mut table = [true; LONGEST];
    let mut n = 0;
    while n < DECLARATIONS.len() {
        let likely = DECLARATIONS[n].likely_integers;
        let mut i = 0;
        while i < likely.len() {
            table[likely[i]] = false;
            i += 1;
        }
        n += 1;
    }
    table
};

/// `DigitFinds` states what the detectors could find in the digits of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DigitFinds {
    /// The detectors find nothing.
    Nothing,
    /// These built-ins could find something that is only possible. The bits are their discriminants.
    Possible(u64),
    /// The detectors could find something that is likely, so the digits have to be scanned.
    Anything,
}

/// Returns what the `wanted` built-ins could find in the digits of an integer of either sign.
#[inline]
pub(super) fn digit_finds(wanted: u64, magnitude: u64) -> DigitFinds {
    let digits = magnitude.checked_ilog10().map_or(1, |log| log as usize + 1);
    let kinds = wanted & KINDS[digits];
    // Most integers of the lengths at which only cards are possible are times, so their prefix is checked.
    let is_card =
        || kinds != 1 << BuiltIn::Card as u32 || card::is_issued_number(magnitude, digits);
    match kinds {
        0 => DigitFinds::Nothing,
        _ if POSSIBLE[digits] => DigitFinds::Possible(kinds),
        _ if is_card() => DigitFinds::Anything,
        _ => DigitFinds::Nothing,
    }
}
