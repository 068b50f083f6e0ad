//! Claim: of a damaged or cut capture, every packet in front of the fault is read, and the error says
//! where the fault is. A slow pipe is no fault.

use crate::craft::{ACK, Pcap, RAW, tcp};
use hub_inspect::capture::{Capture, CaptureError, CaptureErrorKind, Packet};
use std::io::{self, Read};

/// A capture with two packets of 41 bytes.
fn two_packets() -> Vec<u8> {
    let mut pcap = Pcap::new(RAW);
    pcap.packet(1_000_000_001, &tcp(true, ACK, 1, 1, b"a").packet());
    pcap.packet(2_000_000_002, &tcp(true, ACK, 2, 1, b"b").packet());
    pcap.0
}

/// Reads a capture to its end, and returns the times of its packets.
fn read(source: impl Read) -> Result<(Vec<i64>, Option<CaptureError>), CaptureError> {
    let mut capture = Capture::open(source)?;
    let mut times = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(Some(Packet { time_ns, number, .. })) => {
                times.push(time_ns);
                assert_eq!(number, times.len() as u64);
            }
            Ok(None) => return Ok((times, None)),
            Err(error) => {
                assert!(capture.next_packet().expect("the first error ends the capture").is_none());
                return Ok((times, Some(error)));
            }
        }
    }
}

#[test]
fn a_cut_capture_says_where_it_is_cut() {
    let bytes = two_packets();
    let (head, record) = (24, 16 + 41);
    for length in 0..=bytes.len() {
        let result = read(&bytes[..length]);
        if length < head {
            assert!(result.is_err(), "{length}");
            continue;
        }
        let (times, error) = result.expect("the header is there");
        assert_eq!(times.len(), (length - head) / record);
        let whole = (length - head) % record == 0;
        match error {
            None => assert!(whole, "{length}"),
            Some(CaptureError {
                offset,
                packet,
                kind: CaptureErrorKind::Cut { available, .. },
            }) => {
                assert!(!whole, "{length}");
                assert_eq!(offset as usize, head + times.len() * record);
                assert_eq!(packet, times.len() as u64 + 1);
                assert_eq!(offset as usize + available, length);
            }
            Some(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let mut bytes = two_packets();
    let second = 24 + 16 + 41;
    bytes[second + 8..second + 12].fill(0xff);
    let (times, error) = read(&bytes[..]).expect("the header is right");
    assert_eq!(times, [1_000_000_001]);
    let error = error.expect("the second record lies");
    assert!(matches!(error.kind, CaptureErrorKind::TooLong { length: 0xffff_ffff }), "{error}");
    assert_eq!((error.offset, error.packet), (second as u64, 2));
}

#[test]
fn what_is_no_capture_is_told_apart() {
    let kind = |bytes: &[u8]| read(bytes).expect_err("no capture").kind;
    assert!(matches!(kind(b""), CaptureErrorKind::Empty));
    assert!(matches!(kind(b"GE"), CaptureErrorKind::NotACapture));
    assert!(matches!(kind(&[b'x'; 100]), CaptureErrorKind::NotACapture));
    assert!(matches!(kind(&two_packets()[..20]), CaptureErrorKind::Cut { .. }));
}

/// Gives one byte at a time, and is interrupted between them.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        (to[0], self.0) = (*first, rest);
        Ok(1)
    }
}

#[test]
fn a_slow_pipe_is_waited_for() {
    let bytes = two_packets();
    let (times, error) = read(Slow(&bytes, false)).expect("a capture");
    assert_eq!(times, [1_000_000_001, 2_000_000_002]);
    assert!(error.is_none());
}

/// A block of pcapng in either byte order.
fn block(big: bool, kind: u32, content: &[u8]) -> Vec<u8> {
    let number = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let length = number(12 + content.len() as u32);
    [&number(kind)[..], &length, content, &length].concat()
}

#[test]
fn sections_of_pcapng_have_their_own_byte_order_and_clocks() {
    let packet = tcp(true, ACK, 1, 1, b"abc").packet();
    let mut bytes = Vec::new();
    for big in [false, true] {
        let n32 = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let n16 = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
        let section = [&n32(0x1a2b_3c4d)[..], &n16(1), &n16(0), &[0xff; 8]].concat();
        bytes.extend(block(big, 0x0a0d_0d0a, &section));
        // The link type is raw IP, and a second has 1024 units.
        let clock = [&n16(9)[..], &n16(1), &[0x80 | 10, 0, 0, 0], &[0; 4]].concat();
        let interface = [&n16(RAW as u16)[..], &[0; 2], &n32(0), &clock].concat();
        bytes.extend(block(big, 1, &interface));
        let length = n32(packet.len() as u32);
        let mut data = packet.clone();
        data.resize(packet.len().next_multiple_of(4), 0);
        let enhanced = [&n32(0)[..], &n32(0), &n32(1536), &length, &length, &data].concat();
        bytes.extend(block(big, 6, &enhanced));
        bytes.extend(block(big, 3, &[&length[..], &data].concat()));
        bytes.extend(block(big, 5, &[0; 12])); // statistics
    }
    let mut capture = Capture::open(&bytes[..]).expect("a capture");
    for number in 1..=4 {
        let got = capture.next_packet().expect("no fault").expect("a packet");
        assert_eq!((got.number, got.time_ns, got.data), (number, 1_500_000_000, &packet[..]));
    }
    assert!(capture.next_packet().expect("no fault").is_none());
    // Wherever it is cut, it ends with a clear error.
    for length in 12..bytes.len() {
        let _ = read(&bytes[..length]);
    }
}
