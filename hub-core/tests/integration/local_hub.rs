//! Claim: the in-process hub behaves as the server does. It numbers the events of a topic, serves queue
//! groups, applies overflow policies, starts subscriptions where they ask for it, and refuses invalid
//! events.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use bytes::Bytes;
use common::{OrderPlaced, order, settle};
use futures_util::FutureExt;
use hub_core::Event;
use hub_core::emitter::{
    Delivery, EmitError, Emitter, Headers, LocalHub, Message, SubscribeError, SubscribeOptions,
    Subscription, SubscriptionEnd, encode,
};
use hub_wire::{
    GapReason, Overflow, Position, RefusedCode, Start, TopicFilter, TopicName, TopicPositions,
};

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

async fn emit(hub: &LocalHub, name: &str, number: u64) {
    hub.emit_raw(&topic(name), encode(&number).unwrap(), &Headers::new()).await.unwrap();
}

/// What waits: a message as its topic and number, a gap as from, to and reason.
#[derive(Debug, PartialEq)]
enum Seen {
    Message(String, u64),
    Gap(u64, Option<u64>, GapReason),
}

fn message(topic: &str, seq: u64) -> Seen {
    Seen::Message(topic.to_owned(), seq)
}

fn waiting(subscription: &mut Subscription) -> Vec<Seen> {
    let next = || subscription.next().now_or_never().flatten();
    std::iter::from_fn(next)
        .map(|delivery| match delivery {
            Delivery::Message(message) => Seen::Message(message.topic.to_string(), message.seq),
            Delivery::Gap(gap) => Seen::Gap(gap.from, gap.to, gap.reason),
        })
        .collect()
}

#[tokio::test]
async fn events_are_numbered_by_topic_and_stamped() {
    let hub = LocalHub::default();
    let mut all = hub.subscribe(filter("**"), SubscribeOptions::new()).await.unwrap();
    emit(&hub, "a", 0).await;
    emit(&hub.publishing_as("shop"), "b", 0).await;
    emit(&hub, "a", 0).await;
    let mut stamps = Vec::new();
    while let Some(Some(Delivery::Message(m))) = all.next().now_or_never() {
        stamps.push((m.topic.to_string(), m.seq, m.publisher.to_string(), m.time_ms));
    }
    let expected = [("a", 1, "local", 1), ("b", 1, "shop", 2), ("a", 2, "local", 3)];
    assert_eq!(stamps, expected.map(|(t, s, p, ms)| (t.to_owned(), s, p.to_owned(), ms)));
}

#[tokio::test]
async fn all_subscribers_see_one_order_whoever_emits() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().capacity(1000);
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        subscriptions.push(hub.subscribe(filter("a.*"), options.clone()).await.unwrap());
    }
    let emitters = (0..4_u64).map(|n| {
        let hub = hub.clone();
        tokio::spawn(async move {
            for number in 0..100 {
                emit(&hub, "a.b", n * 1000 + number).await;
                tokio::task::yield_now().await;
            }
        })
    });
    futures_util::future::join_all(emitters).await;
    let payloads = subscriptions.iter_mut().map(|subscription| {
        let mut payloads = Vec::new();
        while let Some(Some(Delivery::Message(m))) = subscription.next().now_or_never() {
            assert_eq!(m.seq, payloads.len() as u64 + 1);
            payloads.push(m.payload);
        }
        payloads
    });
    let payloads: Vec<_> = payloads.collect();
    assert!(payloads.iter().all(|these| these.len() == 400 && *these == payloads[0]));
}

#[tokio::test]
async fn members_of_a_queue_group_take_turns_and_one_that_lags_is_passed_over() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().group("workers").capacity(2);
    // The group belongs to the topic, whatever the filters of its members.
    let mut a = hub.subscribe(filter("jobs.*"), options.clone()).await.unwrap();
    let mut b = hub.subscribe(filter("jobs.one"), options).await.unwrap();
    let mut plain = hub.subscribe(filter("**"), SubscribeOptions::new()).await.unwrap();
    for number in 1..=3 {
        emit(&hub, "jobs.one", number).await;
    }
    assert_eq!(waiting(&mut b), [message("jobs.one", 2)]);
    // a is full: b takes its turns.
    for number in 4..=5 {
        emit(&hub, "jobs.one", number).await;
    }
    assert_eq!(waiting(&mut a), [message("jobs.one", 1), message("jobs.one", 3)]);
    assert_eq!(waiting(&mut b), [message("jobs.one", 4), message("jobs.one", 5)]);
    assert_eq!(waiting(&mut plain).len(), 5);
}

#[tokio::test]
async fn what_waits_for_a_member_that_leaves_goes_to_the_others() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().group("workers");
    let a = hub.subscribe(filter("jobs"), options.clone()).await.unwrap();
    let mut b = hub.subscribe(filter("jobs"), options).await.unwrap();
    for number in 1..=4 {
        emit(&hub, "jobs", number).await;
    }
    drop(a);
    assert_eq!(waiting(&mut b), [2, 4, 1, 3].map(|seq| message("jobs", seq)));
}

#[tokio::test]
async fn a_subscription_can_start_with_the_last_event_of_each_topic() {
    let hub = LocalHub::default();
    for (name, number) in [("a.x", 1), ("a.y", 2), ("a.x", 3), ("b", 4)] {
        emit(&hub, name, number).await;
    }
    let options = SubscribeOptions::new().start(Start::Last);
    let mut last = hub.subscribe(filter("a.*"), options).await.unwrap();
    assert_eq!(waiting(&mut last), [message("a.x", 2), message("a.y", 1)]);
}

#[tokio::test]
async fn a_subscription_can_start_after_what_was_seen() {
    let hub = LocalHub::default();
    for name in ["seen", "partly", "old", "new", "partly", "partly"] {
        emit(&hub, name, 0).await;
    }
    let positions = TopicPositions::from([
        ("seen".to_owned(), Position { epoch: 1, seq: 1 }),
        ("partly".to_owned(), Position { epoch: 1, seq: 1 }),
        ("old".to_owned(), Position { epoch: 7, seq: 5 }),
    ]);
    let options = SubscribeOptions::new().start(Start::After(positions));
    let mut after = hub.subscribe(filter("*"), options).await.unwrap();
    let expected = [
        message("new", 1),
        Seen::Gap(6, None, GapReason::NewEpoch),
        message("old", 1),
        Seen::Gap(2, Some(2), GapReason::Away),
        message("partly", 3),
    ];
    assert_eq!(waiting(&mut after), expected);
}

#[tokio::test]
async fn emit_waits_for_room_where_the_policy_is_block_and_nobody_gets_it_before() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(1);
    let mut blocking = hub.subscribe(filter("a"), options).await.unwrap();
    let mut other = hub.subscribe(filter("a"), SubscribeOptions::new()).await.unwrap();
    emit(&hub, "a", 1).await;
    let second = tokio::spawn({
        let hub = hub.clone();
        async move { emit(&hub, "a", 2).await }
    });
    settle().await;
    assert!(!second.is_finished());
    assert_eq!(waiting(&mut other), [message("a", 1)]);
    assert_eq!(waiting(&mut blocking), [message("a", 1)]);
    second.await.unwrap();
    assert_eq!(waiting(&mut other), [message("a", 2)]);
    assert_eq!(waiting(&mut blocking), [message("a", 2)]);

    // An emit that is given up while it waits has not happened.
    emit(&hub, "a", 3).await;
    assert!(
        hub.emit_raw(&topic("a"), Bytes::from_static(&[4]), &Headers::new())
            .now_or_never()
            .is_none()
    );
    assert_eq!(waiting(&mut blocking), [message("a", 3)]);
    emit(&hub, "a", 5).await;
    assert_eq!(waiting(&mut blocking), [message("a", 4)]);
}

#[tokio::test]
async fn a_group_of_blocking_members_waits_for_any_of_them() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().group("g").overflow(Overflow::Block).capacity(1);
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(hub.subscribe(filter("a"), options.clone()).await.unwrap());
    }
    for number in 0..3 {
        emit(&hub, "a", number).await;
    }
    let fourth = tokio::spawn({
        let hub = hub.clone();
        async move { emit(&hub, "a", 3).await }
    });
    settle().await;
    assert!(!fourth.is_finished());
    assert_eq!(waiting(&mut members[1]), [message("a", 2)]);
    fourth.await.unwrap();
    assert_eq!(waiting(&mut members[1]), [message("a", 4)]);
}

#[tokio::test]
async fn disconnect_ends_the_subscription_after_what_waits() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().overflow(Overflow::Disconnect).capacity(2);
    let mut subscription = hub.subscribe(filter("a"), options).await.unwrap();
    for number in 1..=4 {
        emit(&hub, "a", number).await;
    }
    assert_eq!(waiting(&mut subscription), [message("a", 1), message("a", 2)]);
    assert!(matches!(subscription.end_reason(), Some(SubscriptionEnd::Overrun)));
}

#[tokio::test]
async fn what_the_hub_refuses_is_refused_here() {
    let hub = LocalHub::default();
    let emit = async |name: &str, payload: &[u8], headers: Headers| {
        let payload = Bytes::copy_from_slice(payload);
        match hub.emit_raw(&topic(name), payload, &headers).await {
            Err(EmitError::Refused(refusal)) => Some(refusal.0.code),
            Ok(()) => None,
            Err(other) => panic!("{other}"),
        }
    };
    let none = Headers::new;
    assert_eq!(emit("a", &[1], none()).await, None);
    assert_eq!(emit("$hub.x", &[1], none()).await, Some(RefusedCode::ReservedTopic));
    assert_eq!(emit("a", &[], none()).await, Some(RefusedCode::Malformed));
    assert_eq!(emit("a", &[1, 2], none()).await, Some(RefusedCode::Malformed));
    assert_eq!(emit("a", &[0x91; 40], none()).await, Some(RefusedCode::TooDeep));
    let reserved = none().with("$seq", &1).unwrap();
    assert_eq!(emit("a", &[1], reserved).await, Some(RefusedCode::ReservedHeader));
    let mistyped = none().with("type", &7).unwrap();
    assert_eq!(emit("a", &[1], mistyped).await, Some(RefusedCode::BadHeader));

    let refused = |result: Result<Subscription, SubscribeError>| match result {
        Err(SubscribeError::Refused(refusal)) => refusal.0.code,
        other => panic!("{other:?}"),
    };
    let reserved = hub.subscribe(filter("$hub.*"), SubscribeOptions::new()).await;
    assert_eq!(refused(reserved), RefusedCode::ReservedTopic);
    let options = SubscribeOptions::new().group("g").start(Start::Last);
    assert_eq!(refused(hub.subscribe(filter("a"), options).await), RefusedCode::BadOption);
}

#[tokio::test]
async fn closing_delivers_what_waits_and_takes_no_more() {
    let hub = LocalHub::default();
    let mut orders = hub.subscribe(OrderPlaced::filter(), SubscribeOptions::new()).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.close();
    assert!(matches!(hub.emit(&order(2)).await, Err(EmitError::Closed)));
    let after = hub.subscribe(OrderPlaced::filter(), SubscribeOptions::new()).await;
    assert!(matches!(after, Err(SubscribeError::Closed)));
    let delivered: Option<Message> = match orders.next().await {
        Some(Delivery::Message(message)) => Some(message),
        _ => None,
    };
    assert_eq!(delivered.unwrap().decode::<OrderPlaced>().unwrap(), order(1));
    assert_eq!(orders.next().await, None);
    assert!(matches!(orders.end_reason(), Some(SubscriptionEnd::Closed)));
}
