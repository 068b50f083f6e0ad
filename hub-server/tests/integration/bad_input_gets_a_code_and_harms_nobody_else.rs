//! Whatever a client sends, it gets the code that PROTOCOL.md (sections 13 and 14) says, and nobody
//! else notices: a publisher and a subscriber on the same hub go on without a loss. What is refused
//! does not harm its own connection either.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Frame, Overflow, RefusedCode, RefusedWhat, Subscribe};
use std::time::Duration;
use support::*;

/// What a row's bytes are answered with.
enum Answer {
    Refused(RefusedWhat, u64, RefusedCode),
    /// One of these, then FIN.
    Closed(&'static [CloseCode]),
    Nothing,
}
use Answer::{Closed, Nothing, Refused};

struct Row {
    what: &'static str,
    bytes: Vec<u8>,
    answer: Answer,
}

fn row(what: &'static str, bytes: Vec<u8>, answer: Answer) -> Row {
    Row { what, bytes, answer }
}

/// A publisher and a subscriber that have nothing to do with the client that misbehaves.
struct Bystanders {
    publisher: Client,
    subscriber: Client,
    heard: u64,
}

impl Bystanders {
    fn new(hub: &RunningHub) -> Bystanders {
        let mut subscriber = Client::open(hub.clients());
        assert_eq!(subscriber.subscribe(&subscription(1, "bystanders")), []);
        Bystanders { publisher: Client::open(hub.clients()), subscriber, heard: 0 }
    }

    fn talk(&mut self, during: &str) {
        for _ in 0..3 {
            self.publisher.send(&event("bystanders", &numbered(self.heard, 100)));
            let event = self.subscriber.event();
            assert_eq!(id_in(&event.payload), self.heard, "{during}");
            self.heard += 1;
            assert_eq!(event.number, self.heard, "{during}");
        }
        let answers = self.publisher.barrier();
        assert!(answers.iter().all(|got| matches!(got, Got::Receipt(_))), "{during}: {answers:?}");
        assert_eq!(self.subscriber.barrier(), [], "{during}");
    }
}

const PROTOCOL: Answer = Closed(&[CloseCode::Protocol]);

fn refused_event(code: RefusedCode) -> Answer {
    Refused(RefusedWhat::Event, 0, code)
}

/// An EVENT on the topic `t` with these bytes as its payload.
fn payload(bytes: &[u8]) -> Vec<u8> {
    event("t", bytes)
}

/// An EVENT with these bytes as its headers.
fn headers(bytes: &[u8]) -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(3).str("t").nil().raw(bytes);
    })
}

/// A SUBSCRIBE with the id 7 and these options, packed.
fn options(packed_options: &[u8]) -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(5).uint(7).str("t").raw(packed_options);
    })
}

fn option(key: &str, value: &str) -> Vec<u8> {
    packed(|pack| {
        pack.array(4).uint(5).uint(7).str("t").map(1).str(key).str(value);
    })
}

/// A container in a container, `depth` of them, and a nil inside.
fn nested(open: &[u8], depth: usize) -> Vec<u8> {
    let mut out = open.repeat(depth);
    out.push(0xc0);
    out
}

/// A map of `count` different keys.
fn many_keys(count: u16) -> Vec<u8> {
    let mut out = vec![0xde];
    out.extend_from_slice(&count.to_be_bytes());
    for n in 0..count {
        let mut pack = hub_wire::Packer(&mut out);
        pack.str(&format!("k{n}")).uint(1);
    }
    out
}

/// An array of `count` nils.
fn array_of_nils(count: u32) -> Vec<u8> {
    let mut out = vec![0xdd];
    out.extend_from_slice(&count.to_be_bytes());
    out.resize(out.len() + count as usize, 0xc0);
    out
}

fn before_hello() -> Vec<Row> {
    let hello_with = |version: u64, options: &[u8]| {
        packed(|pack| {
            pack.array(4).uint(1).str("hub").uint(version).raw(options);
        })
    };
    let long = b"\x81\xa4name\xda\x10\x00".iter().copied().chain([b'a'; 4096]).collect::<Vec<_>>();
    const TOO_LONG: Answer = Closed(&[CloseCode::FrameTooLarge, CloseCode::Protocol]);
    vec![
        row("an HTTP request", b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n".to_vec(), TOO_LONG),
        row("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), TOO_LONG),
        row("another magic word", framed(b"\x94\x01\xa3bus\x01\x80"), PROTOCOL),
        row("the magic word as bytes", framed(b"\x94\x01\xc4\x03hub\x01\x80"), PROTOCOL),
        row("a length of 0", vec![0; 4], PROTOCOL),
        row("the largest length", vec![0xff; 4], TOO_LONG),
        row("a HELLO of more than 4096 bytes", hello_with(1, &long), TOO_LONG),
        row("another version", hello_with(2, b"\x80"), Closed(&[CloseCode::Version])),
        row("version 0", hello_with(0, b"\x80"), Closed(&[CloseCode::Version])),
        row("a HELLO without options", framed(b"\x93\x01\xa3hub\x01"), PROTOCOL),
        row("options that are no map", hello_with(1, b"\x90"), PROTOCOL),
        row(
            "an instance of 15 bytes",
            hello_with(1, b"\x81\xa8instance\xc4\x0f123456789012345"),
            PROTOCOL,
        ),
        row("a name that is not UTF-8", hello_with(1, b"\x81\xa4name\xa1\xff"), PROTOCOL),
        row("a name with a space", hello_with(1, b"\x81\xa4name\xa3a b"), PROTOCOL),
        row("receipts that are no bool", hello_with(1, b"\x81\xa8receipts\x01"), PROTOCOL),
        row("2^32-1 options", hello_with(1, b"\xdf\xff\xff\xff\xff"), PROTOCOL),
        row("65 options of HELLO", hello_with(1, &many_keys(65)), PROTOCOL),
        row("an option of HELLO twice", hello_with(1, b"\x82\xa1a\x01\xa1a\x01"), PROTOCOL),
        row("a number as a key of HELLO", hello_with(1, b"\x81\x01\x02"), PROTOCOL),
        row(
            "credentials with a number",
            hello_with(1, b"\x81\xabcredentials\x81\xa5token\x01"),
            Closed(&[CloseCode::Unauthorized]),
        ),
        row("bytes behind the HELLO", framed(b"\x94\x01\xa3hub\x01\x80\x80"), PROTOCOL),
        row(
            "credentials",
            hello_with(1, b"\x81\xabcredentials\xa6secret"),
            Closed(&[CloseCode::Unauthorized]),
        ),
        row("an EVENT before HELLO", event("t", b"\x01"), PROTOCOL),
        row("a SUBSCRIBE before HELLO", subscribe(&subscription(1, "t")), PROTOCOL),
        row("a PING before HELLO", ping(1), PROTOCOL),
        row("an unknown frame before HELLO", framed(b"\x91\x7f"), PROTOCOL),
        row("no array", framed(b"\xa3hub"), PROTOCOL),
    ]
}

fn streams_in_doubt() -> Vec<Row> {
    let then_event = |mut bytes: Vec<u8>| {
        bytes.extend(event("t", b"\x01"));
        bytes
    };
    vec![
        row("a length of 0", then_event(vec![0; 4]), PROTOCOL),
        row("the largest length", vec![0xff; 4], Closed(&[CloseCode::FrameTooLarge])),
        row(
            "a frame one byte over max_frame",
            (1024 * 1024_u32 + 1).to_be_bytes().to_vec(),
            Closed(&[CloseCode::FrameTooLarge]),
        ),
        row("a second HELLO", then_event(Frame::Hello(hello("again")).to_bytes()), PROTOCOL),
        row("WELCOME", framed(b"\x93\x02\x01\x80"), PROTOCOL),
        row("RUN", framed(b"\x98\x04\xa1t\x01\x01\x01\xa1p\x01\xc0"), PROTOCOL),
        row("SUBSCRIBED", framed(b"\x92\x06\x01"), PROTOCOL),
        row("RECEIPT", framed(b"\x92\x08\x01"), PROTOCOL),
        row("REFUSED", framed(b"\x97\x09\x00\x00\x01\xa0\xc0\xc0"), PROTOCOL),
        row("GAP", framed(b"\x97\x0a\xa1t\x01\x01\x01\x01\xc0"), PROTOCOL),
        row("a map instead of a frame", framed(b"\x81\x03\xa1t"), PROTOCOL),
        row("an empty array", framed(b"\x90"), PROTOCOL),
        row("an array of more than 15", framed(b"\xdc\x00\x03\x03\xa1t\x01"), PROTOCOL),
        row("a frame of array32 with 2^32-1", framed(b"\xdd\xff\xff\xff\xff"), PROTOCOL),
        row("a type that is no fixint", framed(b"\x93\xcc\x03\xa1t\x01"), PROTOCOL),
        row("random bytes", framed(b"\xfe\x12\xc1\x00\x99"), PROTOCOL),
        row("a SUBSCRIBE without an id", framed(b"\x91\x05"), PROTOCOL),
        row("a SUBSCRIBE whose id is text", framed(b"\x94\x05\xa1x\xa1t\x80"), PROTOCOL),
        row("a SUBSCRIBE whose id is cut short", framed(b"\x94\x05\xcf\x00\x01"), PROTOCOL),
        row("an UNSUBSCRIBE without an id", framed(b"\x91\x07"), PROTOCOL),
        row("an UNSUBSCRIBE whose id is nil", framed(b"\x92\x07\xc0"), PROTOCOL),
        row("a PING without a token", framed(b"\x91\x0b"), PROTOCOL),
        row("a PING with a negative token", framed(b"\x92\x0b\xff"), PROTOCOL),
        row("a PONG with text", framed(b"\x92\x0c\xa1x"), PROTOCOL),
        row("bytes behind a PING", framed(b"\x92\x0b\x01\x01"), PROTOCOL),
        row("a CLOSE without a reason", framed(b"\x92\x0d\xcc\xc8"), PROTOCOL),
        row(
            "a CLOSE with a code of 2^16",
            framed(b"\x94\x0d\xce\x00\x01\x00\x00\xa0\xc0"),
            PROTOCOL,
        ),
    ]
}

fn refused_events() -> Vec<Row> {
    use RefusedCode as Code;
    let malformed = || refused_event(Code::Malformed);
    let mut rows = vec![
        row("no payload", framed(b"\x92\x03\xa1t"), malformed()),
        row("bytes behind the payload", framed(b"\x93\x03\xa1t\x01\x01"), malformed()),
        row("elements behind the headers", framed(b"\x95\x03\xa1t\x01\x80\x01"), malformed()),
        row("bytes behind the headers", framed(b"\x94\x03\xa1t\x01\x80\xc0"), malformed()),
        row("the marker 0xc1", payload(b"\xc1"), malformed()),
        row("a payload cut short", payload(b"\xcf\x01"), malformed()),
        row("text that is not UTF-8", payload(b"\xa3\xe2\x28\xa1"), malformed()),
        row("text with a surrogate", payload(b"\xa3\xed\xa0\x80"), malformed()),
        row("deep inside, text that is not UTF-8", payload(b"\x81\xa1a\x91\xa1\xff"), malformed()),
        row("a topic that is not UTF-8", framed(b"\x93\x03\xa1\xff\x01"), malformed()),
        row("a topic that is bytes", framed(b"\x93\x03\xc4\x01t\x01"), malformed()),
        row(
            "a topic longer than the frame",
            framed(b"\x93\x03\xdb\xff\xff\xff\xfft\x01"),
            malformed(),
        ),
        row("headers that are an array", headers(b"\x91\x01"), malformed()),
        row("headers that are nil", headers(b"\xc0"), malformed()),
        row("headers that are cut short", headers(b"\x82\xa1a\x01"), malformed()),
        row("a header that is not UTF-8", headers(b"\x81\xa1a\xa1\xff"), malformed()),
        row("headers of map32 with 2^32-1", headers(b"\xdf\xff\xff\xff\xff\xa1a\x01"), malformed()),
        row("33 arrays", payload(&nested(b"\x91", 33)), refused_event(Code::TooDeep)),
        row("100,000 arrays", payload(&nested(b"\x91", 100_000)), refused_event(Code::TooDeep)),
        row("100,000 maps", payload(&nested(b"\x81\x01", 100_000)), refused_event(Code::TooDeep)),
        row(
            "deep headers",
            headers(&[b"\x81\xa1a".as_slice(), &nested(b"\x91", 33)].concat()),
            refused_event(Code::TooDeep),
        ),
        row(
            "65,537 elements",
            payload(&array_of_nils(65_537)),
            refused_event(Code::TooManyElements),
        ),
        row("an empty topic", event("", b"\x01"), refused_event(Code::BadTopic)),
        row(
            "a filter instead of a topic",
            event("orders.*", b"\x01"),
            refused_event(Code::BadTopic),
        ),
        row("the filter of all", event("**", b"\x01"), refused_event(Code::BadTopic)),
        row("an empty token", event("a..b", b"\x01"), refused_event(Code::BadTopic)),
        row("a dot at the end", event("a.", b"\x01"), refused_event(Code::BadTopic)),
        row("a space in a topic", event("a b", b"\x01"), refused_event(Code::BadTopic)),
        row(
            "a topic of 256 bytes",
            event(&"t".repeat(256), b"\x01"),
            refused_event(Code::BadTopic),
        ),
        row("33 tokens", event(&["t"; 33].join("."), b"\x01"), refused_event(Code::BadTopic)),
        row("an inbox without a name", event("$inbox.", b"\x01"), refused_event(Code::BadTopic)),
        row("all inboxes", event("$inbox.*", b"\x01"), refused_event(Code::BadTopic)),
        row("an inbox with a space", event("$inbox.a b", b"\x01"), refused_event(Code::BadTopic)),
        row(
            "an empty token in an inbox",
            event("$inbox..a", b"\x01"),
            refused_event(Code::BadTopic),
        ),
        row(
            "an inbox of 300 bytes",
            event(&format!("$inbox.{}", "i".repeat(293)), b"\x01"),
            refused_event(Code::BadTopic),
        ),
        row("a bad topic of the hub's", event("$hub.a b", b"\x01"), refused_event(Code::BadTopic)),
        row("only a $ and a dot", event("$.", b"\x01"), refused_event(Code::BadTopic)),
        row("an inbox of nobody", event("$inbox.a", b"\x01"), refused_event(Code::NoSubscriber)),
        row(
            "a topic of the hub's",
            event("$hub.stats", b"\x01"),
            refused_event(Code::ReservedTopic),
        ),
        row(
            "a header of the hub's",
            headers(b"\x81\xa2$x\x01"),
            refused_event(Code::ReservedHeader),
        ),
        row("an id that is a number", headers(b"\x81\xa2id\x01"), refused_event(Code::BadHeader)),
        row(
            "a reply that is a filter",
            headers(b"\x81\xa5reply\xa3a.*"),
            refused_event(Code::BadHeader),
        ),
        row(
            "a header whose key is a number",
            headers(b"\x81\x01\x02"),
            refused_event(Code::BadHeader),
        ),
        row("65 headers", headers(&many_keys(65)), refused_event(Code::BadHeader)),
        row("an id that is nil", headers(b"\x81\xa2id\xc0"), refused_event(Code::BadHeader)),
        row(
            "the same header twice",
            headers(b"\x82\xa1a\x01\xa1a\x02"),
            refused_event(Code::BadHeader),
        ),
        row(
            "a request that nobody hears",
            event_with("nobody.here", b"\x01", &[("id", "1"), ("reply", "answers")]),
            refused_event(Code::NoSubscriber),
        ),
    ];
    let huge = [
        ("array32 with 2^32-1", 0xdd),
        ("map32 with 2^32-1", 0xdf),
        ("bin32 with 2^32-1", 0xc6),
        ("str32 with 2^32-1", 0xdb),
        ("ext32 with 2^32-1", 0xc9),
    ];
    for (what, marker) in huge {
        rows.push(row(what, payload(&[marker, 0xff, 0xff, 0xff, 0xff, 0x01]), malformed()));
        let inside = [0x91, marker, 0xff, 0xff, 0xff, 0xff, 0x01];
        rows.push(row(what, payload(&inside), malformed()));
    }
    rows
}

fn refused_subscriptions() -> Vec<Row> {
    use RefusedCode as Code;
    let refused = |code| Refused(RefusedWhat::Subscribe, 7, code);
    let filter = |filter: &str| subscribe(&subscription(7, filter));
    let group = |group: &str, more: &[u8]| {
        packed(|pack| {
            pack.array(4).uint(5).uint(7).str("t").map(2).str("group").str(group).raw(more);
        })
    };
    let twice = [subscribe(&subscription(7, "a")), subscribe(&subscription(7, "b"))].concat();
    vec![
        row("no filter", framed(b"\x92\x05\x07"), refused(Code::Malformed)),
        row("no options", framed(b"\x93\x05\x07\xa1t"), refused(Code::Malformed)),
        row("options that are no map", options(b"\x90"), refused(Code::Malformed)),
        row("a filter that is a number", framed(b"\x94\x05\x07\x01\x80"), refused(Code::Malformed)),
        row(
            "a filter that is not UTF-8",
            framed(b"\x94\x05\x07\xa1\xff\x80"),
            refused(Code::Malformed),
        ),
        row("bytes behind it", options(b"\x80\xc0"), refused(Code::Malformed)),
        row("2^32-1 options", options(b"\xdf\xff\xff\xff\xff"), refused(Code::Malformed)),
        row(
            "positions that are no bool",
            options(b"\x81\xa9positions\x01"),
            refused(Code::BadOption),
        ),
        row("positions that are nil", options(b"\x81\xa9positions\xc0"), refused(Code::BadOption)),
        row("after that is no map", options(b"\x81\xa5after\x01"), refused(Code::BadOption)),
        row(
            "a position of one number",
            options(b"\x81\xa5after\x81\xa1t\x91\x01"),
            refused(Code::BadOption),
        ),
        row(
            "an epoch that is a float",
            options(b"\x81\xa5after\x81\xa1t\x92\xcb\x41\xf0\0\0\0\0\0\0\x01"),
            refused(Code::BadOption),
        ),
        row(
            "a topic twice in after",
            options(b"\x81\xa5after\x82\xa1t\x92\x01\x01\xa1t\x92\x01\x01"),
            refused(Code::BadOption),
        ),
        row(
            "an option twice",
            options(b"\x82\xa9positions\xc3\xa9positions\xc3"),
            refused(Code::BadOption),
        ),
        row("an option whose key is a number", options(b"\x81\x01\x02"), refused(Code::BadOption)),
        row("65 options", options(&many_keys(65)), refused(Code::BadOption)),
        row(
            "a window of no events",
            options(b"\x81\xa6window\x92\0\x01"),
            refused(Code::BadOption),
        ),
        row("a window of text", options(b"\x81\xa6window\xa1w"), refused(Code::BadOption)),
        row(
            "an option that is not UTF-8",
            options(b"\x81\xa5group\xa1\xff"),
            refused(Code::Malformed),
        ),
        row(
            "an option that is cut short",
            options(b"\x81\xa5group\xa5g"),
            refused(Code::Malformed),
        ),
        row("an unknown option", option("durable", "yes"), refused(Code::BadOption)),
        row("an unknown policy", option("overflow", "keep-all"), refused(Code::BadOption)),
        row("an unknown start", option("start", "first"), refused(Code::BadOption)),
        row(
            "start and after",
            options(b"\x82\xa5start\xa4live\xa5after\x80"),
            refused(Code::BadOption),
        ),
        row("a group with a start", group("g", b"\xa5start\xa4last"), refused(Code::BadOption)),
        row("a group with after", group("g", b"\xa5after\x80"), refused(Code::BadOption)),
        row("an empty group", option("group", ""), refused(Code::BadOption)),
        row("a group with a space", option("group", "a b"), refused(Code::BadOption)),
        row(
            "a group's name of 65 bytes",
            option("group", &"g".repeat(65)),
            refused(Code::BadOption),
        ),
        row("an empty filter", filter(""), refused(Code::BadFilter)),
        row("a wildcard within a token", filter("ord*"), refused(Code::BadFilter)),
        row("** before the end", filter("a.**.b"), refused(Code::BadFilter)),
        row("an empty token", filter("a..b"), refused(Code::BadFilter)),
        row("a topic of the hub's", filter("$hub.**"), refused(Code::ReservedTopic)),
        row("another's inbox", filter("$inbox.1"), refused(Code::Forbidden)),
        row("everybody's inbox", filter("$inbox.*"), refused(Code::Forbidden)),
        row("an id that is in use", twice, refused(Code::DuplicateSubscription)),
    ]
}

fn other_frames() -> Vec<Row> {
    use RefusedCode as Code;
    let refused = |code| Refused(RefusedWhat::Unsubscribe, 7, code);
    let unknown = || Refused(RefusedWhat::Frame, 0, Code::UnknownFrame);
    vec![
        row("an UNSUBSCRIBE of nothing", unsubscribe(7), refused(Code::UnknownSubscription)),
        row("type 0", framed(b"\x91\x00"), unknown()),
        row("type 63", framed(b"\x92\x3f\x01"), unknown()),
        row("ACK cut short", framed(b"\x93\x0f\x01\x01"), PROTOCOL),
        row("TAKEN cut short", framed(b"\x93\x0e\x01\x01"), PROTOCOL),
        row("type 127 and bytes that mean nothing", framed(b"\x9f\x7f\xc1\xff"), unknown()),
        row("a PONG that nobody asked for", framed(b"\x92\x0c\x2a"), Nothing),
        row("a PING with more elements", framed(b"\x93\x0b\x01\xc0"), Nothing),
        row("a SUBSCRIBE with more elements", framed(b"\x95\x05\x07\xa1t\x80\xa4more"), Nothing),
    ]
}

/// Sends a row's bytes on a connection of its own and compares the answer.
fn check(hub: &RunningHub, bystanders: &mut Bystanders, row: &Row, greeted: bool) {
    let what = row.what;
    let mut client =
        if greeted { Client::open(hub.clients()) } else { Client::connect(hub.clients()) };
    client.try_send(&row.bytes);
    bystanders.talk(what);
    match &row.answer {
        Closed(codes) => {
            let answers = client.rest();
            let [Got::Close(close), Got::End] = answers.as_slice() else {
                panic!("{what}: {answers:?}");
            };
            assert!(codes.contains(&close.code), "{what}: {close:?}");
            assert_eq!(close.retry_after_ms, None, "{what}");
            assert!(!close.reason.is_empty(), "{what}");
        }
        Refused(..) | Nothing => {
            let mut answers = client.barrier();
            answers
                .retain(|got| !matches!(got, Got::Receipt(_) | Got::Subscribed(_) | Got::Pong(_)));
            match (&row.answer, answers.as_slice()) {
                (Nothing, []) => {}
                (Refused(kind, number, code), [Got::Refused(refused)]) => {
                    let expected = (*kind, *number, *code);
                    assert_eq!((refused.what, refused.number, refused.code), expected, "{what}");
                    assert!(!refused.message.is_empty(), "{what}");
                }
                _ => panic!("{what}: {answers:?}"),
            }
            goes_on(&mut client, &row.answer, what);
        }
    }
    bystanders.talk(what);
}

/// The connection itself still works, and counts its events as the protocol says.
fn goes_on(client: &mut Client, answer: &Answer, what: &str) {
    let sent = u64::from(matches!(answer, Refused(RefusedWhat::Event, ..)));
    let echo = subscription(99, "echo");
    client.subscribe(&echo);
    client.send(&event("echo", &numbered(5, 0)));
    let mut got = client.barrier();
    got.sort_by_key(|got| matches!(got, Got::Receipt(_)));
    let [Got::Event(event), Got::Receipt(next)] = got.as_slice() else { panic!("{what}: {got:?}") };
    assert_eq!((id_in(&event.payload), *next), (5, sent + 1), "{what}");
    client.send(&unsubscribe(99));
    assert_eq!(client.barrier(), [], "{what}");
}

fn check_all(rows: &[Row], greeted: bool) {
    let hub = hub();
    let mut bystanders = Bystanders::new(&hub);
    for row in rows {
        check(&hub, &mut bystanders, row, greeted);
    }
    drop(bystanders);
    wait_until("every connection is gone", || metric(&hub, "hub_connections") == 0);
    assert_eq!(metric(&hub, "hub_subscriptions"), 0);
    let sums = Sums::of(&hub);
    assert_eq!(sums.due, sums.delivered, "{sums:?}");
}

#[test]
fn before_hello_the_connection_ends_with_a_code() {
    check_all(&before_hello(), false);
}

#[test]
fn a_stream_in_doubt_ends_with_a_code() {
    check_all(&streams_in_doubt(), true);
}

#[test]
fn a_bad_event_is_refused_by_its_number() {
    check_all(&refused_events(), true);
}

#[test]
fn a_bad_subscribe_is_refused_by_its_id() {
    check_all(&refused_subscriptions(), true);
}

#[test]
fn other_bad_frames_are_refused() {
    check_all(&other_frames(), true);
}

#[test]
fn a_malformed_unsubscribe_is_refused_by_its_id() {
    let refused = || Refused(RefusedWhat::Unsubscribe, 7, RefusedCode::Malformed);
    let rows = [
        row("bytes behind it", framed(b"\x93\x07\x07\xc2\xc0"), refused()),
        row("an array cut short", framed(b"\x93\x07\x07"), refused()),
    ];
    check_all(&rows, true);
}

/// PROTOCOL.md, section 1: no key may come twice. Otherwise the order of a map would count.
#[test]
fn an_option_that_comes_twice_is_a_bad_option() {
    let twice = options(b"\x82\xa9positions\xc3\xa9positions\xc2");
    let refused = Refused(RefusedWhat::Subscribe, 7, RefusedCode::BadOption);
    check_all(&[row("an option twice", twice, refused)], true);
    let twice = framed(b"\x94\x01\xa3hub\x01\x82\xa8receipts\xc3\xa8receipts\xc2");
    check_all(&[row("an option of HELLO twice", twice, PROTOCOL)], false);
}

#[test]
fn every_refused_event_of_a_batch_is_named_and_the_good_ones_arrive() {
    let hub = hub();
    let mut bystanders = Bystanders::new(&hub);
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "t"));
    let mut publisher = Client::open(hub.clients());
    let (mut batch, mut bad, mut good) = (Vec::new(), Vec::new(), Vec::new());
    for (n, row) in refused_events().iter().enumerate() {
        batch.extend(event("t", &numbered(n as u64, 10)));
        batch.extend(&row.bytes);
        let Refused(_, _, code) = row.answer else { unreachable!() };
        bad.push((2 * n as u64 + 1, code));
        good.push(n as u64);
    }
    publisher.send(&batch);
    bystanders.talk("the batch");
    let answers = publisher.barrier();
    let (mut refused, mut receipt) = (Vec::new(), 0);
    for got in &answers {
        match got {
            Got::Refused(r) => {
                assert!(r.number >= receipt, "a REFUSED behind the RECEIPT that covers it");
                refused.push((r.number, r.code));
            }
            Got::Receipt(next) => receipt = *next,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(receipt, 2 * good.len() as u64);
    refused.sort_unstable_by_key(|(number, _)| *number);
    assert_eq!(refused, bad);
    let arrived: Vec<u64> = good.iter().map(|_| id_in(&subscriber.event().payload)).collect();
    assert_eq!(arrived, good);
}

#[test]
fn a_hello_that_does_not_come_ends_with_its_own_code() {
    let hub = hub_with(|config| config.handshake_ms = 2_000);
    let mut bystanders = Bystanders::new(&hub);
    let whole = Frame::Hello(hello("late")).to_bytes();
    let parts = [&whole[..0], &whole[..3], &whole[..4], &whole[..whole.len() - 1]];
    let mut late = parts.map(|part| {
        let mut client = Client::connect(hub.clients());
        client.send(part);
        client
    });
    bystanders.talk("a HELLO that does not come");
    for client in &mut late {
        let answers = client.rest();
        let [Got::Close(close), Got::End] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!(close.code, CloseCode::HandshakeTimeout);
    }
    // Half a frame later on is nothing but a slow client.
    let mut slow = Client::open(hub.clients());
    let event = event("t", b"\x01");
    slow.send(&event[..event.len() - 1]);
    std::thread::sleep(Duration::from_millis(2_500));
    slow.send(&event[event.len() - 1..]);
    assert_eq!(slow.barrier(), [Got::Receipt(1)]);
    bystanders.talk("half an EVENT");
}

#[test]
fn limits_of_the_hub_are_told() {
    let hub = hub_with(|config| {
        config.max_connections = 3;
        config.max_subscriptions = 2;
        config.max_topics = 3;
    });
    let mut bystanders = Bystanders::new(&hub);
    let mut client = Client::open(hub.clients());
    client.subscribe(&subscription(1, "a"));
    client.subscribe(&subscription(2, "b"));
    client.send(&subscribe(&subscription(3, "c")));
    let got = client.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(
        (refused.what, refused.number, refused.code),
        (RefusedWhat::Subscribe, 3, RefusedCode::TooManySubscriptions)
    );
    client.send(&unsubscribe(2));
    client.subscribe(&subscription(3, "c"));
    bystanders.talk("too many subscriptions");

    // With the bystanders' topic there are three.
    client.send(&[event("x", b"\x01"), event("y", b"\x01"), event("z", b"\x01")].concat());
    let got = client.barrier();
    let [Got::Refused(refused), Got::Receipt(3)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(
        (refused.what, refused.number, refused.code),
        (RefusedWhat::Event, 2, RefusedCode::TooManyTopics)
    );
    bystanders.talk("too many topics");

    let answers = Client::connect(hub.clients()).rest();
    let [Got::Close(close), Got::End] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(close.code, CloseCode::Overloaded);
    assert!(close.retry_after_ms.is_some());
    bystanders.talk("too many connections");
}

#[test]
fn an_inbox_is_its_owners() {
    let hub = hub();
    let mut owner = Client::open(hub.clients());
    let inbox = owner.welcome().inbox.clone();
    owner.subscribe(&subscription(1, &inbox));
    let mut other = Client::open(hub.clients());
    other.send(&subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(4, &inbox) }));
    let got = other.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((refused.number, refused.code), (4, RefusedCode::Forbidden));
    // Anybody may send to it while it exists, and wildcards do not hear it.
    other.subscribe(&subscription(5, "**"));
    other.send(&event(&inbox, &numbered(1, 0)));
    assert_eq!(id_in(&owner.event().payload), 1);
    assert_eq!(other.barrier(), [Got::Receipt(1)]);
    owner.send(&goodbye());
    owner.rest();
    // Its topic learns of that a moment later.
    let mut sent = 1;
    wait_until("the inbox is gone", || {
        other.send(&event(&inbox, &numbered(2, 0)));
        sent += 1;
        match other.barrier().as_slice() {
            [Got::Receipt(next)] => {
                assert_eq!(*next, sent);
                false
            }
            [Got::Refused(refused), Got::Receipt(_)] => {
                let expected = (sent - 1, RefusedCode::NoSubscriber);
                assert_eq!((refused.number, refused.code), expected);
                true
            }
            got => panic!("{got:?}"),
        }
    });
}
