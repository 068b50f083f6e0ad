//! Capture files: which packets they hold, and when each one was seen.
//!
//! A capture may be a pcap or a pcapng file, and may come through a pipe while it is still being
//! written. A damaged file is read up to its fault. Without the exact place of the fault, a reader of
//! the report could not tell a quiet network from a file that was cut.

mod buffer;
mod error;
mod pcapng;
mod record;

pub use error::{CaptureError, CaptureErrorKind};
pub use record::MAX_RECORD;

use buffer::Buffer;
use pcap_parser::{parse_pcap_header, pcapng::SHB_MAGIC};
use pcapng::Pcapng;
use record::{Found, next_record};
use std::io::Read;

/// One captured packet. It borrows its bytes from the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The number of the packet in the capture, counted from 1.
    pub number: u64,
    /// The time at which the packet was captured, in nanoseconds since the Unix epoch. It is less than
    /// 2^62, so that the difference of two times is an `i64` too.
    pub time_ns: i64,
    /// The kind of link header that the packet begins with, as the number of a `LINKTYPE_`.
    pub link: u32,
    /// The packet had this many bytes on the wire. The capture may hold fewer of them.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// The two file formats.
enum Format {
    Pcap { big_endian: bool, record_head: usize, ns_per_unit: i64, link: u32 },
    Pcapng(Pcapng),
}

/// Reads the packets of a capture one after another.
pub struct Capture<R> {
    buffer: Buffer<R>,
    format: Format,
    packets: u64,
    /// The first error ends the capture.
    ended: bool,
}

impl<R: Read> Capture<R> {
    /// Opens a capture. The format is recognised by its first bytes, so a capture may come from a pipe.
    ///
    /// # Errors
    /// The source cannot be read, or its first bytes are not those of a capture.
    pub fn open(source: R) -> Result<Self, CaptureError> {
        let mut buffer = Buffer::new(source);
        let format = Self::format(&mut buffer).map_err(|kind| CaptureError {
            offset: buffer.offset(),
            packet: 1,
            kind,
        })?;
        Ok(Capture { buffer, format, packets: 0, ended: false })
    }

    fn format(buffer: &mut Buffer<R>) -> Result<Format, CaptureErrorKind> {
        match buffer.ensure(4)? {
            0 => return Err(CaptureErrorKind::Empty),
            1..4 => return Err(CaptureErrorKind::NotACapture),
            _ => {}
        }
        // The magic of a pcapng file reads the same in both byte orders.
        if buffer.data().starts_with(&SHB_MAGIC.to_le_bytes()) {
            return Ok(Format::Pcapng(Pcapng::default()));
        }
        if buffer.ensure(24)? < 24 {
            return match parse_pcap_header(buffer.data()) {
                Err(nom) if nom.is_incomplete() => {
                    Err(CaptureErrorKind::Cut { needed: 24, available: buffer.data().len() })
                }
                _ => Err(CaptureErrorKind::NotACapture),
            };
        }
        let Ok((_, header)) = parse_pcap_header(buffer.data()) else {
            return Err(CaptureErrorKind::NotACapture);
        };
        buffer.consume(header.size());
        Ok(Format::Pcap {
            big_endian: header.is_bigendian(),
            record_head: if header.is_modified_format() { 24 } else { 16 },
            ns_per_unit: if header.is_nanosecond_precision() { 1 } else { 1000 },
            // The upper bits can say how long a frame check sequence is.
            link: header.network.0 as u32 & 0x0fff_ffff,
        })
    }

    /// Returns the next packet, or `None` at the end of the capture.
    ///
    /// # Errors
    /// The capture is damaged or cut at this point, or cannot be read. It ends with its first error:
    /// further calls return `None`.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer),
            Format::Pcap { big_endian, record_head, ns_per_unit, link } => {
                next_record(&mut self.buffer, *big_endian, *record_head, *ns_per_unit, *link)
            }
        };
        let number = self.packets + 1;
        match found {
            Ok(Some(Found { time_ns, link, wire_len, range })) => {
                self.packets = number;
                let data = &self.buffer.last()[range];
                Ok(Some(Packet { number, time_ns, link, wire_len, data }))
            }
            Ok(None) => {
                self.ended = true;
                Ok(None)
            }
            Err(kind) => {
                self.ended = true;
                Err(CaptureError { offset: self.buffer.offset(), packet: number, kind })
            }
        }
    }

    /// Returns how many bytes of the capture have been read so far, for a display of the progress.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.buffer.offset()
    }
}
