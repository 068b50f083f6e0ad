//! URLs with a name and a password.

use super::scan::Found;

/// Longest `name:password` that is looked for, in bytes.
const LONGEST: usize = 4096;

/// The `name:password` behind the `://` whose colon stands at `at`.
pub(super) fn find(bytes: &[u8], at: usize) -> Option<Found> {
    let scheme = at.checked_sub(1).is_some_and(|i| bytes[i].is_ascii_alphanumeric());
    if !scheme || !bytes[at..].starts_with(b"://") {
        return None;
    }
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + LONGEST)];
    let stop =
        |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'?' | b'#' | b'"' | b'<' | b'>');
    let authority = &rest[..rest.iter().position(stop).unwrap_or(rest.len())];
    let end = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority[..end].iter().position(|b| *b == b':')?;
    let password = &authority[colon + 1..end];
    // `${PASSWORD}`, `<password>` and `***` are not one.
    let placeholder = matches!(password.first(), Some(b'$' | b'{' | b'%'))
        && password.contains(&b'{')
        || password.iter().all(|b| matches!(b, b'*' | b'x' | b'X'));
    (!password.is_empty() && !placeholder).then_some(Found {
        start,
        end: start + end,
        certain: true,
    })
}
