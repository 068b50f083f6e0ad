//! The records of a pcap file: a head with time and lengths, and then the packet.

use super::CaptureErrorKind;
use super::buffer::Buffer;
use std::io::Read;

/// A record of a pcap file, or a block of a pcapng file, has at most this many bytes. A greater length
/// is taken for damage. Without this limit, four bytes of a damaged file could claim 4 GiB.
pub const MAX_RECORD: usize = 16 << 20;

/// Where the next packet is in the buffer.
pub(super) struct Found {
    pub(super) time_ns: i64,
    pub(super) link: u32,
    pub(super) wire_len: u32,
    pub(super) range: std::ops::Range<usize>,
}

/// Finds the next record of a pcap file.
pub(super) fn next_record<R: Read>(
    buffer: &mut Buffer<R>,
    big_endian: bool,
    record_head: usize,
    ns_per_unit: i64,
    link: u32,
) -> Result<Option<Found>, CaptureErrorKind> {
    match buffer.ensure(record_head)? {
        0 => return Ok(None),
        available if available < record_head => {
            return Err(CaptureErrorKind::Cut { needed: record_head, available });
        }
        _ => {}
    }
    let head = buffer.data();
    let field = |at: usize| number(&head[at..], big_endian);
    let (seconds, fraction, captured, wire_len) = (field(0), field(4), field(8), field(12));
    let length = captured as usize;
    if length > MAX_RECORD {
        return Err(CaptureErrorKind::TooLong { length: captured.into() });
    }
    let needed = record_head + length;
    let available = buffer.ensure(needed)?;
    if available < needed {
        return Err(CaptureErrorKind::Cut { needed, available });
    }
    buffer.consume(needed);
    // A fraction of more than a second is damage that hurts nothing but the time.
    let time_ns = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * ns_per_unit;
    Ok(Some(Found { time_ns, link, wire_len, range: record_head..needed }))
}

/// Reads a number of 32 bits. The caller has checked that the bytes are there.
pub(super) fn number(bytes: &[u8], big_endian: bool) -> u32 {
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
