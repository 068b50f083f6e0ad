//! Claim: for any bytes and any limits, the walker agrees with a simple reader of the specification. Both
//! report the same end of the value, or the same first fault at the same offset.
//!
//! `docs/testing.md` explains how to run this for a long time.

use crate::fuzz_common;

use fuzz_common::{FuzzInput, damage, made, naive};
use hub_wire::{Limits, WalkErrorKind, walk, walk_all};

fn compare(bytes: &[u8], start: usize, limits: &Limits) {
    let expected = naive(bytes, start, limits);
    assert_eq!(walk(bytes, start, limits), expected, "{bytes:02x?} from {start} under {limits:?}");
    if start == 0 {
        match (walk_all(bytes, limits), expected) {
            (Ok(()), expected) => assert_eq!(expected, Ok(bytes.len())),
            (Err(error), Ok(end)) => {
                assert_eq!((error.at, error.kind), (end, WalkErrorKind::TrailingBytes));
                assert!(end < bytes.len());
            }
            (Err(error), expected) => assert_eq!(Err(error), expected),
        }
    }
}

#[test]
fn walker_any_bytes() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let start = usize::from(source.byte()) % (source.0.len() + 1);
        compare(source.0, 0, &limits);
        compare(source.0, start, &limits);
    });
}

#[test]
fn walker_made_values() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let mut bytes = Vec::new();
        made(&mut source, &mut bytes, 8);
        assert_eq!(naive(&bytes, 0, &Limits::NONE), Ok(bytes.len()), "{bytes:02x?}");
        compare(&bytes, 0, &Limits::NONE);
        compare(&bytes, 0, &limits);
        // The walker reads 32 bytes at once, so the bytes behind a value must not matter.
        bytes.extend_from_slice(&[0xff; 32]);
        compare(&bytes, 0, &Limits::NONE);
        bytes.truncate(bytes.len() - 32);
        damage(&mut source, &mut bytes);
        compare(&bytes, 0, &Limits::NONE);
        compare(&bytes, 0, &limits);
        bytes.extend_from_slice(&[0x80; 32]);
        compare(&bytes, 0, &limits);
    });
}

#[test]
fn walker_nesting() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let depth = usize::from(source.byte());
        let mut bytes = Vec::new();
        for _ in 0..depth {
            bytes.extend_from_slice(match source.byte() % 6 {
                0 => &[0x91],
                1 => &[0x81, 0xc0],
                2 => &[0x92, 0x01],
                3 => &[0xdc, 0, 1],
                4 => &[0xdf, 0, 0, 0, 1, 0xa1, b'k'],
                _ => &[0xdd, 0, 0, 0, 2, 0x90],
            });
        }
        bytes.extend_from_slice(source.0);
        compare(&bytes, 0, &limits);
        compare(&bytes, 0, &Limits { elements: u32::MAX, ..limits });
        compare(&bytes, 0, &Limits { depth: u8::MAX, ..limits });
    });
}

/// A map of many small values of random types, some of them strings with accents or containers: what the
/// walker hops over without looking at each type.
fn dense(random: &mut fastrand::Rng) -> Vec<u8> {
    let entries = random.u16(16..300);
    let mut bytes = vec![0xde];
    bytes.extend(entries.to_be_bytes());
    for number in 0..entries {
        bytes.extend([0xa3, b'k', number as u8 & 0x7f, b'a']);
        let size = match random.u8(..12) {
            0 => [0xc0, 0xc3, 0x07, 0xe5, 0x80, 0x90][random.usize(..6)],
            1 => 0x91,
            2 => 0x82,
            3 | 4 => 0xa5,
            5 => 0xd9,
            6 => 0xc4,
            _ => random.u8(0xca..0xd4),
        };
        bytes.push(size);
        match size {
            0x91 => bytes.push(random.u8(..0x80)),
            0x82 => bytes.extend([1, 2, 0xa1, b'x', 0xc0]),
            0xa5 => bytes.extend("éñx".as_bytes()),
            0xd9 | 0xc4 => {
                bytes.push(40);
                bytes.extend([b'z'; 40]);
            }
            0xca => bytes.extend([random.u8(..); 4]),
            0xcb => bytes.extend([random.u8(..); 8]),
            0xcc..=0xd3 => bytes.extend(vec![random.u8(..); 1 << ((size - 0xcc) % 4)]),
            _ => {}
        }
    }
    bytes
}

#[test]
fn walker_dense_maps_whole_and_damaged() {
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..3000 {
        let mut bytes = dense(&mut random);
        compare(&bytes, 0, &Limits::default());
        assert!(walk_all(&bytes, &Limits::default()).is_ok(), "round {round}");
        for _ in 0..random.u8(1..4) {
            let at = random.usize(..bytes.len());
            match random.u8(..4) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(..8),
                2 => bytes.insert(at, random.u8(..)),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let (depth, elements) = (random.u8(1..5), random.u32(1..900));
        compare(&bytes, 0, &Limits::default());
        compare(&bytes, 0, &Limits { depth, elements, ..Limits::default() });
    }
}
