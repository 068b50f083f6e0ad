//! Puts one direction of a connection together again: the bytes in their order, each once.
//!
//! Where segments overlap, the bytes that came first stay, and different bytes are told as a conflict:
//! whoever sends them wants two readers to see two different streams. What waits for a gap is bounded.
//! Above the bound, or when the receiver has acknowledged bytes that are not in the capture, the gap is
//! given up and reported as lost.
//!
//! Of the bytes that have been delivered, the latest stay for a while, because data is sent again soon or
//! never. Without them, a conflict with data that no gap held back would not be seen.

use crate::segment::{Segment, Seq};
use std::collections::BTreeMap;

/// What waits for a gap takes at most this many bytes in a direction.
pub const MAX_BUFFERED: usize = 1 << 20;

/// At least this many of the delivered bytes are kept, to be compared with data that is sent again. At
/// most twice as many are there.
const KEPT: usize = 16 << 10;

/// A piece that waits takes so many bytes beside its own.
const PIECE: usize = 96;

/// A part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The next bytes.
    Bytes {
        /// The first byte has this offset in the stream.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
        /// The packet that carried the first of them.
        first_packet: u64,
        /// The packet that carried the last of them.
        packet: u64,
    },
    /// A segment brought other bytes than an earlier one had brought for the same numbers.
    Conflict {
        /// The first different byte has this offset.
        offset: u64,
    },
    /// The next bytes are not in the capture.
    Lost {
        /// The first missing byte has this offset.
        offset: u64,
        /// This many bytes are missing.
        count: u64,
    },
}

/// Bytes that wait for those in front of them.
#[derive(Debug)]
struct Piece {
    bytes: Vec<u8>,
    packet: u64,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// The number of the next byte, once it is known.
    next: Option<Seq>,
    /// The offset of that byte. The stream begins with 0.
    offset: u64,
    /// The offset behind the last byte, once a FIN has come.
    end: Option<u64>,
    /// What waits, by offset. Pieces do not overlap.
    waiting: BTreeMap<u64, Piece>,
    buffered: usize,
    /// The latest bytes that were delivered, up to `offset`.
    kept: Vec<u8>,
    /// Whether there is memory for them.
    keeps: Keeps,
    conflicts: u64,
}

/// Whether delivered bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeps {
    /// The latest ones are.
    #[default]
    Latest,
    /// None are, because memory is short.
    None,
}

impl Reassembly {
    /// Says which number the first byte has. Later calls change nothing.
    pub fn start(&mut self, next: Seq) {
        self.next.get_or_insert(next);
    }

    /// Says which number the FIN has.
    pub fn end(&mut self, fin: Seq) {
        if let Some(offset) = self.offset_of(fin) {
            self.end.get_or_insert(offset);
        }
    }

    /// Returns how often a segment brought other bytes than one before it.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Returns how many bytes of memory wait for others, or are kept.
    #[must_use]
    pub fn held(&self) -> usize {
        self.waits() + self.kept.capacity()
    }

    /// Returns how many bytes of memory wait for others.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.buffered + self.waiting.len() * PIECE
    }

    /// Says whether delivered bytes are kept from now on.
    pub fn keep_delivered(&mut self, keeps: Keeps) {
        self.keeps = keeps;
        if keeps == Keeps::None {
            self.kept = Vec::new();
        }
    }

    /// Returns the offset of a number, or `None` if its byte has been delivered.
    fn offset_of(&self, seq: Seq) -> Option<u64> {
        self.offset.checked_add_signed(seq.from_base(self.next?).into())
    }

    /// Takes the data of a segment over.
    pub fn push(
        &mut self,
        segment: &Segment<'_>,
        packet: u64,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let next = *self.next.get_or_insert(segment.seq);
        let ahead = i64::from(segment.seq.from_base(next));
        let mut bytes = segment.payload;
        let start = if ahead < 0 {
            // In front of the next byte is what has been delivered already.
            let known = usize::try_from(-ahead).unwrap_or(usize::MAX);
            // A keep-alive may repeat one byte with any value.
            let conflict = if segment.len == 1 { None } else { self.differs(known, bytes) };
            if let Some(offset) = conflict {
                self.conflicts += 1;
                deliver(Delivery::Conflict { offset });
            }
            if known >= segment.len as usize {
                return;
            }
            bytes = bytes.get(known..).unwrap_or_default();
            self.offset
        } else {
            self.offset + ahead as u64
        };
        let cut = u64::from(segment.len) - segment.payload.len() as u64;
        if start == self.offset && self.waiting.is_empty() {
            self.forward(bytes, packet, deliver);
        } else {
            if let Some(offset) = self.keep(start, bytes, packet) {
                self.conflicts += 1;
                deliver(Delivery::Conflict { offset });
            }
            self.drain(deliver);
        }
        let end = self.offset_of(segment.seq + segment.len);
        if cut > 0 && end.is_some_and(|end| end > self.offset && end - self.offset <= cut) {
            self.lose_until(end.unwrap_or_default(), deliver);
        }
        while self.waits() > MAX_BUFFERED {
            let Some((&to, _)) = self.waiting.first_key_value() else { break };
            self.lose(to, deliver);
        }
    }

    /// Takes an acknowledgement of the receiver over: it has bytes that the capture may not have.
    pub fn acknowledged(&mut self, ack: Seq, deliver: &mut dyn FnMut(Delivery<'_>)) {
        let Some(next) = self.next else {
            self.next = Some(ack);
            return;
        };
        if !ack.after(next) {
            return;
        }
        let acked = self.offset + u64::from(ack.relative(next));
        let acked = self.end.map_or(acked, |end| acked.min(end));
        self.lose_until(acked, deliver);
    }

    /// Delivers bytes that stand next.
    fn forward(&mut self, bytes: &[u8], packet: u64, deliver: &mut dyn FnMut(Delivery<'_>)) {
        if !bytes.is_empty() {
            deliver(Delivery::Bytes { offset: self.offset, bytes, first_packet: packet, packet });
            self.advance(bytes.len() as u64);
            if self.keeps == Keeps::Latest {
                self.remember(bytes);
            }
        }
    }

    /// Keeps bytes that have been delivered.
    fn remember(&mut self, bytes: &[u8]) {
        if self.kept.len() + bytes.len() > 2 * KEPT {
            let stay = KEPT.saturating_sub(bytes.len()).min(self.kept.len());
            self.kept.drain(..self.kept.len() - stay);
        }
        self.kept.extend_from_slice(&bytes[bytes.len().saturating_sub(2 * KEPT)..]);
    }

    /// Compares bytes that begin `known` in front of the next one with those that were delivered. Returns the
    /// offset of the first difference.
    fn differs(&self, known: usize, bytes: &[u8]) -> Option<u64> {
        let skipped = known.saturating_sub(self.kept.len());
        let mine = bytes.get(skipped..bytes.len().min(known))?;
        let its = &self.kept[self.kept.len() + skipped - known..];
        let at = mine.iter().zip(its).position(|(mine, its)| mine != its)?;
        self.offset.checked_sub((known - skipped - at) as u64)
    }

    fn advance(&mut self, count: u64) {
        self.offset += count;
        self.next = self.next.map(|next| next + count as u32);
    }

    /// Gives up every gap in front of an offset. What waits between the gaps is delivered.
    fn lose_until(&mut self, to: u64, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while self.offset < to {
            let next = self.waiting.first_key_value().map_or(to, |(&at, _)| at.min(to));
            self.lose(next, deliver);
        }
    }

    /// Gives up everything in front of an offset, where nothing waits, and delivers what stands behind it.
    fn lose(&mut self, to: u64, deliver: &mut dyn FnMut(Delivery<'_>)) {
        let count = to - self.offset;
        self.kept.clear();
        deliver(Delivery::Lost { offset: self.offset, count });
        self.advance(count);
        self.drain(deliver);
    }

    /// Keeps those bytes that no other piece has. Returns the offset of the first byte that another piece
    /// has differently.
    fn keep(&mut self, start: u64, bytes: &[u8], packet: u64) -> Option<u64> {
        let end = start + bytes.len() as u64;
        let mut gaps: Vec<(u64, u64)> = Vec::new();
        let (mut from, mut conflict) = (start, None);
        let first = self.waiting.range(..=start).next_back().map_or(start, |(&at, _)| at);
        for (&at, piece) in self.waiting.range(first..end) {
            let piece_end = at + piece.bytes.len() as u64;
            if piece_end <= start {
                continue;
            }
            let (both, both_end) = (at.max(start), piece_end.min(end));
            let mine = &bytes[(both - start) as usize..(both_end - start) as usize];
            let its = &piece.bytes[(both - at) as usize..(both_end - at) as usize];
            let differs = || mine.iter().zip(its).position(|(mine, its)| mine != its);
            conflict = conflict.or_else(|| Some(both + differs()? as u64));
            if at > from {
                gaps.push((from, at));
            }
            from = from.max(piece_end);
        }
        if from < end {
            gaps.push((from, end));
        }
        for (from, to) in gaps {
            let bytes = bytes[(from - start) as usize..(to - start) as usize].to_vec();
            self.buffered += bytes.len();
            self.waiting.insert(from, Piece { bytes, packet });
        }
        conflict
    }

    /// Delivers the pieces that stand next.
    fn drain(&mut self, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() != self.offset {
                break;
            }
            let piece = entry.remove();
            self.buffered -= piece.bytes.len();
            self.forward(&piece.bytes, piece.packet, deliver);
        }
    }
}
