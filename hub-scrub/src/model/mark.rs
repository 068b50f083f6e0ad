//! Marks are the texts that replace hashed, pseudonymised, encrypted and shifted values.
//!
//! A mark contains a tag under a key of the hub, which proves that the hub made it. So a second scrub leaves
//! the mark alone, and a publisher cannot pass plain text off as redacted by writing it in the form of a
//! mark.
//!
//! ```text
//! <hash:crm-2:…>    <token:crm-2:…>    <sealed:crm-2:…>    2024-03-01[_shift=crm-2-…]
//! ```

use super::keys::{KeyVersion, Keys};
use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::Range;

/// Each action that writes marks has a kind of mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkKind {
    Hash,
    /// The mark is a pseudonym. Equal values give equal pseudonyms.
    Pseudonym,
    /// The mark is a sealed value. It is encrypted with a random nonce, so equal values give different marks.
    Sealed,
    Shift,
}

/// The mark of a shifted date begins with this text and stands behind the date.
const SHIFT: &str = "[_shift=";
/// A shifted date with its time, in RFC 3339, has at most this many bytes.
const LONGEST_DATE: usize = 40;

/// Computes a keyed BLAKE3 hash of several parts. Each part is preceded by its length, so that different
/// parts never give equal input.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Makes the mark of a keyed hash.
pub(crate) fn hash(key: &KeyVersion, content: &[u8]) -> String {
    let digest = mac(&key.hash, &[content]);
    let mut body = [0; 24];
    body[..16].copy_from_slice(&digest[..16]);
    body[16..].copy_from_slice(&mac(&key.tag, &[b"hash", &digest[..16]])[..8]);
    format!("<hash:{}:{}>", key.id, URL_SAFE_NO_PAD.encode(body))
}

/// `MarkContent` is what a pseudonym or a sealed value contains: a text, or the MessagePack of another
/// value.
pub(crate) enum MarkContent<'a> {
    Text(&'a str),
    Value(&'a [u8]),
}

/// Encrypts a content into a pseudonym or, with a `nonce`, into a sealed value. Returns `None` if the
/// content is longer than the cipher allows.
pub(crate) fn encrypt(
    key: &KeyVersion,
    content: &MarkContent<'_>,
    nonce: Option<[u8; 16]>,
) -> Option<String> {
    let mut plain = Vec::new();
    match content {
        MarkContent::Text(text) => {
            plain.push(b't');
            plain.extend_from_slice(text.as_bytes());
        }
        MarkContent::Value(value) => {
            plain.push(b'v');
            plain.extend_from_slice(value);
        }
    }
    let mut cipher = Aes256Siv::new(&key.siv.into());
    let id = key.id.as_bytes();
    let (kind, body) = match nonce {
        None => ("token", cipher.encrypt([b"token", id], &plain).ok()?),
        Some(nonce) => {
            let sealed = cipher.encrypt([b"sealed", id, &nonce], &plain).ok()?;
            ("sealed", [&nonce[..], &sealed].concat())
        }
    };
    Some(format!("<{kind}:{}:{}>", key.id, URL_SAFE_NO_PAD.encode(body)))
}

/// `OpenedMark` is the content of a pseudonym or a sealed value that was opened.
pub(crate) enum OpenedMark {
    Text(String),
    Value(Vec<u8>),
}

/// Opens a mark. Returns `None` if `mark` is not a pseudonym or a sealed value under one of the keys.
pub(crate) fn open(mark: &str, keys: &Keys) -> Option<OpenedMark> {
    let (kind, rest) = mark.strip_prefix('<')?.strip_suffix('>')?.split_once(':')?;
    let (id, body) = rest.split_once(':')?;
    let key = keys.by_id(id)?;
    let body = URL_SAFE_NO_PAD.decode(body).ok()?;
    let mut cipher = Aes256Siv::new(&key.siv.into());
    let plain = match kind {
        "token" => cipher.decrypt([b"token", id.as_bytes()], &body).ok()?,
        "sealed" => {
            let (nonce, sealed) = body.split_at_checked(16)?;
            cipher.decrypt([b"sealed", id.as_bytes(), nonce], sealed).ok()?
        }
        _ => return None,
    };
    match plain.split_first()? {
        (b't', text) => String::from_utf8(text.to_vec()).ok().map(OpenedMark::Text),
        (b'v', value) => Some(OpenedMark::Value(value.to_vec())),
        _ => None,
    }
}

fn shift_tag(key: &KeyVersion, date: &str) -> String {
    let tag = mac(&key.tag, &[b"shift", date.as_bytes()]);
    tag[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Appends the mark to a date that was shifted.
pub(crate) fn shifted(key: &KeyVersion, date: &str) -> String {
    format!("{date}{SHIFT}{}-{}]", key.id, shift_tag(key, date))
}

/// Returns by how many days a key shifts dates. The result is never 0, and at most `days` in either
/// direction.
pub(crate) fn shift_days(key: &KeyVersion, days: u32) -> i64 {
    let draw = mac(&key.shift, &[b"days"]);
    let draw = u64::from_le_bytes(std::array::from_fn(|n| draw[n]));
    let days = i64::from(days.max(1));
    let shift = (draw % (2 * days as u64)) as i64 - days;
    if shift >= 0 { shift + 1 } else { shift }
}

/// Returns the marks in `text` whose tag is right, in the order of the text. The ranges are in bytes.
pub(crate) fn find(text: &str, keys: &Keys) -> Vec<(Range<usize>, MarkKind)> {
    find_and_count(text, keys, &mut 0)
}

/// Returns the marks as [`find`] does. Adds to `tried` how many tags and ciphertexts were checked, because a
/// publisher can fill a text with what looks like marks.
pub(crate) fn find_and_count(
    text: &str,
    keys: &Keys,
    tried: &mut u64,
) -> Vec<(Range<usize>, MarkKind)> {
    let mut found: Vec<(Range<usize>, MarkKind)> = Vec::new();
    if keys.0.is_empty() {
        return found;
    }
    let mut from = 0;
    while let Some(open) = text[from..].find(['<', '[']).map(|at| from + at) {
        from = open + 1;
        let mark = match text.as_bytes()[open] {
            b'<' => angled(&text[open..], keys, tried).map(|(len, kind)| (open..open + len, kind)),
            _ => shift_at(text, open, keys, tried).map(|range| (range, MarkKind::Shift)),
        };
        if let Some(mark) = mark {
            from = mark.0.end;
            found.push(mark);
        }
    }
    found
}

/// Returns whether the whole text is one mark of this kind.
pub(crate) fn is(text: &str, kind: MarkKind, keys: &Keys) -> bool {
    // Only the first bracket of the text is looked at, so that other brackets in it cost nothing.
    match (kind, text.find(['<', '['])) {
        (MarkKind::Shift, Some(open)) => shift_at(text, open, keys, &mut 0) == Some(0..text.len()),
        (_, Some(0)) => angled(text, keys, &mut 0) == Some((text.len(), kind)),
        _ => false,
    }
}

/// Returns the length in bytes and the kind of the mark with which `text` begins, if that mark stands in
/// angle brackets and its tag is right.
fn angled(text: &str, keys: &Keys, tried: &mut u64) -> Option<(usize, MarkKind)> {
    if !["<hash:", "<token:", "<sealed:"].iter().any(|start| text.starts_with(start)) {
        return None;
    }
    // A `<` in front of the `>` begins another mark. So each byte of a text is searched only once.
    let close = 1 + text[1..].find(['<', '>'])?;
    if text.as_bytes()[close] == b'<' {
        return None;
    }
    let len = close + 1;
    // A long ciphertext takes longer.
    *tried += 1 + len as u64 / 512;
    let mark = &text[..len];
    let Some(rest) = mark.strip_prefix("<hash:") else {
        open(mark, keys)?;
        let pseudonym = mark.starts_with("<token:");
        let kind = if pseudonym { MarkKind::Pseudonym } else { MarkKind::Sealed };
        return Some((len, kind));
    };
    let (id, body) = rest[..rest.len() - 1].split_once(':')?;
    let body: [u8; 24] = URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()?;
    let tag = mac(&keys.by_id(id)?.tag, &[b"hash", &body[..16]]);
    (tag[..8] == body[16..]).then_some((len, MarkKind::Hash))
}

/// Returns the range of the shifted date, with its mark, whose mark begins at `open`.
fn shift_at(text: &str, open: usize, keys: &Keys, tried: &mut u64) -> Option<Range<usize>> {
    let body = text[open..].strip_prefix(SHIFT)?;
    let close = body.find(['[', ']']).filter(|at| body.as_bytes()[*at] == b']')?;
    let body = &body[..close];
    let (id, tag) = body.rsplit_once('-')?;
    let key = keys.by_id(id)?;
    let end = open + SHIFT.len() + body.len() + 1;
    let part_of_date = |byte: &u8| byte.is_ascii_digit() || b"T:+-.Z".contains(byte);
    let before = &text.as_bytes()[open.saturating_sub(LONGEST_DATE)..open];
    let longest = before.iter().rev().take_while(|byte| part_of_date(byte)).count();
    let dated = |start: &usize| {
        let year = text.as_bytes().get(*start..start + 5);
        year.is_some_and(|year| year[..4].iter().all(u8::is_ascii_digit) && year[4] == b'-')
    };
    (10..=longest)
        .rev()
        .map(|len| open - len)
        .filter(dated)
        .find(|start| {
            *tried += 1;
            shift_tag(key, &text[*start..open]) == tag
        })
        .map(|start| start..end)
}
