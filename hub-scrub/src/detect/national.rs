//! National identification numbers with check digits.

use super::builtin::BuiltIn;
use super::check::{luhn, mod97, weighted};
use super::cluster::Cluster;
use super::scan::Found;

/// Burgerservicenummer: the elfproef (weights 9 to 2, the last -1). Eight digits stand for nine
/// with a leading zero.
pub(super) fn nl_bsn(digits: &[u8]) -> bool {
    let [rest @ .., last] = digits else { return false };
    let weights = match digits.len() {
        9 => &[9, 8, 7, 6, 5, 4, 3, 2][..],
        8 => &[8, 7, 6, 5, 4, 3, 2],
        _ => return false,
    };
    let sum = weighted(rest, weights);
    sum > 0 && sum % 11 == u32::from(*last)
}

/// Eight digits and a letter (DNI), or X, Y, Z, seven digits and a letter (NIE): the number modulo
/// 23 gives the letter.
pub(super) fn es_dni(upper: &[u8]) -> bool {
    let [first, middle @ .., letter] = upper else { return false };
    let head = match first {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        digit if digit.is_ascii_digit() => u32::from(digit - b'0'),
        _ => return false,
    };
    if upper.len() != 9 || !middle.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = middle.iter().fold(head, |n, b| n * 10 + u32::from(b - b'0'));
    es_dni_letter(number) == *letter
}

/// The letter that belongs to a DNI's number.
pub(super) fn es_dni_letter(number: u32) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize]
}

/// Codice fiscale (decree of 23 December 1976): six letters, year, month's letter, day, place,
/// check letter. Digits may be replaced by letters where two people would have the same code.
pub(super) fn it_codice_fiscale(upper: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    if upper.len() != 16 {
        return false;
    }
    for (i, b) in upper.iter().enumerate() {
        let right = match i {
            6 | 7 | 9 | 10 | 12..=14 => b.is_ascii_digit() || b"LMNPQRSTUV".contains(b),
            8 => b"ABCDEHLMPRST".contains(b),
            _ => b.is_ascii_uppercase(),
        };
        if !right {
            return false;
        }
    }
    let value = |b: u8| if b.is_ascii_digit() { b - b'0' } else { b - b'A' };
    let part = |(i, &b): (usize, &u8)| match i % 2 {
        0 => ODD[usize::from(value(b))],
        _ => u32::from(value(b)),
    };
    let sum: u32 = upper[..15].iter().enumerate().map(part).sum();
    sum % 26 == u32::from(upper[15] - b'A')
}

/// Numéro de sécurité sociale (NIR): sex, year, month, department (2A and 2B for Corsica), commune,
/// order, and a key of 97 less the rest by 97.
pub(super) fn fr_nir(upper: &[u8]) -> bool {
    if upper.len() != 15 || !matches!(upper[0], b'1'..=b'4' | b'7' | b'8') {
        return false;
    }
    // 2A counts as 19, 2B as 18.
    let mut digits = [0; 15];
    digits.copy_from_slice(upper);
    match &upper[5..7] {
        b"2A" => digits[5..7].copy_from_slice(b"19"),
        b"2B" => digits[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = |part: &[u8]| part.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    let month = matches!(number(&digits[3..5]), 1..=12 | 20 | 30..=42 | 50..=99);
    let key = number(&digits[13..]);
    month && (1..=97).contains(&key) && 97 - mod97(&digits[..13]) == key
}

/// Steuer-Identifikationsnummer: eleven digits, the first not 0; of the first ten one digit twice
/// or three times; check digit by ISO 7064 MOD 11,10.
pub(super) fn de_steuer_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits[0] == 0 {
        return false;
    }
    let mut counts = [0; 10];
    digits[..10].iter().for_each(|d| counts[usize::from(*d)] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let thrice = digits[..10].windows(3).any(|three| three[0] == three[1] && three[1] == three[2]);
    if repeated != 1 || counts.iter().any(|count| *count > 3) || thrice {
        return false;
    }
    let product = digits[..10].iter().fold(10, |product, &d| {
        let sum = (u32::from(d) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == u32::from(digits[10])
}

/// NHS number: weights 10 to 2, modulo 11.
pub(super) fn uk_nhs(digits: &[u8]) -> bool {
    if digits.len() != 10 {
        return false;
    }
    let sum = weighted(&digits[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    sum > 0 && (11 - sum % 11) % 11 == u32::from(digits[9])
}

/// CPF: nine digits and two check digits, each modulo 11. Eleven equal digits are no CPF.
pub(super) fn br_cpf(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits.iter().all(|d| *d == digits[0]) {
        return false;
    }
    let check = |len: usize| {
        let weights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2];
        match weighted(&digits[..len], &weights[10 - len..]) % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    check(9) == u32::from(digits[9]) && check(10) == u32::from(digits[10])
}

/// PESEL: date of birth (the century added to the month), serial, check digit.
pub(super) fn pl_pesel(digits: &[u8]) -> bool {
    if digits.len() != 11 {
        return false;
    }
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    sum.is_multiple_of(10) && is_day(two(digits, 2) % 20, two(digits, 4))
}

/// Personnummer, or samordningsnummer (day + 60): ten digits with Luhn, or twelve with the century.
pub(super) fn se_personnummer(digits: &[u8]) -> bool {
    let ten = match digits {
        [1, 9, ten @ ..] | [2, 0, ten @ ..] if ten.len() == 10 => ten,
        ten if ten.len() == 10 => ten,
        _ => return false,
    };
    let day = two(ten, 4);
    is_day(two(ten, 2), if day > 60 { day - 60 } else { day }) && luhn(ten)
}

/// Social insurance number: nine digits with Luhn; 0 and 8 are not issued to people.
pub(super) fn ca_sin(digits: &[u8]) -> bool {
    digits.len() == 9 && !matches!(digits[0], 0 | 8) && luhn(digits)
}

fn two(digits: &[u8], at: usize) -> u32 {
    u32::from(digits[at]) * 10 + u32::from(digits[at + 1])
}

fn is_day(month: u32, day: u32) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// A way to write a number: lengths of its groups, what joins them, and whether so written it is
/// certain.
type Layout = (&'static [usize], u8, bool);

/// Numbers of digits only, how they are written, and their check.
type Form = (BuiltIn, &'static [Layout], fn(&[u8]) -> bool);

#[rustfmt::skip]
const FORMS: [Form; 7] = [
    (BuiltIn::NlBsn, &[(&[9], 0, false), (&[8], 0, false), (&[4, 2, 3], b'.', true), (&[4, 2, 3], b' ', false)], nl_bsn),
    (BuiltIn::DeSteuerId, &[(&[11], 0, false), (&[2, 3, 3, 3], b' ', true)], de_steuer_id),
    (BuiltIn::UkNhs, &[(&[10], 0, false), (&[3, 3, 4], b' ', true), (&[3, 3, 4], b'-', false)], uk_nhs),
    (BuiltIn::BrCpf, &[(&[11], 0, false)], br_cpf),
    (BuiltIn::PlPesel, &[(&[11], 0, true)], pl_pesel),
    (BuiltIn::SePersonnummer, &[(&[10], 0, false), (&[12], 0, true), (&[6, 4], b'-', true), (&[8, 4], b'-', true)], se_personnummer),
    (BuiltIn::CaSin, &[(&[9], 0, false), (&[3, 3, 3], b' ', true), (&[3, 3, 3], b'-', true)], ca_sin),
];

/// National numbers of digits that begin at group `first`.
pub(super) fn find(
    cluster: &Cluster<'_>,
    first: usize,
    wanted: impl Fn(BuiltIn) -> bool,
    mut found: impl FnMut(BuiltIn, Found),
) {
    let mut digits = [0; 16];
    for (kind, layouts, check) in FORMS {
        if !wanted(kind) {
            continue;
        }
        for &(lengths, sep, certain) in layouts {
            if is_written(cluster, first, lengths, sep)
                && cluster.digits(first, lengths.len(), &mut digits).is_some_and(check)
            {
                found(kind, Found::groups(cluster, first, lengths.len(), certain));
                break;
            }
        }
    }
    if wanted(BuiltIn::BrCpf) {
        // 123.456.789-09: two different separators.
        let groups = cluster.groups().get(first..first + 4);
        let written = groups.is_some_and(|groups| {
            groups.iter().map(|group| group.len).eq([3, 3, 3, 2])
                && [1, 2, 3].map(|i| cluster.sep(first + i)) == [b'.', b'.', b'-']
                && !cluster.letter_follows(first + 3)
        });
        if written && cluster.digits(first, 4, &mut digits).is_some_and(br_cpf) {
            found(BuiltIn::BrCpf, Found::groups(cluster, first, 4, true));
        }
    }
    if wanted(BuiltIn::FrNir)
        && let Some(nir) = find_nir(cluster, first)
    {
        found(BuiltIn::FrNir, nir);
    }
    if wanted(BuiltIn::EsDni)
        && let Some(dni) = find_dni(cluster, first)
    {
        found(BuiltIn::EsDni, dni);
    }
}

fn is_written(cluster: &Cluster<'_>, first: usize, lengths: &[usize], sep: u8) -> bool {
    if lengths.len() > 1 {
        return cluster.is_row(first, lengths, sep);
    }
    let alone = cluster.sep(first) != b'.' && !cluster.letter_follows(first);
    alone && cluster.groups()[first].len == lengths[0]
}

/// A NIR: fifteen characters in one piece, or in the groups 1 2 2 2 3 3 2, which Corsica's letter
/// divides once more.
fn find_nir(cluster: &Cluster<'_>, first: usize) -> Option<Found> {
    let start = cluster.groups()[first].start;
    if !matches!(cluster.groups()[first].len, 1 | 6 | 15) || cluster.sep(first) == b'.' {
        return None;
    }
    let mut upper = [0; 15];
    let mut at = start;
    let mut count = 0;
    while count < 15 {
        match *cluster.bytes.get(at)? {
            b if b.is_ascii_digit() => {}
            b'A' | b'B' if count == 6 => {}
            b' ' if at > start && matches!(count, 1 | 3 | 5 | 7 | 10 | 13) => {
                at += 1;
                continue;
            }
            _ => return None,
        }
        upper[count] = cluster.bytes[at];
        count += 1;
        at += 1;
    }
    let ends = !cluster.bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    (ends && fr_nir(&upper)).then_some(Found { start, end: at, certain: true })
}

/// A DNI: eight digits, perhaps with points, and the letter, perhaps behind a hyphen or space; or a
/// NIE written `X-1234567-L`.
fn find_dni(cluster: &Cluster<'_>, first: usize) -> Option<Found> {
    let groups = cluster.groups();
    let count = match groups[first].len {
        7 => {
            let start = groups[first].start.checked_sub(2)?;
            let alone = !cluster.byte_before(start).is_some_and(|b| b.is_ascii_alphanumeric());
            return if alone { find_nie(cluster.bytes, start) } else { None };
        }
        8 => 1,
        2 if cluster.sep(first + 1) == b'.' && cluster.sep(first + 2) == b'.' => 3,
        _ => return None,
    };
    let mut digits = [0; 8];
    if cluster.digits(first, count, &mut digits)?.len() != 8 {
        return None;
    }
    letter_behind(cluster.bytes, groups[first].start, groups[first + count - 1].end(), &digits)
}

/// The NIE whose X, Y or Z stands at `start`, right before a digit or with a hyphen between.
pub(super) fn find_nie(bytes: &[u8], start: usize) -> Option<Found> {
    let from = start + 1 + usize::from(bytes.get(start + 1) == Some(&b'-'));
    let seven = bytes.get(from..from + 7)?;
    let head = match bytes[start].to_ascii_uppercase() {
        b @ b'X'..=b'Z' => b - b'X',
        _ => return None,
    };
    let mut digits = [head; 8];
    for (digit, b) in digits[1..].iter_mut().zip(seven) {
        if !b.is_ascii_digit() {
            return None;
        }
        *digit = b - b'0';
    }
    letter_behind(bytes, start, from + 7, &digits)
}

fn letter_behind(bytes: &[u8], start: usize, end: usize, digits: &[u8; 8]) -> Option<Found> {
    let joined = usize::from(matches!(bytes.get(end), Some(b'-' | b' ')));
    let letter = bytes.get(end + joined)?.to_ascii_uppercase();
    let mut upper = [letter; 9];
    for (to, d) in upper.iter_mut().zip(digits) {
        *to = b'0' + d;
    }
    let end = end + joined + 1;
    let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (ends && es_dni(&upper)).then_some(Found {
        start,
        end,
        certain: joined == 0 || bytes[end - 2] == b'-',
    })
}

/// The codice fiscale that the run of token characters `start..end` is.
pub(super) fn find_codice_fiscale(bytes: &[u8], start: usize, end: usize) -> Option<Found> {
    let mut upper = [0; 16];
    if end - start != upper.len() {
        return None;
    }
    for (to, b) in upper.iter_mut().zip(&bytes[start..end]) {
        *to = b.to_ascii_uppercase();
    }
    it_codice_fiscale(&upper).then_some(Found { start, end, certain: true })
}
