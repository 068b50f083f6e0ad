//! Check digits: the arithmetic, and its names for a user's own patterns.

use super::{card, iban, national};
use std::str::FromStr;

/// A check that a match of a user's own pattern has to pass.
///
/// Spaces, `-`, `.` and `/` in the match are left out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// The last digit is right by Luhn's algorithm (ISO/IEC 7812-1, annex B); at least two digits.
    Luhn,
    /// A payment card: Luhn, and a length and prefix that are issued.
    Card,
    /// An IBAN: country, length, form and check digits (ISO 13616).
    Iban,
    /// ISO 7064 MOD 97-10: the whole, letters as 10 to 35, leaves 1 by 97.
    Mod97,
    /// ISO 7064 MOD 11-2, the last character 0 to 9 or X (ORCID, ISNI).
    Mod11,
    /// GS1's check digit (EAN, UPC, GTIN): weights 3 and 1 from the right.
    Gs1,
    /// The Verhoeff algorithm (Aadhaar).
    Verhoeff,
    /// Netherlands, burgerservicenummer.
    NlBsn,
    /// Spain, DNI or NIE.
    EsDni,
    /// Italy, codice fiscale.
    ItCodiceFiscale,
    /// France, numéro de sécurité sociale.
    FrNir,
    /// Germany, Steuer-Identifikationsnummer.
    DeSteuerId,
    /// United Kingdom, NHS number.
    UkNhs,
    /// Brazil, CPF.
    BrCpf,
    /// Poland, PESEL.
    PlPesel,
    /// Sweden, personnummer.
    SePersonnummer,
    /// Canada, social insurance number.
    CaSin,
}

/// Longest match that a check looks at, in characters; a longer one fails.
const LONGEST: usize = 64;

impl Check {
    /// Every check, with the name it has in a rule file.
    pub const ALL: [(&str, Check); 17] = [
        ("luhn", Check::Luhn),
        ("card", Check::Card),
        ("iban", Check::Iban),
        ("mod97", Check::Mod97),
        ("mod11", Check::Mod11),
        ("gs1", Check::Gs1),
        ("verhoeff", Check::Verhoeff),
        ("nl_bsn", Check::NlBsn),
        ("es_dni", Check::EsDni),
        ("it_codice_fiscale", Check::ItCodiceFiscale),
        ("fr_nir", Check::FrNir),
        ("de_steuer_id", Check::DeSteuerId),
        ("uk_nhs", Check::UkNhs),
        ("br_cpf", Check::BrCpf),
        ("pl_pesel", Check::PlPesel),
        ("se_personnummer", Check::SePersonnummer),
        ("ca_sin", Check::CaSin),
    ];

    /// Whether `text` passes.
    pub fn passes(self, text: &str) -> bool {
        let mut kept = [0; LONGEST];
        let mut len = 0;
        for b in text.bytes().filter(|b| !b" -./".contains(b)) {
            if len == LONGEST || !b.is_ascii_alphanumeric() {
                return false;
            }
            kept[len] = b.to_ascii_uppercase();
            len += 1;
        }
        let kept = &kept[..len];
        match self {
            Check::Iban => return iban::is_iban(kept),
            Check::Mod97 => return len > 4 && mod97(kept) == 1,
            Check::Mod11 => return mod11_2(kept),
            Check::EsDni => return national::es_dni(kept),
            Check::ItCodiceFiscale => return national::it_codice_fiscale(kept),
            Check::FrNir => return national::fr_nir(kept),
            _ => {}
        }
        let mut digits = [0; LONGEST];
        for (digit, &b) in digits.iter_mut().zip(kept) {
            if !b.is_ascii_digit() {
                return false;
            }
            *digit = b - b'0';
        }
        let digits = &digits[..len];
        match self {
            Check::Card => card::is_card(digits),
            Check::Gs1 => len > 1 && gs1(digits),
            Check::Verhoeff => len > 1 && verhoeff(digits),
            Check::NlBsn => national::nl_bsn(digits),
            Check::DeSteuerId => national::de_steuer_id(digits),
            Check::UkNhs => national::uk_nhs(digits),
            Check::BrCpf => national::br_cpf(digits),
            Check::PlPesel => national::pl_pesel(digits),
            Check::SePersonnummer => national::se_personnummer(digits),
            Check::CaSin => national::ca_sin(digits),
            _ => len > 1 && luhn(digits),
        }
    }
}

impl FromStr for Check {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let found = Check::ALL.iter().find(|(known, _)| *known == name);
        found.map(|&(_, check)| check).ok_or(())
    }
}

/// Luhn over digit values.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits.iter().rev().enumerate().map(|(i, &d)| luhn_part(i, d)).sum();
    sum.is_multiple_of(10)
}

fn luhn_part(from_right: usize, digit: u8) -> u32 {
    let digit = u32::from(digit);
    match from_right % 2 {
        0 => digit,
        _ if digit > 4 => 2 * digit - 9,
        _ => 2 * digit,
    }
}

/// What the characters leave by 97, letters as 10 to 35.
pub(super) fn mod97(upper: &[u8]) -> u32 {
    upper.iter().fold(0, |rest, &b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b.wrapping_sub(b'A')) + 10) % 97,
    })
}

/// The sum of digits times weights.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&d, w)| u32::from(d) * w).sum()
}

pub(super) fn gs1(digits: &[u8]) -> bool {
    let weight = |i: usize| if i.is_multiple_of(2) { 1 } else { 3 };
    let parts = digits.iter().rev().enumerate();
    parts.map(|(i, &d)| u32::from(d) * weight(i)).sum::<u32>().is_multiple_of(10)
}

fn mod11_2(upper: &[u8]) -> bool {
    let Some((&last, body)) = upper.split_last() else { return false };
    if body.is_empty() || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let rest = body.iter().fold(0, |rest, &b| (rest + u32::from(b - b'0')) * 2 % 11);
    match (12 - rest) % 11 {
        10 => last == b'X',
        digit => u32::from(last) == u32::from(b'0') + digit,
    }
}

/// Verhoeff: multiplication in the dihedral group of order 10, with its permutation.
fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [[u8; 10]; 8] = permutations();
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (i, &d)| dihedral(sum, PERMUTATION[i % 8][usize::from(d)]));
    sum == 0
}

/// The product of two elements: 0 to 4 are rotations, 5 to 9 reflections.
const fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

const fn permutations() -> [[u8; 10]; 8] {
    let step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut table = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; 8];
    let mut row = 1;
    while row < 8 {
        let mut i = 0;
        while i < 10 {
            table[row][i] = step[table[row - 1][i] as usize];
            i += 1;
        }
        row += 1;
    }
    table
}
