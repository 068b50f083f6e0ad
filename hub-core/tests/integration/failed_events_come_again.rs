//! Claim: a listener that acknowledges gets an event again on which it has failed, with the number of
//! the attempt, and after the last attempt the event is a dead letter.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use hub_core::emitter::{
    Acknowledge, Emitter, ListenerFault, LocalHub, Message, SubscribeOptions, encode,
};
use hub_wire::{GapReason, TopicFilter, TopicName};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

type Seen = Arc<Mutex<Vec<(u32, u32)>>>;

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

/// Listens to `jobs`, and fails on the events for which `fails` returns true.
async fn listen(
    hub: &LocalHub,
    options: SubscribeOptions,
    fails: impl Fn(u32, u32) -> bool + Send + Sync + 'static,
) -> Seen {
    let seen = Seen::default();
    let log = seen.clone();
    let work = move |message: Message| {
        let (job, attempt) = (message.decode::<u32>().unwrap(), message.attempt);
        log.lock().unwrap().push((job, attempt));
        if fails(job, attempt) { Err("no such order") } else { Ok(()) }
    };
    hub.on_filter(TopicFilter::parse("jobs").unwrap(), options, work).await.unwrap();
    seen
}

async fn emit(hub: &LocalHub, jobs: std::ops::Range<u32>) {
    for job in jobs {
        hub.emit_raw(&topic("jobs"), encode(&job).unwrap(), &Default::default()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_comes_again_after_a_backoff_that_doubles() {
    let hub = LocalHub::default();
    let terms = Acknowledge::new().backoff(Duration::from_secs(1)).attempts(9);
    let options = SubscribeOptions::new().acknowledge(terms);
    let seen = listen(&hub, options, |job, attempt| job == 1 && attempt < 4).await;
    let start = Instant::now();
    emit(&hub, 0..3).await;
    hub.drain().await;
    assert_eq!(*seen.lock().unwrap(), [(0, 1), (1, 1), (2, 1), (1, 2), (1, 3), (1, 4)]);
    assert_eq!(start.elapsed().as_secs(), 1 + 2 + 4);
}

#[tokio::test(start_paused = true)]
async fn after_its_last_attempt_an_event_is_a_dead_letter() {
    let hub = LocalHub::default();
    let mut dead = hub
        .subscribe(TopicFilter::parse("jobs.dead").unwrap(), SubscribeOptions::new())
        .await
        .unwrap();
    let terms = Acknowledge::new().attempts(2).dead_letter(&topic("jobs.dead"));
    let options = SubscribeOptions::new().group("workers").acknowledge(terms);
    let seen = listen(&hub, options, |job, _| job == 1).await;
    emit(&hub, 0..2).await;
    hub.drain().await;
    assert_eq!(*seen.lock().unwrap(), [(0, 1), (1, 1), (1, 2)]);
    let Some(hub_core::emitter::Delivery::Message(letter)) = dead.next().await else {
        panic!("a dead letter")
    };
    assert_eq!((letter.decode::<u32>().unwrap(), &*letter.publisher), (1, "$hub"));
    let header = |key: &str| letter.headers.get::<String>(key).unwrap().unwrap();
    assert_eq!((header("$dead.topic"), header("$dead.group")), ("jobs".into(), "workers".into()));
    assert_eq!(header("$dead.reason"), "the listener failed: no such order");
    assert_eq!(letter.headers.get::<u32>("$dead.attempts").unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_dead_letter_topic_a_gap_tells_the_listener() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let options = SubscribeOptions::new().acknowledge(Acknowledge::new().attempts(1));
    listen(&hub, options, |_, _| true).await;
    emit(&hub, 0..1).await;
    hub.drain().await;
    let mut told = false;
    while !told {
        let fault = errors.next().await.unwrap().fault;
        told = matches!(fault, ListenerFault::Missed(gap) if gap.reason == GapReason::GivenUp);
    }
}
