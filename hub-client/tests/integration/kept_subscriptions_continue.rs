//! Promise: a client that comes back continues each subscription with one small frame, if the hub has
//! kept it, and with its positions if not. Nothing is lost and nothing comes twice, also at a hub that
//! has no history.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_client::{
    Client, ConnectionEvent, Delivery, Emitter, Headers, SubscribeOptions, Subscription,
};
use hub_server::{Config, RunningHub};
use hub_wire::{Gap, *};
use std::time::Duration;
use support::proxy::{Fault, Proxy, Random};
use support::*;

async fn subscribed(client: &Client, peer: &mut Peer, topics: &str) -> (Subscription, u64) {
    let options = SubscribeOptions::new();
    let (subscription, asked) =
        tokio::join!(client.subscribe(filter(topics), options), peer.confirm());
    assert!(asked.keep && asked.window.is_some(), "{asked:?}");
    (subscription.unwrap(), asked.id)
}

/// Accepts a client for which the hub has kept subscriptions.
async fn kept(hub: &FakeHub) -> Peer {
    hub.accept_with(|welcome| (welcome.resumed, welcome.kept) = (true, true)).await
}

async fn numbers(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        match soon(subscription.next()).await {
            Some(Delivery::Message(message)) => numbers.push(message.seq),
            other => panic!("{other:?} behind {numbers:?}"),
        }
    }
    numbers
}

async fn next_gap(subscription: &mut Subscription) -> Gap {
    match soon(subscription.next()).await {
        Some(Delivery::Gap(gap)) => gap,
        other => panic!("{other:?} instead of a gap"),
    }
}

#[tokio::test]
async fn it_resumes_with_what_it_has_got_also_in_the_middle_of_a_run() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut subscription, id) = subscribed(&client, &mut peer, "t").await;
    peer.run(1, 4, &[id]).await;
    peer.send(&[Frame::Gap(gap(5, Some(6), GapReason::Overflow, &[id]))]).await;
    let run = run_bytes("t", 1, 7, 3, &[id]);
    let last_event = run_bytes("t", 1, 9, 1, &[id]).len() - run_bytes("t", 1, 9, 0, &[id]).len();
    // The connection ends within the last event of the run.
    peer.raw(&run[..run.len() - last_event + 2]).await;
    assert_eq!(numbers(&mut subscription, 4).await, [1, 2, 3, 4]);
    assert_eq!(next_gap(&mut subscription).await.to, Some(6));
    assert_eq!(numbers(&mut subscription, 2).await, [7, 8]);
    drop(peer);
    let mut peer = kept(&hub).await;
    let resume = Sent::Resume(Resume { subscription: id, events: 6, gaps: 1 });
    assert_eq!(peer.next().await, Some(resume), "one frame, without positions");
    // The listener has not finished the last of them.
    peer.taken(id, 5).await;
    assert!(peer.taken[&id].events.is_some(), "the last report of the window may be lost");
    peer.send(&[Frame::Subscribed { id }]).await;
    peer.run(9, 2, &[id]).await;
    assert_eq!(numbers(&mut subscription, 2).await, [9, 10]);
    // The counts go on.
    peer.taken(id, 7).await;
    drop(peer);
    let mut peer = kept(&hub).await;
    let resume = Sent::Resume(Resume { subscription: id, events: 8, gaps: 1 });
    assert_eq!(peer.next().await, Some(resume));
}

#[tokio::test]
async fn what_the_hub_has_not_kept_continues_at_its_positions() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (mut subscription, id) = subscribed(&client, &mut peer, "t").await;
    peer.run(1, 3, &[id]).await;
    assert_eq!(numbers(&mut subscription, 3).await, [1, 2, 3]);
    drop(peer);
    // The hub has kept others, but not this one.
    let mut peer = kept(&hub).await;
    assert!(matches!(peer.next().await, Some(Sent::Resume(_))));
    let unknown = refused(RefusedWhat::Subscribe, id, RefusedCode::UnknownSubscription);
    peer.send(&[Frame::Refused(unknown)]).await;
    let after = Start::After([("t".into(), Position { epoch: 1, seq: 3 })].into());
    let again = peer.confirm().await;
    assert_eq!((again.id, again.start, again.keep), (id, after.clone(), true));
    peer.run(4, 1, &[id]).await;
    assert_eq!(numbers(&mut subscription, 1).await, [4]);
    drop(peer);
    // The counts began anew with that SUBSCRIBE.
    let mut peer = kept(&hub).await;
    let resume = Sent::Resume(Resume { subscription: id, events: 1, gaps: 0 });
    assert_eq!(peer.next().await, Some(resume));
    drop(peer);
    // The hub has kept nothing.
    let mut peer = hub.accept(1).await;
    let again = peer.confirm().await;
    let after = Start::After([("t".into(), Position { epoch: 1, seq: 4 })].into());
    assert_eq!((again.id, again.start), (id, after));
    assert!(matches!(client.flush().await, Ok(())));
}

#[tokio::test]
async fn after_a_restart_no_position_is_sent_and_each_topic_is_told_to_begin_anew() {
    let mut hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let mut events = client.events();
    let (mut subscription, id) = subscribed(&client, &mut peer, "*").await;
    for topic in ["t", "u"] {
        peer.run_on(topic, 1, 1, 2, &[id]).await;
    }
    assert_eq!(numbers(&mut subscription, 4).await, [1, 2, 1, 2]);
    drop(peer);
    hub.id = [2; 16];
    let mut peer = hub.accept(0).await;
    let again = peer.confirm().await;
    assert_eq!(again.start, Start::After([].into()));
    for topic in ["t", "u"] {
        let gap = next_gap(&mut subscription).await;
        assert_eq!((gap.topic.as_str(), gap.epoch, gap.from, gap.to), (topic, 1, 3, None));
        assert_eq!(gap.reason, GapReason::NewEpoch);
    }
    let told = event(&mut events, |event| match event {
        ConnectionEvent::Gap(gap) => Some(gap.reason),
        _ => None,
    });
    assert_eq!(told.await, GapReason::NewEpoch);
    // The new epoch comes from its first event on, without another gap.
    peer.run_on("t", 9, 1, 2, &[id]).await;
    assert_eq!(numbers(&mut subscription, 2).await, [1, 2]);
}

#[tokio::test]
async fn a_subscription_that_ended_while_it_was_away_ends_at_the_hub() {
    let hub = FakeHub::start().await;
    let (client, mut peer) = hub.connect(hub.client()).await;
    let (subscription, id) = subscribed(&client, &mut peer, "t").await;
    let mut events = client.events();
    drop(peer);
    event(&mut events, |event| matches!(event, ConnectionEvent::Lost { .. }).then_some(())).await;
    drop(subscription);
    let mut peer = kept(&hub).await;
    assert_eq!(peer.next().await, Some(Sent::Unsubscribe(id)));
}

/// A subscriber behind a network that cuts, at a hub that has no history and so cannot replay.
async fn cut_again_and_again(seed: u64, faults: &'static [Fault]) {
    const EVENTS: u64 = 4_000;
    eprintln!("seed {seed}");
    let mut config = Config { history_bytes: 0, history_topic_bytes: 0, ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    let hub = RunningHub::start(config.validate().unwrap()).unwrap();
    let proxy = Proxy::with_faults(hub.clients(), faults, 150, 16_000, seed).await;
    let client = Client::builder(&format!("hub://{}", proxy.address))
        .backoff_min(Duration::from_millis(1))
        .backoff_max(Duration::from_millis(4));
    let client = client.patience(Duration::from_secs(20)).connect().await.unwrap();
    let options = SubscribeOptions::new().capacity(50);
    let mut subscription = client.subscribe(filter("cut.*"), options).await.unwrap();
    let publisher = Client::connect(&format!("hub://{}", hub.clients())).await.unwrap();
    let mut random = Random(seed);
    let publishing = async {
        for number in 0..EVENTS {
            let topic = topic(&format!("cut.{}", number % 7));
            let payload = hub_client::encode(&(number, "x".repeat(random.below(300)))).unwrap();
            publisher.publish_raw(&topic, &payload, &Headers::new()).await.unwrap();
            if random.below(40) == 0 {
                publisher.flush().await.unwrap();
            }
        }
        publisher.flush().await.unwrap();
    };
    let reading = async {
        let mut next = [1; 7];
        for _ in 0..EVENTS {
            let Some(Delivery::Message(message)) = subscription.next().await else {
                panic!("seed {seed}: a gap at {next:?}");
            };
            let (number, _): (u64, String) = message.decode().unwrap();
            let due = &mut next[(number % 7) as usize];
            assert_eq!((message.seq, number / 7 + 1), (*due, *due), "seed {seed}");
            *due += 1;
        }
    };
    let all = async { tokio::join!(publishing, reading) };
    if tokio::time::timeout(Duration::from_secs(60), all).await.is_err() {
        panic!("seed {seed}: it took too long; {} cuts", proxy.cuts());
    }
    eprintln!("{} cuts, {} connections", proxy.cuts(), proxy.connections());
    client.close().await;
    publisher.close().await;
}

#[tokio::test]
async fn nothing_is_lost_at_a_hub_without_history_wherever_the_stream_ends() {
    cut_again_and_again(getrandom::u64().unwrap(), &[Fault::Cut]).await;
}

#[tokio::test]
async fn nothing_is_lost_at_a_hub_without_history_whatever_the_fault() {
    cut_again_and_again(getrandom::u64().unwrap(), &Fault::ALL).await;
}
