//! This module has the checks that a match of a user's pattern may have to pass, with their names in rule
//! files.
//!
//! Without them, a pattern for an identification number would also find order numbers.

use super::check_digits::{gs1, luhn, mod11_2, mod97, verhoeff};
use super::declaration::CheckFn;
use super::kinds::BuiltIn;
use std::str::FromStr;

/// A `Check` is a check that a match of a user's pattern has to pass.
///
/// Spaces, `-`, `.` and `/` in the match are left out before the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// The match has at least two digits, and they pass Luhn's algorithm (ISO/IEC 7812-1, annex B).
    Luhn,
    /// The match is a card number: it passes Luhn's algorithm, and networks issue its length and its prefix.
    Card,
    /// The match is an IBAN with a right country, length, form and check digits (ISO 13616).
    Iban,
    /// The match passes ISO 7064 MOD 97-10: its characters form a number that is 1 modulo 97, with letters
    /// as 10 to 35.
    Mod97,
    /// The match passes ISO 7064 MOD 11-2, as ORCID and ISNI do. Its last character is 0 to 9 or X.
    Mod11,
    /// The match has GS1's check digit, as EAN, UPC and GTIN do. The weights are 3 and 1 from the right.
    Gs1,
    /// The match passes the Verhoeff algorithm, as Aadhaar numbers do.
    Verhoeff,
    /// The match is a burgerservicenummer of the Netherlands.
    NlBsn,
    /// The match is a DNI or a NIE of Spain.
    EsDni,
    /// The match is a codice fiscale of Italy.
    ItCodiceFiscale,
    /// The match is a numéro de sécurité sociale of France.
    FrNir,
    /// The match is a Steuer-Identifikationsnummer of Germany.
    DeSteuerId,
    /// The match is an NHS number of the United Kingdom.
    UkNhs,
    /// The match is a CPF of Brazil.
    BrCpf,
    /// The match is a PESEL of Poland.
    PlPesel,
    /// The match is a personnummer of Sweden.
    SePersonnummer,
    /// The match is a social insurance number of Canada.
    CaSin,
}

/// A match that passes a check has at most this many characters.
const LONGEST: usize = 64;

impl Check {
    /// The list has every check with its name in rule files. The check of a built-in detector has the
    /// detector's name.
    pub const ALL: [(&str, Check); 17] = [
        ("luhn", Check::Luhn),
        (BuiltIn::Card.name(), Check::Card),
        (BuiltIn::Iban.name(), Check::Iban),
        ("mod97", Check::Mod97),
        ("mod11", Check::Mod11),
        ("gs1", Check::Gs1),
        ("verhoeff", Check::Verhoeff),
        (BuiltIn::NlBsn.name(), Check::NlBsn),
        (BuiltIn::EsDni.name(), Check::EsDni),
        (BuiltIn::ItCodiceFiscale.name(), Check::ItCodiceFiscale),
        (BuiltIn::FrNir.name(), Check::FrNir),
        (BuiltIn::DeSteuerId.name(), Check::DeSteuerId),
        (BuiltIn::UkNhs.name(), Check::UkNhs),
        (BuiltIn::BrCpf.name(), Check::BrCpf),
        (BuiltIn::PlPesel.name(), Check::PlPesel),
        (BuiltIn::SePersonnummer.name(), Check::SePersonnummer),
        (BuiltIn::CaSin.name(), Check::CaSin),
    ];

    /// Returns whether `text` passes the check.
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
        let kept = &mut kept[..len];
        match self.function() {
            CheckFn::Characters(passes) => passes(kept),
            CheckFn::Digits(passes) => {
                if !kept.iter().all(u8::is_ascii_digit) {
                    return false;
                }
                kept.iter_mut().for_each(|digit| *digit -= b'0');
                passes(kept)
            }
        }
    }

    fn function(self) -> CheckFn {
        match self {
            Check::Luhn => CheckFn::Digits(|digits| digits.len() > 1 && luhn(digits)),
            Check::Gs1 => CheckFn::Digits(|digits| digits.len() > 1 && gs1(digits)),
            Check::Verhoeff => CheckFn::Digits(|digits| digits.len() > 1 && verhoeff(digits)),
            Check::Mod97 => CheckFn::Characters(|upper| upper.len() > 4 && mod97(upper) == 1),
            Check::Mod11 => CheckFn::Characters(mod11_2),
            Check::Card => const { declared(BuiltIn::Card) },
            Check::Iban => const { declared(BuiltIn::Iban) },
            Check::NlBsn => const { declared(BuiltIn::NlBsn) },
            Check::EsDni => const { declared(BuiltIn::EsDni) },
            Check::ItCodiceFiscale => const { declared(BuiltIn::ItCodiceFiscale) },
            Check::FrNir => const { declared(BuiltIn::FrNir) },
            Check::DeSteuerId => const { declared(BuiltIn::DeSteuerId) },
            Check::UkNhs => const { declared(BuiltIn::UkNhs) },
            Check::BrCpf => const { declared(BuiltIn::BrCpf) },
            Check::PlPesel => const { declared(BuiltIn::PlPesel) },
            Check::SePersonnummer => const { declared(BuiltIn::SePersonnummer) },
            Check::CaSin => const { declared(BuiltIn::CaSin) },
        }
    }
}

/// Returns the check that a detector declares. A detector without a check does not compile here.
const fn declared(kind: BuiltIn) -> CheckFn {
    match kind.declaration().check {
        Some(check) => check,
        None => panic!("this detector declares no check"),
    }
}

impl FromStr for Check {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let found = Check::ALL.iter().find(|(known, _)| *known == name);
        found.map(|&(_, check)| check).ok_or(())
    }
}
