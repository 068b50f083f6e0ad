//! The errors of captures: each says at which byte and in which packet the capture broke.

use std::io;
use thiserror::Error;

/// A capture cannot be read any further. All packets in front of the fault have been returned.
#[derive(Debug, Error)]
#[error("the capture ends at byte {offset}, in packet {packet}: {kind}")]
pub struct CaptureError {
    /// The record at fault begins at this offset in the capture.
    pub offset: u64,
    /// The packet at fault would have had this number.
    pub packet: u64,
    /// The fault.
    pub kind: CaptureErrorKind,
}

/// Why a capture cannot be read any further.
#[derive(Debug, Error)]
pub enum CaptureErrorKind {
    /// The source cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The source has no byte.
    #[error("it is empty")]
    Empty,
    /// The first bytes are those of no capture format.
    #[error("it is neither a pcap nor a pcapng file")]
    NotACapture,
    /// The source ends within a record.
    #[error("it is cut: the record has {needed} bytes, and {available} of them are there")]
    Cut {
        /// The record has at least this many bytes.
        needed: usize,
        /// This many bytes are there.
        available: usize,
    },
    /// A record claims more bytes than a packet can have.
    #[error("it is damaged: a record claims {length} bytes")]
    TooLong {
        /// The claimed length.
        length: u64,
    },
    /// A block of a pcapng file is not well-formed.
    #[error("it is damaged: {0}")]
    Block(&'static str),
}
