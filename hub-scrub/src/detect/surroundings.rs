//! What stands around a number in its text says whether the number is a part of something else.
//!
//! Without this module, the digits inside identifiers would be telephone numbers: those of one UUID in some
//! thousands are divided like one.

use super::evidence::Confidence;
use super::text_match::Match;
use super::work::Work;

/// An identifier is read up to this many bytes in front of a number, and as many behind it. That is enough for
/// a UUID and for a digest in hexadecimal.
const REACH: usize = 64;

/// Looks at what is joined to a number that a search found. Returns the number, which is only possible if it is
/// the end or the beginning of a name such as `SO-2026123456`. Returns `None` if it is inside an identifier.
pub(super) fn weigh(bytes: &[u8], found: Match, work: &mut Work) -> Option<Match> {
    if follows_iban(bytes, found.start, work) || is_in_dump(bytes, &found, work) {
        return None;
    }
    let start = begin(bytes, found.start);
    let end = end(bytes, found.end);
    work.add(4 + 2 * (found.start - start + end - found.end));
    if (start, end) == (found.start, found.end) {
        return Some(if is_divided(bytes, &found) { possible(found) } else { found });
    }
    let name = &bytes[start..end];
    let rest = || bytes[start..found.start].iter().chain(&bytes[found.end..end]);
    if is_identifier(name) {
        return None;
    }
    Some(if rest().any(u8::is_ascii_alphabetic) { possible(found) } else { found })
}

fn possible(found: Match) -> Match {
    let mut evidence = found.evidence;
    evidence.confidence = Confidence::Possible;
    Match { evidence, ..found }
}

/// Returns the start of the name that reaches to the offset `to`. A point belongs to it only as in `e4a8.5640`.
fn begin(bytes: &[u8], to: usize) -> usize {
    let from = to.saturating_sub(REACH);
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b'+');
    let before = &bytes[from..to];
    let name = |before: &[u8]| before.iter().rev().take_while(part).count();
    if let [rest @ .., b'.'] = before {
        // A word in front of a point ends a sentence, or a token of a topic.
        let len = name(rest);
        let group = &rest[rest.len() - len..];
        let mixed =
            group.iter().any(u8::is_ascii_digit) && group.iter().any(u8::is_ascii_alphabetic);
        return if mixed { to - len - 1 } else { to };
    }
    to - name(before)
}

/// Returns the end of the name that goes on at the offset `from`. A point belongs to it only as in `0021.tar`.
fn end(bytes: &[u8], from: usize) -> usize {
    let to = bytes.len().min(from + REACH);
    let part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    let behind = &bytes[from..to];
    let skip = match behind {
        [b'.', b, ..] if b.is_ascii_lowercase() => 1,
        _ => 0,
    };
    from + skip + behind[skip..].iter().take_while(part).count()
}

/// Returns whether a name is hexadecimal digits, as UUIDs, digests and ids of traces are.
fn is_identifier(name: &[u8]) -> bool {
    let hex = |b: &u8| b.is_ascii_hexdigit() || *b == b'-';
    name.len() >= 16 && name.iter().any(u8::is_ascii_alphabetic) && name.iter().all(hex)
}

/// Returns whether a number continues text in the form of an IBAN, whatever its check digits are. It is written in
/// groups of four, of which the first one has two letters and two digits.
fn follows_iban(bytes: &[u8], start: usize, work: &mut Work) -> bool {
    let groups = bytes[..start].rchunks_exact(5).take(8);
    let mut groups = groups
        .take_while(|group| group[4] == b' ' && group[..4].iter().all(u8::is_ascii_alphanumeric));
    work.add(8);
    groups.any(|group| {
        group[..2].iter().all(u8::is_ascii_uppercase) && group[2..4].iter().all(u8::is_ascii_digit)
    })
}

/// Returns whether a number is groups of digits in a dump of bytes, as in `a3 ea 05 34 06 84 36 e7 4c`: near it, at
/// least two groups of its width have a hexadecimal letter.
fn is_in_dump(bytes: &[u8], found: &Match, work: &mut Work) -> bool {
    let number = &bytes[found.start..found.end];
    let width = number.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_group = |group: &[u8]| group.len() == width && group.iter().all(u8::is_ascii_hexdigit);
    if !matches!(width, 2 | 4)
        || !number.split(|b| *b == b' ').all(|one| one.is_empty() || is_group(one))
    {
        return false;
    }
    let from = found.start.saturating_sub(DUMP_REACH);
    let to = bytes.len().min(found.end + DUMP_REACH);
    work.add(4 * (found.start - from + to - found.end));
    let groups = bytes[from..found.start].split(|b| *b == b' ');
    let groups = groups.chain(bytes[found.end..to].split(|b| *b == b' '));
    groups.filter(|group| is_group(group) && group.iter().any(u8::is_ascii_alphabetic)).count() > 1
}

/// The groups of a dump are searched within this many bytes of a number.
const DUMP_REACH: usize = 24;

/// Returns whether a number is between colons, as in `arn:aws:iam::012345678912:role`.
fn is_divided(bytes: &[u8], found: &Match) -> bool {
    found.start > 0 && bytes[found.start - 1] == b':' && bytes.get(found.end) == Some(&b':')
}
