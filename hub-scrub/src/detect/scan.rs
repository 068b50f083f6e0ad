//! The scan of a text finds where a match could begin, and starts the searches there.
//!
//! It reads each byte once for all detectors. Without it, the time would grow with the number of detectors.

use super::block::{BLOCK, Masks, behind, ends_of_long_runs, masks_for_scan};
use super::built_ins::SIGN_SEARCHES;
use super::cluster::{self, Cluster, FEWEST_DIGITS, LONGEST_NUMBER, REACH};
use super::declaration::Trigger;
use super::kinds::BuiltIn;
use super::scan_kinds::{Begin, ScanKinds};
use super::surroundings;
use super::text_match::Match;
use super::work::Work;

/// The entry at a byte says whether the byte may be part of a run of token characters.
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

/// A `PreviousBlock` has the masks of the previous block that the scan of the next block needs.
#[derive(Default)]
struct PreviousBlock {
    alphanumeric: u64,
    letter: u64,
    token: u64,
}

/// A `TextScan` is the state of the scan of one text.
struct TextScan<'a, F> {
    text: &'a str,
    bytes: &'a [u8],
    kinds: &'a ScanKinds,
    work: &'a mut Work,
    found: F,
    /// Digits in front of this offset have been searched.
    digits_done: usize,
    /// Runs in front of this offset have been searched.
    runs_done: usize,
    /// The entry at the index of a search in [`ScanKinds::signs`] is the offset from which it may search.
    signs_done: [usize; SIGN_SEARCHES],
}

/// The search at a group of digits costs this many reads before it knows whether there are enough digits.
const FEW_DIGITS_READS: usize = 56;
/// To start a search at a sign costs this many reads.
const SIGN_READS: usize = 24;
/// To read a cluster costs this many reads, and [`GROUP_READS`] for each group.
const CLUSTER_READS: usize = 56;
const GROUP_READS: usize = 12;

/// Scans `text`, and reports every match of the built-ins in `kinds`, in no particular order. The scan ends
/// early if it takes more work than is allowed.
pub(super) fn run(
    text: &str,
    kinds: &ScanKinds,
    work: &mut Work,
    found: impl FnMut(BuiltIn, Match, &mut Work),
) {
    let bytes = text.as_bytes();
    let mut scan = TextScan {
        text,
        bytes,
        kinds,
        work,
        found,
        digits_done: 0,
        runs_done: 0,
        signs_done: [0; SIGN_SEARCHES],
    };
    let mut before = PreviousBlock::default();
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        scan.block(block, BLOCK, i * BLOCK, &mut before);
        if scan.work.is_over() {
            return;
        }
    }
    if !rest.is_empty() {
        let mut block = [0; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        scan.block(&block, rest.len(), bytes.len() - rest.len(), &mut before);
    }
    for begin in kinds.begins.iter().filter(|begin| bytes.len() >= begin.shortest) {
        scan.begins(begin);
    }
}

impl<F: FnMut(BuiltIn, Match, &mut Work)> TextScan<'_, F> {
    /// Starts the searches in a block that begins at the offset `at` of the text. The text has `len` bytes of
    /// the block.
    fn block(&mut self, block: &[u8; BLOCK], len: usize, at: usize, before: &mut PreviousBlock) {
        self.work.add(len);
        let mut found = Masks::default();
        masks_for_scan(self.kinds.level, block, &mut found);
        let masks = found;
        let alphanumeric = masks.digit | masks.letter;
        if masks.digit != 0 {
            let starts = masks.digit & !behind(alphanumeric, before.alphanumeric, 1);
            if self.kinds.has_numbers && starts != 0 {
                self.numbers(starts, at, &masks, len);
            }
            let after_letter = masks.digit & behind(masks.letter, before.letter, 1);
            if after_letter != 0 && !self.kinds.letters.is_empty() {
                self.letters_then_digits(after_letter, alphanumeric, masks.letter, at, before);
            }
        }
        let signs = masks.at | masks.colon | masks.equals;
        if signs != 0 {
            self.signs(signs, at);
        }
        if self.kinds.has_runs {
            self.runs(masks.token, before.token, at);
        }
        *before = PreviousBlock { alphanumeric, letter: masks.letter, token: masks.token };
    }

    /// Searches the numbers that begin in a block, at the digits in `starts`.
    fn numbers(&mut self, mut starts: u64, at: usize, masks: &Masks, len: usize) {
        self.work.add(12 * starts.count_ones() as usize);
        while starts != 0 {
            let i = starts.trailing_zeros() as usize;
            starts &= starts - 1;
            // The masks are enough only if all digits of the number are in this block.
            let known = len < BLOCK || i + REACH <= BLOCK;
            let may_be = !known || self.may_be_number(masks, i);
            if may_be && at + i >= self.digits_done {
                self.number(at + i);
            }
        }
    }

    /// Returns whether enough digits for a number follow before the next letter, or enough points for an
    /// IPv4 address.
    fn may_be_number(&self, masks: &Masks, i: usize) -> bool {
        let letter = (masks.letter >> i | 1 << REACH).trailing_zeros();
        let digits = masks.digit >> i & ((1 << letter) - 1);
        digits.count_ones() as usize >= FEWEST_DIGITS
            || self.kinds.has(Trigger::Points) && (masks.point >> i & 0xfff).count_ones() >= 3
    }

    /// Searches the cluster of digits at the offset `start`. If the cluster is full, it also searches the
    /// clusters that overlap it.
    fn number(&mut self, mut start: usize) {
        let mut sep = 0;
        self.work.add(FEW_DIGITS_READS);
        if let Some(end) = cluster::end_of_few(self.bytes, start, FEWEST_DIGITS) {
            self.digits_done = end;
            return;
        }
        loop {
            let cluster = Cluster::read(self.bytes, start, sep);
            let groups = cluster.groups();
            let last = groups[groups.len() - 1];
            self.work.add(CLUSTER_READS + GROUP_READS * groups.len() + cluster.total);
            let looked =
                if cluster.is_full() { groups.len() - LONGEST_NUMBER } else { groups.len() };
            if !cluster.is_date_like() {
                self.cluster(&cluster, looked);
            }
            if !cluster.is_full() || self.work.is_over() {
                self.digits_done = last.end();
                return;
            }
            (start, sep) = (groups[looked].start, cluster.sep(looked));
        }
    }

    /// Starts the searches at the first `looked` groups of a cluster.
    fn cluster(&mut self, cluster: &Cluster<'_>, looked: usize) {
        for (first, group) in cluster.groups()[..looked].iter().enumerate() {
            // No number begins with a group that is longer than the table.
            let Some(searches) = self.kinds.numbers.get(group.len) else { continue };
            for (kind, search) in searches {
                let one = search.find(cluster, first, self.work);
                let weighed = one.and_then(|one| surroundings::weigh(self.bytes, one, self.work));
                if let Some(one) = weighed {
                    (self.found)(*kind, one, self.work);
                }
            }
        }
    }

    /// Starts the searches for matches such as `DE89…` and `X1234567…`, which begin with one or two letters
    /// that are alone, and then have digits.
    fn letters_then_digits(
        &mut self,
        after_letter: u64,
        alphanumeric: u64,
        letter: u64,
        at: usize,
        before: &PreviousBlock,
    ) {
        let alone = |by| !behind(alphanumeric, before.alphanumeric, by);
        let one = after_letter & alone(2);
        let two = after_letter & behind(letter, before.letter, 2) & alone(3);
        for (kind, count, search) in &self.kinds.letters {
            let mut starts = if *count == 1 { one } else { two };
            while starts != 0 {
                let digit = at + starts.trailing_zeros() as usize;
                starts &= starts - 1;
                if let Some(one) = search(self.bytes, digit - *count as usize, self.work) {
                    (self.found)(*kind, one, self.work);
                }
            }
        }
    }

    /// Starts the searches at the signs (`@`, `:` and `=`) of a block.
    fn signs(&mut self, mut signs: u64, at: usize) {
        while signs != 0 {
            let offset = at + signs.trailing_zeros() as usize;
            signs &= signs - 1;
            // Nothing is found at a sign that ends the text.
            let Some(&next) = self.bytes.get(offset + 1) else { return };
            let mut searches = self.kinds.signs_before[usize::from(next)];
            while searches != 0 {
                let i = searches.trailing_zeros() as usize;
                searches &= searches - 1;
                let ((kind, sign, search), done) = (self.kinds.signs[i], &mut self.signs_done[i]);
                if self.bytes[offset] != sign || offset < *done {
                    continue;
                }
                self.work.add(SIGN_READS);
                let (one, next) = search(self.text, offset, *done, self.work);
                *done = next;
                if let Some(one) = one {
                    (self.found)(kind, one, self.work);
                }
            }
        }
    }

    /// Searches the runs whose first [`LONG_RUN`](super::block::LONG_RUN) token characters end in this block.
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

    /// Searches the run that contains the byte at the offset `middle`.
    fn run(&mut self, middle: usize) {
        let part = |b: &&u8| RUN[usize::from(**b)];
        let done = self.runs_done;
        let start = middle - self.bytes[done..middle].iter().rev().take_while(part).count();
        let end = middle + self.bytes[middle..].iter().take_while(part).count();
        self.runs_done = end;
        self.work.add(2 * (end - start));
        if self.kinds.formats.any() {
            self.kinds.formats.find(self.bytes, done, (start, end), self.work, &mut self.found);
        }
        for (kind, search) in &self.kinds.runs {
            search(self.bytes, start, end, self.work, &mut |one, work| {
                (self.found)(*kind, one, work);
            });
        }
    }

    /// Starts a search wherever the text contains the bytes with which its matches begin.
    fn begins(&mut self, search: &Begin) {
        let len = search.begin.needle().len();
        let mut from = 0;
        while let Some(next) = search.begin.find(&self.bytes[from..]) {
            let start = from + next;
            from = start + len;
            if self.work.is_over() {
                return;
            }
            if let Some(one) = (search.search)(self.bytes, start, self.work) {
                from = one.end;
                (self.found)(search.kind, one, self.work);
            }
        }
    }
}
