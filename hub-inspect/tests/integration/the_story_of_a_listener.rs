//! Claim: the report tells for which subscriptions events come, on which terms, what a listener did with them, and
//! what is missing, when it fails, acknowledges and comes back.

use crate::the_story_is_told::{Conversation, in_order};
use hub_inspect::capture::Capture;
use hub_inspect::inspector::{Options, inspect};
use hub_inspect::output::JsonLines;
use hub_wire::{
    Ack, AckTerms, EventFrame, Frame, Gap, GapReason, Hello, Limits, Outcome, Overflow, Refused,
    RefusedCode, RefusedWhat, Resume, RunFrame, Start, Subscribe, SubscriptionIds, Taken,
    VersionRange, Welcome, Window,
};

/// A listener that fails, acknowledges, misses events, and comes back.
fn listener() -> Conversation {
    let mut it = Conversation::established();
    let event = Frame::Event(EventFrame { topic: "work", payload: &[0xc0], headers: None });
    let subscribe = |id, ack, keep| {
        Frame::Subscribe(Subscribe {
            id,
            filter: "work".into(),
            overflow: Overflow::Block,
            group: None,
            start: Start::Live,
            positions: false,
            window: Some(Window { events: 10, bytes: 4096 }),
            ack,
            observe: false,
            more: false,
            keep,
        })
    };
    let run = |first, ids: &[u64], attempt| {
        Frame::Run(RunFrame {
            topic: "work",
            epoch: 1,
            first,
            count: 1,
            publisher: "shop#3",
            time_ms: 1,
            subscriptions: ids.iter().copied().collect(),
            attempt,
        })
    };
    let ack = |outcome, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        Frame::Ack(Ack { subscription: 1, first: 1, last: 1, outcome, reason })
    };
    let refused = |what, number, code, id: Option<&str>| {
        let id = id.map(str::to_owned);
        let message = "no".to_owned();
        Frame::Refused(Refused { what, number, code, message, rule: None, path: None, id })
    };
    let versions = VersionRange { oldest: 1, newest: 2 };
    it.frames(true, &[Frame::Hello(Hello { versions, ..Hello::default() })]);
    it.frames(
        false,
        &[Frame::Welcome(Welcome {
            version: 1,
            hub: [7; 16],
            connection: 3,
            resumed: true,
            kept: true,
            received: 40,
            publisher: "shop#3".into(),
            inbox: "$inbox.3".into(),
            limits: Limits::default(),
            keepalive_ms: 30_000,
            time_ms: 1,
        })],
    );
    let terms = AckTerms { dead_letter: Some("dead".into()), ..AckTerms::default() };
    it.frames(true, &[subscribe(1, Some(terms), false), subscribe(2, None, true)]);
    it.frames(true, &[Frame::Resume(Resume { subscription: 3, events: 300, gaps: 2 })]);
    it.frames(false, &[Frame::Subscribed { id: 1 }, Frame::Subscribed { id: 2 }]);
    it.frames(false, &[refused(RefusedWhat::Subscribe, 3, RefusedCode::UnknownSubscription, None)]);
    it.frames(false, &[run(118, &[1, 2], 1), event.clone()]);
    it.frames(true, &[ack(Outcome::Failed, Some("not\u{1b} yet"))]);
    let taken = Taken { subscription: 2, taken: 1, events: Some(20), bytes: None };
    it.frames(true, &[Frame::Taken(taken), event.clone()]);
    it.frames(
        false,
        &[
            run(118, &[1], 2),
            event,
            Frame::Gap(Gap {
                topic: "work".into(),
                epoch: 1,
                from: 119,
                to: Some(120),
                reason: GapReason::GivenUp,
                subscriptions: SubscriptionIds::from_iter([1, 2]),
            }),
            refused(RefusedWhat::Event, 40, RefusedCode::SelfBlocked, Some("req-1")),
        ],
    );
    it.frames(true, &[ack(Outcome::Done, None), Frame::Unsubscribe { id: 2, drain: true }]);
    it.frames(false, &[refused(RefusedWhat::Ack, 1, RefusedCode::NotHeld, None)]);
    it.close();
    it
}

#[test]
fn of_a_listener_that_fails_and_comes_back() {
    in_order(
        &listener().text(false),
        &[
            "client: HELLO versions 1 to 2, no name",
            "next event 40, resumed, subscriptions kept; answers packet 4",
            "client: SUBSCRIBE 1 to work, overflow block, window of 10 events and 4096 bytes, \
             acknowledges within 30000 ms, at most 5 attempts, dead letters to dead",
            "client: SUBSCRIBE 2 to work, overflow block, window of 10 events and 4096 bytes, \
             outlives the connection",
            "client: RESUME 3 behind 300 events and 2 gaps",
            "hub: SUBSCRIBED 1; answers packet 6 after 2.000 ms",
            "hub: REFUSED subscription 3: unknown_subscription, no; answers packet 7 after 2.000 ms",
            "hub: RUN work, 1 from #118 on, published by shop#3, for subscriptions 1, 2 [",
            "client: ACK 1 has failed on delivery 1: not\\u{1b} yet",
            "client: TAKEN 2 has finished 1 events, window of 20 events from now on",
            "hub: RUN work, 1 from #118 on, published by shop#3, for subscription 1, attempt 2",
            "hub: GAP work #119 to #120 missing: given_up, for subscriptions 1, 2; stands in the place",
            "behind the run in packet 13 0.000 ms before, for the subscription in packet 6 7.000 ms \
             before, for the subscription in packet 6 7.000 ms before",
            "hub: REFUSED event 40 with id req-1: self_blocked, no; refuses the event in packet 12",
            "client: ACK 1 has finished delivery 1",
            "client: UNSUBSCRIBE 2, wants what waits",
            "hub: REFUSED acknowledgement of subscription 1: not_held",
        ],
    );
}

#[test]
fn of_a_listener_as_json() {
    let mut lines = JsonLines::new(Vec::new(), false, false);
    let it = listener();
    let mut capture = Capture::open(&it.pcap.0[..]).expect("a capture");
    inspect(&mut capture, Options::default(), &mut lines);
    let text = String::from_utf8(lines.finish().expect("a Vec takes everything")).expect("UTF-8");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |kind: &str| -> Vec<_> { lines.iter().filter(|it| it["type"] == kind).collect() };
    let runs = of("RUN");
    assert_eq!(runs[0]["subscriptions"], serde_json::json!([1, 2]));
    assert_eq!((&runs[0]["attempt"], &runs[1]["attempt"]), (&1.into(), &2.into()));
    assert_eq!(of("GAP")[0]["subscriptions"], serde_json::json!([1, 2]));
    assert_eq!(of("GAP")[0]["answers_frame"], 6);
    assert_eq!(of("TAKEN")[0]["taken"], 1);
    let failed = of("ACK")[0];
    assert_eq!(failed["deliveries"], serde_json::json!([1, 1]));
    assert_eq!((&failed["outcome"], &failed["subscriptions"][0]), (&"failed".into(), &1.into()));
    assert_eq!(of("RESUME")[0]["subscriptions"], serde_json::json!([3]));
    let refused = of("REFUSED");
    assert_eq!(refused[0]["answers_frame"], 7);
    assert_eq!((&refused[1]["id"], &refused[1]["number"]), (&"req-1".into(), &40.into()));
}
