//! IP fragments that wait for the rest of their packet.
//!
//! The table is bounded: when it is full, the packet that began to come first is given up. Otherwise a
//! capture of fragments that never end would take all memory. Where fragments overlap, the bytes that
//! came first stay, as for TCP.

use foldhash::HashMap;
use std::net::IpAddr;

/// At most this many packets wait for their fragments.
const MAX_PACKETS: usize = 256;
/// No IP packet is longer.
const MAX_LENGTH: usize = 1 << 16;

/// All fragments with this key belong to one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FragmentKey {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) id: u32,
}

/// One fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    /// The bytes stand at this offset of the packet.
    pub(super) offset: usize,
    /// Whether other fragments stand behind this one.
    pub(super) more: bool,
    pub(super) bytes: &'a [u8],
    /// Whether the capture holds all bytes of the fragment. A packet with a cut one is never complete.
    pub(super) complete: bool,
}

/// A packet of which some fragments have come.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// The ranges of `bytes` that have come, in order, none next to another.
    ranges: Vec<(usize, usize)>,
    length: Option<usize>,
    /// The packet began to come so many fragments ago.
    began: u64,
}

impl Partial {
    /// Adds a fragment. Bytes that are there already stay.
    fn add(&mut self, fragment: Fragment<'_>) {
        let start = fragment.offset;
        let end = start + fragment.bytes.len();
        if end > MAX_LENGTH {
            return;
        }
        if !fragment.more && fragment.complete {
            self.length = self.length.or(Some(end));
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let mut from = start;
        for &(known_start, known_end) in &self.ranges {
            if known_start > from && from < end {
                let to = known_start.min(end);
                self.bytes[from..to].copy_from_slice(&fragment.bytes[from - start..to - start]);
            }
            from = from.max(known_end);
        }
        if from < end {
            self.bytes[from..end].copy_from_slice(&fragment.bytes[from - start..]);
        }
        self.cover(start, end);
    }

    /// Notes that the bytes from `start` to `end` are there.
    fn cover(&mut self, mut start: usize, mut end: usize) {
        self.ranges.retain(|&(known_start, known_end)| {
            let apart = known_end < start || end < known_start;
            if !apart {
                (start, end) = (start.min(known_start), end.max(known_end));
            }
            apart
        });
        let place = self.ranges.partition_point(|range| range.0 < start);
        self.ranges.insert(place, (start, end));
    }

    fn is_complete(&self) -> bool {
        self.length.is_some_and(|length| {
            self.ranges.first().is_some_and(|range| range.0 == 0 && range.1 >= length)
        })
    }
}

/// All packets of which some fragments have come.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: HashMap<FragmentKey, Partial>,
    seen: u64,
    /// The packet that was completed last.
    complete: Vec<u8>,
}

impl Fragments {
    /// Adds a fragment. Returns the content of the packet if the fragment completes it.
    pub(super) fn add(&mut self, key: FragmentKey, fragment: Fragment<'_>) -> Option<&[u8]> {
        self.seen += 1;
        if !self.waiting.contains_key(&key) && self.waiting.len() == MAX_PACKETS {
            let oldest = self.waiting.iter().min_by_key(|(_, it)| it.began).map(|(key, _)| *key);
            oldest.and_then(|key| self.waiting.remove(&key));
        }
        let began = self.seen;
        let partial =
            self.waiting.entry(key).or_insert_with(|| Partial { began, ..Partial::default() });
        partial.add(fragment);
        if !partial.is_complete() {
            return None;
        }
        let partial = self.waiting.remove(&key)?;
        self.complete = partial.bytes;
        self.complete.truncate(partial.length?);
        Some(&self.complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(id: u32) -> FragmentKey {
        FragmentKey { source: [1, 2, 3, 4].into(), destination: [5, 6, 7, 8].into(), id }
    }

    fn fragment(bytes: &[u8], offset: usize, more: bool) -> Fragment<'_> {
        Fragment { offset, more, bytes, complete: true }
    }

    proptest! {
        /// Whatever the order and the overlaps are, the bytes that came first stay.
        #[test]
        fn first_bytes_win(pieces in prop::collection::vec((0usize..64, 1usize..32, any::<u8>()), 0..20)) {
            let mut fragments = Fragments::default();
            let mut model = [None; 97];
            for (start, length, byte) in pieces {
                let bytes = vec![byte; length];
                prop_assert_eq!(fragments.add(key(1), fragment(&bytes, start, true)), None);
                for place in &mut model[start..start + length] {
                    place.get_or_insert(byte);
                }
            }
            let got = fragments.add(key(1), fragment(&[7], 96, false)).map(<[u8]>::to_vec);
            model[96].get_or_insert(7);
            prop_assert_eq!(got, model.into_iter().collect::<Option<Vec<u8>>>());
        }
    }

    #[test]
    fn packets_that_never_end_are_given_up() {
        let mut fragments = Fragments::default();
        for id in 0..=MAX_PACKETS as u32 {
            assert_eq!(fragments.add(key(id), fragment(b"ab", 0, true)), None);
        }
        assert_eq!(fragments.waiting.len(), MAX_PACKETS);
        assert_eq!(fragments.add(key(0), fragment(b"c", 2, false)), None);
        assert_eq!(fragments.add(key(9), fragment(b"c", 2, false)), Some(&b"abc"[..]));
    }

    #[test]
    fn a_fragment_that_the_capture_cut_completes_nothing() {
        let mut fragments = Fragments::default();
        assert_eq!(fragments.add(key(1), fragment(b"ab", 0, true)), None);
        let cut = Fragment { complete: false, ..fragment(b"c", 2, false) };
        assert_eq!(fragments.add(key(1), cut), None);
    }
}
