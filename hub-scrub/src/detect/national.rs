//! This module finds national identification numbers with check digits.
//!
//! Without it, such numbers would pass.

use super::cluster::Cluster;
use super::declaration::{CheckFn, Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::national_checks::{
    br_cpf, ca_sin, de_steuer_id, es_dni, fr_nir, it_codice_fiscale, nl_bsn, pl_pesel,
    se_personnummer, uk_nhs,
};
use super::number_search::{CHECK_READS, NumberSearch};
use super::others::NUMBERED;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::NlBsn`].
pub(super) const NL_BSN: Declaration = Declaration {
    kind: BuiltIn::NlBsn,
    name: "nl_bsn",
    words: &[
        "bsn",
        "burgerservicenummer",
        "sofi",
        "sofinummer",
        "sofi-nummer",
        "persoonsnummer",
        "citizen service",
    ],
    keys: &["bsn", "burgerservicenummer", "sofi nummer", "persoonsnummer"],
    others: NUMBERED,
    trigger: Trigger::EightDigits,
    possible_integers: &[8, 9],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(
        &[
            (&[9], 0, Evidence::CHECKED),
            (&[8], 0, Evidence::CHECKED),
            (&[4, 2, 3], b'.', Evidence::CHECKED_FORM),
            (&[4, 2, 3], b' ', Evidence::CHECKED),
        ],
        nl_bsn,
    ))],
    check: Some(CheckFn::Digits(nl_bsn)),
    examples: &["1234.56.782", "bsn 123456782", "bsn 12345672"],
};

/// Declares [`BuiltIn::EsDni`].
pub(super) const ES_DNI: Declaration = Declaration {
    kind: BuiltIn::EsDni,
    name: "es_dni",
    words: &["dni", "nie", "nif", "documento", "identidad"],
    keys: &["dni", "nie", "nif", "documento", "documento identidad"],
    others: NUMBERED,
    trigger: Trigger::DigitsBehindLetter,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[
        Search::Number(NumberSearch::Own(|len| matches!(len, 2 | 7 | 8), find_dni)),
        Search::Letters(1, find_nie),
    ],
    check: Some(CheckFn::Characters(es_dni)),
    examples: &["12345678Z", "X1234567L"],
};

/// Declares [`BuiltIn::ItCodiceFiscale`].
pub(super) const IT_CODICE_FISCALE: Declaration = Declaration {
    kind: BuiltIn::ItCodiceFiscale,
    name: "it_codice_fiscale",
    words: &[],
    keys: &["codice fiscale", "cod fiscale", "cf"],
    others: &[],
    trigger: Trigger::CodeRun,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Run(find_codice_fiscale)],
    check: Some(CheckFn::Characters(it_codice_fiscale)),
    examples: &["RSSMRA85T10A562S"],
};

/// Declares [`BuiltIn::FrNir`].
pub(super) const FR_NIR: Declaration = Declaration {
    kind: BuiltIn::FrNir,
    name: "fr_nir",
    words: &["nir", "sécurité sociale", "securite sociale", "insee", "numéro de sécu"],
    keys: &["nir", "insee", "numero secu", "securite sociale", "numero securite sociale"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[],
    likely_integers: &[15],
    searches: &[Search::Number(NumberSearch::Own(|len| matches!(len, 1 | 6 | 15), find_nir))],
    check: Some(CheckFn::Characters(fr_nir)),
    examples: &["1 85 05 78 006 084 91", "185052A00608435"],
};

/// Declares [`BuiltIn::DeSteuerId`].
pub(super) const DE_STEUER_ID: Declaration = Declaration {
    kind: BuiltIn::DeSteuerId,
    name: "de_steuer_id",
    words: &[
        "steuer-id",
        "steuerid",
        "steuer",
        "steuernummer",
        "steueridentifikationsnummer",
        "idnr",
        "id-nr",
        "tin",
        "tax",
        "identifikationsnummer",
    ],
    keys: &[
        "steuer id",
        "steuerid",
        "steuernummer",
        "idnr",
        "tin",
        "tax id",
        "steuer identifikationsnummer",
        "steueridentifikationsnummer",
    ],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[11],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(
        &[(&[11], 0, Evidence::CHECKED), (&[2, 3, 3, 3], b' ', Evidence::CHECKED)],
        de_steuer_id,
    ))],
    check: Some(CheckFn::Digits(de_steuer_id)),
    examples: &["steuer 86 095 742 719", "steuer 86095742719"],
};

/// Declares [`BuiltIn::UkNhs`].
pub(super) const UK_NHS: Declaration = Declaration {
    kind: BuiltIn::UkNhs,
    name: "uk_nhs",
    words: &["nhs", "national health", "patient"],
    keys: &["nhs", "nhs id", "patient id"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[10],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(
        &[
            (&[10], 0, Evidence::CHECKED),
            (&[3, 3, 4], b' ', Evidence::CHECKED),
            (&[3, 3, 4], b'-', Evidence::CHECKED),
        ],
        uk_nhs,
    ))],
    check: Some(CheckFn::Digits(uk_nhs)),
    examples: &["nhs 943 476 5919"],
};

/// Declares [`BuiltIn::BrCpf`].
pub(super) const BR_CPF: Declaration = Declaration {
    kind: BuiltIn::BrCpf,
    name: "br_cpf",
    words: &["cpf", "cadastro", "contribuinte", "documento"],
    keys: &["cpf", "documento", "contribuinte"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[11],
    likely_integers: &[],
    searches: &[
        Search::Number(NumberSearch::Written(&[(&[11], 0, Evidence::CHECKED)], br_cpf)),
        Search::Number(NumberSearch::Own(|len| len == 3, find_printed_cpf)),
    ],
    check: Some(CheckFn::Digits(br_cpf)),
    examples: &["111.444.777-35", "cpf 11144477735"],
};

/// Declares [`BuiltIn::PlPesel`].
pub(super) const PL_PESEL: Declaration = Declaration {
    kind: BuiltIn::PlPesel,
    name: "pl_pesel",
    words: &["pesel"],
    keys: &["pesel"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[11],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(&[(&[11], 0, Evidence::CHECKED)], pl_pesel))],
    check: Some(CheckFn::Digits(pl_pesel)),
    examples: &["pesel 44051401359"],
};

/// Declares [`BuiltIn::SePersonnummer`].
pub(super) const SE_PERSONNUMMER: Declaration = Declaration {
    kind: BuiltIn::SePersonnummer,
    name: "se_personnummer",
    words: &["personnummer", "personnr", "pnr", "samordningsnummer", "född", "social security"],
    keys: &["personnummer", "personnr", "pnr", "samordningsnummer", "person nummer"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[10, 12],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(
        &[
            (&[10], 0, Evidence::CHECKED),
            (&[12], 0, Evidence::CHECKED),
            (&[6, 4], b'-', Evidence::CHECKED_FORM),
            (&[8, 4], b'-', Evidence::CHECKED_FORM),
        ],
        se_personnummer,
    ))],
    check: Some(CheckFn::Digits(se_personnummer)),
    examples: &["811218-9876", "19811218-9876"],
};

/// Declares [`BuiltIn::CaSin`].
pub(super) const CA_SIN: Declaration = Declaration {
    kind: BuiltIn::CaSin,
    name: "ca_sin",
    words: &["sin", "social insurance", "nas", "assurance sociale"],
    keys: &["sin", "nas", "social insurance", "social insurance number"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[9],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Written(
        &[
            (&[9], 0, Evidence::CHECKED),
            (&[3, 3, 3], b' ', Evidence::CHECKED),
            (&[3, 3, 3], b'-', Evidence::CHECKED_FORM),
        ],
        ca_sin,
    ))],
    check: Some(CheckFn::Digits(ca_sin)),
    examples: &["sin 146 454 285", "146-454-285"],
};

/// Finds a CPF that is written with its separators, as in 123.456.789-09.
fn find_printed_cpf(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let groups = cluster.groups().get(first..first + 4)?;
    let printed = groups.iter().map(|group| group.len).eq([3, 3, 3, 2])
        && [1, 2, 3].map(|i| cluster.sep(first + i)) == [b'.', b'.', b'-']
        && !cluster.letter_follows(first + 3);
    work.add(if printed { CHECK_READS } else { 0 });
    let mut digits = [0; 11];
    let valid = printed && cluster.digits(first, 4, &mut digits).is_some_and(br_cpf);
    valid.then(|| Match::groups(cluster, first, 4, Evidence::CHECKED_FORM))
}

/// Finds a NIR, which has fifteen characters in one piece, or in groups of 1, 2, 2, 2, 3, 3 and 2. The letter
/// of Corsica divides one group of digits once more.
fn find_nir(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let start = cluster.groups()[first].start;
    if !matches!(cluster.groups()[first].len, 1 | 6 | 15) || cluster.sep(first) == b'.' {
        return None;
    }
    let mut upper = [0; 15];
    let mut at = start;
    let mut count = 0;
    while count < 15 {
        work.add(3);
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
    work.add(CHECK_READS);
    (ends && fr_nir(&upper)).then_some(Match { start, end: at, evidence: Evidence::CHECKED_FORM })
}

/// Finds a DNI, which has eight digits, with or without points, and a letter. A hyphen or a space may stand
/// in front of the letter. It also finds a NIE that is written `X-1234567-L`.
fn find_dni(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let groups = cluster.groups();
    let count = match groups[first].len {
        7 => {
            let start = groups[first].start.checked_sub(2)?;
            let alone = !cluster.byte_before(start).is_some_and(|b| b.is_ascii_alphanumeric());
            return if alone { find_nie(cluster.bytes, start, work) } else { None };
        }
        8 => 1,
        2 if cluster.sep(first + 1) == b'.' && cluster.sep(first + 2) == b'.' => 3,
        _ => return None,
    };
    work.add(CHECK_READS);
    let mut digits = [0; 8];
    if cluster.digits(first, count, &mut digits)?.len() != 8 {
        return None;
    }
    letter_behind(cluster.bytes, groups[first].start, groups[first + count - 1].end(), &digits)
}

/// Finds the NIE whose X, Y or Z is at the offset `start`. A hyphen may stand between that letter and the
/// first digit.
fn find_nie(bytes: &[u8], start: usize, work: &mut Work) -> Option<Match> {
    work.add(16);
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

fn letter_behind(bytes: &[u8], start: usize, end: usize, digits: &[u8; 8]) -> Option<Match> {
    let joined = usize::from(matches!(bytes.get(end), Some(b'-' | b' ')));
    let letter = bytes.get(end + joined)?.to_ascii_uppercase();
    let mut upper = [letter; 9];
    for (to, d) in upper.iter_mut().zip(digits) {
        *to = b'0' + d;
    }
    let end = end + joined + 1;
    let ends = !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (ends && es_dni(&upper)).then_some(Match {
        start,
        end,
        evidence: if (joined == 0 || bytes[end - 2] == b'-') && bytes[end - 1].is_ascii_uppercase()
        {
            Evidence::CHECKED_FORM
        } else {
            Evidence::CHECKED
        },
    })
}

/// Reports the run of token characters `start..end` if it is a codice fiscale.
fn find_codice_fiscale(
    bytes: &[u8],
    start: usize,
    end: usize,
    work: &mut Work,
    found: &mut dyn FnMut(Match, &mut Work),
) {
    let mut upper = [0; 16];
    if end - start != upper.len() {
        return;
    }
    work.add(2 * upper.len());
    for (to, b) in upper.iter_mut().zip(&bytes[start..end]) {
        *to = b.to_ascii_uppercase();
    }
    if it_codice_fiscale(&upper) {
        found(Match { start, end, evidence: Evidence::OWN_CHECK }, work);
    }
}
