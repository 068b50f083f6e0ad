//! Claim: whatever the order and the overlaps of segments are, a stream has each byte once, and the one
//! that came first; what is missing is told.

use crate::craft::{ACK, RAW, tcp};
use hub_inspect::capture::Packet;
use hub_inspect::network::Network;
use hub_inspect::segment::{Segment, Seq};
use hub_inspect::stream::{Delivery, MAX_BUFFERED, Reassembly};
use proptest::prelude::*;

/// Passes a segment to the reassembly, and collects what is delivered. A lost byte is `None`.
fn push(
    streams: &mut Reassembly,
    seq: u32,
    payload: &[u8],
    packet: u64,
    got: &mut Vec<Option<u8>>,
) {
    let data = tcp(true, ACK, seq, 1, payload).packet();
    let wire_len = data.len() as u32;
    let captured = Packet { number: packet, time_ns: 0, link: RAW, wire_len, data: &data };
    let mut network = Network::default();
    let bytes = network.segment(&captured).expect("a segment");
    let segment = Segment::parse(&bytes).expect("a header");
    streams.push(&segment, packet, &mut |delivery| collect(delivery, got));
}

fn collect(delivery: Delivery<'_>, got: &mut Vec<Option<u8>>) {
    match delivery {
        Delivery::Bytes { offset, bytes, .. } => {
            assert_eq!(offset, got.len() as u64);
            got.extend(bytes.iter().copied().map(Some));
        }
        Delivery::Conflict { offset } => assert!(offset < got.len() as u64 + 1000),
        Delivery::Lost { offset, count } => {
            assert_eq!(offset, got.len() as u64);
            got.extend(std::iter::repeat_n(None, count as usize));
        }
    }
}

proptest! {
    #[test]
    fn first_bytes_win(
        first: u32,
        pieces in prop::collection::vec((0u32..200, 1usize..60), 1..60),
    ) {
        let mut streams = Reassembly::default();
        streams.start(Seq(first));
        let (mut got, mut model) = (Vec::new(), [None; 260]);
        for (n, (start, length)) in pieces.iter().enumerate() {
            let byte = n as u8;
            // What was delivered is not compared, so the first bytes stay there too.
            for place in &mut model[*start as usize..*start as usize + length] {
                place.get_or_insert(byte);
            }
            push(&mut streams, first.wrapping_add(*start), &vec![byte; *length], n as u64, &mut got);
        }
        let whole: Vec<Option<u8>> = model.iter().copied().take_while(Option::is_some).collect();
        prop_assert_eq!(&got, &whole);
        // An acknowledgement of everything gives the gaps up.
        let end = model.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
        let ack = Seq(first.wrapping_add(end as u32));
        streams.acknowledged(ack, &mut |delivery| collect(delivery, &mut got));
        prop_assert_eq!(&got[..], &model[..end]);
        prop_assert_eq!(streams.waits(), 0);
    }
}

#[test]
fn other_bytes_for_the_same_numbers_are_a_conflict() {
    let (mut streams, mut got) = (Reassembly::default(), Vec::new());
    streams.start(Seq(0));
    push(&mut streams, 4, b"efgh", 1, &mut got);
    push(&mut streams, 6, b"ghij", 2, &mut got);
    assert_eq!(streams.conflicts(), 0);
    push(&mut streams, 2, b"cdEF", 3, &mut got);
    assert_eq!(streams.conflicts(), 1);
    push(&mut streams, 0, b"ab", 4, &mut got);
    let text: Vec<u8> = got.into_iter().flatten().collect();
    assert_eq!(text, b"abcdefghij");
}

#[test]
fn a_gap_that_never_closes_takes_bounded_memory() {
    let (mut streams, mut got) = (Reassembly::default(), Vec::new());
    streams.start(Seq(0));
    for n in 0..200 {
        push(&mut streams, 1 + n * 30_000, &vec![1; 30_000], 1, &mut got);
        assert!(streams.held() <= MAX_BUFFERED + 100_000);
    }
    assert_eq!(got.iter().filter(|byte| byte.is_none()).count(), 1, "one byte was missing");
}
