//! The prefilter finds the bytes of a block that may fulfil a trigger. It does not know where texts begin and
//! end.
//!
//! Most texts have nothing that any detector looks for. Without this module, all of them would be
//! scanned.

use super::block::{BLOCK, LONG_RUN, Masks, behind, ends_of_long_runs};
use super::cluster::{FEWEST_DIGITS, REACH};
use super::declaration::Trigger;
use super::scan_kinds::ScanKinds;
use super::work::Work;
use super::{assigned, entropy, iban, national_checks, pem};
use hub_wire::marker::STR_8;

/// An `Around` is a block of a message with the masks of its neighbours.
pub(super) struct Around<'a> {
    pub(super) message: &'a [u8],
    /// The block begins at this offset of the message.
    pub(super) at: usize,
    pub(super) before: &'a Masks,
    pub(super) here: &'a Masks,
    pub(super) next: &'a Masks,
}

impl Around<'_> {
    /// Returns a mask in which bit `i` stands for the byte `by` bytes in front of byte `i` of the block.
    #[inline(always)]
    fn behind(&self, mask: impl Fn(&Masks) -> u64, by: u32) -> u64 {
        behind(mask(self.here), mask(self.before), by)
    }

    /// Returns a mask in which bit `i` stands for the byte `by` bytes behind byte `i` of the block.
    #[inline(always)]
    fn ahead(&self, mask: impl Fn(&Masks) -> u64, by: u32) -> u64 {
        let both = u128::from(mask(self.here)) | u128::from(mask(self.next)) << BLOCK;
        (both >> by) as u64
    }

    /// Returns a mask in which bit `i` is set unless a digit or a letter of the same text stands `by` bytes in
    /// front of byte `i`.
    ///
    /// The head of a string must not hide anything in its text. In the heads of short strings, only the
    /// length of a `str 8` can be a letter or a digit in ASCII.
    #[inline(always)]
    fn alone(&self, by: u32) -> u64 {
        !self.behind(|masks| masks.digit | masks.letter, by)
            | self.behind(|masks| masks.str8, by + 1)
    }

    /// Returns a mask in which bit `i` is set if two capitals and a point end `by` bytes in front of byte `i`.
    #[inline(always)]
    fn behind_capitals_and_point(&self, by: u32) -> u64 {
        let capital = |by| self.behind(|masks| masks.upper, by);
        self.behind(|masks| masks.point, by) & capital(by + 1) & capital(by + 2)
    }

    /// Returns the bytes at which private keys in PEM could begin.
    #[cold]
    fn begins(&self, work: &mut Work) -> u64 {
        let mut dashes = self.here.dash;
        let mut found = 0;
        while dashes != 0 {
            let i = dashes.trailing_zeros();
            dashes &= dashes - 1;
            work.add(4);
            let rest = self.message.get(self.at + i as usize..).unwrap_or_default();
            found |= u64::from(rest.starts_with(pem::BEGIN)) << i;
        }
        found
    }

    /// Returns the first digits of IBANs, which stand behind two letters. An IBAN may reach beyond the end of
    /// its text here, because the prefilter does not know that end.
    #[inline(always)]
    fn ibans(&self, work: &mut Work) -> u64 {
        let letter = |by| self.behind(|masks| masks.letter, by);
        let mut starts = self.here.digit & letter(1) & letter(2) & self.alone(3);
        let mut found = 0;
        while starts != 0 {
            let i = starts.trailing_zeros();
            starts &= starts - 1;
            let digit = self.at + i as usize;
            if let Some(&[a, b]) = self.message.get(digit.saturating_sub(2)..digit)
                && iban::has_country([a.to_ascii_uppercase(), b.to_ascii_uppercase()])
                && iban::end(self.message, digit - 2, work).is_some()
            {
                found |= 1 << i;
            }
        }
        found
    }

    /// Returns whether `len` digits from byte `i` on are no number. They are seven or eight digits in one
    /// group, and alone. Of the numbers that are so short, all but a DNI and a BSN have a sign or two zeros
    /// in front. `end` is how many bytes behind byte `i` the separators behind the digits end, where the
    /// letter of a DNI may stand.
    #[inline(always)]
    fn is_no_number(&self, i: u32, len: usize, end: usize, bsn: bool) -> bool {
        let start = self.at + i as usize;
        let before = start.checked_sub(1).and_then(|before| self.message.get(before));
        let Some(digits) = self.message.get(start..start + len) else { return false };
        if matches!(before, Some(b'+' | b'(')) || digits.starts_with(b"00") {
            return false;
        }
        let mut values = [0; 8];
        values.iter_mut().zip(digits).for_each(|(value, b)| *value = b.wrapping_sub(b'0'));
        let number = values[..len].iter().fold(0, |number, value| number * 10 + u32::from(*value));
        let letter = self.message.get(start + end).map(u8::to_ascii_uppercase);
        // The X, Y or Z of an NIE counts as 0, 1 or 2.
        let heads = if len == 7 { 0..=2_u32 } else { 0..=0 };
        let is_dni =
            |head| Some(national_checks::es_dni_letter(head * 10_000_000 + number)) == letter;
        let is_bsn = bsn && len == 8 && national_checks::nl_bsn(&values);
        !is_bsn && !heads.into_iter().any(is_dni)
    }

    /// Returns whether the six digits from byte `i` on may end in the `2A` or `2B` of a Corsican NIR. `end` is
    /// how many bytes behind byte `i` the letter stands.
    #[inline(always)]
    fn is_corsican(&self, i: u32, end: usize) -> bool {
        let end = self.at + i as usize + end;
        matches!(self.message.get(end - 1..=end), Some([b'2', b'A' | b'B' | b'a' | b'b']))
    }

    /// Returns whether the `count` digits from byte `i` on are two short groups at the end of a name, as in
    /// `SO-2026-123456`, and no number. Only telephone numbers and personnummer are written in two groups of
    /// so few digits, and a telephone number behind a name has to begin with 0. `end` is how many bytes
    /// behind byte `i` the separators behind the digits end.
    fn is_numbered_name(&self, i: u32, count: usize, end: usize) -> bool {
        let start = self.at + i as usize;
        let in_a_row = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
        let before = start.checked_sub(3).and_then(|at| self.message.get(at..start));
        let (Some(&[head, last, mark]), true) = (before, end < REACH) else { return false };
        // Behind the marker of a `str 8`, the letter is the length of the text, and not in the text.
        if head == STR_8 || !last.is_ascii_alphanumeric() || !matches!(mark, b'-' | b'_' | b'/') {
            return false;
        }
        let digits = &self.message[start..];
        let first = in_a_row(digits);
        let Some((joined, rest)) = digits[first..].split_first() else { return false };
        let second = in_a_row(rest);
        first + second == count
            && first.max(second) <= 6
            && (first, second) != PERSONNUMMER
            && digits[0] != b'0'
            && matches!(joined, b'-' | b'.' | b'/')
            && !rest.get(second).is_some_and(u8::is_ascii_alphabetic)
    }

    /// Returns whether the digits from byte `i` on are a date, with a `T` or the end of the text behind it.
    fn is_date(&self, i: u32) -> bool {
        let start = self.at + i as usize;
        let before = start.checked_sub(1).map(|before| self.message[before]);
        let Some([a, b, c, d, b'-', e, f, b'-', g, h, behind]) =
            self.message.get(start..start + 11)
        else {
            return false;
        };
        [a, b, c, d, e, f, g, h].into_iter().all(u8::is_ascii_digit)
            && (*behind == b'T' || !behind.is_ascii())
            && !matches!(before, Some(b'+' | b'('))
    }
}

impl ScanKinds {
    /// Returns the bytes of a block at which a detector could find anything, wherever its texts begin and end.
    #[inline(always)]
    pub(super) fn candidates(&self, around: &Around<'_>, work: &mut Work) -> u64 {
        let here = around.here;
        // A character beyond ASCII may stand for another one, so its text is left to the scan.
        let mut found = here.odd;
        if self.has(Trigger::At) {
            found |= here.at;
        }
        if here.digit != 0 {
            if self.has(Trigger::Country) {
                found |= around.ibans(work);
            }
            if self.has_numbers {
                found |= self.digits(around, work);
            }
        }
        if self.has(Trigger::Colons) && here.colon != 0 {
            found |= colons(around, work);
        }
        if self.has(Trigger::Assignment) && here.colon | here.equals != 0 {
            found |= assignments(around, work);
        }
        if self.has_runs {
            found |= self.long_runs(around, work);
        }
        // A private key begins with five hyphens in a row.
        if self.has(Trigger::Begin)
            && here.dash != 0
            && here.dash & around.ahead(|masks| masks.dash, 4) & around.ahead(|masks| masks.dash, 2)
                != 0
        {
            found |= around.begins(work);
        }
        found
    }

    /// Returns the bytes at which [`LONG_RUN`] token characters in a row end, if they could be a part of a
    /// secret. Nearly all tokens have a capital, `_` or `-` in some such row, and random text has a digit. A row of
    /// `0-9 a-f -` alone, as UUIDs and trace ids have it, has hardly any prefix of a token, so it is left out. The
    /// few prefixes of which that is not true are compared with the message.
    #[inline(always)]
    fn long_runs(&self, around: &Around<'_>, work: &mut Work) -> u64 {
        let Around { before, here, .. } = around;
        let long = ends_of_long_runs(here.token, before.token);
        if long == 0 {
            return 0;
        }
        let plain = ends_of_long_runs(here.hex | here.dash, before.hex | before.dash);
        let signs = |masks: &Masks| masks.upper | masks.dash;
        let mut signs = u128::from(signs(here)) << BLOCK | u128::from(signs(before));
        for by in [1, 2, 4, 8] {
            signs |= signs << by;
        }
        let signs = (signs >> BLOCK) as u64;
        // The prefix `SG.` stands in front of its run, because a point is no token character.
        let mut found = long & (!plain & signs | around.behind_capitals_and_point(LONG_RUN as u32));
        let mut begins = long & !found & around.alone(LONG_RUN as u32);
        while begins != 0 {
            let i = begins.trailing_zeros();
            begins &= begins - 1;
            let run = (around.at + i as usize + 1).saturating_sub(LONG_RUN);
            found |= u64::from(self.formats.is_unsigned_at(around.message, run, work)) << i;
        }
        if self.has(Trigger::HexRun) {
            // A secret may be small letters and digits: 20 of them in a row, and not all of them plain.
            let mut digits = u128::from(here.digit) << BLOCK | u128::from(before.digit);
            for by in [1, 2, 4, 8, 4] {
                digits |= digits << by;
            }
            const MORE: u32 = (entropy::SHORTEST - LONG_RUN) as u32;
            let longer = long & behind(long, ends_of_long_runs(before.token, 0), MORE);
            let plain_before = ends_of_long_runs(before.hex | before.dash, 0);
            let plain = plain & behind(plain, plain_before, MORE);
            found |= longer & !plain & (digits >> BLOCK) as u64;
        }
        if plain != 0 && self.has(Trigger::HexRun) {
            // A digest has at least twice as many characters.
            let hex = ends_of_long_runs(here.hex, before.hex);
            let before = ends_of_long_runs(before.hex, 0);
            found |= hex & behind(hex, before, LONG_RUN as u32);
        }
        if self.has(Trigger::CodeRun) {
            let letter = |by| around.behind(|masks| masks.letter, by);
            let places = [0, 4, 7, 10, 11, 12, 13, 14, 15];
            found |= places
                .into_iter()
                .fold(long, |found, by| found & if by == 0 { here.letter } else { letter(by) });
        }
        found
    }

    /// Returns the digits with which a number could begin.
    #[inline(always)]
    fn digits(&self, around: &Around<'_>, work: &mut Work) -> u64 {
        let mut starts = around.here.digit & around.alone(1);
        if self.has(Trigger::DigitsBehindLetter) {
            // The NIE `X1234567L` has a letter in front of its digits.
            let letter = around.behind(|masks| masks.letter, 1);
            starts |= around.here.digit & letter & around.alone(2);
        }
        // The shortest number has seven digits and separators, or six of them and the letter of a NIR.
        let part = |masks: &Masks| masks.digit | masks.join;
        let mut six = u128::from(part(around.here)) | u128::from(part(around.next)) << BLOCK;
        for by in [1, 2, 2] {
            six &= six >> by;
        }
        starts &= six as u64 & around.ahead(|masks| masks.digit | masks.join | masks.letter, 6);
        work.add(GROUP_READS * starts.count_ones() as usize);
        let mut found = 0;
        while starts != 0 {
            let i = starts.trailing_zeros();
            starts &= starts - 1;
            let end = !around.ahead(part, i) | 1 << REACH;
            let end = end & end.wrapping_neg();
            let digits = around.ahead(|masks| masks.digit, i) & (end - 1);
            let one_group = digits & (digits + 1) == 0;
            let count = digits.count_ones() as usize;
            let points = around.ahead(|masks| masks.point, i) & (end - 1) & 0xfff;
            let end = end.trailing_zeros() as usize;
            let may_be = match count {
                ..FEWEST_DIGITS => false,
                FEWEST_DIGITS => around.is_corsican(i, end),
                7..=8 if one_group => {
                    !around.is_no_number(i, count, end, self.has(Trigger::EightDigits))
                }
                _ => !around.is_date(i) && !around.is_numbered_name(i, count, end),
            };
            if may_be || self.has(Trigger::Points) && points.count_ones() >= 3 {
                found |= 1 << i;
            }
        }
        found
    }
}

/// A group of digits costs this many reads when the prefilter looks whether a number begins with it.
const GROUP_READS: usize = 16;

/// The two groups of a personnummer have these counts of digits.
const PERSONNUMMER: (usize, usize) = (6, 4);

/// Returns the signs behind which a secret could stand.
#[inline(always)]
fn assignments(around: &Around<'_>, work: &mut Work) -> u64 {
    let mut signs = around.here.colon | around.here.equals;
    work.add(ASSIGNMENT_READS * signs.count_ones() as usize);
    let mut found = 0;
    while signs != 0 {
        let i = signs.trailing_zeros();
        signs &= signs - 1;
        found |= u64::from(assigned::may_be_at(around.message, around.at + i as usize)) << i;
    }
    found
}

/// To see whether the name of a secret may end in front of a sign costs this many reads.
const ASSIGNMENT_READS: usize = 16;

/// Six groups of an IPv6 address take at most this many bytes, with the colons behind them.
const SIX_GROUPS: usize = 6 * 5;

/// Returns the colons that could be in an IPv6 address: two in a row, or the first of six close together.
#[inline(always)]
fn colons(around: &Around<'_>, work: &mut Work) -> u64 {
    let mut found = around.here.colon & around.behind(|masks| masks.colon, 1);
    let mut colons = around.here.colon;
    work.add(4 * colons.count_ones() as usize);
    while colons != 0 {
        let i = colons.trailing_zeros();
        colons &= colons - 1;
        let six = around.ahead(|masks| masks.colon, i) & ((1 << SIX_GROUPS) - 1);
        if six.count_ones() >= 6 {
            found |= 1 << i;
        }
    }
    found
}
