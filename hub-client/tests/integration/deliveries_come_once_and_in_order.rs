//! Promise: each subscription gets every event that the hub names it for, once and in order, though
//! the hub sends one copy for all; what is missing it is told in its place.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{Client, ConnectionEvent, Delivery, Emitter, SubscribeOptions, Subscription};
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
async fn one_copy_is_handed_to_every_subscription_that_the_run_names() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut exact, asked) = subscribe(&client, &mut peer, "t", SubscribeOptions::new()).await;
    assert!(asked.positions && asked.start == Start::Live);
    let (mut all, _) = subscribe(&client, &mut peer, "**", SubscribeOptions::new()).await;
    let (mut other, _) = subscribe(&client, &mut peer, "u.*", SubscribeOptions::new()).await;
    peer.run(1, 2, &[1, 2]).await;
    peer.run_on("u.x", 1, 1, 1, &[2, 3]).await;
    peer.run(3, 1, &[1, 2]).await;
    peer.run(4, 1, &[77]).await; // a subscription that has ended
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
    peer.run(1, 3, &[1]).await;
    peer.run(2, 4, &[1]).await;
    peer.send(&[Frame::Gap(gap(4, Some(8), GapReason::Overflow, &[1]))]).await;
    peer.run(9, 1, &[1]).await;
    peer.run(1, 9, &[1]).await;
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
    peer.run(1, 1, &[1]).await;
    peer.run(4, 1, &[1]).await;
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
    peer.run(1, 2, &[1]).await;
    let options = SubscribeOptions::new().start(Start::Last);
    let answer = async {
        let id = peer.subscribe().await.id;
        peer.run(3, 1, &[1]).await; // for the early one alone
        peer.run(3, 0, &[id]).await; // it stands in front of the last event
        peer.run(3, 1, &[id]).await; // the last event, which it asked for
        peer.run(4, 1, &[1, id]).await;
        peer.send(&[Frame::Subscribed { id }]).await;
        peer.run(5, 1, &[1, id]).await;
        peer.silent().await;
    };
    let (late, ()) =
        soon(async { tokio::join!(client.subscribe(filter("*"), options), answer) }).await;
    assert_eq!(seen(&mut early, 5).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(seen(&mut late.unwrap(), 3).await, ["3", "4", "5"]);
}

#[tokio::test]
async fn a_topic_that_begins_while_subscribing_is_had_from_its_first_event() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut early, _) = subscribe(&client, &mut peer, "**", SubscribeOptions::new()).await;
    let answer = async {
        let id = peer.subscribe().await.id;
        peer.run_on("old", 1, 1, 2, &[1]).await; // before the late one joined
        peer.run_on("old", 1, 3, 0, &[id]).await;
        peer.run_on("new", 1, 1, 2, &[1, id]).await; // made when the hub knew of both
        peer.run_on("old", 1, 3, 1, &[1, id]).await;
        peer.send(&[Frame::Subscribed { id }]).await;
        peer.run_on("new", 1, 3, 1, &[1, id]).await;
        peer.silent().await;
    };
    let late = client.subscribe(filter("*"), SubscribeOptions::new());
    let (late, ()) = soon(async { tokio::join!(late, answer) }).await;
    assert_eq!(seen(&mut early, 6).await, ["1", "2", "1", "2", "3", "3"]);
    let mut late = late.unwrap();
    assert_eq!(seen(&mut late, 4).await, ["1", "2", "3", "3"]);
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
    peer.run_on("quiet", 7, 10, 0, &[2]).await; // stands at 10, no event seen
    peer.run(1, 2, &[1, 2]).await;
    peer.run(2, 1, &[asked.id]).await;
    // The connection breaks in the middle of a run: one of three events came.
    let run = run_bytes("t", 1, 3, 3, &[1, 2]);
    let one = run_bytes("t", 1, 3, 1, &[1, 2]).len();
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

    peer.send(&[Frame::Gap(gap(4, Some(4), GapReason::Away, &[first.id]))]).await;
    peer.run(5, 1, &[first.id]).await;
    peer.send(&[Frame::Gap(gap(4, Some(4), GapReason::Away, &[2]))]).await;
    peer.run(5, 1, &[2]).await;
    peer.run(6, 1, &[1, 2]).await;
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
    peer.run(1, 1, &[1, 2]).await;
    peer.silent().await;
    drop(peer);
    let mut peer = hub.accept(0).await;
    assert_eq!((peer.subscribe().await.id, peer.subscribe().await.id), (1, 2));
    peer.run(3, 0, &[1]).await;
    peer.run(2, 1, &[1]).await;
    peer.send(&[Frame::Subscribed { id: 1 }]).await;
    peer.run(3, 1, &[1]).await; // b has not joined yet
    peer.run(4, 0, &[2]).await;
    peer.run(2, 2, &[2]).await;
    peer.send(&[Frame::Subscribed { id: 2 }]).await;
    peer.run(4, 1, &[1, 2]).await;
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
    peer.run(1, 2, &[1]).await;
    peer.silent().await;
    drop(peer);
    // The hub says so, because the topic exists again already.
    let mut peer = hub.accept(0).await;
    let id = peer.subscribe().await.id;
    peer.run_on("t", 2, 2, 0, &[id]).await;
    peer.send(&[Frame::Gap(gap(3, None, GapReason::NewEpoch, &[id]))]).await;
    peer.run_on("t", 2, 1, 1, &[id]).await;
    peer.send(&[Frame::Subscribed { id }]).await;
    peer.run_on("t", 2, 2, 1, &[1]).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 5).await, ["1", "2", "3-? new_epoch", "1", "2"]);
    drop(peer);
    // The hub cannot say so, because the topic begins only later.
    let mut peer = hub.accept(0).await;
    peer.confirm().await;
    peer.run_on("t", 3, 1, 2, &[1]).await;
    peer.silent().await;
    assert_eq!(seen(&mut sub, 3).await, ["3-? new_epoch", "1", "2"]);
    nothing(&mut sub);
}

#[tokio::test]
async fn the_hub_is_told_what_the_listener_has_finished_and_nothing_is_dropped_here() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let options = SubscribeOptions::new().capacity(4).overflow(Overflow::DropOldest);
    let (mut sub, asked) = subscribe(&client, &mut peer, "t", options).await;
    assert_eq!(asked.window.map(|window| window.events), Some(4));
    peer.run(1, 4, &[1]).await;
    assert_eq!(seen(&mut sub, 3).await, ["1", "2", "3"]);
    peer.taken(1, 2).await; // it still works on the third
    peer.run(5, 2, &[1]).await;
    assert_eq!(seen(&mut sub, 3).await, ["4", "5", "6"]);
    nothing(&mut sub);
    peer.taken(1, 6).await;
    // A listener that does not go on keeps nothing else from being read.
    peer.run(7, 4, &[1]).await;
    peer.settled().await;
}

#[tokio::test]
async fn after_a_reconnect_the_window_leaves_room_for_what_still_waits_here() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let options = SubscribeOptions::new().capacity(4);
    let (mut sub, _) = subscribe(&client, &mut peer, "t", options).await;
    peer.run(1, 3, &[1]).await;
    peer.settled().await;
    drop(peer);
    let mut peer = hub.accept(0).await;
    let again = peer.confirm().await;
    assert_eq!(again.window.map(|window| window.events), Some(1), "three of four wait here");
    // The hub counts from its first event on this connection, also one that had come before.
    peer.run(3, 2, &[1]).await;
    assert_eq!(seen(&mut sub, 4).await, ["1", "2", "3", "4"]);
    nothing(&mut sub);
    peer.taken(1, 2).await;
    assert_eq!(peer.taken[&1].events, Some(4));
}

#[tokio::test]
async fn a_subscription_whose_queue_becomes_full_is_reported_as_slow() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let options = SubscribeOptions::new().capacity(2);
    let (_sub, _) = subscribe(&client, &mut peer, "t", options).await;
    peer.run(1, 3, &[1]).await;
    let slow = event(&mut events, |event| match event {
        ConnectionEvent::Slow { filter } => Some(filter.clone()),
        _ => None,
    });
    assert_eq!(slow.await, "t");
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
