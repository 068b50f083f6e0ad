//! The claim: a file of 10,000 concatenated MessagePack maps goes through `hub emit` to three
//! `hub on` in other processes. Each gets all of them, in the same order, byte for byte, numbered
//! 1 to 10,000.
//!
//! The setup: four processes of the real binary and a hub. Records have random sizes, some hold
//! ext types, and some integers are not in their shortest form, which a decoder that encodes
//! again would change.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Hub, Random};
use rmpv::Value;
use serde_json::Value as Json;

const RECORDS: u64 = 10_000;
const SEED: u64 = 20_260_401;

#[test]
fn ten_thousand_records_arrive_byte_for_byte() {
    println!("seed {SEED}");
    let mut random = Random(SEED);
    let records: Vec<Vec<u8>> = (1..=RECORDS).map(|number| record(number, &mut random)).collect();
    let file = records.concat();

    let hub = Hub::start();
    let count = RECORDS.to_string();
    let args = |form| ["on", "logs.**", "--count", &count, form];
    let raw = hub.listen(args("--raw"));
    let json = [hub.listen(args("--json")), hub.listen(args("--json"))];
    let mut emit = hub.run(["emit", "logs.access", "--format", "msgpack"]);
    emit.feed(&file);
    let emitted = emit.end();
    assert_eq!(emitted.code(), Some(0), "{emitted:?}");
    assert!(emitted.stderr.contains("emitted 10000\n"), "{}", emitted.stderr);

    let raw = raw.end();
    assert_eq!(raw.code(), Some(0), "{}", raw.stderr);
    assert_eq!(raw.stdout.len(), file.len());
    assert!(raw.stdout == file, "the bytes differ");
    for subscriber in json {
        let ended = subscriber.end();
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
        let lines = ended.json_lines();
        assert_eq!(lines.len() as u64, RECORDS);
        for (number, line) in (1_u64..).zip(&lines) {
            assert_eq!(line["topic"], "logs.access");
            assert_eq!(line["seq"], number, "{line}");
            // The order of numbers is the order of the file.
            assert_eq!(line["payload"]["number"], number, "{line}");
            let size = records[number as usize - 1].len();
            assert_eq!(line["payload"]["size"].as_u64().map(|size| size as usize), Some(size));
            assert_eq!(line["payload"]["ext"] != Json::Null, number.is_multiple_of(7), "{line}");
        }
    }
}

/// A map with its own number and, as `size`, its own length in bytes.
fn record(number: u64, random: &mut Random) -> Vec<u8> {
    let mut fields: Vec<(Value, Value)> = Vec::new();
    let body = random.below(if number.is_multiple_of(500) { 20_000 } else { 200 });
    let bytes: Vec<u8> = (0..body).map(|_| random.next() as u8).collect();
    match random.below(3) {
        0 => fields.push(("body".into(), Value::Binary(bytes))),
        1 => fields.push(("body".into(), "é".repeat(body / 2).into())),
        _ => fields.push(("body".into(), bytes.iter().map(|byte| Value::from(*byte)).collect())),
    }
    if number.is_multiple_of(7) {
        let length = random.below(40);
        let kind = random.next() as i8;
        fields.push(("ext".into(), Value::Ext(kind, vec![number as u8; length])));
    }
    let mut rest = Vec::new();
    for (key, value) in &fields {
        rmpv::encode::write_value(&mut rest, key).unwrap();
        rmpv::encode::write_value(&mut rest, value).unwrap();
    }
    let mut bytes = vec![0x80 | (fields.len() as u8 + 2)];
    bytes.extend(b"\xa6number\xcf"); // uint64, also where one byte would do
    bytes.extend(number.to_be_bytes());
    bytes.extend(b"\xa4size\xce");
    let size = bytes.len() + 4 + rest.len();
    bytes.extend((size as u32).to_be_bytes());
    bytes.extend(rest);
    bytes
}
