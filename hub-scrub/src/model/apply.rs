//! This module applies actions to texts and to other values.
//!
//! A value that an action cannot read is masked. Otherwise a value in an unexpected form would pass a rule
//! that is meant to hide it.

use super::action::Action;
use super::keys::{KeyVersion, Keys};
use super::mark::{self, MarkContent, MarkKind};
use super::number::Number;
use super::value_head::ValueHead;
use std::net::IpAddr;

/// `AppliedAction` is the result of an action on a whole value.
pub(crate) enum AppliedAction {
    /// This text replaces the value.
    Text(String),
    /// This MessagePack replaces the value.
    Encoded(Vec<u8>),
    /// The value stays as it is.
    Same,
}

/// The mask for a value without text has this many characters.
const MASK: usize = 3;

/// Applies an action to a string or to a part of a string. A text that the action cannot read is masked,
/// such as a text that should be an IP address or a date and is none.
pub(crate) fn apply_text(action: &Action, text: &str, keys: &Keys) -> String {
    let chars = || text.chars().count();
    let masked = || "*".repeat(chars());
    match action {
        Action::Mask { with, length } => with.to_string().repeat(length.unwrap_or_else(chars)),
        Action::KeepFirst(n) => keep(text, *n, false),
        Action::KeepLast(n) => keep(text, *n, true),
        Action::Replace { text, .. } => text.clone(),
        Action::Hash { key } => match keys.current(*key) {
            _ if mark::is(text, MarkKind::Hash, keys) => text.to_owned(),
            Some(key) => mark::hash(key, text.as_bytes()),
            None => masked(),
        },
        Action::Token { key } if mark::is(text, MarkKind::Pseudonym, keys) => {
            let _ = key;
            text.to_owned()
        }
        Action::Encrypt { key } if mark::is(text, MarkKind::Sealed, keys) => {
            let _ = key;
            text.to_owned()
        }
        Action::Token { .. } | Action::Encrypt { .. } => {
            seal(action, &MarkContent::Text(text), keys).unwrap_or_else(masked)
        }
        Action::TruncateIp { v4, v6 } => truncate_ip(text, *v4, *v6).unwrap_or_else(masked),
        Action::Bucket(size) => match text.parse::<i64>() {
            Ok(n) => match Number::Int(i128::from(n)).bucket(*size) {
                Number::Int(n) => n.to_string(),
                Number::Float(_) => masked(),
            },
            Err(_) => masked(),
        },
        Action::ShiftDate { .. } if mark::is(text, MarkKind::Shift, keys) => text.to_owned(),
        Action::ShiftDate { key, days } => {
            keys.current(*key).and_then(|key| shift(text, key, *days)).unwrap_or_else(masked)
        }
        // The engine never calls this function with these actions. A mask is the safe answer if it did.
        Action::Drop | Action::Reject | Action::Quarantine | Action::Disconnect => masked(),
        Action::Keep | Action::Normalise(_) | Action::Range { .. } | Action::AllowKeys { .. } => {
            text.to_owned()
        }
    }
}

/// Returns whether `part` can still be read in the text after [`apply_text`].
pub(crate) fn leaves(action: &Action, text: &str, part: &str, keys: &Keys) -> bool {
    match action {
        Action::Keep => true,
        Action::KeepFirst(_)
        | Action::KeepLast(_)
        | Action::TruncateIp { .. }
        | Action::Bucket(_)
        | Action::ShiftDate { .. } => apply_text(action, text, keys).contains(part),
        _ => false,
    }
}

/// Applies an action to a value that is not a string. `encoded` is the MessagePack of the whole
/// value.
pub(crate) fn apply_value(
    action: &Action,
    head: &ValueHead<'_>,
    encoded: &[u8],
    keys: &Keys,
) -> AppliedAction {
    if matches!(head, ValueHead::Nil) {
        return AppliedAction::Same;
    }
    let int = digits(head);
    let number = Number::of(head);
    let masked = || AppliedAction::Text("*".repeat(MASK));
    match (action, number) {
        (Action::Keep | Action::Normalise(_) | Action::AllowKeys { .. }, _) => AppliedAction::Same,
        (Action::Replace { encoded: new, .. }, _) if new == encoded => AppliedAction::Same,
        (Action::Replace { encoded, .. }, _) => AppliedAction::Encoded(encoded.clone()),
        (Action::Bucket(size), Some(number)) => match number.bucket(*size) {
            Number::Float(n) if !n.is_finite() => masked(),
            bucket => number_or_same(bucket, number),
        },
        (Action::Range { .. }, Some(Number::Float(n))) if n.is_nan() => {
            AppliedAction::Encoded(vec![0xc0])
        }
        (Action::Range { min, max, .. }, Some(number)) => {
            let clamped = [(min, std::cmp::Ordering::Less), (max, std::cmp::Ordering::Greater)]
                .into_iter()
                .find_map(|(bound, wrong)| (*bound).filter(|b| number.compare(*b) == Some(wrong)));
            clamped.map_or(AppliedAction::Same, |bound| number_or_same(bound, number))
        }
        (Action::Range { .. }, None) => AppliedAction::Same,
        (Action::Token { .. } | Action::Encrypt { .. }, _) => {
            seal(action, &MarkContent::Value(encoded), keys)
                .map_or_else(masked, AppliedAction::Text)
        }
        (Action::Mask { length: Some(length), with }, _) => {
            AppliedAction::Text(with.to_string().repeat(*length))
        }
        (Action::Hash { key }, _) if int.is_none() => keys
            .current(*key)
            .map_or_else(masked, |key| AppliedAction::Text(mark::hash(key, encoded))),
        _ => {
            int.map_or_else(masked, |digits| AppliedAction::Text(apply_text(action, &digits, keys)))
        }
    }
}

/// Returns the decimal digits of a number without a fraction. Floats are included, because some
/// programming languages send integers as floats.
pub(crate) fn digits(head: &ValueHead<'_>) -> Option<String> {
    match head {
        ValueHead::UInt(n) => Some(n.to_string()),
        ValueHead::Int(n) => Some(n.to_string()),
        ValueHead::Float(n) if is_whole(*n) => Some(format!("{n:.0}")),
        _ => None,
    }
}

/// Returns whether a float has no fraction and is at most 2^53. Floats above 2^53 do not represent every
/// integer exactly.
pub(crate) fn is_whole(n: f64) -> bool {
    n.fract() == 0.0 && n.abs() <= (1_u64 << 53) as f64
}

fn number_or_same(new: Number, old: Number) -> AppliedAction {
    if new.compare(old) == Some(std::cmp::Ordering::Equal) {
        return AppliedAction::Same;
    }
    let mut out = Vec::with_capacity(9);
    new.encode(&mut out);
    AppliedAction::Encoded(out)
}

/// Keeps the first or last `n` letters and digits and the characters between them, and masks the
/// rest. If the text has no more than `n` letters and digits, all of it is masked. A `*` counts as a letter
/// that was masked before, so a second application changes nothing.
fn keep(text: &str, n: usize, from_end: bool) -> String {
    let counts = |(_, char): &(usize, char)| char.is_alphanumeric() || *char == '*';
    let (mut first, mut last) = (text.char_indices(), text.char_indices().rev());
    let counted: &mut dyn Iterator<Item = (usize, char)> =
        if from_end { &mut last } else { &mut first };
    let mut counted = counted.filter(counts);
    let edge = n.checked_sub(1).and_then(|before| counted.nth(before));
    let shown = match edge {
        // Nothing is shown of a text that has no more to hide.
        Some((at, char)) if counted.next().is_some() => match from_end {
            true => at..text.len(),
            false => 0..at + char.len_utf8(),
        },
        _ => 0..0,
    };
    let hidden = |text: &str| "*".repeat(text.chars().count());
    hidden(&text[..shown.start]) + &text[shown.clone()] + &hidden(&text[shown.end..])
}

fn seal(action: &Action, content: &MarkContent<'_>, keys: &Keys) -> Option<String> {
    match action {
        Action::Token { key } => mark::encrypt(keys.current(*key)?, content, None),
        Action::Encrypt { key } => {
            let mut nonce = [0; 16];
            getrandom::fill(&mut nonce).ok()?;
            mark::encrypt(keys.current(*key)?, content, Some(nonce))
        }
        _ => None,
    }
}

fn truncate_ip(text: &str, v4: u8, v6: u8) -> Option<String> {
    Some(match text.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(v4)).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(ip.to_bits() & mask).to_string()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(v6)).unwrap_or(0);
            std::net::Ipv6Addr::from_bits(ip.to_bits() & mask).to_string()
        }
    })
}

fn shift(text: &str, key: &KeyVersion, days: u32) -> Option<String> {
    use jiff::{Timestamp, ToSpan, civil};
    let day = text.get(..10)?.parse::<civil::Date>().ok()?;
    let time = &text[10..];
    if !time.is_empty()
        && text.parse::<Timestamp>().is_err()
        && text.parse::<civil::DateTime>().is_err()
    {
        return None;
    }
    // A text with an annotation such as `[Europe/Berlin]` is refused, because the mark takes that place.
    if !time.bytes().all(|byte| byte.is_ascii_digit() || b"tTzZ:+-. ".contains(&byte)) {
        return None;
    }
    let day = day.checked_add(mark::shift_days(key, days).days()).ok()?;
    let time = time.to_ascii_uppercase().replace(' ', "T");
    Some(mark::shifted(key, &format!("{day}{time}")))
}
