//! The one pass over a text: finds what can start a match, and has it looked at.

use super::block::{BLOCK, Masks, masks};
use super::builtin::BuiltIn;
use super::cluster::{self, Cluster, LONGEST_NUMBER};
use super::prefilter::ends_of_long_runs;
use super::prefixed_secret::{self, Forms};
use super::{card, email, entropy, iban, ip, national, pem, phone, ssn, url};
use fearless_simd::Level;
use memchr::memmem::Finder;

/// Characters of the shortest run that can be a token or a secret.
pub(super) const LONG_RUN: usize = 16;
/// Digits with which the shortest number begins, an IPv4 address apart: a NIR's before its letter.
pub(super) const FEWEST_DIGITS: usize = 6;

/// Whether a byte may be part of a run.
const RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        table[b] =
            matches!(b as u8, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-' | b'+' | b'/');
        b += 1;
    }
    table
};

/// Bytes that `FEWEST_DIGITS` take at most, with three separators between any two.
pub(super) const REACH: usize = FEWEST_DIGITS + 3 * (FEWEST_DIGITS - 1);

/// A match: the bytes `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is a hit without a word nearby.
    pub(super) certain: bool,
}

impl Found {
    /// `count` groups from `first` on.
    pub(super) fn groups(
        cluster: &Cluster<'_>,
        first: usize,
        count: usize,
        certain: bool,
    ) -> Found {
        let groups = &cluster.groups()[first..first + count];
        Found { start: groups[0].start, end: groups[count - 1].end(), certain }
    }
}

/// What a pass looks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Bit `n`: the built-in with discriminant `n`.
    pub(super) kinds: u64,
    forms: Forms,
    /// The instructions that this machine has.
    pub(super) level: Level,
    pub(super) numbers: bool,
    nationals: bool,
    pub(super) runs: bool,
    /// How a private key begins, if they are looked for.
    pub(super) pem: Option<Finder<'static>>,
}

impl Wanted {
    pub(super) fn new(kinds: impl Iterator<Item = BuiltIn>) -> Wanted {
        use BuiltIn::*;
        const { assert!(BuiltIn::ALL.len() <= 64) };
        let kinds = kinds.fold(0, |bits, kind| bits | 1_u64 << kind as u32);
        let has = |kind: BuiltIn| kinds >> kind as u32 & 1 == 1;
        let forms = Forms::new(has);
        let nationals =
            [NlBsn, EsDni, FrNir, DeSteuerId, UkNhs, BrCpf, PlPesel, SePersonnummer, CaSin];
        let nationals = nationals.into_iter().any(has);
        let numbers = nationals || [Card, Phone, Ipv4, UsSsn].into_iter().any(has);
        let runs = forms.any() || [Jwt, HighEntropy, ItCodiceFiscale].into_iter().any(has);
        let pem = has(PemPrivateKey).then(|| Finder::new(pem::BEGIN));
        Wanted { kinds, forms, level: Level::new(), numbers, nationals, runs, pem }
    }

    #[inline]
    pub(super) fn has(&self, kind: BuiltIn) -> bool {
        self.kinds >> kind as u32 & 1 == 1
    }

    pub(super) fn any(&self) -> bool {
        self.kinds != 0
    }
}

/// Bits of the block before that reach into this one.
#[derive(Default)]
struct Before {
    alphanumeric: u64,
    letter: u64,
    token: u64,
}

/// The mask moved so that bit `i` is about the byte `by` places before byte `i`.
#[inline(always)]
pub(super) fn behind(mask: u64, before: u64, by: u32) -> u64 {
    mask << by | before >> (64 - by)
}

/// The state of a pass.
struct Pass<'a, F> {
    text: &'a str,
    bytes: &'a [u8],
    wanted: &'a Wanted,
    found: F,
    /// Up to where digits, runs, e-mail addresses and colons have been looked at.
    digits_done: usize,
    runs_done: usize,
    emails_done: usize,
    colons_done: usize,
}

/// Reports every match in `text`, in no particular order.
pub(super) fn run(text: &str, wanted: &Wanted, found: impl FnMut(BuiltIn, Found)) {
    let bytes = text.as_bytes();
    let mut pass = Pass {
        text,
        bytes,
        wanted,
        found,
        digits_done: 0,
        runs_done: 0,
        emails_done: 0,
        colons_done: 0,
    };
    let mut before = Before::default();
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        pass.block(block, BLOCK, i * BLOCK, &mut before);
    }
    if !rest.is_empty() {
        let mut block = [0; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        pass.block(&block, rest.len(), bytes.len() - rest.len(), &mut before);
    }
    if let Some(begin) = wanted.pem.as_ref().filter(|_| bytes.len() >= pem::SHORTEST) {
        pass.pem(begin);
    }
}

impl<F: FnMut(BuiltIn, Found)> Pass<'_, F> {
    fn block(&mut self, block: &[u8; BLOCK], len: usize, at: usize, before: &mut Before) {
        let mut found = Masks::default();
        masks(self.wanted.level, block, &mut found);
        let masks = found;
        let alphanumeric = masks.digit | masks.letter;
        if masks.digit != 0 {
            let starts = masks.digit & !behind(alphanumeric, before.alphanumeric, 1);
            if self.wanted.numbers && starts != 0 {
                self.numbers(starts, at, &masks, len);
            }
            let after_letter = masks.digit & behind(masks.letter, before.letter, 1);
            if after_letter != 0 {
                self.letters_then_digits(after_letter, alphanumeric, masks.letter, at, before);
            }
        }
        let marks = masks.at | masks.colon;
        if marks != 0 {
            self.marks(marks, at);
        }
        if self.wanted.runs {
            self.runs(masks.token, before.token, at);
        }
        *before = Before { alphanumeric, letter: masks.letter, token: masks.token };
    }

    fn numbers(&mut self, mut starts: u64, at: usize, masks: &Masks, len: usize) {
        while starts != 0 {
            let i = starts.trailing_zeros() as usize;
            starts &= starts - 1;
            // The masks tell about digits that are all in this block, or in no other.
            let known = len < BLOCK || i + REACH <= BLOCK;
            let may_be = !known || self.may_be_number(masks, i);
            if may_be && at + i >= self.digits_done {
                self.number(at + i);
            }
        }
    }

    /// Whether enough digits come before the next letter, within the reach of the fewest that make
    /// a number, or enough points for an IPv4 address.
    fn may_be_number(&self, masks: &Masks, i: usize) -> bool {
        let letter = (masks.letter >> i | 1 << REACH).trailing_zeros();
        let digits = masks.digit >> i & ((1 << letter) - 1);
        digits.count_ones() as usize >= FEWEST_DIGITS
            || self.wanted.has(BuiltIn::Ipv4) && (masks.point >> i & 0xfff).count_ones() >= 3
    }

    /// Looks at the cluster of digits at `start`, and at those that overlap it where it goes on.
    fn number(&mut self, mut start: usize) {
        let mut sep = 0;
        if let Some(end) = cluster::end_of_few(self.bytes, start, FEWEST_DIGITS) {
            self.digits_done = end;
            return;
        }
        loop {
            let cluster = Cluster::read(self.bytes, start, sep);
            let groups = cluster.groups();
            let last = groups[groups.len() - 1];
            let looked =
                if cluster.is_full() { groups.len() - LONGEST_NUMBER } else { groups.len() };
            if !cluster.is_date_like() {
                self.cluster(&cluster, looked);
            }
            if !cluster.is_full() {
                self.digits_done = last.end();
                return;
            }
            (start, sep) = (groups[looked].start, cluster.sep(looked));
        }
    }

    fn cluster(&mut self, cluster: &Cluster<'_>, looked: usize) {
        let (wanted, found) = (self.wanted, &mut self.found);
        for first in 0..looked {
            let mut look = |kind, find: fn(&Cluster<'_>, usize) -> Option<Found>| {
                if wanted.has(kind)
                    && let Some(one) = find(cluster, first)
                {
                    found(kind, one);
                }
            };
            look(BuiltIn::Card, card::find);
            look(BuiltIn::Ipv4, ip::find_v4);
            look(BuiltIn::UsSsn, ssn::find);
            look(BuiltIn::Phone, phone::find);
            if !wanted.nationals {
                continue;
            }
            national::find(cluster, first, |kind| wanted.has(kind), &mut *found);
        }
    }

    /// `DE89…` and `X1234567…`: one or two letters that stand alone, then digits.
    fn letters_then_digits(
        &mut self,
        after_letter: u64,
        alphanumeric: u64,
        letter: u64,
        at: usize,
        before: &Before,
    ) {
        let second = behind(letter, before.letter, 2);
        let (third, alone) = (
            behind(alphanumeric, before.alphanumeric, 3),
            behind(alphanumeric, before.alphanumeric, 2),
        );
        if self.wanted.has(BuiltIn::Iban) {
            let starts = after_letter & second & !third;
            self.each(starts, at, |bytes, at| iban::find(bytes, at - 2), BuiltIn::Iban);
        }
        if self.wanted.has(BuiltIn::EsDni) {
            self.each(
                after_letter & !alone,
                at,
                |bytes, at| national::find_nie(bytes, at - 1),
                BuiltIn::EsDni,
            );
        }
    }

    fn each(
        &mut self,
        mut starts: u64,
        at: usize,
        find: impl Fn(&[u8], usize) -> Option<Found>,
        kind: BuiltIn,
    ) {
        while starts != 0 {
            let start = at + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if let Some(one) = find(self.bytes, start) {
                (self.found)(kind, one);
            }
        }
    }

    fn marks(&mut self, mut marks: u64, at: usize) {
        while marks != 0 {
            let mark = at + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            if self.bytes[mark] == b'@' {
                if self.wanted.has(BuiltIn::Email)
                    && let Some(one) = email::find(self.text, mark, self.emails_done)
                {
                    self.emails_done = one.end;
                    (self.found)(BuiltIn::Email, one);
                }
                continue;
            }
            if self.bytes.get(mark + 1) == Some(&b'/') {
                if self.wanted.has(BuiltIn::UrlCredentials)
                    && let Some(one) = url::find(self.bytes, mark)
                {
                    (self.found)(BuiltIn::UrlCredentials, one);
                }
            } else if self.wanted.has(BuiltIn::Ipv6)
                && mark >= self.colons_done
                && self.bytes.get(mark + 1).is_some_and(|b| b.is_ascii_hexdigit() || *b == b':')
            {
                let (one, next) = ip::find_v6(self.text, mark, self.colons_done);
                self.colons_done = next;
                if let Some(one) = one {
                    (self.found)(BuiltIn::Ipv6, one);
                }
            }
        }
    }

    /// Runs of token characters that a stretch of `LONG_RUN` in or into this block shows.
    fn runs(&mut self, token: u64, before: u64, at: usize) {
        let mut ends = ends_of_long_runs(token, before);
        while ends != 0 {
            let last = at + ends.trailing_zeros() as usize;
            if last >= self.runs_done {
                self.run(last);
            }
            let done = (self.runs_done - at) as u32;
            ends &= u64::MAX.checked_shl(done).unwrap_or(0);
        }
    }

    /// Looks at the run that has the byte `middle`.
    fn run(&mut self, middle: usize) {
        let part = |b: &&u8| RUN[usize::from(**b)];
        let start =
            middle - self.bytes[self.runs_done..middle].iter().rev().take_while(part).count();
        let end = middle + self.bytes[middle..].iter().take_while(part).count();
        self.runs_done = end;
        let (wanted, bytes) = (self.wanted, self.bytes);
        if wanted.forms.any() {
            wanted.forms.find(bytes, (start, end), &mut self.found);
        }
        if wanted.has(BuiltIn::Jwt) {
            self.jwt(start, end);
        }
        if wanted.has(BuiltIn::ItCodiceFiscale)
            && let Some(one) = national::find_codice_fiscale(bytes, start, end)
        {
            (self.found)(BuiltIn::ItCodiceFiscale, one);
        }
        if wanted.has(BuiltIn::HighEntropy)
            && let Some(one) = entropy::find(bytes, start, end)
        {
            (self.found)(BuiltIn::HighEntropy, one);
        }
    }

    /// Tokens at the start of the run, and behind a `/` or `+` in it.
    fn jwt(&mut self, start: usize, end: usize) {
        let mut at = start;
        loop {
            if let Some(one) = prefixed_secret::jwt(self.bytes, at) {
                (self.found)(BuiltIn::Jwt, one);
            }
            match self.bytes[at..end].iter().position(|b| matches!(b, b'/' | b'+')) {
                Some(next) => at += next + 1,
                None => return,
            }
        }
    }

    fn pem(&mut self, begin: &Finder<'_>) {
        let mut from = 0;
        while let Some(next) = begin.find(&self.bytes[from..]) {
            let start = from + next;
            from = start + pem::BEGIN.len();
            if let Some(one) = pem::find(self.bytes, start) {
                from = one.end;
                (self.found)(BuiltIn::PemPrivateKey, one);
            }
        }
    }
}
