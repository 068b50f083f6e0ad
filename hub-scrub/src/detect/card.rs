//! This module finds the numbers of payment cards.
//!
//! Without it, card numbers would pass, which violates PCI DSS.

use super::check_digits::{gs1, luhn};
use super::cluster::Cluster;
use super::declaration::{CheckFn, Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::number_search::{CHECK_READS, NumberSearch};
use super::others::NUMBERED;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::Card`].
pub(super) const CARD: Declaration = Declaration {
    kind: BuiltIn::Card,
    name: "card",
    words: &[
        "card",
        "cards",
        "credit",
        "debit",
        "visa",
        "mastercard",
        "amex",
        "pan",
        "karte",
        "kreditkarte",
        "carte",
        "tarjeta",
        "cartão",
        "carta",
        "kaart",
        "creditcard",
        "karta",
        "paid",
        "payment",
    ],
    keys: &[
        "card",
        "pan",
        "credit card",
        "creditcard",
        "debit card",
        "payment card",
        "cc",
        "ccnum",
        "ccn",
        "primary account number",
        "account number",
        "kreditkarte",
        "tarjeta",
        "carte",
    ],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[],
    likely_integers: &[12, 13, 14, 15, 16, 17, 18, 19],
    searches: &[Search::Number(NumberSearch::Own(|len| matches!(len, 2..=8 | 12..=19), find))],
    check: Some(CheckFn::Digits(is_card)),
    examples: &["4111 1111 1111 1111", "3782 822463 10005"],
};

/// Cards are printed in groups of these lengths, in digits. Longer layouts come before shorter ones.
const LAYOUTS: [&[usize]; 7] =
    [&[4, 4, 4, 4, 3], &[6, 13], &[4, 4, 4, 4], &[8, 8], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4]];

/// To compare the groups of a row with the layouts costs this many reads.
const LAYOUTS_READS: usize = 32;

/// Returns whether the digits pass Luhn, and have a length and a prefix that networks issue.
fn is_card(digits: &[u8]) -> bool {
    if !(12..=19).contains(&digits.len()) {
        return false;
    }
    let prefix = digits[..PREFIX].iter().fold(0, |n, &d| n * 10 + u32::from(d));
    is_issued(prefix, digits.len()) && luhn(digits)
}

/// Returns whether networks issue card numbers with the prefix and the length of `number`. `digits` is that
/// length.
pub(super) fn is_issued_number(number: u64, digits: usize) -> bool {
    let rest = 10_u64.pow(digits.saturating_sub(PREFIX) as u32);
    is_issued((number / rest) as u32, digits)
}

/// This many leading digits tell the network.
const PREFIX: usize = 4;

/// Returns whether a network issues numbers of `len` digits with this prefix. The source is the published
/// ranges of the networks. UATP (prefix 1, 15 digits) is left out because its prefix is too common. Numbers
/// that begin with 6 and belong to no network are left out too.
fn is_issued(prefix: u32, len: usize) -> bool {
    let lengths: &[usize] = match prefix {
        4000..=4999 => &[13, 16, 19],       // Visa
        5100..=5599 | 2221..=2720 => &[16], // Mastercard
        3400..=3499 | 3700..=3799 => &[15], // American Express
        2131 | 1800 => &[15],               // JCB, older cards
        3528..=3589 => &[16, 17, 18, 19],   // JCB
        3500..=3599 => &[16],               // around JCB's
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => &[14, 15, 16, 17, 18, 19], // Diners Club
        6011 | 6440..=6599 => &[16, 17, 18, 19], // Discover, RuPay, Troy
        6200..=6299 | 8100..=8199 => &[16, 17, 18, 19], // UnionPay, RuPay
        2200..=2205 => &[16, 17, 18, 19],   // Mir, BORICA
        6000..=6099 | 6370..=6399 | 8200..=8299 => &[16], // RuPay, InstaPayment
        9792 | 9860 | 8600 => &[16],        // Troy, Humo, Uzcard
        _ => &[],
    };
    lengths.contains(&len) || is_maestro(prefix, len)
}

fn is_maestro(prefix: u32, len: usize) -> bool {
    let known = matches!(prefix, 5000..=5099 | 5600..=5899 | 6304 | 6390 | 6700..=6799 | 604);
    known && (12..=19).contains(&len)
}

/// Finds a card that begins at the group `first`.
fn find(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let groups = cluster.groups();
    let len = groups[first].len;
    // Digits behind a point are a fraction, and not a card number.
    let fraction = cluster.sep(first) == b'.';
    if (12..=19).contains(&len) {
        return if fraction { None } else { confirm(cluster, first, 1, work) };
    }
    if !(2..=8).contains(&len) || cluster.total < 12 {
        return None;
    }
    if is_mixed(cluster, first) {
        return confirm(cluster, first, 4, work);
    }
    let row = cluster.row(first, b" -.")?;
    work.add(LAYOUTS_READS);
    let mut lengths = [0; 8];
    for (to, group) in lengths.iter_mut().zip(&groups[first..first + row]) {
        *to = group.len;
    }
    let lengths = &lengths[..row.min(8)];
    let alone = cluster.sep(first) != cluster.sep(first + 1) && !cluster.plus_before(first);
    for layout in LAYOUTS {
        // Three groups of four in a longer row are part of another number.
        let whole = layout.len() > 3 || layout[1] != 4 || (alone && row == 3);
        if lengths.starts_with(layout) && whole {
            let found = confirm(cluster, first, layout.len(), work);
            if found.is_some() {
                return found;
            }
        }
    }
    // Any other grouping counts if the joined groups are one number.
    if alone && lengths.iter().all(|&len| len > 1) {
        return confirm(cluster, first, row, work);
    }
    None
}

/// Returns whether exactly four groups of four digits are joined by spaces and hyphens, one or the other.
fn is_mixed(cluster: &Cluster<'_>, first: usize) -> bool {
    let joins = |i: usize| matches!(cluster.sep(i), b' ' | b'-');
    let groups = cluster.groups().get(first..first + 4);
    groups.is_some_and(|groups| groups.iter().all(|group| group.len == 4))
        && !joins(first)
        && (first + 1..first + 4).all(joins)
        && (!joins(first + 4)
            || cluster.groups().get(first + 4).is_some_and(|group| group.len != 4))
}

fn confirm(cluster: &Cluster<'_>, first: usize, count: usize, work: &mut Work) -> Option<Match> {
    work.add(CHECK_READS);
    let mut digits = [0; 19];
    let digits = cluster.digits(first, count, &mut digits)?;
    if cluster.letter_follows(first + count - 1) || !is_card(digits) {
        return None;
    }
    // A number of 12 or 13 digits may also be that of an article, and other lists are divided like no card.
    let lengths = cluster.groups()[first..first + count].iter().map(|group| group.len);
    let written = LAYOUTS.iter().any(|layout| lengths.clone().eq(layout.iter().copied()));
    let article = digits.len() < 14 && gs1(digits);
    let usual = (count == 1 || written) && !article;
    let evidence = if usual { Evidence::CHECKED_FORM } else { Evidence::CHECKED };
    Some(Match::groups(cluster, first, count, evidence))
}
