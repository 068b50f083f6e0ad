//! Promise: each subscription gets every event of its topics once and in order, though the hub
//! sends one copy for all; what is missing it is told in its place.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectionEvent, Delivery, Emitter, SubscribeOptions, Subscription, SubscriptionEnd,
};
use hub_wire::*;
use support::*;

async fn subscribe(
    client: &Client,
    peer: &mut Peer,
    text: &str,
    options: SubscribeOptions,
) -> (Subscription, Subscribe) {
    let (subscription, subscribe) =
        soon(async { tokio::join!(client.subscribe(filter(text), options), peer.confirm()) }).await;
    (subscription.unwrap(), subscribe)
}

/// What a subscription yields: `n` for event n, `from-to?reason` for a gap.
async fn seen(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..count {
        seen.push(match soon(subscription.next()).await {
            Some(Delivery::Message(message)) => {
                assert_eq!(message.decode::<u64>().unwrap(), message.seq);
                message.seq.to_string()
            }
            Some(Delivery::Gap(gap)) => {
                let to = gap.to.map_or("?".to_owned(), |to| to.to_string());
                format!("{}-{to} {}", gap.from, gap.reason)
            }
            None => "end".to_owned(),
        });
    }
    seen
}

fn nothing(subscription: &mut Subscription) {
    assert!(poll_once(subscription.next()).is_pending(), "something more came");
}

#[tokio::test]
async fn one_copy_is_handed_to_every_plain_subscription_that_matches() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut exact, asked) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    assert!(asked.positions && asked.start == Start::Live);
    let (mut all, _) = subscribe(&client, &mut peer, "**", SubscribeOptions::new()).await;
    let (mut other, _) = subscribe(&client, &mut peer, "u.*", SubscribeOptions::new()).await;
    peer.run(1, 2, None).await;
    peer.run_on("u.x", 1, 1, 1, None).await;
    peer.run(3, 1, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut exact, 3).await, ["1", "2", "3"]);
    assert_eq!(seen(&mut all, 4).await, ["1", "2", "1", "3"]);
    assert_eq!(seen(&mut other, 1).await, ["1"]);
    for subscription in [&mut exact, &mut all, &mut other] {
        nothing(subscription);
    }
}

#[tokio::test]
async fn a_subscription_that_is_refused_says_why() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let refuse = async {
        let id = peer.subscribe().await.id;
        let no = refused(RefusedWhat::Subscribe, id, RefusedCode::ReservedTopic);
        peer.send(&[Frame::Refused(no)]).await;
    };
    let subscribe = client.subscribe(filter("$x"), SubscribeOptions::new());
    let (subscribed, ()) = soon(async { tokio::join!(subscribe, refuse) }).await;
    let error = subscribed.unwrap_err();
    let hub_client::SubscribeError::Refused(refusal) = error else { panic!("{error:?}") };
    assert_eq!(refusal.0.code, RefusedCode::ReservedTopic);
}

#[tokio::test]
async fn what_was_seen_is_dropped_and_a_gap_tells_only_what_is_missing() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut sub, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    peer.run(1, 3, None).await;
    peer.run(2, 4, None).await;
    peer.send(&[Frame::Gap(gap(4, Some(8), GapReason::Overflow, None))]).await;
    peer.run(9, 1, None).await;
    peer.run(1, 9, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 7).await, ["1", "2", "3", "4", "5", "6-8 overflow", "9"]);
    nothing(&mut sub);
}

#[tokio::test]
async fn numbers_that_jump_without_a_gap_are_reported_and_told_in_place() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let (mut sub, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    peer.run(1, 1, None).await;
    peer.run(4, 1, None).await;
    let violation = event(&mut events, |event| match event {
        ConnectionEvent::Violation(what) => Some(what.clone()),
        _ => None,
    });
    assert_eq!(violation.await, "numbers of t went on with 4 where 2 was due");
    assert_eq!(seen(&mut sub, 3).await, ["1", "2-3 unknown code 0", "4"]);
}

#[tokio::test]
async fn a_subscription_does_not_get_what_came_before_it() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut early, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    peer.run(1, 2, None).await;
    let options = SubscribeOptions::new().start(Start::Last);
    let answer = async {
        let id = peer.subscribe().await.id;
        peer.run(3, 1, None).await; // for the early one alone
        peer.run(4, 0, Some(id)).await; // from here on for both
        peer.run(3, 1, Some(id)).await; // the last event, which it asked for
        peer.run(4, 1, None).await;
        peer.send(&[Frame::Subscribed { id }]).await;
        peer.run(5, 1, None).await;
        peer.silent().await;
    };
    let (late, ()) =
        soon(async { tokio::join!(client.subscribe(filter("*"), options), answer) }).await;
    assert_eq!(seen(&mut early, 5).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(seen(&mut late.unwrap(), 3).await, ["3", "4", "5"]);
}

#[tokio::test]
async fn a_topic_that_begins_while_subscribing_is_had_from_its_first_event_if_that_is_due() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut early, _) = subscribe(&client, &mut peer, "**", SubscribeOptions::new()).await;
    let answer = async {
        let id = peer.subscribe().await.id;
        peer.run_on("old", 1, 1, 2, None).await; // before the late one joined
        peer.run_on("old", 1, 3, 0, Some(id)).await;
        peer.run_on("new", 1, 1, 2, None).await; // made when the hub knew of both
        peer.run_on("old", 1, 3, 1, None).await;
        peer.send(&[Frame::Subscribed { id }]).await;
        peer.run_on("new", 1, 3, 1, None).await;
        peer.silent().await;
    };
    let late = client.subscribe(filter("*"), SubscribeOptions::new());
    let (late, ()) = soon(async { tokio::join!(late, answer) }).await;
    assert_eq!(seen(&mut early, 6).await, ["1", "2", "1", "2", "3", "3"]);
    let mut late = late.unwrap();
    // Order is kept in each topic; between topics there is none.
    assert_eq!(seen(&mut late, 4).await, ["3", "1", "2", "3"]);
    nothing(&mut late);
}

#[tokio::test]
async fn after_a_reconnect_it_goes_on_behind_what_was_handed_over() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut sub, first) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    let (mut idle, _) = subscribe(&client, &mut peer, "**", SubscribeOptions::new()).await;
    let grouped = SubscribeOptions::new().group("g");
    let (mut member, asked) = subscribe(&client, &mut peer, "t", grouped).await;
    assert!(!asked.positions, "a group has no positions");
    peer.run_on("quiet", 7, 10, 0, Some(2)).await; // stands at 10, no event seen
    peer.run(1, 2, None).await;
    peer.run(2, 1, Some(asked.id)).await;
    // The connection breaks in the middle of a run: one of three events came.
    let run = run_bytes("t", 1, 3, 3, None);
    let one = run_bytes("t", 1, 3, 1, None).len();
    peer.raw(&run[..one + 3]).await;
    assert_eq!(seen(&mut sub, 3).await, ["1", "2", "3"]);
    drop(peer);

    let mut peer = hub.accept(0).await;
    let again = peer.confirm().await;
    let position = |epoch, seq| Position { epoch, seq };
    assert_eq!(
        (again.id, &again.start),
        (first.id, &Start::After([("t".into(), position(1, 3))].into()))
    );
    let Start::After(after) = peer.confirm().await.start else { panic!("positions") };
    assert_eq!(after, [("quiet".into(), position(7, 9)), ("t".into(), position(1, 3))].into());
    let restored = peer.confirm().await;
    assert_eq!((restored.group.as_deref(), restored.start), (Some("g"), Start::Live));

    peer.send(&[Frame::Gap(gap(4, Some(4), GapReason::Away, Some(first.id)))]).await;
    peer.run(5, 1, Some(first.id)).await;
    peer.send(&[Frame::Gap(gap(4, Some(4), GapReason::Away, Some(2)))]).await;
    peer.run(5, 1, Some(2)).await;
    peer.run(6, 1, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 3).await, ["4-4 away", "5", "6"]);
    assert_eq!(seen(&mut idle, 6).await, ["1", "2", "3", "4-4 away", "5", "6"]);
    assert_eq!(seen(&mut member, 1).await, ["2"]);
}

#[tokio::test]
async fn while_it_is_restored_a_subscription_gets_nothing_out_of_place() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let (mut a, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    let (mut b, _) = subscribe(&client, &mut peer, "*", SubscribeOptions::new()).await;
    peer.run(1, 1, None).await;
    peer.silent().await;
    drop(peer);
    let mut peer = hub.accept(0).await;
    assert_eq!((peer.subscribe().await.id, peer.subscribe().await.id), (1, 2));
    peer.run(3, 0, Some(1)).await;
    peer.run(2, 1, Some(1)).await;
    peer.send(&[Frame::Subscribed { id: 1 }]).await;
    peer.run(3, 1, None).await; // b has not joined yet
    peer.run(4, 0, Some(2)).await;
    peer.run(2, 2, Some(2)).await;
    peer.send(&[Frame::Subscribed { id: 2 }]).await;
    peer.run(4, 1, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut a, 4).await, ["1", "2", "3", "4"]);
    assert_eq!(seen(&mut b, 4).await, ["1", "2", "3", "4"]);
    while let std::task::Poll::Ready(Some(event)) = poll_once(events.next()) {
        assert!(!matches!(event, ConnectionEvent::Violation(_)), "{event:?}");
    }
}

#[tokio::test]
async fn a_topic_that_began_anew_is_told_once() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut sub, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    peer.run(1, 2, None).await;
    peer.silent().await;
    drop(peer);
    // The hub says so, because the topic exists again already.
    let mut peer = hub.accept(0).await;
    let id = peer.subscribe().await.id;
    peer.run_on("t", 2, 2, 0, Some(id)).await;
    peer.send(&[Frame::Gap(gap(3, None, GapReason::NewEpoch, Some(id)))]).await;
    peer.run_on("t", 2, 1, 1, Some(id)).await;
    peer.send(&[Frame::Subscribed { id }]).await;
    peer.run_on("t", 2, 2, 1, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 5).await, ["1", "2", "3-? new_epoch", "1", "2"]);
    drop(peer);
    // The hub cannot say so, because the topic begins only later.
    let mut peer = hub.accept(0).await;
    peer.confirm().await;
    peer.run_on("t", 3, 1, 2, None).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 3).await, ["3-? new_epoch", "1", "2"]);
    nothing(&mut sub);
}

#[tokio::test]
async fn only_a_block_subscription_stops_the_reading_and_dropping_it_goes_on() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let blocking = SubscribeOptions::new().capacity(2).overflow(Overflow::Block);
    let dropping = SubscribeOptions::new().capacity(2);
    let (mut block, _) = subscribe(&client, &mut peer, "t", blocking).await;
    let (mut lossy, _) = subscribe(&client, &mut peer, "t", dropping).await;
    peer.run(1, 10, None).await;
    peer.send(&[Frame::Ping { token: 7 }]).await;
    assert_eq!(seen(&mut block, 10).await.len(), 10, "nothing is dropped");
    assert_eq!(peer.next().await, Some(Sent::Pong(7)));
    assert_eq!(seen(&mut lossy, 3).await, ["1-8 overflow", "9", "10"]);
    peer.run(11, 10, None).await;
    drop(block);
    peer.send(&[Frame::Ping { token: 8 }]).await;
    let mut answers = [peer.next().await, peer.next().await];
    answers.sort_by_key(|answer| matches!(answer, Some(Sent::Pong(_))));
    assert_eq!(answers, [Some(Sent::Unsubscribe(1)), Some(Sent::Pong(8))]);
    assert_eq!(seen(&mut lossy, 3).await, ["11-18 overflow", "19", "20"]);
}

#[tokio::test]
async fn a_subscription_whose_queue_becomes_full_is_reported_as_slow() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let options = SubscribeOptions::new().capacity(2);
    let (_sub, _) = subscribe(&client, &mut peer, "t", options).await;
    peer.run(1, 3, None).await;
    let slow = event(&mut events, |event| match event {
        ConnectionEvent::Slow { filter } => Some(filter.clone()),
        _ => None,
    });
    assert_eq!(slow.await, "t");
}

#[tokio::test]
async fn a_subscription_that_may_not_lose_and_does_not_read_ends_and_the_hub_is_told() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let options = SubscribeOptions::new().capacity(2).overflow(Overflow::Disconnect);
    let (mut sub, subscribe) = subscribe(&client, &mut peer, "t", options).await;
    peer.run(1, 50, None).await;
    assert_eq!(peer.next().await, Some(Sent::Unsubscribe(subscribe.id)));
    assert_eq!(seen(&mut sub, 3).await, ["1", "2", "end"]);
    assert!(matches!(sub.end_reason(), Some(SubscriptionEnd::Overrun)));
    drop(sub);
    peer.silent().await;
}

#[tokio::test]
async fn a_restored_subscription_that_is_refused_ends_and_is_reported() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let (mut sub, _) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    drop(peer);
    let mut peer = hub.accept(0).await;
    let id = peer.subscribe().await.id;
    let no = refused(RefusedWhat::Subscribe, id, RefusedCode::Forbidden);
    peer.send(&[Frame::Refused(no)]).await;
    let lost = event(&mut events, |event| match event {
        ConnectionEvent::SubscriptionLost { filter, .. } => Some(filter.clone()),
        _ => None,
    });
    assert_eq!(lost.await, "t");
    assert_eq!(seen(&mut sub, 1).await, ["end"]);
}
