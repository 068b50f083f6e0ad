//! Claim: memory stays bounded however many connections a capture has, and whatever they leave open.

use crate::craft::{ACK, RAW, SYN, Tcp, tcp};
use hub_inspect::capture::Packet;
use hub_inspect::inspector::{ConnectionEnd, Inspector, Observer, Options, Over};

#[derive(Default)]
struct Ends {
    forgotten: u64,
    rest: u64,
    segments: u64,
}

impl Observer for Ends {
    fn connection(&mut self, over: &Over<'_>) {
        match over.end {
            ConnectionEnd::Forgotten => self.forgotten += 1,
            _ => self.rest += 1,
        }
        let figures = |endpoint| over.connection.figures(endpoint).segments;
        self.segments += figures(0) + figures(1);
    }
}

#[test]
fn connections_that_are_silent_for_longest_are_forgotten() {
    let mut ends = Ends::default();
    let mut inspector = Inspector::new(Options { max_connections: 100, ..Options::default() });
    let connections = 5000_u32;
    for n in 0..connections {
        let from = ([10, 1, (n >> 8) as u8, n as u8], 4000).into();
        for (k, flags) in [SYN, ACK].into_iter().enumerate() {
            let segment = Tcp { from, ..tcp(true, flags, 7 + k as u32, 1, b"") };
            let data = segment.packet();
            let wire_len = data.len() as u32;
            let time_ns = i64::from(n) * 1000 + k as i64;
            let number = u64::from(n) * 2 + k as u64 + 1;
            inspector
                .packet(&Packet { number, time_ns, link: RAW, wire_len, data: &data }, &mut ends);
        }
    }
    let totals = inspector.finish(&mut ends);
    assert_eq!(totals.segments, 2 * u64::from(connections));
    assert!(ends.rest <= 100, "{} connections were followed at the end", ends.rest);
    assert!(ends.forgotten >= u64::from(connections) - 100);
    assert_eq!(ends.segments, totals.segments, "no segment is counted twice or lost");
}
