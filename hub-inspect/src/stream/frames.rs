//! Splits a stream into frames of Hub, and remembers which packets carried each one.
//!
//! A frame that lies within one segment is not copied. After lost bytes, the reader does not know where
//! the next frame begins: it takes the start of a later segment that looks like a frame. Without that,
//! one packet that the capture missed would hide the rest of the connection.

use super::Delivery;
use hub_wire::FrameType;

/// A longer frame is not collected. A hub refuses frames above a limit of its own, which is lower.
pub const MAX_FRAME: u32 = 16 << 20;

/// A frame before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The length field of the frame has this offset in the stream.
    pub offset: u64,
    /// The packet that carried the first byte.
    pub first_packet: u64,
    /// The packet that carried the last byte.
    pub last_packet: u64,
    /// The body, without the 4 bytes of the length.
    pub body: &'a [u8],
}

/// Splits one direction into frames.
#[derive(Debug, Default)]
pub struct FrameReader {
    /// The beginning of a frame that is not complete, with its length field.
    part: Vec<u8>,
    part_offset: u64,
    part_packet: u64,
    /// Whether the start of the next frame is unknown.
    lost: bool,
}

impl FrameReader {
    /// Returns how many bytes of memory the reader holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.part.capacity()
    }

    /// Takes the next part of the stream over. `frame` gets each complete frame.
    pub fn feed(&mut self, delivery: Delivery<'_>, frame: &mut dyn FnMut(RawFrame<'_>)) {
        match delivery {
            Delivery::Lost { .. } => self.lose(),
            Delivery::Conflict { .. } => {}
            Delivery::Bytes { offset, bytes, first_packet, packet } => {
                self.bytes(offset, bytes, [first_packet, packet], frame);
            }
        }
    }

    fn bytes(
        &mut self,
        mut offset: u64,
        mut bytes: &[u8],
        [first_packet, packet]: [u64; 2],
        frame: &mut dyn FnMut(RawFrame<'_>),
    ) {
        if self.lost {
            if !looks_like_a_frame(bytes) {
                return;
            }
            self.lost = false;
        }
        while !self.part.is_empty() && !bytes.is_empty() {
            let wanted = length(&self.part).map_or(4, |length| 4 + length as usize);
            let (mine, rest) = bytes.split_at(bytes.len().min(wanted - self.part.len()));
            self.part.extend_from_slice(mine);
            offset += mine.len() as u64;
            bytes = rest;
            match length(&self.part) {
                None => {}
                Some(length) if !possible(length) => return self.lose(),
                Some(length) if self.part.len() == 4 + length as usize => {
                    frame(RawFrame {
                        offset: self.part_offset,
                        first_packet: self.part_packet,
                        last_packet: packet,
                        body: &self.part[4..],
                    });
                    self.part.clear();
                    if self.part.capacity() > 1 << 16 {
                        self.part = Vec::new();
                    }
                }
                Some(_) => {}
            }
        }
        while let Some(length) = length(bytes) {
            if !possible(length) {
                return self.lose();
            }
            let Some(body) = bytes.get(4..4 + length as usize) else { break };
            frame(RawFrame { offset, first_packet, last_packet: packet, body });
            bytes = &bytes[4 + body.len()..];
            offset += 4 + body.len() as u64;
        }
        if !bytes.is_empty() {
            self.part.extend_from_slice(bytes);
            (self.part_offset, self.part_packet) = (offset, first_packet);
        }
    }

    /// Forgets where frames begin.
    pub(super) fn lose(&mut self) {
        self.part = Vec::new();
        self.lost = true;
    }
}

/// Returns the length of the frame that `bytes` begin with.
fn length(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|length| u32::from_be_bytes(*length))
}

fn possible(length: u32) -> bool {
    (1..=MAX_FRAME).contains(&length)
}

/// Whether the bytes begin with a possible length and a known type.
pub(super) fn looks_like_a_frame(bytes: &[u8]) -> bool {
    length(bytes).is_some_and(possible) && FrameType::of(&bytes[4..]).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::frame_with;
    use proptest::prelude::*;

    proptest! {
        /// However the stream is cut, the same frames come, each with the packets that carried it.
        #[test]
        fn frames_come_however_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..12),
            cuts in prop::collection::vec(1usize..400, 1..40),
        ) {
            let mut stream = Vec::new();
            for body in &bodies {
                frame_with(&mut stream, |out| out.extend_from_slice(body));
            }
            let (mut reader, mut got, mut at, mut ends) = (FrameReader::default(), Vec::new(), 0, Vec::new());
            for (packet, cut) in cuts.into_iter().cycle().enumerate() {
                if at == stream.len() {
                    break;
                }
                let end = (at + cut).min(stream.len());
                let piece = Delivery::Bytes {
                    offset: at as u64,
                    bytes: &stream[at..end],
                    first_packet: packet as u64,
                    packet: packet as u64,
                };
                reader.feed(piece, &mut |it| {
                    got.push((it.offset, it.first_packet, it.last_packet, it.body.to_vec()));
                });
                ends.push(end as u64);
                at = end;
            }
            prop_assert_eq!(got.len(), bodies.len());
            let packet_of = |byte: u64| ends.iter().position(|end| byte < *end).unwrap_or(0) as u64;
            let mut offset = 0;
            for ((at, first, last, body), expected) in got.into_iter().zip(bodies) {
                let end = offset + 4 + expected.len() as u64;
                prop_assert_eq!((at, first, last), (offset, packet_of(offset), packet_of(end - 1)));
                prop_assert_eq!(body, expected);
                offset = end;
            }
        }
    }

    #[test]
    fn the_reader_finds_the_next_frame_after_a_loss() {
        let mut reader = FrameReader::default();
        let mut got = Vec::new();
        let mut feed = |bytes: &[u8], lost| {
            if lost {
                reader.feed(Delivery::Lost { offset: 0, count: 1 }, &mut |_| ());
            }
            reader.feed(
                Delivery::Bytes { offset: 0, bytes, first_packet: 1, packet: 1 },
                &mut |it| {
                    got.push(it.body.to_vec());
                },
            );
        };
        feed(&[0, 0, 0, 3, 0x92], false);
        feed(b"the rest of something", true);
        feed(&[0, 0, 0, 3, 0x92, 11, 1], false);
        feed(&[0, 0, 0, 0, 1], false); // no frame has this length
        feed(&[0, 0, 0, 3, 0x92, 11, 2], false);
        assert_eq!(got, [[0x92, 11, 1], [0x92, 11, 2]]);
    }
}
