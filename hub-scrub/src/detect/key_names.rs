//! A key says by its last words what its value is. This module reads keys as words.
//!
//! Without it, `redis_password` would name nothing, and `token_count` would name a token.

use super::fold::folded;
use std::collections::BTreeMap;

/// A name is compared with the last bytes of a key, up to this many. No name is longer.
const LONGEST: usize = 64;

/// These words at the end of a key say nothing about its value: a `phone_number` is a `phone`.
const NEUTRAL: [&[u8]; 11] = [
    b"number", b"no", b"nr", b"num", b"code", b"value", b"text", b"string", b"str", b"raw",
    b"plain",
];

/// `KeyNames` is a table of names. A key has a name if the key ends with the words of the name.
///
/// Words are divided by `_`, `-`, `.`, `:`, `/`, blanks, brackets and by capitals, so `apiKey`, `API_KEY` and
/// `api-key` are two words each. The name itself has no signs between its words, so `apikey` is found in all
/// of these. Digits at the end of a key do not count, and neither do words such as `number` and `value`. Of
/// several names that a key has, the longest one counts.
#[derive(Debug, Clone)]
pub(crate) struct KeyNames<T> {
    /// For the last four letters of each name, a bit is set. Most keys end otherwise, so they cost only one look.
    tails: Box<[u64; TAILS / 64]>,
    /// The entries are sorted by the hash of the name.
    entries: Vec<(u64, Box<[u8]>, T)>,
}

impl<T: Copy> KeyNames<T> {
    /// Collects names with what they mean. If a name occurs several times, its last meaning counts.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = (&'a str, T)>) -> KeyNames<T> {
        KeyNames::merged(names, |_, last| last)
    }

    /// Collects names with what they mean. If a name occurs several times, `merge` joins its meanings.
    pub(crate) fn merged<'a>(
        names: impl IntoIterator<Item = (&'a str, T)>,
        merge: impl Fn(T, T) -> T,
    ) -> KeyNames<T> {
        let mut sorted: BTreeMap<Box<[u8]>, T> = BTreeMap::new();
        for (name, meaning) in names {
            let folded = folded(name);
            // Texts are searched with their look-alike letters folded, and keys are not.
            for form in [Some(name), folded.as_deref()].into_iter().flatten() {
                let entry = sorted.entry(Words::of(form.as_bytes()).all().into());
                entry.and_modify(|have| *have = merge(*have, meaning)).or_insert(meaning);
            }
        }
        let mut tails = Box::new([0; TAILS / 64]);
        for name in sorted.keys().map(|name| &**name).chain(NEUTRAL) {
            let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
            let letters = (name.len() - digits).min(TAIL);
            // In front of a shorter name, any letters may stand.
            for other in 0..1 << (5 * (TAIL - letters)) {
                let place =
                    place(tail(name) & !(u32::MAX << (5 * letters)) | other << (5 * letters));
                tails[place / 64] |= 1 << (place % 64);
            }
        }
        let hashed = sorted.into_iter().map(|(name, meaning)| (hash(&name), name, meaning));
        let mut entries: Vec<_> = hashed.collect();
        entries.sort_by_key(|(hash, ..)| *hash);
        KeyNames { tails, entries }
    }

    /// Returns whether a key could have a name of the table, by its last letters.
    #[inline]
    pub(crate) fn may_have(&self, key: &[u8]) -> bool {
        let place = place(tail(key));
        self.tails[place / 64] >> (place % 64) & 1 == 1
    }

    /// Returns what the longest name of a key means, or `None` if the key has no name of the table.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<T> {
        let mut found = None;
        self.each(key, |meaning| {
            found.get_or_insert(meaning);
        });
        found
    }

    /// Calls `see` with the meaning of each name with which a key ends, the longest one first.
    #[inline]
    pub(crate) fn each(&self, key: &[u8], see: impl FnMut(T)) {
        if self.may_have(key) {
            self.each_in_words(key, see);
        }
    }

    #[inline(never)]
    fn each_in_words(&self, key: &[u8], mut see: impl FnMut(T)) {
        let mut words = Words::of(key);
        for _ in 0..=MOST_NEUTRAL {
            let seen = self.each_last(&words, &mut see);
            let digits = words.drop_digits();
            if seen || digits && self.each_last(&words, &mut see) || !words.drop_neutral() {
                return;
            }
        }
    }

    /// Calls `see` for each name with which the words end. Returns whether there is one.
    fn each_last(&self, words: &Words, see: &mut impl FnMut(T)) -> bool {
        // Names are hashed from their end, so one pass gives the hashes of the last word, of the last two words, and so
        // on.
        let (mut found, mut count) = ([0; MOST_NAMES], 0);
        let (mut hash, mut started) = (HASH_START, 0);
        for at in (0..words.len).rev() {
            hash = add(hash, words.letters[at]);
            if words.starts >> at & 1 == 0 {
                continue;
            }
            if started == MOST_WORDS {
                break;
            }
            started += 1;
            let first = self.entries.partition_point(|(have, ..)| *have < hash);
            let name = &words.letters[at..words.len];
            let same = self.entries[first..].iter().take_while(|(have, ..)| *have == hash);
            let place = same.take_while(|(_, have, _)| **have != *name).count() + first;
            let is_name = self.entries.get(place).is_some_and(|(have, ..)| *have == hash);
            if is_name && count < MOST_NAMES {
                (found[count], count) = (place, count + 1);
            }
        }
        found[..count].iter().rev().for_each(|place| see(self.entries[*place].2));
        count > 0
    }
}

/// A name in a key has at most this many words. Names have up to five, and capitals may divide them further.
const MOST_WORDS: usize = 8;

/// At most this many neutral words at the end of a key do not count. Without a bound, a key of nothing else would take
/// time by the square of its length.
const MOST_NEUTRAL: usize = 2;

/// A key has at most this many names that end one another, as `token` and `page token` do.
const MOST_NAMES: usize = 8;

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Returns the hash of a name that has one more letter in front (FNV-1a, draft-eastlake-fnv).
#[inline]
fn add(hash: u64, letter: u8) -> u64 {
    (hash ^ u64::from(letter)).wrapping_mul(0x0000_0100_0000_01b3)
}

fn hash(name: &[u8]) -> u64 {
    name.iter().rev().fold(HASH_START, |hash, letter| add(hash, *letter))
}

/// This many letters at the end of a key show whether the key could have a name.
const TAIL: usize = 4;
/// The table of tails has this many bits.
const TAILS: usize = 1 << 15;

/// Returns the place of a tail in the table of tails.
#[inline]
fn place(tail: u32) -> usize {
    (tail.wrapping_mul(0x9e37_79b1) >> (32 - TAILS.ilog2())) as usize
}

/// Returns the last four letters of a key, with five bits each, without regard to case, to digits at the end, and to
/// signs.
#[inline]
fn tail(key: &[u8]) -> u32 {
    let bits = |letter: &u8| u32::from(letter & 31);
    match key {
        // Most keys end with four letters and no sign among them.
        [.., a, b, c, d] if [a, b, c, d].iter().all(|b| b.is_ascii_alphabetic()) => {
            bits(a) << 15 | bits(b) << 10 | bits(c) << 5 | bits(d)
        }
        _ => tail_among_signs(key),
    }
}

#[inline(never)]
fn tail_among_signs(key: &[u8]) -> u32 {
    let letters = key.iter().rev().skip_while(|b| !is_letter(**b)).filter(|b| !is_sign(**b));
    let letters = letters.take(TAIL).enumerate();
    letters.fold(0, |tail, (i, letter)| tail | u32::from(letter & 31) << (5 * i))
}

fn is_letter(b: u8) -> bool {
    b.is_ascii_alphabetic() || !b.is_ascii()
}

/// Returns whether a byte divides words and belongs to none.
fn is_sign(b: u8) -> bool {
    b.is_ascii() && !b.is_ascii_alphanumeric()
}

/// `Words` has the letters of the last words of a key, in lower case and without the signs between them.
struct Words {
    letters: [u8; LONGEST],
    len: usize,
    /// Bit `i` is set if a word begins with letter `i`.
    starts: u64,
}

impl Words {
    fn of(key: &[u8]) -> Words {
        // What stands in front of the longest name does not matter. A word that is cut there has no start.
        let from = key.len().saturating_sub(2 * LONGEST);
        let letters = key[from..].iter().filter(|b| !is_sign(**b)).count();
        let mut skip = letters.saturating_sub(LONGEST);
        let mut words = Words { letters: [0; LONGEST], len: 0, starts: 0 };
        let mut before = if from == 0 { b'_' } else { key[from - 1] };
        for (i, &b) in key.iter().enumerate().skip(from) {
            if !is_sign(b) {
                // The last capital of a row begins a word if a small letter follows: `JWTSecret`.
                let behind = key.get(i + 1).is_some_and(u8::is_ascii_lowercase);
                let hump = b.is_ascii_uppercase() && (!before.is_ascii_uppercase() || behind);
                if skip > 0 {
                    skip -= 1;
                } else {
                    words.starts |= u64::from(hump || is_sign(before)) << words.len;
                    words.letters[words.len] = b.to_ascii_lowercase();
                    words.len += 1;
                }
            }
            before = b;
        }
        words
    }

    fn all(&self) -> &[u8] {
        &self.letters[..self.len]
    }

    /// Removes the digits at the end. Returns whether there were any.
    fn drop_digits(&mut self) -> bool {
        let digits = self.all().iter().rev().take_while(|b| b.is_ascii_digit()).count();
        self.len -= digits;
        digits > 0
    }

    /// Removes the last word if it says nothing about a value. Returns whether it does, and something stays.
    fn drop_neutral(&mut self) -> bool {
        let Some(neutral) = NEUTRAL.iter().find(|word| self.all().ends_with(word)) else {
            return false;
        };
        let start = self.len - neutral.len();
        if start == 0 || self.starts >> start & 1 == 0 {
            return false;
        }
        self.len = start;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::KeyNames;
    use proptest::prelude::*;

    fn names() -> KeyNames<Option<u8>> {
        KeyNames::new([
            ("token", Some(1)),
            ("next token", None),
            ("api key", Some(2)),
            ("password", Some(3)),
            ("track2", Some(4)),
            ("пароль", Some(5)),
        ])
    }

    #[test]
    fn a_key_is_named_by_its_last_words() {
        for (key, meaning) in [
            ("token", 1),
            ("SLACK_BOT_TOKEN", 1),
            ("slackBotToken", 1),
            ("tokenValue", 1),
            ("token_2", 1),
            ("apiKey", 2),
            ("APIKey", 2),
            ("X-Api-Key", 2),
            ("stripe.api-key", 2),
            ("ConnectionStrings:Password", 3),
            ("password1", 3),
            ("PASSWORD_TEXT", 3),
            ("cards[0].track2", 4),
            ("пароль", 5),
            ("новый_пароль", 5),
        ] {
            assert_eq!(names().find(key.as_bytes()), Some(Some(meaning)), "{key}");
        }
    }

    #[test]
    fn a_word_inside_another_and_a_word_in_front_name_nothing() {
        for key in ["token_count", "tokenizer", "stoken", "key", "apikeys", "", "_", "number", "7"]
        {
            assert_eq!(names().find(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn the_longest_name_counts() {
        assert_eq!(names().find(b"nextToken"), Some(None));
        assert_eq!(names().find(b"the_next_token_value"), Some(None));
    }

    proptest! {
        /// Whatever stands in front of a name, and however its words are joined, the key has the name.
        #[test]
        fn no_spelling_hides_a_name(
            before in "([a-zA-Z0-9é]{0,40}[-_. /:]){0,4}",
            words in prop::sample::select(vec![vec!["token"], vec!["api", "key"], vec!["password"]]),
            style in 0..5,
        ) {
            let title = |word: &str| word[..1].to_uppercase() + &word[1..];
            let name = match style {
                0 => words.join("_"),
                1 => words.join("-").to_uppercase(),
                2 => words.iter().map(|word| title(word)).collect(),
                3 => words.join("."),
                _ => words.concat(),
            };
            let key = before + &name;
            let alone = names().find(words.concat().as_bytes());
            let found = names().find(key.as_bytes());
            prop_assert!(found.is_some(), "{key}");
            prop_assert!(found == alone || found == Some(None), "{key}");
        }

        #[test]
        fn no_key_panics(key in prop::collection::vec(any::<u8>(), 0..300)) {
            names().find(&key);
        }
    }
}
