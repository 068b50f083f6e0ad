//! This module finds IBANs, which are international bank account numbers.
//!
//! Without it, account numbers would pass.

use super::check_digits::mod97;
use super::declaration::{CheckFn, Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Iban`].
pub(super) const IBAN: Declaration = Declaration {
    kind: BuiltIn::Iban,
    name: "iban",
    words: &[],
    keys: &[],
    others: &[],
    trigger: Trigger::Country,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Letters(2, find)],
    check: Some(CheckFn::Characters(is_iban)),
    examples: &["DE89 3704 0044 0532 0130 00"],
};

/// The registry allows IBANs of at most this many characters.
const LONGEST: usize = 34;

/// Each entry has the code of a country, the length of its IBANs in characters, and their form after the
/// check digits. In a form, `n` means digits, `a` letters, and `c` both. The source is the IBAN registry that
/// SWIFT keeps for ISO 13616, release 101. Neighbouring parts of one class are joined.
#[rustfmt::skip]
const COUNTRIES: [([u8; 2], usize, &str); 89] = [
    (*b"AD", 24, "8n12c"), (*b"AE", 23, "19n"), (*b"AL", 28, "8n16c"),
    (*b"AT", 20, "16n"), (*b"AZ", 28, "4a20c"), (*b"BA", 20, "16n"),
    (*b"BE", 16, "12n"), (*b"BG", 22, "4a6n8c"), (*b"BH", 22, "4a14c"),
    (*b"BI", 27, "23n"), (*b"BR", 29, "23n1a1c"), (*b"BY", 28, "4c4n16c"),
    (*b"CH", 21, "5n12c"), (*b"CR", 22, "18n"), (*b"CY", 28, "8n16c"),
    (*b"CZ", 24, "20n"), (*b"DE", 22, "18n"), (*b"DJ", 27, "23n"),
    (*b"DK", 18, "14n"), (*b"DO", 28, "4c20n"), (*b"EE", 20, "16n"),
    (*b"EG", 29, "25n"), (*b"ES", 24, "20n"), (*b"FI", 18, "14n"),
    (*b"FK", 18, "2a12n"), (*b"FO", 18, "14n"), (*b"FR", 27, "10n11c2n"),
    (*b"GB", 22, "4a14n"), (*b"GE", 22, "2a16n"), (*b"GI", 23, "4a15c"),
    (*b"GL", 18, "14n"), (*b"GR", 27, "7n16c"), (*b"GT", 28, "24c"),
    (*b"HN", 28, "4a20n"), (*b"HR", 21, "17n"), (*b"HU", 28, "24n"),
    (*b"IE", 22, "4a14n"), (*b"IL", 23, "19n"), (*b"IQ", 23, "4a15n"),
    (*b"IS", 26, "22n"), (*b"IT", 27, "1a10n12c"), (*b"JO", 30, "4a4n18c"),
    (*b"KW", 30, "4a22c"), (*b"KZ", 20, "3n13c"), (*b"LB", 28, "4n20c"),
    (*b"LC", 32, "4a24c"), (*b"LI", 21, "5n12c"), (*b"LT", 20, "16n"),
    (*b"LU", 20, "3n13c"), (*b"LV", 21, "4a13c"), (*b"LY", 25, "21n"),
    (*b"MC", 27, "10n11c2n"), (*b"MD", 24, "20c"), (*b"ME", 22, "18n"),
    (*b"MK", 19, "3n10c2n"), (*b"MN", 20, "16n"), (*b"MR", 27, "23n"),
    (*b"MT", 31, "4a5n18c"), (*b"MU", 30, "4a19n3a"), (*b"NI", 28, "4a20n"),
    (*b"NL", 18, "4a10n"), (*b"NO", 15, "11n"), (*b"OM", 23, "3n16c"),
    (*b"PK", 24, "4a16c"), (*b"PL", 28, "24n"), (*b"PS", 29, "4a21c"),
    (*b"PT", 25, "21n"), (*b"QA", 29, "4a21c"), (*b"RO", 24, "4a16c"),
    (*b"RS", 22, "18n"), (*b"RU", 33, "14n15c"), (*b"SA", 24, "2n18c"),
    (*b"SC", 31, "4a20n3a"), (*b"SD", 18, "14n"), (*b"SE", 24, "20n"),
    (*b"SI", 19, "15n"), (*b"SK", 24, "20n"), (*b"SM", 27, "1a10n12c"),
    (*b"SO", 23, "19n"), (*b"ST", 25, "21n"), (*b"SV", 28, "4a20n"),
    (*b"TL", 23, "19n"), (*b"TN", 24, "20n"), (*b"TR", 26, "6n16c"),
    (*b"UA", 29, "6n19c"), (*b"VA", 22, "18n"), (*b"VG", 24, "4a16n"),
    (*b"XK", 20, "16n"), (*b"YE", 30, "4a4n18c"), 
];

/// Returns whether these upper-case characters are an IBAN.
fn is_iban(upper: &[u8]) -> bool {
    let [a, b, ..] = *upper else { return false };
    let Some((len, form)) = country([a, b]) else { return false };
    upper.len() == len && fits(upper, form)
}

/// The index is the first letter of the code of a country that has IBANs, and a bit is a second letter.
const SECOND_LETTERS: [u32; 26] = {
    let mut letters = [0; 26];
    let mut i = 0;
    while i < COUNTRIES.len() {
        let [first, second] = COUNTRIES[i].0;
        letters[(first - b'A') as usize] |= 1 << (second - b'A');
        i += 1;
    }
    letters
};

/// Returns whether a country has IBANs. Its code must be in upper case.
#[inline]
pub(super) fn has_country([first, second]: [u8; 2]) -> bool {
    let (first, second) = (first.wrapping_sub(b'A'), second.wrapping_sub(b'A'));
    let seconds = SECOND_LETTERS.get(usize::from(first)).copied().unwrap_or_default();
    second < 26 && seconds >> second & 1 == 1
}

fn country(code: [u8; 2]) -> Option<(usize, &'static str)> {
    let number = u16::from_be_bytes;
    let found = COUNTRIES.binary_search_by_key(&number(code), |&(code, _, _)| number(code)).ok()?;
    Some((COUNTRIES[found].1, COUNTRIES[found].2))
}

/// Returns whether the form and the check digits are right. The check digits 00, 01 and 99 are never
/// issued.
fn fits(upper: &[u8], form: &str) -> bool {
    let (head, rest) = upper.split_at(4);
    if !head[2..].iter().all(u8::is_ascii_digit) || matches!(&head[2..], b"00" | b"01" | b"99") {
        return false;
    }
    let mut rest = rest;
    let mut count = 0;
    for b in form.bytes() {
        if b.is_ascii_digit() {
            count = count * 10 + usize::from(b - b'0');
            continue;
        }
        let Some((part, behind)) = rest.split_at_checked(count) else { return false };
        let right = match b {
            b'n' => part.iter().all(u8::is_ascii_digit),
            b'a' => part.iter().all(u8::is_ascii_uppercase),
            _ => part.iter().all(u8::is_ascii_alphanumeric),
        };
        if !right {
            return false;
        }
        (rest, count) = (behind, 0);
    }
    // For the check, the first four characters are moved to the end.
    let mut turned = [0; LONGEST];
    let turned = &mut turned[..upper.len()];
    turned.copy_from_slice(upper);
    turned.rotate_left(4);
    mod97(turned) == 1
}

/// Finds the IBAN whose two letters begin at the offset `start`. The IBAN may have single spaces or hyphens
/// between its characters.
fn find(bytes: &[u8], start: usize, work: &mut Work) -> Option<Match> {
    let end = end(bytes, start, work)?;
    let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    // Inside of an identifier, digits and letters may be an IBAN by chance.
    let glued =
        matches!(bytes[..start], [.., a, b'_' | b'-' | b'/' | b'+'] if a.is_ascii_alphanumeric());
    let evidence = if glued { Evidence::CHECKED } else { Evidence::OWN_CHECK };
    ends.then_some(Match { start, end, evidence })
}

/// Returns the end of the IBAN whose two letters begin at the offset `start`, regardless of the text behind
/// it.
pub(super) fn end(bytes: &[u8], start: usize, work: &mut Work) -> Option<usize> {
    work.add(24);
    let code = [bytes[start].to_ascii_uppercase(), bytes[start + 1].to_ascii_uppercase()];
    let (len, form) = country(code)?;
    let mut upper = [0; LONGEST];
    let mut count = 0;
    let mut at = start;
    while count < len {
        work.add(3);
        match *bytes.get(at)? {
            b if b.is_ascii_alphanumeric() => {
                // Most texts that begin like an IBAN have no second check digit.
                if count == 3 && !b.is_ascii_digit() {
                    return None;
                }
                upper[count] = b.to_ascii_uppercase();
                count += 1;
            }
            b' ' | b'-' if bytes[at - 1].is_ascii_alphanumeric() => {}
            _ => return None,
        }
        at += 1;
    }
    work.add(CHECK_READS);
    fits(&upper[..len], form).then_some(at)
}

/// To check the form and the check digits costs this many reads.
const CHECK_READS: usize = 200;
