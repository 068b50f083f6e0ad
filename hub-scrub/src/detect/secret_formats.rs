//! The index finds the formats whose prefix stands at a place of a text.
//!
//! Without it, each place at which a secret could begin would be compared with some hundred prefixes.

use super::alphabet::Alphabet;
use super::kinds::BuiltIn;
use super::secret_format::{Part, SecretFormat};
use super::secret_rows::Rows;
use super::text_match::Match;
use super::work::Work;

/// A secret begins at most this many bytes in front of a run. The prefixes in front of a run are not longer, with
/// the parts that are too short for a run of their own.
const REACH: usize = 48;

/// The first characters of a prefix, this many, choose the formats that are compared with a text. With fewer,
/// ordinary words would often be compared with some of them.
const KEY: usize = 3;

/// The table has this many lists.
const LISTS: usize = 2048;

/// A `Prefixed` is a format with one of its prefixes, and the built-in that declares it.
#[derive(Debug, Clone, Copy)]
struct Prefixed {
    kind: BuiltIn,
    prefix: &'static [u8],
    format: &'static SecretFormat,
    /// The bits of `mask` in a word of a text that begins with the prefix are `word`. So one comparison
    /// leaves out nearly all other formats of a list.
    word: u64,
    mask: u64,
}

/// `SecretFormats` has the formats of a set, by the first characters of their prefixes.
#[derive(Debug, Clone)]
pub(super) struct SecretFormats {
    all: Vec<Prefixed>,
    /// The entry at a byte says whether a prefix begins with this byte.
    first: Box<[bool; 256]>,
    /// The list at `n` has the entries `ends[n]..ends[n + 1]` of `listed`.
    ends: Box<[u16; LISTS + 1]>,
    /// The indices of formats in `all`, sorted by the hash of the first characters.
    listed: Vec<u16>,
    /// Runs of secrets with these prefixes may have no sign by which the prefilter knows tokens. The first part of
    /// a prefix is in front of the run. Its second part begins the run, with a word and a mask as in [`Prefixed`].
    unsigned: Vec<(&'static [u8], &'static [u8], u64, u64)>,
    /// The two bytes at the beginning of such a run have their bit set here.
    unsigned_heads: Pairs,
    /// Such runs begin directly behind these prefixes.
    unsigned_behind: Vec<&'static [u8]>,
    /// The two bytes in front of such a run, the last one first, have their bit set here if the prefix ends there.
    unsigned_fronts: Pairs,
}

impl SecretFormats {
    /// Makes the index of the formats of some built-ins.
    pub(super) fn new(
        formats: impl Iterator<Item = (BuiltIn, &'static [SecretFormat])>,
    ) -> SecretFormats {
        let mut index = SecretFormats {
            all: Vec::new(),
            first: Box::new([false; 256]),
            ends: Box::new([0; LISTS + 1]),
            listed: Vec::new(),
            unsigned: Vec::new(),
            unsigned_behind: Vec::new(),
            unsigned_heads: Pairs([0; 64]),
            unsigned_fronts: Pairs([0; 64]),
        };
        let mut keys = Vec::new();
        for (kind, formats) in formats {
            for format in formats {
                for prefix in format.prefixes {
                    index.add(kind, format, prefix.as_bytes(), &mut keys);
                }
            }
        }
        // The formats of a list stay in the order in which they were declared.
        keys.sort_unstable();
        keys.dedup();
        for (list, format) in keys {
            index.ends[list + 1] += 1;
            index.listed.push(format);
        }
        for list in 0..LISTS {
            index.ends[list + 1] += index.ends[list];
        }
        index
    }

    fn add(
        &mut self,
        kind: BuiltIn,
        format: &'static SecretFormat,
        prefix: &'static [u8],
        keys: &mut Vec<(usize, u16)>,
    ) {
        let word = word_at(prefix, 0);
        let mask = mask_of(prefix);
        let n = self.all.len() as u16;
        if prefix.len() < KEY {
            // The prefix `SK` has as many keys as there are characters that may stand behind it.
            let may_follow = (0..128).filter(|b| format.may_begin(*b));
            keys.extend(may_follow.map(|b| (list(word | u64::from(b) << (8 * prefix.len())), n)));
        } else {
            keys.push((list(word), n));
        }
        self.first[usize::from(prefix[0])] = true;
        self.all.push(Prefixed { kind, prefix, format, word, mask });
        let divided = prefix.iter().rposition(|b| !is_run_part(*b)).map_or(0, |last| last + 1);
        let (front, head) = prefix.split_at(divided);
        if !format.is_signed_behind(head) {
            if head.is_empty() {
                self.unsigned_fronts.add(front.iter().rev());
                self.unsigned_behind.push(front);
            } else {
                self.unsigned_heads.add(head.iter());
                self.unsigned.push((front, head, word_at(head, 0), mask_of(head)));
            }
        }
    }

    /// Returns whether there is any format.
    pub(super) fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Returns whether a secret whose run begins at the offset `run` of a message may have no sign of a token.
    pub(super) fn is_unsigned_at(&self, message: &[u8], run: usize, work: &mut Work) -> bool {
        let (before, behind) = message.split_at(run);
        work.add(2);
        if self.unsigned_heads.has(behind.iter()) {
            work.add(self.unsigned.len());
            let text = word_at(behind, 0);
            let is_here = |&(front, head, word, mask): &(&[u8], &[u8], u64, u64)| {
                (text ^ word) & mask == 0 && behind.starts_with(head) && before.ends_with(front)
            };
            if self.unsigned.iter().any(is_here) {
                return true;
            }
        }
        if !self.unsigned_fronts.has(before.iter().rev()) {
            return false;
        }
        work.add(4 * self.unsigned_behind.len());
        self.unsigned_behind.iter().any(|front| before.ends_with(front))
    }

    /// Reports the secrets that begin in the run of token characters `run.0..run.1`, or in front of the run and
    /// behind the offset `done`.
    pub(super) fn find(
        &self,
        bytes: &[u8],
        done: usize,
        run: (usize, usize),
        work: &mut Work,
        mut found: impl FnMut(BuiltIn, Match, &mut Work),
    ) {
        // A prefix with a point, such as `SG.`, begins in front of the run.
        let least = done.max(run.0.saturating_sub(REACH));
        let front = bytes[least..run.0].iter().rev().take_while(|b| is_prefix_part(**b)).count();
        let from = run.0 - front;
        work.add(2 * (run.1 - from));
        let mut rows = None;
        let mut glued = from > 0 && bytes[from - 1].is_ascii_alphanumeric();
        // A match inside of another one of the same built-in would be left out later.
        let mut last: Option<(BuiltIn, Match)> = None;
        for at in from..run.1 {
            let alphanumeric = bytes[at].is_ascii_alphanumeric();
            let begins = self.first[usize::from(bytes[at])] && !(glued && alphanumeric);
            glued = alphanumeric;
            if !begins {
                continue;
            }
            work.add(4);
            let word = word_at(bytes, at);
            let list = list(word);
            for n in &self.listed[usize::from(self.ends[list])..usize::from(self.ends[list + 1])] {
                let one = &self.all[usize::from(*n)];
                work.add(2);
                if (word ^ one.word) & one.mask != 0 || !bytes[at..].starts_with(one.prefix) {
                    continue;
                }
                work.add(FORMAT_READS);
                let rows = rows.get_or_insert_with(|| Rows::new(bytes));
                if let Some(token) = one.format.at(rows, at, at + one.prefix.len(), work)
                    && !last.is_some_and(|(kind, last)| kind == one.kind && token.is_in(last))
                {
                    last = Some((one.kind, token));
                    found(one.kind, token, work);
                }
            }
            if work.is_over() {
                return;
            }
        }
    }
}

/// `Pairs` is a set of pairs of bytes. In the entry at the lower bits of a first byte, a bit is set for the lower
/// bits of a second one, so that a few other pairs may be in the set, too.
#[derive(Debug, Clone)]
struct Pairs([u64; 64]);

impl Pairs {
    /// Adds the first two bytes, or all pairs with the first byte if there is no second one.
    fn add<'a>(&mut self, mut bytes: impl Iterator<Item = &'a u8>) {
        let Some(first) = bytes.next() else { return };
        let second = bytes.next().map_or(u64::MAX, |b| 1 << (b & 63));
        self.0[usize::from(first & 63)] |= second;
    }

    /// Returns whether the first two bytes may be in the set.
    fn has<'a>(&self, mut bytes: impl Iterator<Item = &'a u8>) -> bool {
        let Some(first) = bytes.next() else { return false };
        let second = bytes.next().map_or(u64::MAX, |b| 1 << (b & 63));
        self.0[usize::from(first & 63)] & second != 0
    }
}

/// To compare a text with one format costs this many reads, besides those of the characters behind the prefix.
const FORMAT_READS: usize = 24;

/// Returns whether the byte may be a part of a run of token characters.
fn is_run_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/')
}

/// Returns whether the byte may stand in a prefix in front of a run.
fn is_prefix_part(b: u8) -> bool {
    is_run_part(b) || matches!(b, b'.' | b'=' | b'$' | b':' | b'~' | b'?' | b'!')
}

/// Returns the eight bytes of a text from an offset on as a number. Behind the end of the text, they are 0, which
/// no prefix has.
fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes[at..].first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes[at..].iter().rev().fold(0, |word, b| word << 8 | u64::from(*b)),
    }
}

/// Returns the bits of a word that a prefix decides.
fn mask_of(prefix: &[u8]) -> u64 {
    u64::MAX >> (64 - 8 * prefix.len().min(8))
}

/// Returns the number of the list for the first characters of a word.
fn list(word: u64) -> usize {
    let key = (word as u32) << (32 - 8 * KEY);
    (key.wrapping_mul(0x9e37_79b1) >> (32 - LISTS.ilog2())) as usize
}

/// Of a part of so many random characters, one in a million has no capital, `_` or `-`.
const SURELY_SIGNED: usize = 26;

impl SecretFormat {
    /// Returns whether the byte may stand directly behind the prefix.
    fn may_begin(&self, b: u8) -> bool {
        match self.parts.first() {
            Some(Part::Of(alphabet, ..)) => alphabet.has(b),
            Some(Part::Text(text)) => text.as_bytes().first() == Some(&b),
            Some(Part::Uuid) => b.is_ascii_hexdigit(),
            None => true,
        }
    }

    /// Returns whether the first long run of each secret has what the prefilter looks for, which is a capital, `_`
    /// or `-`, and another character than `0-9 a-f -`. `head` is the part of the prefix that is in the run.
    fn is_signed_behind(&self, head: &[u8]) -> bool {
        let (alphabet, min) = match self.parts.first() {
            Some(Part::Of(alphabet, min, _)) => (*alphabet, *min),
            _ => (Alphabet::AnyHex, 0),
        };
        let random = !matches!(alphabet, Alphabet::Digit | Alphabet::Lower | Alphabet::Hex)
            && min >= SURELY_SIGNED;
        let sign = |b: &u8| matches!(b, b'A'..=b'Z' | b'_' | b'-');
        let plain = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-');
        random || head.iter().any(sign) && !head.iter().all(plain)
    }
}
