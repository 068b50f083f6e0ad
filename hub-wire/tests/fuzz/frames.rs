//! Claim: for any bytes, splitting and reading frames ends with frames, or with errors that name an offset.
//!
//! - A frame that was read can be written and read again.
//! - All ways to read an EVENT agree.
//! - Headers pass only if a simple reader finds no fault in them.
//!
//! `docs/testing.md` explains how to run this for a long time.

use crate::fuzz_common;

use fuzz_common::{FuzzInput, damage, made, naive};
use hub_wire::{
    EventFrame, Frame, FrameError, FrameType, HeaderErrorKind, HeaderFacts, LengthError, Limits,
    MAX_HEADERS, Packer, Reader, TopicName, WalkErrorKind, check_headers, split,
};

/// The limit of a frame, which is so low that a fuzzer reaches it.
const LIMIT: u32 = 4096;

fn read(body: &[u8], limits: &Limits) {
    let kind = FrameType::of(body);
    let frame = Frame::parse(body, limits);
    for error in [kind.err(), frame.as_ref().err().copied()].into_iter().flatten() {
        assert!(error.at <= body.len(), "{error:?} in {body:02x?}");
        assert!(!error.to_string().is_empty());
    }
    if kind == Ok(FrameType::Event) {
        events(body, limits, frame.as_ref().map_err(|error| *error));
    }
    let Ok(frame) = frame else { return };
    // The body is one array and nothing else. The limits are for the content of a frame, and not for
    // the frame itself.
    match naive(body, 0, &Limits::NONE) {
        Ok(end) => assert_eq!(end, body.len(), "{frame:?} of {body:02x?}"),
        Err(error) => assert_eq!(error.kind, WalkErrorKind::TooDeep, "{frame:?} of {body:02x?}"),
    }
    let written = frame.to_bytes();
    let limit = written.len() as u32;
    let again = split(&written, limit).expect("a length that is right").expect("all of it");
    assert_eq!(again.len() + 4, written.len());
    // A value that this version does not know is written as another value, which may be deeper.
    assert_eq!(Frame::parse(again, &Limits::NONE).as_ref(), Ok(&frame), "{body:02x?}");
}

/// Reads EVENT frames as the SDK does: it knows their topic from the RUN frame, and reads only the rest.
fn events(body: &[u8], limits: &Limits, frame: Result<&Frame<'_>, FrameError>) {
    let direct = EventFrame::parse(body, limits);
    assert_eq!(direct.map(Frame::Event).as_ref().map_err(|error| *error), frame);
    let Some((topic, end)) = topic(body) else { return };
    let Ok(topic) = std::str::from_utf8(topic) else {
        assert!(direct.is_err(), "a topic that is not UTF-8: {body:02x?}");
        return;
    };
    let rest = EventFrame::parse_after_topic(body, end, topic, limits);
    assert_eq!(rest.is_ok(), direct.is_ok(), "{rest:?} and {direct:?} of {body:02x?}");
    if let (Ok(rest), Ok(direct)) = (rest, direct) {
        assert_eq!(rest, direct);
        assert_eq!(naive(direct.payload, 0, limits), Ok(direct.payload.len()));
        if let Some(headers) = direct.headers {
            assert_eq!(naive(headers, 0, limits), Ok(headers.len()));
        }
    }
}

/// Returns the bytes of the topic of an EVENT and their end, if the topic has the usual form.
fn topic(body: &[u8]) -> Option<(&[u8], usize)> {
    let (start, len) = match *body {
        [_, 0x03, marker @ 0xa0..=0xbf, ..] => (3, usize::from(marker & 0x1f)),
        [_, 0x03, 0xd9, len, ..] => (4, usize::from(len)),
        _ => return None,
    };
    Some((body.get(start..start + len)?, start + len))
}

/// Splits off a frame as PROTOCOL.md describes it, byte by byte.
fn naive_split(buffer: &[u8], limit: u32) -> Result<Option<&[u8]>, LengthError> {
    let &[a, b, c, d, ref rest @ ..] = buffer else { return Ok(None) };
    let length = [a, b, c, d].iter().fold(0, |length, byte| length << 8 | u32::from(*byte));
    match length {
        1.. if length <= limit => {
            Ok((rest.len() >= length as usize).then(|| &rest[..length as usize]))
        }
        _ => Err(LengthError { length, limit }),
    }
}

#[test]
fn frames_any_stream() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let mut rest = source.0;
        for _ in 0..64 {
            let body = split(rest, LIMIT);
            assert_eq!(body, naive_split(rest, LIMIT));
            let Ok(Some(body)) = body else { return };
            read(body, &limits);
            read(body, &Limits::default());
            rest = &rest[4 + body.len()..];
        }
    });
}

#[test]
fn frames_any_body() {
    bolero::check!().for_each(|input: &[u8]| {
        read(input, &Limits::default());
    });
}

/// The beginnings of frames, up to their maps of options.
const HEADS: [&[u8]; 15] = [
    &[0x94, 1, 0xa3, b'h', b'u', b'b', 1],
    &[0x94, 1, 0xa3, b'h', b'u', b'b', 0x92, 1],
    &[0x93, 2, 1],
    &[0x93, 3, 0xa3, b'a', b'.', b'b'],
    &[0x94, 3, 0xa1, b'a'],
    &[0x94, 3, 0xd9, 1, b'a'],
    &[0x98, 4, 0xa1, b'a', 7, 1, 2, 0xa1, b'p', 9],
    &[0x94, 5, 1, 0xa2, b'*', b'*'],
    &[0x92, 6],
    &[0x92, 8],
    &[0x98, 9, 0],
    &[0x97, 10, 0xa1, b'a', 1, 1],
    &[0x92, 11],
    &[0x94, 13, 0xcc, 200],
    &[0x9f, 3],
];

#[test]
fn frames_made_values() {
    bolero::check!().for_each(|input: &[u8]| {
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let mut body = HEADS[usize::from(source.byte()) % HEADS.len()].to_vec();
        for _ in 0..source.byte() % 7 {
            match source.byte() % 3 {
                0 => options(&mut source, &mut body),
                _ => made(&mut source, &mut body, 3),
            }
        }
        read(&body, &limits);
        damage(&mut source, &mut body);
        read(&body, &limits);
        read(&body, &Limits::default());
    });
}

/// The keys that frames and headers know.
const KEYS: [&str; 32] = [
    "name",
    "instance",
    "receipts",
    "receipted",
    "credentials",
    "hub",
    "connection",
    "resumed",
    "received",
    "publisher",
    "inbox",
    "max_frame",
    "max_depth",
    "max_elements",
    "keepalive_ms",
    "time_ms",
    "overflow",
    "group",
    "start",
    "after",
    "positions",
    "token",
    "jwt",
    "user",
    "password",
    "reply",
    "key",
    "id",
    "newest",
    "$hub",
    "trace",
    "type",
];

/// Appends a map with keys that frames know.
fn options(source: &mut FuzzInput<'_>, out: &mut Vec<u8>) {
    let count = source.byte() % 6;
    Packer(out).map(count.into());
    for _ in 0..count {
        Packer(out).str(KEYS[usize::from(source.byte() % 32)]);
        let kind = source.byte() % 6;
        let mut pack = Packer(out);
        match kind {
            0 => pack.uint(source.number().into()),
            1 => pack.bool(source.byte().is_multiple_of(2)),
            2 => pack.str(["a.b", "", "drop-oldest", "last"][usize::from(source.byte() % 4)]),
            3 => pack.bin(&[source.byte(); 16]),
            4 => pack.nil(),
            _ => {
                made(source, out, 2);
                continue;
            }
        };
    }
}

/// Returns the entries of a map, if the bytes are a well-formed map whose values are within the limits.
fn naive_headers<'a>(bytes: &'a [u8], limits: &Limits) -> Option<Vec<(&'a str, &'a [u8])>> {
    let (count, mut at) = match *bytes {
        [marker @ 0x80..=0x8f, ..] => (usize::from(marker & 0x0f), 1),
        [0xde, a, b, ..] => (usize::from(u16::from_be_bytes([a, b])), 3),
        [0xdf, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 5),
        _ => return None,
    };
    let mut entries = Vec::new();
    for _ in 0..count {
        let middle = naive(bytes, at, &Limits::NONE).ok()?;
        let key = Reader::new(&bytes[at..middle], &Limits::NONE).str("key").ok()?;
        let end = naive(bytes, middle, limits).ok()?;
        entries.push((key, &bytes[middle..end]));
        at = end;
    }
    (at == bytes.len()).then_some(entries)
}

fn are_fine(entries: &[(&str, &[u8])]) -> bool {
    let text = |value: &[u8]| Reader::new(value, &Limits::NONE).str("value").is_ok();
    let topic = |value: &[u8]| {
        let text = Reader::new(value, &Limits::NONE).str("value");
        text.is_ok_and(|name| TopicName::parse(name).is_ok())
    };
    entries.len() <= MAX_HEADERS
        && entries.iter().enumerate().all(|(n, (key, value))| {
            !entries[..n].iter().any(|(other, _)| other == key)
                && match *key {
                    "reply" => topic(value),
                    "key" | "id" | "re" | "trace" | "type" => text(value),
                    other => !other.starts_with('$'),
                }
        })
}

fn headers(bytes: &[u8], limits: &Limits) {
    let checked = check_headers(bytes, limits);
    let expected = naive_headers(bytes, limits).filter(|entries| are_fine(entries));
    match (checked, expected) {
        (Ok(facts), Some(entries)) => {
            let of = |wanted: &str| {
                let found = entries.iter().find(|(key, _)| *key == wanted);
                found.and_then(|(_, value)| Reader::new(value, limits).str("value").ok())
            };
            assert_eq!(facts, HeaderFacts { reply: of("reply"), key: of("key") });
        }
        (Err(error), None) => {
            assert!(error.key.as_ref().is_none_or(|key| key.len() <= 64), "{error:?}");
            if let HeaderErrorKind::Malformed(error) = error.kind {
                assert!(error.at <= bytes.len());
            }
            let _ = error.code();
        }
        (checked, expected) => panic!("{checked:?} where {expected:?} was due: {bytes:02x?}"),
    }
}

#[test]
fn headers_any() {
    bolero::check!().for_each(|input: &[u8]| {
        headers(input, &Limits::default());
        let mut source = FuzzInput(input);
        let limits = source.limits();
        let mut bytes = Vec::new();
        options(&mut source, &mut bytes);
        headers(&bytes, &limits);
        damage(&mut source, &mut bytes);
        headers(&bytes, &limits);
    });
}
