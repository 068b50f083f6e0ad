//! Claim: the report tells establishment, data, frames of Hub and termination in the order in which they
//! happened, with the numbers that answer each other, and shows no payload unless asked.

use crate::craft::{ACK, FIN, Pcap, RAW, RST, SYN, Tcp, tcp};
use hub_inspect::capture::Capture;
use hub_inspect::inspector::{Options, inspect};
use hub_inspect::output::{Detail, JsonLines, Only, Points, Text};
use hub_wire::{
    EventFrame, Frame, Hello, Limits, Refused, RefusedCode, RefusedWhat, RunFrame, Welcome,
};

/// Writes segments one after another, one each millisecond.
pub(crate) struct Conversation {
    pub(crate) pcap: Pcap,
    time_ns: i64,
    /// The next number of each direction.
    next: [u32; 2],
}

impl Conversation {
    pub(crate) fn established() -> Self {
        let pcap = Pcap::new(RAW);
        let mut it = Conversation { pcap, time_ns: 5_000_000_000, next: [1000, 5000] };
        it.send(true, SYN, b"");
        it.send(false, SYN | ACK, b"");
        it.send(true, ACK, b"");
        it
    }

    fn send(&mut self, up: bool, flags: u16, payload: &[u8]) {
        let (me, peer) = if up { (0, 1) } else { (1, 0) };
        let segment = tcp(up, flags, self.next[me], self.next[peer], payload);
        let segment = Tcp { ack: if flags & ACK == 0 { 0 } else { segment.ack }, ..segment };
        self.pcap.packet(self.time_ns, &segment.packet());
        self.time_ns += 1_000_000;
        self.next[me] += payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
    }

    pub(crate) fn frames(&mut self, up: bool, frames: &[Frame<'_>]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::to_bytes).collect();
        self.send(up, ACK, &bytes);
    }

    pub(crate) fn close(&mut self) {
        self.send(true, FIN | ACK, b"");
        self.send(false, ACK, b"");
        self.send(false, FIN | ACK, b"");
        self.send(true, ACK, b"");
    }

    pub(crate) fn text(&self, reveal: bool) -> String {
        let mut text = Text::new(Vec::new(), Detail::Segments, reveal);
        let mut capture = Capture::open(&self.pcap.0[..]).expect("a capture");
        let (_, fault) = inspect(&mut capture, Options::default(), &mut text);
        assert!(fault.is_none(), "{fault:?}");
        String::from_utf8(text.finish().expect("a Vec takes everything")).expect("UTF-8")
    }
}

#[test]
fn of_a_hole_that_is_filled_without_a_complaint() {
    let mut it = Conversation::established();
    it.next[0] += 5;
    it.send(true, ACK, b"later");
    it.next[0] -= 10;
    it.send(true, ACK, b"early");
    it.next[0] += 5;
    it.send(false, ACK, b"");
    let text = it.text(false);
    in_order(&text, &["previous segment not captured", "out of order", "round trip"]);
    assert!(!text.contains("acknowledges a segment not captured"), "{text}");
}

/// Checks that the parts stand in the text in this order.
pub(crate) fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} here:\n{rest}\nin\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn of_establishment_and_termination() {
    let mut it = Conversation::established();
    it.send(true, ACK, b"hello");
    it.send(false, ACK, b"");
    it.close();
    in_order(
        &it.text(false),
        &[
            "[SYN] seq 0 win",
            "asks for a connection; its numbers begin at 1000",
            "[ACK SYN] seq 0 ack 1",
            "agrees; its numbers begin at 5000, and 1001 acknowledges",
            "5001 acknowledges the number of the server",
            "established after 2.000 ms",
            "[ACK FIN] seq 6",
            "the client has no more data; its FIN has the number 1006",
            "1007 acknowledges the FIN of the client",
            "half closed: the server may still send",
            "the server has no more data either; its FIN has the number 5001",
            "5002 acknowledges the FIN of the server",
            "closed in both directions",
            "connection #0: client 10.0.0.1:40000 and server 10.0.0.2:4820",
            "state TIME-WAIT",
            "FIN-WAIT-2",
            "state CLOSED",
        ],
    );
}

#[test]
fn of_resets_with_their_probable_reason() {
    let mut refused = Conversation { pcap: Pcap::new(RAW), time_ns: 0, next: [1000, 0] };
    refused.send(true, SYN, b"");
    refused.send(false, RST | ACK, b"");
    in_order(&refused.text(false), &["the server resets", "nothing listens on the port"]);
    let mut unread = Conversation::established();
    unread.send(true, ACK, b"hello");
    unread.send(false, RST | ACK, b"");
    in_order(&unread.text(false), &["the server resets", "data that it had not read"]);
    let mut late = Conversation::established();
    late.send(false, FIN | ACK, b"");
    late.send(true, ACK, b"hello");
    late.send(false, RST, b"");
    in_order(&late.text(false), &["the server resets", "data came after its sender had closed"]);
}

fn dialogue() -> Conversation {
    let mut it = Conversation::established();
    let event = |topic, payload| Frame::Event(EventFrame { topic, payload, headers: None });
    it.frames(true, &[Frame::Hello(Hello { name: Some("shop".into()), ..Hello::default() })]);
    it.frames(
        false,
        &[Frame::Welcome(Welcome {
            version: 1,
            hub: [7; 16],
            connection: 3,
            resumed: false,
            kept: false,
            received: 40,
            publisher: "shop#3".into(),
            inbox: "$inbox.3".into(),
            limits: Limits::default(),
            keepalive_ms: 30_000,
            time_ms: 1,
        })],
    );
    let secret = b"\x81\xa4name\xa3Ada";
    it.frames(true, &[event("orders", secret), event("nobody", &[0xc0])]);
    it.frames(
        false,
        &[
            Frame::Refused(Refused {
                what: RefusedWhat::Event,
                number: 41,
                code: RefusedCode::NoSubscriber,
                message: "nobody subscribed to this topic".into(),
                rule: None,
                path: None,
                id: None,
            }),
            Frame::Receipt { next: 42 },
            Frame::Run(RunFrame {
                topic: "orders",
                epoch: 1,
                first: 118,
                count: 1,
                publisher: "shop#3",
                time_ms: 1,
                subscriptions: hub_wire::SubscriptionIds::one(1),
                attempt: 1,
            }),
            event("orders", secret),
        ],
    );
    // A frame in two segments.
    let ping = Frame::Ping { token: 9 }.to_bytes();
    it.send(true, ACK, &ping[..3]);
    it.send(true, ACK, &ping[3..]);
    it.frames(false, &[Frame::Pong { token: 9 }]);
    it.close();
    it
}

#[test]
fn of_frames_and_what_they_answer() {
    let text = dialogue().text(false);
    in_order(
        &text,
        &[
            "client: HELLO version 1, shop",
            "hub: WELCOME connection 3, publisher shop#3, next event 40; answers packet 4 after 1.000 ms",
            "client: EVENT orders {name: str(3)}; publish number 40",
            "client: EVENT nobody nil; publish number 41",
            "hub: REFUSED event 41: no_subscriber",
            "refuses the event in packet 6 1.000 ms before",
            "hub: RECEIPT up to 42; covers 2 events, 1 of them refused, the last in packet 6",
            "hub: RUN orders, 1 from #118 on, published by shop#3",
            "hub: EVENT orders {name: str(3)}; event number 118",
            "client: PING 9 [7 bytes in packets 8 to 9]",
            "hub: PONG 9; answers packet 9 after 1.000 ms",
            "protocol        Hub, 4 frames",
        ],
    );
    assert!(!text.contains("Ada"), "a payload is shown:\n{text}");
    assert!(dialogue().text(true).contains("{name: \"Ada\"}"));
}

#[test]
fn as_a_plot() {
    let it = dialogue();
    let mut capture = Capture::open(&it.pcap.0[..]).expect("a capture");
    let text = Text::new(Vec::new(), Detail::Segments, false);
    let mut both = (Points::of(0), Only { stream: Some(7), to: text });
    inspect(&mut capture, Options::default(), &mut both);
    let (points, text) = both;
    assert!(
        text.to.finish().expect("a Vec takes everything").is_empty(),
        "there is no connection 7"
    );
    let svg = points.to_svg().expect("the connection has data");
    in_order(&svg, &["<svg", "10.0.0.2:4820 to 10.0.0.1:40000", "acknowledged", "</svg>"]);
    assert!(Points::of(7).to_svg().is_err());
}

#[test]
fn of_frames_as_json() {
    let mut lines = JsonLines::new(Vec::new(), false, false);
    let it = dialogue();
    let mut capture = Capture::open(&it.pcap.0[..]).expect("a capture");
    inspect(&mut capture, Options::default(), &mut lines);
    let text = String::from_utf8(lines.finish().expect("a Vec takes everything")).expect("UTF-8");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told = |about: &str| lines.iter().filter(|line| line["finding"] == about).count();
    assert_eq!((told("establishment"), told("termination")), (3, 6));
    let frames: Vec<_> = lines.iter().filter(|line| line["kind"] == "frame").collect();
    let types: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap_or("")).collect();
    assert_eq!(
        types,
        [
            "HELLO", "WELCOME", "EVENT", "EVENT", "REFUSED", "RECEIPT", "RUN", "EVENT", "PING",
            "PONG"
        ]
    );
    let refused = frames[4];
    assert_eq!((&refused["number"], &refused["answers_frame"]), (&41.into(), &6.into()));
    assert_eq!(frames[7]["number"], 118);
    assert_eq!((&frames[8]["first_frame"], &frames[8]["frame"]), (&8.into(), &9.into()));
    assert!(!text.contains("Ada"));
    let connection = lines.last().expect("a line for the connection");
    assert_eq!((&connection["kind"], &connection["stream"]), (&"connection".into(), &0.into()));
    assert_eq!(connection["from_client"]["protocol"], "Hub");
    assert_eq!(connection["from_server"]["frames"], 6);
}
