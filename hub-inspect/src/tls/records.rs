//! Cuts one direction of a TLS connection into records, and remembers which packets carried each one.
//!
//! Content becomes readable only when its record is complete. Without the packets of the record, a frame
//! of Hub would seem to have come with the last of them alone.

use super::cipher::HEAD;
use std::collections::VecDeque;

/// A record has at most this many bytes behind its head (RFC 5246, section 6.2.3).
const MAX_BODY: usize = (1 << 14) + 2048;

/// Which bytes of the stream a record is, and which packets carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried {
    /// The offset in the stream behind the record.
    pub(super) end: u64,
    pub(super) first_packet: u64,
    pub(super) last_packet: u64,
}

/// What the front of a stream is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// A whole record of this many bytes, with its head.
    Record(usize),
    /// A part of a record.
    Part,
    /// No record.
    Other,
}

/// The bytes of one direction that have not been read as records yet.
#[derive(Debug, Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    /// The unread bytes begin here.
    start: usize,
    /// The offset of the first unread byte in the stream.
    offset: u64,
    /// Where the bytes of each packet end in the stream.
    packets: VecDeque<(u64, u64)>,
}

impl Records {
    /// Takes over the next bytes of the stream, which begin at `offset`.
    pub(super) fn push(&mut self, offset: u64, bytes: &[u8], packet: u64) {
        if self.unread().is_empty() {
            self.clear();
            self.offset = offset;
        } else if self.start > MAX_BODY {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
        self.packets.push_back((offset + bytes.len() as u64, packet));
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Says what the unread bytes begin with.
    pub(super) fn front(&self) -> Front {
        match *self.unread() {
            [kind, major, _, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if !(20..=24).contains(&kind) || major != 3 || length > MAX_BODY {
                    Front::Other
                } else if self.unread().len() < HEAD + length {
                    Front::Part
                } else {
                    Front::Record(HEAD + length)
                }
            }
            _ => Front::Part,
        }
    }

    /// Goes on behind the next `length` bytes. Returns what carried them.
    pub(super) fn consume(&mut self, length: usize) -> Carried {
        let first = self.packet_of(self.offset);
        self.start += length;
        self.offset += length as u64;
        let last = self.packet_of(self.offset.saturating_sub(1));
        while self.packets.front().is_some_and(|(end, _)| *end <= self.offset) {
            self.packets.pop_front();
        }
        Carried { end: self.offset, first_packet: first, last_packet: last }
    }

    /// Returns the packet that carried the byte at an offset.
    fn packet_of(&self, offset: u64) -> u64 {
        let at = self.packets.partition_point(|(end, _)| *end <= offset);
        self.packets.get(at).map_or(0, |(_, packet)| *packet)
    }

    /// Forgets all bytes, for example because others in front of them are lost.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
        self.start = 0;
        if self.bytes.capacity() > 4 * MAX_BODY {
            self.bytes = Vec::new();
        }
    }

    /// Returns how many bytes of memory wait.
    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.packets.capacity() * size_of::<(u64, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_know_the_packets_that_carried_them() {
        let mut records = Records::default();
        assert_eq!(records.front(), Front::Part);
        records.push(100, &[22, 3, 1, 0], 1);
        assert_eq!(records.front(), Front::Part);
        records.push(104, &[2, 7, 8, 23, 3], 2);
        assert_eq!(records.front(), Front::Record(7));
        assert_eq!(records.unread()[5..7], [7, 8]);
        let carried = records.consume(7);
        assert_eq!(carried, Carried { end: 107, first_packet: 1, last_packet: 2 });
        assert_eq!(records.front(), Front::Part);
        records.push(109, &[3, 0, 1, 9], 3);
        let carried = records.consume(6);
        assert_eq!(carried, Carried { end: 113, first_packet: 2, last_packet: 3 });
        records.push(113, &[1, 3, 3, 0, 1], 4);
        assert_eq!(records.front(), Front::Other);
        records.clear();
        records.push(500, &[23, 3, 3, 0, 0], 5);
        let carried = records.consume(5);
        assert_eq!(carried, Carried { end: 505, first_packet: 5, last_packet: 5 });
    }
}
