//! This module finds IPv4 and IPv6 addresses.
//!
//! Without it, the addresses of people's machines would pass.

use super::cluster::Cluster;
use super::declaration::{Declaration, Search, Trigger};
use super::evidence::Evidence;
use super::kinds::BuiltIn;
use super::number_search::NumberSearch;
use super::others::VERSIONS;
use super::text_match::Match;
use super::work::Work;
use core::net::Ipv6Addr;

/// A key that ends with one of these names has an address.
const IP_KEYS: &[&str] = &["ip", "ip address", "ipv4", "ipv6", "ip addr", "remote addr", "addr"];

/// Declares [`BuiltIn::Ipv4`].
pub(super) const IPV4: Declaration = Declaration {
    kind: BuiltIn::Ipv4,
    name: "ipv4",
    words: &[],
    keys: IP_KEYS,
    others: VERSIONS,
    trigger: Trigger::Points,
    possible_integers: &[],
    likely_integers: &[],
    searches: &[Search::Number(NumberSearch::Own(|len| matches!(len, 1..=3), find_v4))],
    check: None,
    examples: &["192.0.2.77"],
};

/// Declares [`BuiltIn::Ipv6`].
pub(super) const IPV6: Declaration = Declaration {
    kind: BuiltIn::Ipv6,
    name: "ipv6",
    words: &[],
    keys: IP_KEYS,
    others: &[],
    trigger: Trigger::Colons,
    possible_integers: &[],
    likely_integers: &[],
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
    let mut values = [0; 4];
    for (value, group) in values.iter_mut().zip(groups) {
        let digits = cluster.bytes.get(group.start..group.start + group.len.min(4))?;
        *value = digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
        if group.len > 3 || *value > 255 || (group.len > 1 && digits[0] == b'0') {
            return None;
        }
    }
    // These are no machine of anybody: this host, the own machine, neighbours on a wire, groups of machines, and all
    // of them (RFC 6890).
    if matches!(values, [0 | 127 | 224.., ..] | [169, 254, ..]) {
        return None;
    }
    Some(Match::groups(cluster, first, 4, Evidence::FORM))
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
    work.add(2 * PARSE_READS);
    let Some(len) = [Some(candidate), without_port(candidate)]
        .into_iter()
        .flatten()
        .find_map(|text| is_v6(text).then_some(text.len()))
    else {
        return (None, next);
    };
    (Some(Match { start, end: start + len, evidence: Evidence::FORM }), next)
}

/// Returns the text without a port of three to five digits behind the last `:` or `.`, where some programs write
/// it. Returns `None` if there is none.
fn without_port(text: &str) -> Option<&str> {
    let (address, port) = text.rsplit_once([':', '.'])?;
    let port = (3..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    port.then_some(address)
}

fn is_single_colon(bytes: &[u8]) -> bool {
    bytes[0] == b':' && (bytes.get(1) != Some(&b':') || bytes.get(2) == Some(&b':'))
}

fn ends_in_single_colon(bytes: &[u8]) -> bool {
    matches!(bytes, [.., b':']) && !matches!(bytes, [.., b':', b':'])
}

/// Returns whether a text is the address of somebody's machine.
///
/// Text such as `e2e::add` is a path in a program more often than an address, so a short address must be in a block
/// from which addresses are given to machines (IANA's registry of IPv6 unicast addresses).
fn is_v6(text: &str) -> bool {
    let colons = text.bytes().filter(|b| *b == b':').count();
    let short = text.contains("::");
    if !short && colons < 6 {
        return false;
    }
    let Ok(address) = text.parse::<Ipv6Addr>() else { return false };
    let groups = || text.split(':').filter(|group| !group.is_empty());
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return false;
    }
    if !short {
        // Eight groups of two digits are an EUI-64, which is a hardware address.
        return !groups().all(|group| group.len() == 2);
    }
    let global = address.segments()[0] >> 13 == 1;
    let given = global || address.is_unique_local() || address.is_unicast_link_local();
    // No word of a program has as many hexadecimal digits as the groups of most addresses have together.
    let digits = groups().map(str::len).sum::<usize>();
    let long = digits > 6 && text.bytes().any(|b| b.is_ascii_digit());
    given && groups().count() > 1 || address.to_ipv4_mapped().is_some() || long
}
