//! This module finds IPv4 and IPv6 addresses.
//!
//! Without it, the addresses of people's machines would pass.

use super::cluster::Cluster;
use super::declaration::{Declaration, Search, Trigger};
use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::text_match::Match;
use super::work::Work;
use core::net::Ipv6Addr;

/// Declares [`BuiltIn::Ipv4`].
pub(super) const IPV4: Declaration = Declaration {
    kind: BuiltIn::Ipv4,
    name: "ipv4",
    words: &[],
    trigger: Trigger::Points,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Number(NumberSearch::Own(|len| matches!(len, 1..=3), find_v4))],
    check: None,
    examples: &["192.0.2.77"],
};

/// Declares [`BuiltIn::Ipv6`].
pub(super) const IPV6: Declaration = Declaration {
    kind: BuiltIn::Ipv6,
    name: "ipv6",
    words: &[],
    trigger: Trigger::Colons,
    ambiguous_integers: &[],
    certain_integers: &[],
    searches: &[Search::Sign(b':', |b| b.is_ascii_hexdigit() || b == b':', find_v6)],
    check: None,
    examples: &["from 2001:db8:1:2::3"],
};

/// The text of an IPv6 address has at most this many bytes. The longest one has six groups and an IPv4
/// address.
const LONGEST_V6: usize = 45;

/// To parse what may be an IPv6 address, and to look at its groups, costs this many reads.
const PARSE_READS: usize = 400;

/// Finds four numbers from 0 to 255 without leading zeros that are joined by points, with nothing
/// joined to them.
fn find_v4(cluster: &Cluster<'_>, first: usize, work: &mut Work) -> Option<Match> {
    work.add(8);
    let groups = cluster.groups().get(first..first + 4)?;
    let points = groups[1..].iter().zip(first + 1..).all(|(_, i)| cluster.sep(i) == b'.');
    let alone = cluster.sep(first) != b'.' && cluster.sep(first + 4) != b'.';
    if !points || !alone || cluster.letter_follows(first + 3) {
        return None;
    }
    let before = &cluster.bytes[..groups[0].start];
    // In a user agent, a version follows `rv:`.
    if before.ends_with(b".") || before.ends_with(b"rv:") {
        return None;
    }
    for group in groups {
        let digits = cluster.bytes.get(group.start..group.start + group.len.min(4))?;
        let value = digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
        if group.len > 3 || value > 255 || (group.len > 1 && digits[0] == b'0') {
            return None;
        }
    }
    Some(Match::groups(cluster, first, 4, true))
}

/// Finds the IPv6 address around the `:` at the offset `at`. The result has the offset from which the next
/// search may begin too.
fn find_v6(text: &str, at: usize, from: usize, work: &mut Work) -> (Option<Match>, usize) {
    let bytes = text.as_bytes();
    let part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let before = bytes[from..at].iter().rev().take(LONGEST_V6).take_while(|b| part(b)).count();
    let mut start = at - before;
    let mut end = at + bytes[at..].iter().take_while(|b| part(b)).count();
    let next = end;
    work.add(2 * (end - start));
    if end - start > LONGEST_V6 + 4 {
        return (None, next);
    }
    // Points and single colons around the address belong to the sentence.
    while start < end && (bytes[start] == b'.' || is_single_colon(&bytes[start..end])) {
        start += 1;
    }
    while start < end && (bytes[end - 1] == b'.' || ends_in_single_colon(&bytes[start..end])) {
        end -= 1;
    }
    let joined = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let glued = start > 0 && joined(bytes.get(start - 1)) || joined(bytes.get(end));
    let candidate = &text[start..end];
    if glued {
        return (None, next);
    }
    work.add(PARSE_READS);
    if !is_v6(candidate) {
        return (None, next);
    }
    (Some(Match { start, end, certain: true }), next)
}

fn is_single_colon(bytes: &[u8]) -> bool {
    bytes[0] == b':' && (bytes.get(1) != Some(&b':') || bytes.get(2) == Some(&b':'))
}

fn ends_in_single_colon(bytes: &[u8]) -> bool {
    matches!(bytes, [.., b':']) && !matches!(bytes, [.., b':', b':'])
}

fn is_v6(text: &str) -> bool {
    let colons = text.bytes().filter(|b| *b == b':').count();
    let short = text.contains("::");
    if !(short || colons >= 6) || text.parse::<Ipv6Addr>().is_err() {
        return false;
    }
    let groups = || text.split(':').filter(|group| !group.is_empty());
    // Text such as `a::b` is more often a path in a program than an address.
    let digits = text.bytes().any(|b| b.is_ascii_digit()) || groups().count() > 2;
    // Eight groups of two digits are an EUI-64, which is a hardware address.
    let eui = groups().count() == 8 && groups().all(|group| group.len() == 2);
    digits && !eui
}
