//! Addresses of the Internet Protocol.

use super::cluster::Cluster;
use super::scan::Found;
use core::net::Ipv6Addr;

/// Longest text of an IPv6 address, in bytes: six groups and an IPv4 address.
const LONGEST_V6: usize = 45;

/// Four numbers of 0 to 255 without leading zeros, joined by points, and nothing more.
pub(super) fn find_v4(cluster: &Cluster<'_>, first: usize) -> Option<Found> {
    let groups = cluster.groups().get(first..first + 4)?;
    let points = groups[1..].iter().zip(first + 1..).all(|(_, i)| cluster.sep(i) == b'.');
    let alone = cluster.sep(first) != b'.' && cluster.sep(first + 4) != b'.';
    if !points || !alone || cluster.letter_follows(first + 3) {
        return None;
    }
    let before = &cluster.bytes[..groups[0].start];
    // In a user agent `rv:` stands before a version.
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
    Some(Found::groups(cluster, first, 4, true))
}

/// The IPv6 address around the `:` at `at`, and where the search may go on.
pub(super) fn find_v6(text: &str, at: usize, from: usize) -> (Option<Found>, usize) {
    let bytes = text.as_bytes();
    let part = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let before = bytes[from..at].iter().rev().take(LONGEST_V6).take_while(|b| part(b)).count();
    let mut start = at - before;
    let mut end = at + bytes[at..].iter().take_while(|b| part(b)).count();
    let next = end;
    if end - start > LONGEST_V6 + 4 {
        return (None, next);
    }
    // Points and single colons around it belong to the sentence.
    while start < end && (bytes[start] == b'.' || is_single_colon(&bytes[start..end])) {
        start += 1;
    }
    while start < end && (bytes[end - 1] == b'.' || ends_in_single_colon(&bytes[start..end])) {
        end -= 1;
    }
    let joined = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let glued = start > 0 && joined(bytes.get(start - 1)) || joined(bytes.get(end));
    let candidate = &text[start..end];
    if glued || !is_v6(candidate) {
        return (None, next);
    }
    (Some(Found { start, end, certain: true }), next)
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
    // `a::b` is more often a path in a program than an address.
    let digits = text.bytes().any(|b| b.is_ascii_digit()) || groups().count() > 2;
    // Eight bytes with colons are an EUI-64.
    let eui = groups().count() == 8 && groups().all(|group| group.len() == 2);
    digits && !eui
}
