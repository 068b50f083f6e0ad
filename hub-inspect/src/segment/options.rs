//! The options of a segment, decoded one by one.
//!
//! Each option but two says its own length, and a length can lie. A lying option is shown as such and
//! ends the list. Otherwise the reader would go on in the middle of an option, or never end.

use super::Seq;
use std::fmt;

/// One option of a TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// The list of options ends here, and padding follows.
    EndOfOptions,
    /// Fills up, so that the next option is aligned.
    NoOperation,
    /// The largest segment that the sender of this option accepts, in bytes.
    MaxSegmentSize(u16),
    /// Later windows of the sender count in units of 2^n bytes.
    WindowScale(u8),
    /// The sender understands selective acknowledgements.
    SackPermitted,
    /// The receiver has these bytes behind a gap.
    Sack(SackBlocks<'a>),
    /// The time of the sender, and the latest one that it got from its peer.
    Timestamps {
        /// The clock of the sender, in units that only the sender knows.
        value: u32,
        /// The value that the sender got from its peer.
        echo: u32,
    },
    /// A signature (RFC 2385 or RFC 5925).
    Signature {
        /// 19 for MD5, 29 for TCP-AO.
        kind: u8,
    },
    /// How long the sender keeps data without an acknowledgement (RFC 5482).
    UserTimeout {
        /// The time in seconds.
        seconds: u32,
    },
    /// Asks for a cookie of TCP Fast Open, or carries one (RFC 7413).
    FastOpen(&'a [u8]),
    /// Multipath TCP (RFC 8684).
    Multipath {
        /// The subtype, for example 0 for MP_CAPABLE.
        subtype: u8,
    },
    /// An option that this list does not know, or a known one of an unusual length.
    Other {
        /// The kind of the option.
        kind: u8,
        /// The content of the option, without its kind and its length.
        content: &'a [u8],
    },
    /// The length of an option is impossible, or goes beyond the header.
    Lying {
        /// The kind of the option.
        kind: u8,
        /// The length that the option claims, if the header has it.
        claims: Option<u8>,
        /// The header has this many bytes from the option on.
        available: usize,
    },
}

/// The blocks of a SACK option: each is the first sequence number of a range and the one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SackBlocks<'a>(&'a [u8]);

impl SackBlocks<'_> {
    /// Returns the blocks in the order of the option.
    pub fn iter(&self) -> impl Iterator<Item = (Seq, Seq)> {
        self.0.chunks_exact(8).map(|block| (Seq(long(&block[..4])), Seq(long(&block[4..]))))
    }
}

fn long(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Goes through the options of a header.
#[derive(Debug, Clone)]
pub struct OptionIter<'a> {
    rest: &'a [u8],
}

impl<'a> OptionIter<'a> {
    /// Goes through options, which begin behind the fixed header.
    #[must_use]
    pub fn new(options: &'a [u8]) -> Self {
        OptionIter { rest: options }
    }

    /// Returns the bytes behind the options that have been returned, for example the padding.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for OptionIter<'a> {
    type Item = TcpOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&kind, behind) = self.rest.split_first()?;
        match kind {
            0 => {
                self.rest = &[];
                return Some(TcpOption::EndOfOptions);
            }
            1 => {
                self.rest = behind;
                return Some(TcpOption::NoOperation);
            }
            _ => {}
        }
        let available = self.rest.len();
        let claims = behind.first().copied();
        let length = claims.map_or(0, usize::from);
        if length < 2 || length > available {
            self.rest = &[];
            return Some(TcpOption::Lying { kind, claims, available });
        }
        let (option, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(decode(kind, &option[2..]))
    }
}

fn decode(kind: u8, content: &[u8]) -> TcpOption<'_> {
    match (kind, content) {
        (2, [high, low]) => TcpOption::MaxSegmentSize(u16::from_be_bytes([*high, *low])),
        (3, [shift]) => TcpOption::WindowScale(*shift),
        (4, []) => TcpOption::SackPermitted,
        (5, _) if !content.is_empty() && content.len().is_multiple_of(8) => {
            TcpOption::Sack(SackBlocks(content))
        }
        (8, _) if content.len() == 8 => {
            TcpOption::Timestamps { value: long(&content[..4]), echo: long(&content[4..]) }
        }
        (19, _) if content.len() == 16 => TcpOption::Signature { kind },
        (29, _) if content.len() >= 2 => TcpOption::Signature { kind },
        (28, [high, low]) => {
            let value = u32::from(u16::from_be_bytes([high & 0x7f, *low]));
            TcpOption::UserTimeout { seconds: if high & 0x80 == 0 { value } else { value * 60 } }
        }
        (34, _) => TcpOption::FastOpen(content),
        (30, [first, ..]) => TcpOption::Multipath { subtype: first >> 4 },
        _ => TcpOption::Other { kind, content },
    }
}

impl fmt::Display for TcpOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpOption::EndOfOptions => f.write_str("end of options"),
            TcpOption::NoOperation => f.write_str("no operation"),
            TcpOption::MaxSegmentSize(bytes) => write!(f, "maximum segment size {bytes}"),
            TcpOption::WindowScale(shift @ 0..=14) => {
                write!(f, "window scale {shift} (times {})", 1 << shift)
            }
            TcpOption::WindowScale(shift) => write!(f, "window scale {shift} (14 counts)"),
            TcpOption::SackPermitted => f.write_str("SACK permitted"),
            TcpOption::Sack(blocks) => {
                f.write_str("SACK")?;
                blocks.iter().try_for_each(|(start, end)| write!(f, " {start}-{end}"))
            }
            TcpOption::Timestamps { value, echo } => write!(f, "timestamp {value} echo {echo}"),
            TcpOption::Signature { kind: 19 } => f.write_str("MD5 signature"),
            TcpOption::Signature { .. } => f.write_str("authentication (TCP-AO)"),
            TcpOption::UserTimeout { seconds } => write!(f, "user timeout {seconds} s"),
            TcpOption::FastOpen([]) => f.write_str("fast open cookie request"),
            TcpOption::FastOpen(cookie) => {
                write!(f, "fast open cookie of {} bytes", cookie.len())
            }
            TcpOption::Multipath { subtype } => write!(f, "multipath subtype {subtype}"),
            TcpOption::Other { kind, content } => {
                write!(f, "option {kind} with {} bytes", content.len())
            }
            TcpOption::Lying { kind, claims: Some(claims), available } => {
                write!(f, "option {kind} claims {claims} bytes where {available} are left")
            }
            TcpOption::Lying { kind, .. } => write!(f, "option {kind} without a length"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn options_are_decoded() {
        let bytes = [
            2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 0, 0, 0, 0, 2, 1, 3, 3, 7, 28, 4, 0x80, 2, 34, 2,
            30, 4, 0x10, 0, 99, 3, 1, 0, 0,
        ];
        let shown: Vec<String> = OptionIter::new(&bytes).map(|it| it.to_string()).collect();
        assert_eq!(
            shown,
            [
                "maximum segment size 1460",
                "SACK permitted",
                "timestamp 256 echo 2",
                "no operation",
                "window scale 7 (times 128)",
                "user timeout 120 s",
                "fast open cookie request",
                "multipath subtype 1",
                "option 99 with 1 bytes",
                "end of options"
            ]
        );
        let sack = [5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 9];
        let Some(TcpOption::Sack(blocks)) = OptionIter::new(&sack).next() else { panic!() };
        assert!(blocks.iter().eq([(Seq(1), Seq(2)), (Seq(4), Seq(9))]));
    }

    #[test]
    fn a_lying_length_ends_the_list() {
        for (bytes, shown) in [
            (&[8, 10, 0, 0][..], "option 8 claims 10 bytes where 4 are left"),
            (&[3, 0, 7], "option 3 claims 0 bytes where 3 are left"),
            (&[3, 1, 7], "option 3 claims 1 bytes where 3 are left"),
            (&[3], "option 3 without a length"),
        ] {
            let mut options = OptionIter::new(bytes);
            assert_eq!(options.next().expect("an option").to_string(), shown);
            assert_eq!(options.next(), None);
        }
        let odd = OptionIter::new(&[2, 3, 5]).next().expect("an option");
        assert_eq!(odd, TcpOption::Other { kind: 2, content: &[5] });
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let options: Vec<TcpOption<'_>> = OptionIter::new(&bytes).collect();
            prop_assert!(options.len() <= bytes.len());
            for option in options {
                prop_assert!(!option.to_string().is_empty());
            }
        }
    }
}
