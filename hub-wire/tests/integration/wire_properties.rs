//! Claim: the wire format is safe with any bytes.
//!
//! - Every frame with any content is read as it was written.
//! - For any bytes, reading ends with a frame or an error. It neither panics nor reserves memory for bytes
//!   that are only announced.
//! - The walker accepts exactly the values that the MessagePack specification allows within the limits.
//!
//! Setup: values and frames are generated in every encoding that the format allows, then cut off at every
//! byte, or changed in one byte. The walker is compared with two other readers: [`naive`], which is too
//! simple to have the same faults, and the crate `rmpv`.

use hub_wire::{
    Ack, AckTerms, Close, CloseCode, Credentials, EventFrame, Frame, FrameErrorKind, FrameType,
    Gap, GapReason, Hello, Limits, Outcome, Overflow, Packer, Position, Refused, RefusedCode,
    RefusedWhat, Resume, RunFrame, Start, Subscribe, SubscriptionIds, Taken, VersionRange,
    WalkErrorKind, Welcome, Window, split, walk, walk_all,
};
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::Index,
};

// ---- The walker against others -------------------------------------------------------------

/// The size of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ValueMeasure {
    /// The value has this many bytes.
    len: usize,
    /// This many containers are inside one another, including the value itself.
    depth: usize,
    /// All its containers together have this many values.
    elements: usize,
}

/// Returns the first value in `bytes`, if it is well-formed.
fn naive(bytes: &[u8]) -> Option<ValueMeasure> {
    let number = |width: usize| {
        let digits = bytes.get(1..=width)?;
        Some(digits.iter().fold(0, |number, digit| number * 256 + usize::from(*digit)))
    };
    let scalar = |len: usize| ValueMeasure { len, depth: 0, elements: 0 };
    let scalar = |len: usize| bytes.get(..len).map(|_| scalar(len));
    let text = |head: usize, len: usize| {
        std::str::from_utf8(bytes.get(head..head + len)?).ok()?;
        scalar(head + len)
    };
    let values = |head: usize, count: usize| {
        let mut all = ValueMeasure { len: head, depth: 0, elements: count };
        for _ in 0..count {
            let child = naive(&bytes[all.len..])?;
            all.len += child.len;
            all.depth = all.depth.max(child.depth);
            all.elements += child.elements;
        }
        Some(ValueMeasure { depth: all.depth + 1, ..all })
    };
    match *bytes.first()? {
        0xc0 | 0xc2 | 0xc3 => scalar(1),
        0xc1 => None,
        0xc4 => scalar(2 + number(1)?),
        0xc5 => scalar(3 + number(2)?),
        0xc6 => scalar(5 + number(4)?),
        0xc7 => scalar(3 + number(1)?),
        0xc8 => scalar(4 + number(2)?),
        0xc9 => scalar(6 + number(4)?),
        0xca => scalar(5),
        0xcb => scalar(9),
        int @ 0xcc..=0xcf => scalar(1 + (1 << (int - 0xcc))),
        int @ 0xd0..=0xd3 => scalar(1 + (1 << (int - 0xd0))),
        ext @ 0xd4..=0xd8 => scalar(2 + (1 << (ext - 0xd4))),
        0xd9 => text(2, number(1)?),
        0xda => text(3, number(2)?),
        0xdb => text(5, number(4)?),
        0xdc => values(3, number(2)?),
        0xdd => values(5, number(4)?),
        0xde => values(3, 2 * number(2)?),
        0xdf => values(5, 2 * number(4)?),
        map @ 0x80..=0x8f => values(1, 2 * usize::from(map - 0x80)),
        array @ 0x90..=0x9f => values(1, usize::from(array - 0x90)),
        str @ 0xa0..=0xbf => text(1, usize::from(str - 0xa0)),
        0x00..=0x7f | 0xe0..=0xff => scalar(1),
    }
}

/// Fails unless the walker agrees with both other readers about `bytes`.
fn compare(bytes: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    let walked = walk(bytes, 0, limits);
    let shape = naive(bytes);
    let mut rest = bytes;
    let decoded = rmpv::decode::read_value(&mut rest).map(|_| bytes.len() - rest.len());
    let max_depth = usize::from(limits.depth.min(Limits::MAX_DEPTH));
    let too_deep = |shape: ValueMeasure| shape.depth > max_depth;
    let too_many = |shape: ValueMeasure| shape.elements > limits.elements as usize;
    let expected = shape.filter(|s| !too_deep(*s) && !too_many(*s)).map(|s| s.len);
    prop_assert_eq!(walked.ok(), expected, "{:x?} under {:?}", bytes, limits);
    match walked.map_err(|error| error.kind) {
        Ok(end) => {
            prop_assert_eq!(decoded.ok(), Some(end));
            prop_assert_eq!(walk_all(bytes, limits).is_ok(), end == bytes.len());
        }
        Err(WalkErrorKind::Truncated) => prop_assert!(shape.is_none() && decoded.is_err()),
        Err(WalkErrorKind::TooDeep) => prop_assert!(shape.is_none_or(too_deep)),
        Err(WalkErrorKind::TooManyElements) => prop_assert!(shape.is_none_or(too_many)),
        Err(WalkErrorKind::ReservedMarker | WalkErrorKind::InvalidUtf8) => {
            prop_assert!(shape.is_none());
        }
        Err(WalkErrorKind::TrailingBytes) => prop_assert!(false, "only walk_all says that"),
    }
    Ok(())
}

/// Returns the head of a string, a byte string or a container with this `count`. The format has up to
/// four widths for a count, and a count may have a wider form than it needs.
fn sized(count: usize, width: usize, fix: Option<(u8, usize)>, markers: &[u8]) -> Vec<u8> {
    let [rest @ .., marker16, marker32] = markers else { unreachable!("all have these two") };
    match (width, fix, rest) {
        (0, Some((fix, max)), _) if count <= max => vec![fix | count as u8],
        (0 | 1, _, [marker8]) if count < 0x100 => vec![*marker8, count as u8],
        (0..=2, _, _) if count < 0x1_0000 => {
            [&[*marker16][..], &(count as u16).to_be_bytes()].concat()
        }
        _ => [&[*marker32][..], &(count as u32).to_be_bytes()].concat(),
    }
}

fn map(entries: &[(Vec<u8>, Vec<u8>)], width: usize) -> Vec<u8> {
    let mut bytes = sized(entries.len(), width, Some((0x80, 15)), &[0xde, 0xdf]);
    for (key, value) in entries {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Generates text of a length at which the encodings differ, or any short text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![8 => "\\PC{0,12}", 1 => "[a-z]{30,34}", 1 => "[a-zé]{250,260}"]
}

/// Generates an encoded value. Every marker and every width occurs.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let width = || 0..4_usize;
    let one_byte = prop_oneof![0..=0x7f_u8, 0xe0..=0xff_u8, Just(0xc0), Just(0xc2), Just(0xc3)]
        .prop_map(|marker| vec![marker]);
    let fixed = (any::<[u8; 17]>(), 0xca..=0xd8_u8).prop_map(|(body, marker)| {
        let len = match marker {
            0xca => 4,
            0xcb => 8,
            0xcc..=0xcf => 1 << (marker - 0xcc),
            0xd0..=0xd3 => 1 << (marker - 0xd0),
            ext => 1 + (1 << (ext - 0xd4)),
        };
        [&[marker][..], &body[..len]].concat()
    });
    let string = (text(), width()).prop_map(|(text, width)| {
        let head = sized(text.len(), width, Some((0xa0, 31)), &[0xd9, 0xda, 0xdb]);
        [&head, text.as_bytes()].concat()
    });
    let bin = (vec(any::<u8>(), 0..40), width(), option::of(any::<u8>()));
    let bin = bin.prop_map(|(body, width, ext)| {
        let markers = if ext.is_some() { [0xc7, 0xc8, 0xc9] } else { [0xc4, 0xc5, 0xc6] };
        let mut bytes = sized(body.len(), width, None, &markers);
        bytes.extend(ext);
        bytes.extend(body);
        bytes
    });
    prop_oneof![one_byte, fixed, string, bin].prop_recursive(6, 40, 6, move |inner| {
        let array = (vec(inner.clone(), 0..6), width()).prop_map(|(values, width)| {
            let mut bytes = sized(values.len(), width, Some((0x90, 15)), &[0xdc, 0xdd]);
            bytes.extend(values.concat());
            bytes
        });
        let entries = vec((inner.clone(), inner), 0..6);
        prop_oneof![array, (entries, width()).prop_map(|(entries, width)| map(&entries, width))]
    })
}

/// Generates limits of every size. Half of them are too small for most of the generated values.
fn limits() -> impl Strategy<Value = Limits> {
    let depth = prop_oneof![0..8_u8, any::<u8>()];
    let elements = prop_oneof![0..40_u32, any::<u32>()];
    (depth, elements).prop_map(|(depth, elements)| Limits { depth, elements, ..Limits::default() })
}

proptest! {
    #[test]
    fn the_walker_accepts_every_well_formed_value_within_its_limits(
        bytes in value(), limits in limits(), more in vec(any::<u8>(), 0..4),
    ) {
        prop_assert_eq!(naive(&bytes).map(|shape| shape.len), Some(bytes.len()), "{:x?}", &bytes);
        compare(&bytes, &Limits::default())?;
        compare(&bytes, &limits)?;
        compare(&[bytes, more].concat(), &limits)?;
    }

    #[test]
    fn the_walker_refuses_every_value_that_is_cut_short(bytes in value(), limits in limits()) {
        for cut in 0..bytes.len() {
            compare(&bytes[..cut], &limits)?;
            prop_assert!(walk_all(&bytes[..cut], &Limits::default()).is_err());
        }
    }

    #[test]
    fn the_walker_is_right_about_every_value_with_one_byte_changed(
        bytes in value(), changes in vec((any::<Index>(), any::<u8>()), 32), limits in limits(),
    ) {
        for (at, byte) in changes {
            let mut bytes = bytes.clone();
            *at.get_mut(&mut bytes) = byte;
            compare(&bytes, &Limits::default())?;
            compare(&bytes, &limits)?;
        }
    }

    #[test]
    fn the_walker_is_right_about_any_bytes(
        bytes in vec(any::<u8>(), 0..64), limits in limits(),
    ) {
        compare(&bytes, &limits)?;
    }

    #[test]
    fn the_walker_says_where_a_fault_is_from_the_start_of_all_the_bytes(
        before in vec(any::<u8>(), 0..9), bytes in value(),
    ) {
        let limits = Limits::default();
        let all = [&before[..], &bytes].concat();
        prop_assert_eq!(walk(&all, before.len(), &limits), Ok(all.len()));
        let error = walk(&all[..all.len() - 1], before.len(), &limits).unwrap_err();
        prop_assert!((before.len()..all.len()).contains(&error.at), "{:?}", error);
    }
}

#[test]
fn nesting_is_bounded_by_64_whatever_the_limits_say() {
    let limits = Limits { depth: u8::MAX, ..Limits::default() };
    for (depth, fine) in [(63, true), (64, true), (65, false), (200, false)] {
        let mut bytes = vec![0x91; depth];
        bytes.push(0xc0);
        assert_eq!(naive(&bytes).unwrap().depth, depth);
        assert_eq!(walk_all(&bytes, &limits).is_ok(), fine, "{depth}");
    }
}

// ---- Frames --------------------------------------------------------------------------------

/// A frame that owns its content.
#[derive(Debug, Clone)]
enum Made {
    Event {
        topic: String,
        payload: Vec<u8>,
        headers: Option<Vec<u8>>,
    },
    Run {
        topic: String,
        publisher: String,
        numbers: [u64; 3],
        count: u32,
        to: SubscriptionIds,
        attempt: u32,
    },
    Control(Frame<'static>),
}

impl Made {
    fn frame(&self) -> Frame<'_> {
        match self {
            Made::Event { topic, payload, headers } => {
                Frame::Event(EventFrame { topic, payload, headers: headers.as_deref() })
            }
            Made::Run {
                topic,
                publisher,
                numbers: [epoch, first, time_ms],
                count,
                to,
                attempt,
            } => Frame::Run(RunFrame {
                topic,
                epoch: *epoch,
                first: *first,
                count: *count,
                publisher,
                time_ms: *time_ms,
                subscriptions: to.clone(),
                attempt: *attempt,
            }),
            Made::Control(frame) => frame.clone(),
        }
    }

    /// Returns the bytes of the frame without the length.
    fn body(&self) -> Vec<u8> {
        self.frame().to_bytes().split_off(4)
    }
}

/// Generates numbers of every width.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn event() -> impl Strategy<Value = Made> {
    let entry = (text(), value()).prop_map(|(key, value)| {
        let mut encoded = Vec::new();
        Packer(&mut encoded).str(&key);
        (encoded, value)
    });
    let headers = (vec(entry, 0..18), 0..4_usize).prop_map(|(entries, width)| map(&entries, width));
    (text(), value(), option::of(headers)).prop_map(|(topic, payload, headers)| Made::Event {
        topic,
        payload,
        headers,
    })
}

fn run() -> impl Strategy<Value = Made> {
    run_for(subscriptions())
}

fn run_for(to: impl Strategy<Value = SubscriptionIds>) -> impl Strategy<Value = Made> {
    let numbers = [number(), number(), number()];
    let attempt = prop_oneof![Just(1), 2..u32::MAX];
    (text(), text(), numbers, any::<u32>(), to, attempt).prop_map(
        |(topic, publisher, numbers, count, to, attempt)| Made::Run {
            topic,
            publisher,
            numbers,
            count,
            to,
            attempt,
        },
    )
}

fn hello() -> impl Strategy<Value = Hello> {
    let instance = option::of(any::<[u8; 16]>());
    let credentials = prop_oneof![
        Just(None),
        Just(Some(Credentials::Unknown)),
        text().prop_map(|text| Some(Credentials::Token(text))),
        text().prop_map(|text| Some(Credentials::Jwt(text))),
        (text(), text())
            .prop_map(|(user, password)| Some(Credentials::Password { user, password })),
    ];
    let receipted = option::of(number());
    let versions =
        (number(), number()).prop_map(|(a, b)| VersionRange { oldest: a.min(b), newest: a.max(b) });
    (versions, option::of(text()), instance, any::<bool>(), receipted, credentials).prop_map(
        |(versions, name, instance, receipts, receipted, credentials)| Hello {
            versions,
            name,
            instance,
            receipts,
            receipted,
            credentials,
        },
    )
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let limits = (any::<u32>(), 0..=Limits::MAX_DEPTH, any::<u32>())
        .prop_map(|(frame, depth, elements)| Limits { frame, depth, elements });
    let numbers = [number(), number(), number(), number(), number()];
    let facts = (any::<bool>(), any::<bool>());
    (numbers, any::<[u8; 16]>(), facts, text(), text(), limits).prop_map(
        |(numbers, hub, (resumed, kept), publisher, inbox, limits)| {
            let [version, connection, received, keepalive_ms, time_ms] = numbers;
            Welcome {
                version,
                hub,
                connection,
                resumed,
                kept,
                received,
                publisher,
                inbox,
                limits,
                keepalive_ms,
                time_ms,
            }
        },
    )
}

fn subscribe() -> impl Strategy<Value = Subscribe> {
    let position = (number(), number()).prop_map(|(epoch, seq)| Position { epoch, seq });
    let start = prop_oneof![
        Just(Start::Live),
        Just(Start::Last),
        btree_map(text(), position, 0..20).prop_map(|all| Start::After(all.into_iter().collect())),
    ];
    let overflow = (0..Overflow::ALL.len()).prop_map(|n| Overflow::ALL[n]);
    let window = (1..=u64::MAX, number()).prop_map(|(events, bytes)| Window { events, bytes });
    let window = (option::of(window), option::of(terms()), any::<bool>(), any::<bool>());
    let flags = (any::<bool>(), any::<bool>());
    (number(), text(), overflow, option::of(text()), start, flags, window).prop_map(
        |(id, filter, overflow, group, start, flags, (window, ack, observe, more))| {
            let (positions, keep) = flags;
            Subscribe {
                id,
                filter,
                overflow,
                observe: observe && group.is_none(),
                more: more && group.is_none() && matches!(start, Start::After(_)),
                start: if group.is_some() { Start::Live } else { start },
                positions,
                keep: keep && window.is_some() && group.is_none(),
                window,
                ack: ack
                    .filter(|_| window.is_some())
                    .map(|ack| AckTerms { ordered: ack.ordered && group.is_some(), ..ack }),
                group,
            }
        },
    )
}

fn refused() -> impl Strategy<Value = Refused> {
    use RefusedWhat::{Ack, Event, Frame, Subscribe, Unsubscribe};
    let what = (0..5_usize).prop_map(|n| [Event, Subscribe, Unsubscribe, Frame, Ack][n]);
    let texts = (option::of(text()), option::of(text()), option::of(text()));
    (what, number(), any::<u16>(), text(), texts).prop_map(
        |(what, number, code, message, (rule, path, id))| Refused {
            what,
            number,
            code: RefusedCode::from_number(code),
            message,
            rule,
            path,
            id,
        },
    )
}

fn subscriptions() -> impl Strategy<Value = SubscriptionIds> {
    vec(number(), 0..20).prop_map(|ids| ids.into_iter().collect())
}

fn gap() -> impl Strategy<Value = Gap> {
    (text(), number(), number(), option::of(number()), 0..9_u16, subscriptions()).prop_map(
        |(topic, epoch, from, to, reason, subscriptions)| Gap {
            topic,
            epoch,
            from,
            to,
            reason: GapReason::from_number(reason),
            subscriptions,
        },
    )
}

fn close() -> impl Strategy<Value = Close> {
    (90..300_u16, text(), option::of(number())).prop_map(|(code, reason, retry_after_ms)| Close {
        code: CloseCode::from_number(code),
        reason,
        retry_after_ms,
    })
}

fn resume() -> impl Strategy<Value = Resume> {
    (number(), number(), number()).prop_map(|(subscription, events, gaps)| Resume {
        subscription,
        events,
        gaps,
    })
}

fn taken() -> impl Strategy<Value = Taken> {
    (number(), number(), option::of(number()), option::of(number())).prop_map(
        |(subscription, taken, events, bytes)| Taken { subscription, taken, events, bytes },
    )
}

fn terms() -> impl Strategy<Value = AckTerms> {
    (1..=u64::MAX, 1..=u32::MAX, number(), option::of(text()), any::<bool>()).prop_map(
        |(timeout_ms, attempts, backoff_ms, dead_letter, ordered)| AckTerms {
            timeout_ms,
            attempts,
            backoff_ms,
            dead_letter,
            ordered,
        },
    )
}

fn ack() -> impl Strategy<Value = Ack> {
    let outcome = prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Failed),
        Just(Outcome::Rejected),
        Just(Outcome::Working)
    ];
    (number(), number(), number(), outcome, option::of(text())).prop_map(
        |(subscription, first, last, outcome, reason)| Ack {
            subscription,
            first,
            last,
            outcome,
            reason,
        },
    )
}

fn control() -> impl Strategy<Value = Made> {
    prop_oneof![
        hello().prop_map(Frame::Hello),
        welcome().prop_map(Frame::Welcome),
        subscribe().prop_map(Frame::Subscribe),
        number().prop_map(|id| Frame::Subscribed { id }),
        (number(), any::<bool>()).prop_map(|(id, drain)| Frame::Unsubscribe { id, drain }),
        number().prop_map(|next| Frame::Receipt { next }),
        refused().prop_map(Frame::Refused),
        gap().prop_map(Frame::Gap),
        number().prop_map(|token| Frame::Ping { token }),
        number().prop_map(|token| Frame::Pong { token }),
        close().prop_map(Frame::Close),
        taken().prop_map(Frame::Taken),
        ack().prop_map(Frame::Ack),
        resume().prop_map(Frame::Resume),
    ]
    .prop_map(Made::Control)
}

/// Generates frames of all types, each about equally often.
fn frame() -> impl Strategy<Value = Made> {
    prop_oneof![1 => event(), 1 => run(), 12 => control()]
}

/// Generates bytes that begin like a frame: with the array and a type, and then any bytes.
fn like_a_frame() -> impl Strategy<Value = Vec<u8>> {
    let values = vec(value(), 0..16).prop_map(|values| values.concat());
    let rest = prop_oneof![vec(any::<u8>(), 0..64), values];
    (0x91..=0x9f_u8, 0..16_u8, rest)
        .prop_map(|(array, kind, rest)| [&[array, kind][..], &rest].concat())
}

/// Returns the start of each value within the well-formed value at `at`, including that value.
fn starts(bytes: &[u8], at: usize, found: &mut Vec<usize>) -> usize {
    found.push(at);
    let (head, count) = match bytes[at] {
        map @ 0x80..=0x8f => (1, 2 * usize::from(map - 0x80)),
        array @ 0x90..=0x9f => (1, usize::from(array - 0x90)),
        0xdc => (3, usize::from(u16::from_be_bytes([bytes[at + 1], bytes[at + 2]]))),
        0xde => (3, 2 * usize::from(u16::from_be_bytes([bytes[at + 1], bytes[at + 2]]))),
        _ => return at + naive(&bytes[at..]).expect("a well-formed value").len,
    };
    (0..count).fold(at + head, |at, _| starts(bytes, at, found))
}

/// Returns the control frame once for each of its values. In each copy, one value announces this many
/// bytes or values, and the bytes of the original value come behind it.
fn with_claims(body: &[u8], claim: u32) -> Vec<Vec<u8>> {
    let mut places = Vec::new();
    starts(body, 0, &mut places);
    let behind_type = places[2..].iter();
    let with_claim = behind_type.map(|at| {
        let (marker, head) = match body[*at] {
            0x80..=0x8f => (0xdf, 1),
            0xde => (0xdf, 3),
            0x90..=0x9f => (0xdd, 1),
            0xc4 => (0xc6, 1),
            _ => (0xdb, 1),
        };
        [&body[..*at], &[marker], &claim.to_be_bytes(), &body[at + head..]].concat()
    });
    with_claim.collect()
}

/// Generates a frame of which a few bytes are changed.
fn changed() -> impl Strategy<Value = Vec<u8>> {
    (frame(), vec((any::<Index>(), any::<u8>()), 1..4)).prop_map(|(frame, changes)| {
        let mut bytes = frame.body();
        changes.into_iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = byte);
        bytes
    })
}

/// Returns the values of the frame, as the crate `rmpv` reads them.
fn decode(body: &[u8]) -> Vec<rmpv::Value> {
    match rmpv::decode::read_value(&mut &body[..]) {
        Ok(rmpv::Value::Array(values)) => values,
        other => panic!("{other:?} in {body:x?}"),
    }
}

/// Returns the values of a frame with every number and length in its widest form, except for the array
/// and the type of the frame itself.
fn widest(body: &[u8]) -> Vec<u8> {
    fn write(value: &rmpv::Value, out: &mut Vec<u8>) {
        let count = |marker: u8, len: usize| [&[marker][..], &(len as u32).to_be_bytes()].concat();
        match value {
            rmpv::Value::Integer(number) => {
                let number = number.as_u64().expect("these frames hold no others");
                out.push(0xcf);
                out.extend(number.to_be_bytes());
            }
            rmpv::Value::String(text) => {
                out.extend(count(0xdb, text.as_bytes().len()));
                out.extend(text.as_bytes());
            }
            rmpv::Value::Binary(bytes) => {
                out.extend(count(0xc6, bytes.len()));
                out.extend(bytes);
            }
            rmpv::Value::Array(values) => {
                out.extend(count(0xdd, values.len()));
                values.iter().for_each(|value| write(value, out));
            }
            rmpv::Value::Map(entries) => {
                out.extend(count(0xdf, entries.len()));
                entries.iter().for_each(|(key, value)| {
                    write(key, out);
                    write(value, out);
                });
            }
            other => rmpv::encode::write_value(out, other).expect("a Vec takes everything"),
        }
    }
    let mut out = body[..2].to_vec();
    decode(body)[1..].iter().for_each(|value| write(value, &mut out));
    out
}

proptest! {
    #[test]
    fn every_frame_is_read_as_it_was_written(made in frame()) {
        let body = made.body();
        prop_assert_eq!(Frame::parse(&body, &Limits::default()), Ok(made.frame()));
    }

    #[test]
    fn every_frame_is_an_array_for_any_reader_of_messagepack(made in frame()) {
        let body = made.body();
        let values = decode(&body);
        let kind = FrameType::of(&body).unwrap();
        prop_assert_eq!(values[0].as_u64(), Some(kind.number().into()));
        prop_assert_eq!(naive(&body).map(|shape| shape.len), Some(body.len()));
    }

    #[test]
    fn a_number_or_length_may_have_any_width(made in prop_oneof![11 => control(), 1 => run()]) {
        let body = widest(&made.body());
        prop_assert_eq!(Frame::parse(&body, &Limits::default()), Ok(made.frame()));
    }

    #[test]
    fn an_event_is_the_same_read_from_behind_its_topic(made in event()) {
        let (body, limits) = (made.body(), Limits::default());
        let Made::Event { topic, .. } = &made else { unreachable!("event() makes no other") };
        let end = 2 + naive(&body[2..]).unwrap().len;
        let event = EventFrame::parse_after_topic(&body, end, topic, &limits);
        prop_assert_eq!(event.map(Frame::Event), Ok(made.frame()));
    }

    #[test]
    fn a_stream_falls_into_the_same_frames_wherever_it_was_cut(
        frames in vec(frame(), 0..6), cut in any::<Index>(),
    ) {
        let stream: Vec<u8> = frames.iter().flat_map(|made| made.frame().to_bytes()).collect();
        let (mut at, mut found) = (0, 0);
        for known in [cut.index(stream.len() + 1), stream.len()] {
            while let Some(body) = split(&stream[at..known], 1 << 20).unwrap() {
                prop_assert_eq!(body, frames[found].body());
                found += 1;
                at += 4 + body.len();
            }
        }
        prop_assert_eq!((found, at), (frames.len(), stream.len()));
    }

    #[test]
    fn a_frame_that_is_cut_short_is_an_error(made in frame()) {
        let body = made.body();
        for cut in 0..body.len() {
            prop_assert!(Frame::parse(&body[..cut], &Limits::default()).is_err(), "at {}", cut);
        }
    }

    /// All bytes are there, but for another reader the frame would end in front of them.
    #[test]
    fn a_frame_that_announces_fewer_values_than_it_has_is_an_error(made in frame()) {
        let mut body = made.body();
        for fewer in 0x90..body[0] {
            body[0] = fewer;
            prop_assert!(Frame::parse(&body, &Limits::default()).is_err(), "{:x?}", body);
        }
    }

    #[test]
    fn bytes_behind_the_last_value_are_an_error(made in frame(), extra in value()) {
        let mut body = made.body();
        body.extend(extra);
        let parsed = Frame::parse(&body, &Limits::default());
        prop_assert_eq!(parsed.map_err(|error| error.kind), Err(FrameErrorKind::Trailing));
    }

    #[test]
    fn values_behind_the_known_ones_are_ignored_except_in_events(
        made in frame(), extra in vec(value(), 1..7),
    ) {
        let mut body = made.body();
        let is_event = matches!(made, Made::Event { .. });
        if is_event && body[0] == 0x93 {
            // Without headers, the first extra value would stand in their place.
            body[0] += 1;
            body.push(0x80);
        }
        if matches!(made, Made::Run { attempt: 1, .. }) {
            // An attempt of 1 is left out, and the first extra value would stand in its place.
            body[0] += 1;
            body.push(1);
        }
        body[0] += extra.len() as u8;
        body.extend(extra.concat());
        let parsed = Frame::parse(&body, &Limits::default());
        if is_event {
            prop_assert_eq!(parsed.map_err(|error| error.kind), Err(FrameErrorKind::Trailing));
        } else {
            prop_assert_eq!(parsed, Ok(made.frame()));
        }
    }

    #[test]
    fn unknown_keys_are_ignored_in_hello_and_welcome_and_refused_in_subscribe(
        made in prop_oneof![
            hello().prop_map(Frame::Hello),
            welcome().prop_map(Frame::Welcome),
            subscribe().prop_map(Frame::Subscribe),
        ].prop_map(Made::Control),
        key in "[A-Z]{1,8}", extra in value(), at in any::<Index>(),
    ) {
        let mut values = decode(&made.body());
        let Some(rmpv::Value::Map(entries)) = values.last_mut() else { panic!("{values:?}") };
        let extra = rmpv::decode::read_value(&mut &extra[..]).unwrap();
        entries.insert(at.index(entries.len() + 1), (key.into(), extra));
        let mut body = Vec::new();
        rmpv::encode::write_value(&mut body, &values.into()).unwrap();
        let parsed = Frame::parse(&body, &Limits::default());
        if matches!(made.frame(), Frame::Subscribe(_)) {
            let unknown = FrameErrorKind::NoSuchValue { what: "subscription option" };
            prop_assert_eq!(parsed.map_err(|error| error.kind), Err(unknown));
        } else {
            prop_assert_eq!(parsed, Ok(made.frame()));
        }
    }

    #[test]
    fn whatever_bytes_come_the_answer_is_an_error_or_a_frame_that_can_be_passed_on(
        body in prop_oneof![like_a_frame(), changed(), vec(any::<u8>(), 0..64)],
        limits in limits(),
    ) {
        let Ok(frame) = Frame::parse(&body, &limits) else { return Ok(()) };
        prop_assert_eq!(naive(&body).map(|shape| shape.len), Some(body.len()));
        let again = frame.to_bytes();
        prop_assert_eq!(Frame::parse(&again[4..], &limits), Ok(frame));
    }

    #[test]
    fn the_memory_for_a_frame_is_bounded_by_its_bytes(
        body in prop_oneof![like_a_frame(), changed(), frame().prop_map(|made| made.body())],
    ) {
        prop_assert!(memory_for(&body) <= memory_bound(&body), "{:x?}", body);
    }

    #[test]
    fn a_length_gets_no_memory_for_what_it_claims(
        made in prop_oneof![4 => control(), 1 => subscribe().prop_map(Frame::Subscribe).prop_map(Made::Control)],
        claim in prop_oneof![Just(u32::MAX), 256..1_000_000_u32],
    ) {
        for body in with_claims(&made.body(), claim) {
            prop_assert!(memory_for(&body) <= memory_bound(&body), "{:x?}", body);
        }
    }

    #[test]
    fn reading_what_is_forwarded_allocates_nothing(
        made in prop_oneof![event(), run_for(number().prop_map(SubscriptionIds::one))],
    ) {
        prop_assert_eq!(memory_for(&made.body()), 0);
    }
}

/// Returns how many bytes of memory the reading of the frame takes at most.
fn memory_for(body: &[u8]) -> u64 {
    let used = allocation_counter::measure(|| {
        let _ = std::hint::black_box(Frame::parse(body, &Limits::default()));
    });
    used.bytes_max
}

/// A position in `after` takes the most memory for its bytes: 7 of them become an entry of a map.
fn memory_bound(body: &[u8]) -> u64 {
    1024 + 32 * body.len() as u64
}

#[test]
fn the_most_costly_frame_stays_within_the_bound() {
    let letters = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    let mut body = Vec::new();
    let count = (1 << 20) / 7;
    Packer(&mut body).array(4).uint(5).uint(1).str("**").map(1).str("after").map(count);
    for n in 0..count as usize {
        let topic = [n >> 12, n >> 6, n].map(|digit| char::from(letters[digit & 63]));
        Packer(&mut body).str(&String::from_iter(topic)).array(2).uint(0).uint(0);
    }
    assert!(Frame::parse(&body, &Limits::default()).is_ok());
    let memory = memory_for(&body);
    assert!(memory <= memory_bound(&body), "{memory} bytes for {}", body.len());
}

#[test]
fn a_number_in_a_signed_form_is_read_unless_it_is_negative() {
    let token = |signed: &[u8]| {
        let body = [&[0x92, 11][..], signed].concat();
        match Frame::parse(&body, &Limits::default()) {
            Ok(Frame::Ping { token }) => Ok(token),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.kind),
        }
    };
    for (signed, value) in [
        (&[0xd0, 5][..], 5),
        (&[0xd1, 1, 0], 256),
        (&[0xd2, 0x7f, 0xff, 0xff, 0xff], 0x7fff_ffff),
        (&[0xd3, 0, 0, 0, 0, 0, 0, 0, 9], 9),
    ] {
        assert_eq!(token(signed), Ok(value));
    }
    let wrong = FrameErrorKind::WrongType { what: "token", expected: "an unsigned integer" };
    for negative in
        [&[0xd0, 0x80][..], &[0xd1, 0xff, 0xff], &[0xd2, 0x80, 0, 0, 0], &[0xd3; 9], &[0xff]]
    {
        assert_eq!(token(negative), Err(wrong));
    }
}

#[test]
fn options_that_come_twice_are_refused() {
    let mut body = Vec::new();
    Packer(&mut body).array(4).uint(1).str("hub").uint(1);
    Packer(&mut body).map(2).str("name").str("a").str("name").str("b");
    let parsed = Frame::parse(&body, &Limits::default()).map_err(|error| error.kind);
    assert_eq!(parsed, Err(FrameErrorKind::Repeated { what: "options" }));
}

#[test]
fn a_welcome_without_a_fact_is_refused_by_its_name() {
    let mut body = Vec::new();
    Packer(&mut body).array(3).uint(2).uint(1).map(2).str("hub").bin(&[7; 16]);
    Packer(&mut body).str("connection").uint(1);
    let parsed = Frame::parse(&body, &Limits::default()).map_err(|error| error.kind);
    assert_eq!(parsed, Err(FrameErrorKind::Missing { what: "resumed" }));
}

#[test]
fn where_a_subscription_starts_is_said_once_or_refused() {
    let parse = |options: &[&str]| {
        let mut body = Vec::new();
        Packer(&mut body).array(4).uint(5).uint(1).str("a.*").map(options.len() as u32);
        for option in options {
            match *option {
                "after" => Packer(&mut body).str("after").map(0),
                start => Packer(&mut body).str("start").str(start),
            };
        }
        Frame::parse(&body, &Limits::default()).map(|_| ()).map_err(|error| error.kind)
    };
    let twice = Err(FrameErrorKind::NoSuchValue { what: "second start" });
    assert_eq!(parse(&["after"]), Ok(()));
    assert_eq!(parse(&["after", "live"]), twice);
    assert_eq!(parse(&["last", "after"]), twice);
    let repeated = Err(FrameErrorKind::Repeated { what: "options" });
    assert_eq!(parse(&["last", "live"]), repeated);
}
