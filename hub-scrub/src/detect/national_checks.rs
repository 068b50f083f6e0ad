//! This module checks the check digits and the dates in national identification numbers.
//!
//! Without these checks, every number of the right length would count as an identification number.

use super::check_digits::{luhn, mod97, weighted};

/// Returns whether digits are a burgerservicenummer. They must pass the elfproef, whose weights are 9 to 2,
/// and -1 for the last digit. Eight digits stand for nine digits with a leading zero.
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

/// Returns whether characters are a DNI (eight digits and a letter) or a NIE (X, Y or Z, seven digits and a
/// letter). The number modulo 23 gives the last letter.
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

/// Returns the letter that belongs to the number of a DNI.
pub(super) fn es_dni_letter(number: u32) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize]
}

/// Returns whether characters are a codice fiscale (decree of 23 December 1976). It has six letters, the year,
/// a letter for the month, the day, the place and a check letter. If two people would have equal codes,
/// letters replace digits.
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

/// Returns whether characters are a numéro de sécurité sociale (NIR). It has the sex, the year, the month, the
/// department (2A and 2B for Corsica), the commune, a serial number and a key. The key is 97 minus the number
/// modulo 97.
pub(super) fn fr_nir(upper: &[u8]) -> bool {
    if upper.len() != 15 || !matches!(upper[0], b'1'..=b'4' | b'7' | b'8') {
        return false;
    }
    // For the key, 2A counts as 19 and 2B as 18.
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

/// Returns whether digits are a Steuer-Identifikationsnummer. It has eleven digits and does not begin with 0.
/// Exactly one digit occurs twice or three times among the first ten. The last digit is the check digit of
/// ISO 7064 MOD 11,10.
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

/// Returns whether digits are an NHS number. The check digit is computed with the weights 10 to 2, modulo 11.
pub(super) fn uk_nhs(digits: &[u8]) -> bool {
    if digits.len() != 10 {
        return false;
    }
    let sum = weighted(&digits[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    sum > 0 && (11 - sum % 11) % 11 == u32::from(digits[9])
}

/// Returns whether digits are a CPF. It has nine digits and two check digits, each modulo 11. Eleven equal
/// digits are no CPF.
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

/// Returns whether digits are a PESEL. It has the date of birth, a serial number and a check digit. A
/// multiple of 20 is added to the month for the century.
pub(super) fn pl_pesel(digits: &[u8]) -> bool {
    if digits.len() != 11 {
        return false;
    }
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    sum.is_multiple_of(10) && is_day(two(digits, 2) % 20, two(digits, 4))
}

/// Returns whether digits are a personnummer, or a samordningsnummer, which adds 60 to the day. It has ten
/// digits that pass Luhn's algorithm, and perhaps the century in front of them.
pub(super) fn se_personnummer(digits: &[u8]) -> bool {
    let ten = match digits {
        [1, 9, ten @ ..] | [2, 0, ten @ ..] if ten.len() == 10 => ten,
        ten if ten.len() == 10 => ten,
        _ => return false,
    };
    let day = two(ten, 4);
    is_day(two(ten, 2), if day > 60 { day - 60 } else { day }) && luhn(ten)
}

/// Returns whether digits are a social insurance number. It has nine digits that pass Luhn's algorithm.
/// People have no numbers that begin with 0 or 8.
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
