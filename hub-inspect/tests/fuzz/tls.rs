//! Claim: whatever the records of a TLS connection are, reading them ends without a panic and in bounded memory,
//! also with secrets at hand.

use hub_inspect::tls::{KeyLog, Session, TlsItem};
use std::io::Cursor;

const RANDOM: [u8; 32] = [7; 32];

/// A record with a handshake message.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32;
    let message = [&[kind], &length.to_be_bytes()[1..], body].concat();
    [&[22, 3, 3], &(message.len() as u16).to_be_bytes()[..], &message].concat()
}

fn key_log() -> KeyLog {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = ["CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT", "SERVER"].map(|label| {
        let end = if label.ends_with("SHAKE") { "TRAFFIC_SECRET" } else { "TRAFFIC_SECRET_0" };
        format!("{label}_{end} {} {}\n", hex(&RANDOM), hex(&[9; 32]))
    });
    let master = format!("CLIENT_RANDOM {} {}\n", hex(&RANDOM), hex(&[9; 48]));
    KeyLog::open(Cursor::new(lines.concat() + &master)).expect("memory can be read")
}

/// The input is a script: each step sends a record or a part of one from either side, or loses something.
#[test]
fn tls_hostile_records() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut keys = key_log();
        let mut session = Session::default();
        let mut offsets = [0_u64; 2];
        let mut given_out = 0_u64;
        for (packet, step) in input.chunks_exact(6).take(500).enumerate() {
            let [what, kind, version, length, fill, cut] = *step else { return };
            let sender = usize::from(what & 1);
            let mut bytes = match what >> 1 & 7 {
                0 => {
                    let body = [&[3, 3], &RANDOM[..], &[0, 0, 2, fill, length, 1, 0]].concat();
                    message(1, &body)
                }
                1 => {
                    let suites = [[0x13, 1], [0x13, 2], [0x13, 3], [0xc0, 0x2b], [0xcc, 0xa9]];
                    let suite = suites[usize::from(fill) % suites.len()];
                    let tls13 = [0, 6, 0, 43, 0, 2, 3, 4];
                    let extensions = if suite[0] == 0x13 { &tls13[..] } else { &[] };
                    message(2, &[&[3, 3], &[8; 32][..], &[0], &suite, &[0], extensions].concat())
                }
                2 => vec![20, 3, 3, 0, 1, 1],
                3 => {
                    session.lose(sender, &mut |_, _| {});
                    continue;
                }
                4 => vec![fill; usize::from(length)],
                _ => {
                    let body = vec![fill; usize::from(length) << (cut & 7)];
                    let kind = if kind & 1 == 0 { 23 } else { 20 + kind % 5 };
                    let head = [kind, 3, version % 5];
                    [&head[..], &(body.len() as u16).to_be_bytes(), &body].concat()
                }
            };
            bytes.truncate(bytes.len().saturating_sub(usize::from(cut >> 4)));
            let feed = (offsets[sender], &bytes[..], packet as u64);
            session.feed(sender, feed, Some(&mut keys), &mut |_, item| {
                if let TlsItem::Content { bytes, first_packet, last_packet, end } = item {
                    given_out += bytes.len() as u64;
                    assert!(first_packet <= last_packet && end > 0);
                }
            });
            offsets[sender] += bytes.len() as u64;
            assert!(session.held() < 2 << 20, "{} bytes wait", session.held());
        }
        assert!(given_out <= offsets[0] + offsets[1]);
    });
}
