//! Tests that payloads have the right sizes and are well-formed, and that no two messages are alike.

use super::*;
use hub_wire::{Limits, walk_all};
use std::collections::HashSet;

#[test]
fn payloads_are_of_the_size_asked_for_and_well_formed() {
    for size in [8, 16, 128, 16 << 10] {
        for message in Payload::bin(size).messages() {
            assert_eq!(message.bytes().len(), size);
        }
    }
    for size in [128, 1024, 10_000, 100_000] {
        for map in Payload::map(size).messages() {
            let len = map.bytes().len();
            assert!(len.abs_diff(size) <= size / 8, "{len} for {size}");
            assert_eq!(walk_all(&map.encoded(), &Limits::default()), Ok(()));
            let mark = map.encoded().windows(8).filter(|at| *at == MARK).count();
            assert_eq!(mark, 1);
        }
    }
}

#[test]
fn no_two_of_512_messages_are_alike_and_their_mean_size_is_the_one_asked_for() {
    for text in [
        "bin:16",
        "bin:16384",
        "map:100",
        "map:128",
        "map:600",
        "map:1024",
        "dense:300",
        "dense:3200",
    ] {
        let payload: Payload = text.parse().unwrap();
        let different: HashSet<&[u8]> = payload.messages().iter().map(Message::bytes).collect();
        assert_eq!(different.len(), DIFFERENT, "{text}");
        let bytes: usize = payload.messages().iter().map(|message| message.bytes().len()).sum();
        let wanted = payload.size * DIFFERENT;
        assert!(bytes.abs_diff(wanted) <= wanted / 500, "{text}: {bytes}, not {wanted}");
    }
}

#[test]
fn large_payloads_do_not_fill_the_memory() {
    for payload in [Payload::bin(MAX), Payload::map(MAX), Payload::dense(MAX)] {
        let count = payload.messages().len();
        assert_eq!(count, MAX_MEMORY / MAX);
        let different: HashSet<&[u8]> = payload.messages().iter().map(Message::bytes).collect();
        assert_eq!(different.len(), count);
    }
}

/// Counts the values of a map, its fields, and the fields that are texts with accents.
fn count(map: &Message) -> (usize, usize, usize) {
    fn values(value: &rmpv::Value) -> usize {
        1 + match value {
            rmpv::Value::Array(all) => all.iter().map(values).sum(),
            rmpv::Value::Map(all) => {
                all.iter().map(|(key, value)| values(key) + values(value)).sum()
            }
            _ => 0,
        }
    }
    let map = rmpv::decode::read_value(&mut map.bytes()).unwrap();
    let fields = map.as_map().unwrap();
    let accented =
        fields.iter().filter(|(_, value)| value.as_str().is_some_and(|it| !it.is_ascii()));
    (values(&map), accented.count(), fields.len())
}

#[test]
fn dense_maps_have_a_value_for_every_6_4_bytes_and_accents_in_every_sixth_field() {
    for size in [300, 3200] {
        let payload = Payload::dense(size);
        let (mut values, mut accented, mut fields) = (0, 0, 0);
        for map in payload.messages() {
            let one = count(map);
            (values, accented, fields) = (values + one.0, accented + one.1, fields + one.2);
        }
        let each = (DIFFERENT * size) as f64 / values as f64;
        assert!((6.2..6.6).contains(&each), "{size}: {each} bytes a value");
        let share = accented as f64 / fields as f64;
        assert!((0.15..0.18).contains(&share), "{size}: {share}");
    }
}

#[test]
fn every_run_has_the_same_messages() {
    assert_eq!(Payload::map(1024), Payload::map(1024));
    assert_eq!(Payload::dense(300), "dense:300".parse().unwrap());
}

#[test]
fn text_names_a_payload() {
    assert_eq!("bin:16".parse(), Ok(Payload::bin(16)));
    assert_eq!("map:1024".parse(), Ok(Payload::map(1024)));
    assert_eq!("bin".parse::<Payload>(), Err(PayloadError::Kind));
    assert_eq!("text:16".parse::<Payload>(), Err(PayloadError::Kind));
    assert_eq!("bin:7".parse::<Payload>(), Err(PayloadError::Size));
    assert_eq!("bin:9000000".parse::<Payload>(), Err(PayloadError::Size));
    assert_eq!("map:50".parse::<Payload>(), Err(PayloadError::SmallMap));
    assert_eq!("dense:50".parse::<Payload>(), Err(PayloadError::SmallMap));
}
