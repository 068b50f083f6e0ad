//! One TCP segment: every field of its header, its options, and whether its checksum is right.
//!
//! A segment borrows from its packet, and nothing here allocates. Lengths in a header can lie, and a
//! capture can hold a part of a segment only. So each length is compared with the bytes that are there;
//! otherwise one bad segment would end the whole report.

mod checksum;
mod flags;
mod options;
mod seq;

pub use checksum::Checksum;
pub use flags::Flags;
pub use options::{OptionIter, SackBlocks, TcpOption};
pub use seq::Seq;

use crate::network::SegmentBytes;
use std::net::{IpAddr, SocketAddr};
use thiserror::Error;

/// A TCP header has at least this many bytes.
pub const MIN_HEADER: usize = 20;

/// A TCP segment as it was captured.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// The segment comes from this address.
    pub source: IpAddr,
    /// The segment goes to this address.
    pub destination: IpAddr,
    /// The source port.
    pub source_port: u16,
    /// The destination port.
    pub destination_port: u16,
    /// The sequence number of the first byte, or of the SYN.
    pub seq: Seq,
    /// The acknowledgement number. It has a meaning only if the flag ACK is set.
    pub ack: Seq,
    /// The length of the header in bytes, as the data offset declares it: 20 to 60.
    pub header_len: u8,
    /// The flags, with the three reserved bits.
    pub flags: Flags,
    /// The window as it was sent, not scaled.
    pub window: u16,
    /// The checksum as it was sent.
    pub checksum: u16,
    /// The urgent pointer.
    pub urgent_pointer: u16,
    /// The captured bytes of the options.
    pub options: &'a [u8],
    /// The captured bytes of the data.
    pub payload: &'a [u8],
    /// The segment had this many bytes of data on the wire. The capture may hold fewer of them.
    pub len: u32,
    /// The captured bytes of the whole segment, for its checksum.
    bytes: &'a [u8],
    wire_len: usize,
}

/// Why bytes are not a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SegmentError {
    /// The capture holds fewer bytes than a TCP header has.
    #[error("the capture holds {captured} bytes of a TCP header")]
    Cut {
        /// The capture holds this many bytes.
        captured: usize,
    },
    /// The data offset is less than the length of the fixed header, or more than the segment has.
    #[error("the data offset declares a header of {header_len} bytes in a segment of {wire_len}")]
    BadDataOffset {
        /// The declared length of the header in bytes.
        header_len: u8,
        /// The segment had this many bytes.
        wire_len: usize,
    },
}

impl<'a> Segment<'a> {
    /// Reads the header of a segment.
    ///
    /// # Errors
    /// The capture holds too little of the header, or the header declares an impossible length.
    #[inline]
    pub fn parse(from: &SegmentBytes<'a>) -> Result<Self, SegmentError> {
        let &SegmentBytes { source, destination, bytes, wire_len } = from;
        let Some((head, rest)) = bytes.split_first_chunk::<MIN_HEADER>() else {
            return Err(SegmentError::Cut { captured: bytes.len() });
        };
        let header_len = (head[12] >> 4) * 4;
        if usize::from(header_len) < MIN_HEADER || usize::from(header_len) > wire_len {
            return Err(SegmentError::BadDataOffset { header_len, wire_len });
        }
        let (options, payload) =
            rest.split_at((usize::from(header_len) - MIN_HEADER).min(rest.len()));
        let short = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let long = |at: usize| u32::from(short(at)) << 16 | u32::from(short(at + 2));
        Ok(Segment {
            source,
            destination,
            source_port: short(0),
            destination_port: short(2),
            seq: Seq(long(4)),
            ack: Seq(long(8)),
            header_len,
            flags: Flags(short(12) & 0x0fff),
            window: short(14),
            checksum: short(16),
            urgent_pointer: short(18),
            options,
            payload,
            // No segment is longer than 2^32: an IP packet has at most 2^16 bytes, and a record of a
            // capture has a limit too.
            len: (wire_len - usize::from(header_len)) as u32,
            bytes,
            wire_len,
        })
    }

    /// Returns the address and the port that the segment comes from.
    #[must_use]
    pub fn from(&self) -> SocketAddr {
        (self.source, self.source_port).into()
    }

    /// Returns the address and the port that the segment goes to.
    #[must_use]
    pub fn to(&self) -> SocketAddr {
        (self.destination, self.destination_port).into()
    }

    /// Returns the sequence number behind the segment. SYN and FIN take one number each.
    #[must_use]
    pub fn end(&self) -> Seq {
        self.seq + self.len + u32::from(self.flags.syn()) + u32::from(self.flags.fin())
    }

    /// Returns the options one after another.
    #[must_use]
    pub fn options(&self) -> OptionIter<'a> {
        OptionIter::new(self.options)
    }

    /// Returns whether the capture holds all bytes of the options.
    #[must_use]
    pub fn has_all_options(&self) -> bool {
        self.options.len() + MIN_HEADER == usize::from(self.header_len)
    }

    /// Verifies the checksum. This reads every byte of the segment.
    #[must_use]
    pub fn verify_checksum(&self) -> Checksum {
        if self.bytes.len() < self.wire_len {
            return Checksum::Unverified;
        }
        checksum::verify(self.source, self.destination, self.bytes, self.checksum)
    }
}
