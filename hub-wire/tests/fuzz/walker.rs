//! Claim: on any bytes, under any limits, the walker says what a simple reader of the
//! specification says: where the value ends, or which fault comes first and at which offset.
//!
//! `docs/testing.md` tells how to run this for long.

use crate::fuzz_common;

use fuzz_common::{Source, damage, made, naive};
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
        let mut source = Source(input);
        let limits = source.limits();
        let start = usize::from(source.byte()) % (source.0.len() + 1);
        compare(source.0, 0, &limits);
        compare(source.0, start, &limits);
    });
}

#[test]
fn walker_made_values() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = Source(input);
        let limits = source.limits();
        let mut bytes = Vec::new();
        made(&mut source, &mut bytes, 8);
        assert_eq!(naive(&bytes, 0, &Limits::NONE), Ok(bytes.len()), "{bytes:02x?}");
        compare(&bytes, 0, &Limits::NONE);
        compare(&bytes, 0, &limits);
        // The walker looks at 32 bytes at once: what stands behind a value must not matter.
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
        let mut source = Source(input);
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
