//! The blocks of a pcapng file.
//!
//! A pcapng file has sections, each with a byte order and interfaces of its own, and each interface has
//! its own link type and clock. Without this bookkeeping, a merged capture would show wrong times.

use super::CaptureErrorKind;
use super::buffer::Buffer;
use super::record::{Found, MAX_RECORD, number};
use pcap_parser::pcapng::{
    Block, EPB_MAGIC, IDB_MAGIC, InterfaceDescriptionBlock, OptionCode, SHB_MAGIC, SPB_MAGIC,
    parse_block_be, parse_block_le,
};
use pcap_parser::traits::PcapNGPacketBlock;
use std::io::Read;

/// A section has at most this many interfaces.
const MAX_INTERFACES: usize = 1 << 16;

/// A time is at most so many nanoseconds before or after the Unix epoch, which is 146 years. So the
/// difference of two times is a number of 64 bits too.
const MAX_TIME: i128 = (1 << 62) - 1;

/// An interface of the current section.
struct Interface {
    link: u32,
    snap_len: u32,
    clock: Clock,
    /// These seconds are added to each timestamp.
    offset_s: i64,
}

/// The unit of an interface's timestamps.
#[derive(Clone, Copy)]
enum Clock {
    /// A second has 10^n units.
    Decimal(u32),
    /// A second has 2^n units.
    Binary(u32),
}

impl Clock {
    /// Reads the option `if_tsresol`.
    fn from_option(value: u8) -> Option<Self> {
        match value {
            0..=19 => Some(Clock::Decimal(value.into())),
            0x80..=0xbf => Some(Clock::Binary(u32::from(value & 0x7f))),
            _ => None,
        }
    }

    /// Returns the nanoseconds of a timestamp.
    fn nanoseconds(self, units: u64) -> i128 {
        let units = i128::from(units);
        match self {
            Clock::Decimal(digits @ 0..=9) => units * 10i128.pow(9 - digits),
            Clock::Decimal(digits) => units / 10i128.pow(digits - 9),
            Clock::Binary(bits) => (units * 1_000_000_000) >> bits,
        }
    }
}

/// What the blocks so far have said about the blocks to come.
#[derive(Default)]
pub(super) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// A simple packet block has no time. It gets the one of the packet before it.
    last_time_ns: i64,
}

impl Pcapng {
    /// Finds the next packet.
    pub(super) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Found>, CaptureErrorKind> {
        loop {
            let Some((kind, length)) = self.block_head(buffer)? else { return Ok(None) };
            let available = buffer.ensure(length)?;
            if available < length {
                return Err(CaptureErrorKind::Cut { needed: length, available });
            }
            // Blocks of other kinds hold names and statistics.
            let found = match kind {
                SHB_MAGIC | IDB_MAGIC | EPB_MAGIC | SPB_MAGIC => {
                    self.block(&buffer.data()[..length])?
                }
                _ => None,
            };
            buffer.consume(length);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Returns the type and the length of the next block, and takes over the byte order of a section.
    fn block_head<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<(u32, usize)>, CaptureErrorKind> {
        const HEAD: usize = 12;
        match buffer.ensure(HEAD)? {
            0 => return Ok(None),
            HEAD => {}
            available => return Err(CaptureErrorKind::Cut { needed: HEAD, available }),
        }
        let head = buffer.data();
        let kind = number(head, self.big_endian);
        if kind == SHB_MAGIC {
            self.big_endian = match number(&head[8..], true) {
                0x1a2b_3c4d => true,
                0x4d3c_2b1a => false,
                _ => return Err(CaptureErrorKind::Block("a section has no byte order")),
            };
        }
        let length = number(&head[4..], self.big_endian) as usize;
        if length > MAX_RECORD {
            return Err(CaptureErrorKind::TooLong { length: length as u64 });
        }
        if length < HEAD || !length.is_multiple_of(4) {
            return Err(CaptureErrorKind::Block("the length of a block is impossible"));
        }
        Ok(Some((kind, length)))
    }

    /// Reads one complete block.
    fn block(&mut self, bytes: &[u8]) -> Result<Option<Found>, CaptureErrorKind> {
        let parse = if self.big_endian { parse_block_be } else { parse_block_le };
        let Ok((_, block)) = parse(bytes) else {
            return Err(CaptureErrorKind::Block("a block is not well-formed"));
        };
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(block) => self.interface(&block)?,
            Block::EnhancedPacket(block) => {
                let interface = (self.interfaces.get(block.if_id as usize))
                    .ok_or(CaptureErrorKind::Block("a packet names an unknown interface"))?;
                let units = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                let time = interface.clock.nanoseconds(units)
                    + i128::from(interface.offset_s) * 1_000_000_000;
                self.last_time_ns = time.clamp(-MAX_TIME, MAX_TIME) as i64;
                let (link, captured) = (interface.link, block.packet_data().len());
                return Ok(Some(self.found(bytes, link, block.origlen, captured, 28)));
            }
            Block::SimplePacket(block) => {
                let interface = (self.interfaces.first())
                    .ok_or(CaptureErrorKind::Block("a packet without an interface"))?;
                let most = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
                let captured = block.packet_data().len().min(most as usize);
                return Ok(Some(self.found(bytes, interface.link, block.origlen, captured, 12)));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Returns the packet whose bytes begin at `start` of the block.
    fn found(
        &self,
        block: &[u8],
        link: u32,
        wire_len: u32,
        captured: usize,
        start: usize,
    ) -> Found {
        let end = (start + captured).min(block.len());
        Found { time_ns: self.last_time_ns, link, wire_len, range: start.min(end)..end }
    }

    fn interface(&mut self, block: &InterfaceDescriptionBlock<'_>) -> Result<(), CaptureErrorKind> {
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(CaptureErrorKind::Block("a section has too many interfaces"));
        }
        let clock = Clock::from_option(block.if_tsresol)
            .ok_or(CaptureErrorKind::Block("an interface has an impossible clock"))?;
        let offset = block.options.iter().find(|option| option.code == OptionCode::IfTsoffset);
        let offset_s = match offset.and_then(|option| option.value.first_chunk::<8>()) {
            None => 0,
            Some(bytes) if self.big_endian => i64::from_be_bytes(*bytes),
            Some(bytes) => i64::from_le_bytes(*bytes),
        };
        let (link, snap_len) = (block.linktype.0 as u32, block.snaplen);
        self.interfaces.push(Interface { link, snap_len, clock, offset_s });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn clocks_count_in_units_of_ten_and_of_two() {
        for (option, units, expected) in [
            (6, 1_500_000, 1_500_000_000),
            (9, 7, 7),
            (0, 3, 3_000_000_000),
            (12, 5_000, 5),
            (0x80 | 10, 512, 500_000_000),
            (0x80, 2, 2_000_000_000),
        ] {
            let clock = Clock::from_option(option).expect("a valid option");
            assert_eq!(clock.nanoseconds(units), expected, "{option:#x}");
        }
        assert!(Clock::from_option(20).is_none());
        assert!(Clock::from_option(0xff).is_none());
    }
}
