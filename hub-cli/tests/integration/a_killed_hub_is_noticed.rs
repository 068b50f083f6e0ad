//! Promise: SIGKILL to a real hub under load, and another hub on its port. Every client comes back
//! by itself, with its subscriptions; what a subscriber missed is a GAP in its place, never just
//! missing; and a publisher is told of each event, or at least how many, whose fate nobody knows.
//!
//! Four publishers with a topic each, two that wait for each receipt and two that do not, and three
//! subscribers to all topics. Clients have the options of the SDK, but for a queue that loses nothing.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Hub, PATIENCE};
use hub_client::{
    Client, ConnectionEvent, Delivery, EmitError, Emitter, GapReason, Headers, Overflow,
    SubscribeOptions, Subscription, TopicFilter, TopicName, encode,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PUBLISHERS: u64 = 4;
const SUBSCRIBERS: usize = 3;

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let timed = tokio::time::timeout(PATIENCE, future).await;
    timed.unwrap_or_else(|_| panic!("{what} took too long"))
}

/// What a publisher was told.
#[derive(Default)]
struct Told {
    /// Ids of events whose receipt came, and of those whose fate is unknown; where it waited.
    receipted: Vec<u64>,
    unknown: Vec<u64>,
    /// How many flush said are unknown.
    counted_unknown: u64,
    sent: u64,
}

/// Publishes until it is told to stop; then its last event, for which it waits.
async fn publish(client: Client, name: u64, stop: Arc<AtomicBool>, count: Arc<AtomicU64>) -> Told {
    let topic = TopicName::parse(&format!("load.{name}")).unwrap();
    let headers = Headers::new();
    let mut told = Told::default();
    let waits = name.is_multiple_of(2);
    loop {
        let id = told.sent;
        let last = stop.load(Ordering::Acquire);
        let payload = encode(&(id, last, "x".repeat(200))).unwrap();
        if waits || last {
            let emit = client.emit_raw(&topic, payload, &headers);
            match soon("emit", emit).await {
                Ok(()) => told.receipted.push(id),
                Err(EmitError::OutcomeUnknown) => told.unknown.push(id),
                Err(other) => panic!("{other:?}"),
            }
        } else {
            soon("publish", client.publish_raw(&topic, &payload, &headers)).await.unwrap();
        }
        told.sent += 1;
        count.fetch_add(1, Ordering::Relaxed);
        if last {
            break;
        }
    }
    if let Err(error) = soon("flush", client.flush()).await {
        assert_eq!((error.refused.len(), error.not_sent), (0, 0), "{error:?}");
        told.counted_unknown = error.outcome_unknown;
    }
    client.close().await;
    told
}

/// What a subscriber saw of one topic in one epoch: ids by number, and numbers that are missing.
#[derive(Debug, Default)]
struct Epoch {
    epoch: u64,
    next: u64,
    ids: Vec<(u64, u64)>,
    missing: u64,
}

/// What a subscriber saw of one topic: its epochs, and whether a GAP stands between them.
type Topic = Vec<Epoch>;

/// Events that a subscriber has of each publisher.
type Heard = Arc<[AtomicU64; PUBLISHERS as usize]>;

async fn see(mut subscription: Subscription, heard: Heard) -> HashMap<String, Topic> {
    let mut topics: HashMap<String, Topic> = HashMap::new();
    let mut ended = 0;
    // The open end of a topic's old epoch, which was announced.
    let mut announced: HashMap<String, u64> = HashMap::new();
    while ended < PUBLISHERS {
        match soon("the next event", subscription.next()).await.expect("it does not end") {
            Delivery::Message(message) => {
                let topic = topics.entry(message.topic.to_string()).or_default();
                if topic.last().is_none_or(|last| last.epoch != message.epoch) {
                    if let Some(last) = topic.last() {
                        let from = announced.remove(message.topic.as_str());
                        assert_eq!(
                            from,
                            Some(last.next),
                            "the GAP where the old hub's numbers end"
                        );
                    }
                    topic.push(Epoch { epoch: message.epoch, next: 1, ..Epoch::default() });
                }
                let epoch = topic.last_mut().unwrap();
                assert_eq!(message.seq, epoch.next, "{}", message.topic);
                epoch.next += 1;
                let (id, last, _): (u64, bool, String) = message.decode().unwrap();
                epoch.ids.push((message.seq, id));
                let publisher = message.topic.as_str().trim_start_matches("load.");
                heard[publisher.parse::<usize>().unwrap()].fetch_add(1, Ordering::Relaxed);
                ended += u64::from(last);
            }
            Delivery::Gap(gap) if gap.reason == GapReason::NewEpoch => {
                assert_eq!(gap.to, None);
                announced.insert(gap.topic, gap.from);
            }
            Delivery::Gap(gap) => {
                // The new hub's topic had events before this subscriber was back.
                let topic = topics.entry(gap.topic.clone()).or_default();
                if topic.last().is_none_or(|last| last.epoch != gap.epoch) {
                    let last = topic.last().expect("nothing is missing before the kill").next;
                    assert_eq!(announced.remove(&gap.topic), Some(last));
                    topic.push(Epoch { epoch: gap.epoch, next: 1, ..Epoch::default() });
                }
                let epoch = topic.last_mut().unwrap();
                assert_eq!(gap.from, epoch.next, "{gap:?}");
                epoch.next = gap.to.unwrap() + 1;
                epoch.missing += epoch.next - gap.from;
            }
        }
    }
    assert!(announced.is_empty(), "{announced:?}");
    topics
}

/// The time from `since` until this client is connected to another hub than the first.
async fn back(client: Client) -> Instant {
    let mut events = client.events();
    let mut hubs = Vec::new();
    while hubs.len() < 2 {
        match events.next().await.expect("the client goes on") {
            ConnectionEvent::Connected { hub, .. } if hubs.last() != Some(&hub) => hubs.push(hub),
            _ => {}
        }
    }
    Instant::now()
}

fn check(publisher: u64, told: &Told, topics: &HashMap<String, Topic>) -> u64 {
    let [old, new] = &topics[&format!("load.{publisher}")][..] else {
        panic!("two hubs: {:?}", topics.keys());
    };
    // In the old hub the topic's numbers were this publisher's, from its first event on.
    assert_eq!(old.missing, 0, "`block` drops nothing");
    assert!(old.ids.iter().all(|(number, id)| *id == number - 1), "publisher {publisher}");
    // In the new one as well, from the first that it got.
    let (number, id) = new.ids[0];
    let first = id - (number - 1);
    assert!(new.ids.iter().all(|(number, id)| *id == first + number - 1), "publisher {publisher}");
    assert_eq!(first + new.next - 1, told.sent, "nothing is missing at the end");
    let seen = old.next - 1;
    assert!(seen <= first, "an event came twice: {seen} of the old hub, then {first}");
    // What is missing between them was receipted, and is behind the announced gap, or unknown.
    if publisher.is_multiple_of(2) {
        let unknown_after = told.unknown.iter().filter(|id| **id >= first).count();
        assert_eq!(unknown_after, 0, "the new hub has it: {:?} from {first}", told.unknown);
        assert_eq!((told.receipted.len() + told.unknown.len()) as u64, told.sent);
        assert!(told.unknown.len() <= 1, "it waits for each: {:?}", told.unknown);
        assert_eq!(told.counted_unknown, 0, "who waits is told at once");
    } else {
        assert!(told.counted_unknown <= first, "{} of {first}", told.counted_unknown);
    }
    first - seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_come_back_and_know_what_they_missed() {
    come_back_after(Duration::ZERO).await;
}

/// Long enough for the waiting between attempts to have grown to its longest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_long_outage_they_are_back_as_soon() {
    let longest = come_back_after(Duration::from_secs(12)).await;
    // Two seconds are promised. The rest is for a machine that is busy with other tests; without a
    // bound on the waiting, it would be up to half a minute.
    assert!(longest < Duration::from_secs(10), "{longest:?}");
}

/// Kills the hub, starts another after `outage`, and checks what everybody was told. How long after
/// the new hub was ready the last client was back.
async fn come_back_after(outage: Duration) -> Duration {
    let hub = Hub::start();
    let connect = |name: String| {
        let builder = Client::builder(&hub.url).name(name);
        async move { builder.connect().await.unwrap() }
    };
    let (mut subscribers, mut seeing, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..SUBSCRIBERS {
        let client = connect(format!("subscriber-{n}")).await;
        let options = SubscribeOptions::new().overflow(Overflow::Block);
        let filter = TopicFilter::parse("load.*").unwrap();
        let subscription = client.subscribe(filter, options).await.unwrap();
        heard.push(Heard::default());
        seeing.push(tokio::spawn(see(subscription, heard[n].clone())));
        subscribers.push(client);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let mut publishing = Vec::new();
    let mut clients = subscribers.clone();
    for name in 0..PUBLISHERS {
        let client = connect(format!("publisher-{name}")).await;
        clients.push(client.clone());
        publishing.push(tokio::spawn(publish(client, name, stop.clone(), count.clone())));
    }
    let coming_back: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(back(client))).collect();
    let more = async |events: u64| {
        let until = count.load(Ordering::Relaxed) + events;
        while count.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("load", more(5_000)).await;
    let everybody = async {
        while heard.iter().flat_map(|heard| heard.iter()).any(|n| n.load(Ordering::Relaxed) == 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("everybody hears everybody", everybody).await;
    let hub = tokio::task::spawn_blocking(move || hub.start_again_after(outage)).await.unwrap();
    let since = Instant::now();
    let mut longest = Duration::ZERO;
    for back in coming_back {
        let at = soon("a client's return", back).await.unwrap();
        longest = longest.max(at.saturating_duration_since(since));
    }
    eprintln!("the last client was back {longest:?} after the new hub was ready");
    soon("load after the restart", more(5_000)).await;
    stop.store(true, Ordering::Release);
    let mut told = Vec::new();
    for publisher in publishing {
        told.push(publisher.await.unwrap());
    }
    for seen in seeing {
        let topics = seen.await.unwrap();
        for (name, told) in (0..).zip(&told) {
            let missed = check(name, told, &topics);
            let unknown = told.counted_unknown + told.unknown.len() as u64;
            eprintln!("publisher {name}: {} sent, {unknown} unknown, {missed} missed", told.sent);
        }
    }
    drop(hub);
    longest
}
