//! Claim: whatever the bytes of a capture are, reading it ends without a panic, and what is reported is
//! bounded by what the capture has.
//!
//! `docs/testing.md` explains how to run this for a long time.

use hub_inspect::capture::{Capture, Packet};
use hub_inspect::inspector::{Inspector, Observer, Options, Over, Seen, inspect};
use hub_inspect::output::{Detail, JsonLines, Text};
use hub_inspect::stream::FrameSeen;

/// Counts, and looks at everything that it gets.
#[derive(Default)]
struct Looks {
    segments: u64,
    counted: u64,
    frame_bytes: u64,
    payload_bytes: u64,
}

impl Observer for Looks {
    fn segment(&mut self, seen: &Seen<'_>) {
        self.segments += 1;
        self.payload_bytes += seen.segment.payload.len() as u64;
        assert!(seen.segment.payload.len() <= seen.segment.len as usize);
        assert!(seen.segment.options.len() <= 40);
    }

    fn frame(&mut self, _: &Seen<'_>, frame: &FrameSeen<'_>) {
        self.frame_bytes += frame.raw.body.len() as u64;
    }

    fn connection(&mut self, over: &Over<'_>) {
        self.counted += over.connection.figures(0).segments + over.connection.figures(1).segments;
    }
}

impl Looks {
    fn check(&self, segments: u64) {
        assert_eq!(self.segments, segments);
        assert_eq!(self.counted, segments, "each segment belongs to one connection");
        assert!(self.frame_bytes <= self.payload_bytes, "no byte is in two frames");
    }
}

#[test]
fn captures_any_bytes() {
    bolero::check!().for_each(|input: &[u8]| {
        let Ok(mut capture) = Capture::open(input) else { return };
        let mut looks = Looks::default();
        let (totals, fault) = inspect(&mut capture, Options::default(), &mut looks);
        looks.check(totals.segments);
        if let Some(fault) = fault {
            assert!(fault.offset <= input.len() as u64);
            assert!(!fault.to_string().is_empty());
        }
        let mut capture = Capture::open(input).expect("it was opened before");
        let mut text = Text::new(Vec::new(), Detail::Headers, true);
        inspect(&mut capture, Options::default(), &mut text);
        let mut capture = Capture::open(input).expect("it was opened before");
        let mut json = JsonLines::new(Vec::new(), true, false);
        inspect(&mut capture, Options::default(), &mut json);
        for line in json.finish().expect("a Vec takes everything").split(|byte| *byte == b'\n') {
            assert!(line.is_empty() || serde_json::from_slice::<serde_json::Value>(line).is_ok());
        }
    });
}

/// Hostile TCP: the input is a script of segments between two endpoints, with numbers that are near one
/// another and near 2^32, so that they overlap, repeat, wrap and conflict.
#[test]
fn captures_hostile_segments() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut looks = Looks::default();
        let mut inspector = Inspector::new(Options { max_connections: 4, ..Options::default() });
        let (mut time_ns, mut number) = (0_i64, 0);
        for step in input.chunks_exact(8).take(500) {
            let [who, flags, seq, ack, window, length, fill, options] = *step else { return };
            let mut segment = Vec::with_capacity(64);
            let up = who & 1 == 0;
            let ports: [u16; 2] = [40_000 + u16::from(who >> 5), 4820];
            for port in if up { ports } else { [ports[1], ports[0]] } {
                segment.extend(port.to_be_bytes());
            }
            // Numbers around 0, so that half of them are near 2^32.
            segment.extend((i32::from(seq as i8) * 3).to_be_bytes());
            segment.extend((i32::from(ack as i8) * 3).to_be_bytes());
            let words = 5 + u16::from(options & 3);
            segment.extend((words << 12 | u16::from(flags)).to_be_bytes());
            segment.extend((u16::from(window) * 7).to_be_bytes());
            segment.extend([0; 4]);
            for _ in 5..words {
                segment.extend([options >> 2, fill, options, flags]);
            }
            match fill {
                // The start of a frame of Hub, or of something else.
                0..32 => segment.extend([0, 0, 0, 3, 0x92, fill, 1]),
                32 => segment.extend(b"\0\0\0\x0b\x94\x01\xa3hub\x01\x80"),
                _ => segment.extend(std::iter::repeat_n(fill, usize::from(length))),
            }
            let ends: [[u8; 4]; 2] = [[10, 0, 0, 1], [10, 0, 0, 2]];
            let mut packet = vec![0x45, 0];
            packet.extend((20 + segment.len() as u16).to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
            packet.extend(ends[usize::from(!up)]);
            packet.extend(ends[usize::from(up)]);
            packet.extend(segment);
            time_ns += i64::from(length) * 1_000_000;
            number += 1;
            // Some captures hold less than the wire had.
            let cut = if who & 2 == 0 { 0 } else { usize::from(fill & 15) };
            let data = &packet[..packet.len() - cut.min(packet.len())];
            let wire_len = packet.len() as u32;
            inspector.packet(&Packet { number, time_ns, link: 101, wire_len, data }, &mut looks);
        }
        let totals = inspector.finish(&mut looks);
        assert_eq!(totals.packets, number);
        looks.check(totals.segments);
    });
}
