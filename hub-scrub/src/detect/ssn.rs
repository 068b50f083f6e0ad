//! This module finds social security numbers of the United States.
//!
//! Without it, such numbers would pass.

use super::cluster::Cluster;
use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::number_search::{CHECK_READS, NumberSearch};
use super::others::NUMBERED;
use super::text_match::Match;
use super::work::Work;

/// Declares [`BuiltIn::UsSsn`].
pub(super) const US_SSN: Declaration = Declaration {
    kind: BuiltIn::UsSsn,
    name: "us_ssn",
    words: &["ssn", "ssns", "social security", "social-security", "tax id", "taxid", "tin"],
    keys: &["ssn", "social security", "socialsecurity", "social security number", "tin", "tax id"],
    others: NUMBERED,
    trigger: Trigger::Digits,
    possible_integers: &[9],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Own(|len| matches!(len, 3 | 9), find))],
    check: None,
    examples: &["536-90-4399", "SSN 123456789"],
};

/// Finds `AAA-GG-SSSS`, with hyphens or with spaces, or nine digits in one piece, which are
/// only possible.
fn find(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let whole = |sep| cluster.is_row(first, &[3, 2, 4], sep);
    let count = match cluster.groups()[first].len {
        3 if whole(b'-') || whole(b' ') => 3,
        9 if !cluster.letter_follows(first) && cluster.sep(first) != b'.' => 1,
        _ => return None,
    };
    work.add(CHECK_READS);
    let mut digits = [0; 9];
    let digits = cluster.digits(first, count, &mut digits)?;
    let number = |part: &[u8]| part.iter().fold(0, |n, &d| n * 10 + u32::from(d));
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    let issued = !matches!(area, 0 | 666 | 900..) && group > 0 && serial > 0;
    // Groups that spaces join may also be a list of numbers.
    let evidence = if whole(b'-') { Evidence::FORM } else { Evidence::SHAPE };
    issued.then(|| Match::groups(cluster, first, count, evidence))
}
