//! A registry with its topic actors on the single thread of a test, under a clock that the test controls.

use super::line::Line;
use super::{event, name};
use actix::{Arbiter, System};
use hub_core::topic::{
    AckPolicy, FlowGauge, FlushList, Join, Leave, PendingRun, PublishResult, Registry, RunSource,
    SubscriptionEntry, Topic, TopicSettings, continue_replays,
};
use hub_wire::{Frame, Overflow, Start, TopicFilter};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;
use std::time::Duration;

/// A topic that nobody uses ends after one to two times this duration.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

/// Runs a test on the thread of the actors, with a clock that stands still.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    System::new().block_on(async {
        tokio::time::pause();
        test.await
    })
}

/// Runs a property on the thread of the actors, with a clock that stands still.
pub(crate) fn check<S: Strategy, F: Future<Output = ()>>(
    cases: u32,
    file: &'static str,
    input: S,
    property: impl Fn(S::Value) -> F,
) {
    // `PROPTEST_CASES` sets another number of cases, as in other properties.
    let cases = std::env::var("PROPTEST_CASES").map_or(cases, |more| more.parse().unwrap());
    let config = Config { cases, source_file: Some(file), ..Config::default() };
    let checked = TestRunner::new(config).run(&input, |value| {
        run(property(value));
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}

pub(crate) fn settings() -> TopicSettings {
    TopicSettings {
        max_topics: 1_000,
        idle: IDLE,
        history_per_topic: 1 << 20,
        history_in_all: 1 << 24,
        first_epoch: 1_000,
        group_linger: Duration::from_secs(60),
    }
}

/// Returns a registry whose actors run on this thread.
pub(crate) fn registry(settings: TopicSettings) -> Arc<Registry> {
    Registry::new(settings, vec![Arbiter::current()])
}

/// Lets the actors process their messages.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets so much time pass that topics that nobody uses end.
pub(crate) async fn idle() {
    settle().await;
    for _ in 0..2 {
        // The time advances a little more, because timers are rounded up.
        tokio::time::advance(IDLE + Duration::from_secs(1)).await;
        settle().await;
    }
}

/// Options of a subscription.
pub(crate) struct Wants {
    pub(crate) group: Option<&'static str>,
    pub(crate) overflow: Overflow,
    pub(crate) start: Start,
    pub(crate) positions: bool,
    pub(crate) flow: Option<Arc<FlowGauge>>,
    pub(crate) ack: Option<AckPolicy>,
}

impl Default for Wants {
    fn default() -> Self {
        let (overflow, start) = (Overflow::DropOldest, Start::Live);
        Wants { group: None, overflow, start, positions: false, flow: None, ack: None }
    }
}

pub(crate) fn entry(
    line: &Arc<Line>,
    id: u64,
    filter: &str,
    wants: Wants,
) -> Arc<SubscriptionEntry> {
    Arc::new(SubscriptionEntry {
        id,
        filter: TopicFilter::parse(filter).unwrap(),
        group: wants.group.map(Arc::from),
        overflow: wants.overflow,
        start: wants.start,
        positions: wants.positions,
        flow: wants.flow,
        replays: Default::default(),
        ack: wants.ack,
        observe: false,
        connection: line.clone(),
        charge: None,
        guard: None,
    })
}

/// Subscribes as a session does: the subscription joins every topic, and then the client gets
/// SUBSCRIBED.
pub(crate) async fn subscribe(registry: &Registry, entry: &Arc<SubscriptionEntry>) {
    for topic in registry.subscribe(entry) {
        // A topic that has ended in the meantime has nothing to replay.
        topic.actor().unwrap().send(Join(entry.clone())).await.ok();
    }
    entry.connection.queue().append_control(Frame::Subscribed { id: entry.id }.to_bytes());
    entry.connection.flush();
}

/// Uses the room in the window of a subscription as a session does.
pub(crate) fn feed(registry: &Registry, entry: &Arc<SubscriptionEntry>, to_flush: &mut FlushList) {
    for name in entry.flow.iter().flat_map(|flow| flow.take_asked()) {
        let Some(topic) = registry.get(name.as_str()) else { continue };
        while topic.refill(entry, to_flush) {}
    }
    continue_replays(entry);
}

/// Unsubscribes as a session does.
pub(crate) async fn unsubscribe(registry: &Registry, entry: &Arc<SubscriptionEntry>) {
    for topic in registry.unsubscribe(entry) {
        topic.actor().unwrap().send(Leave([entry.clone()].into())).await.ok();
    }
}

/// Returns a run of events with these ids, as a session gathers it.
pub(crate) fn gathered(topic: &Topic, publisher: &str, ids: &[u64], padding: usize) -> PendingRun {
    gathered_unlike(topic, publisher, ids, |_| padding)
}

/// Returns a run of events with these ids, of which each has a padding of its own.
pub(crate) fn gathered_unlike(
    topic: &Topic,
    publisher: &str,
    ids: &[u64],
    padding: impl Fn(u64) -> usize,
) -> PendingRun {
    let source = RunSource::new(topic.name().as_str(), topic.epoch(), publisher, None);
    let mut run = PendingRun::new(source, 64);
    for id in ids {
        let key = (id % 3).to_string();
        run.push(&event(topic.name().as_str(), *id, Some(&key), padding(*id)), 1);
    }
    run
}

/// Publishes on the topic of this name, as a session does it, and flushes.
pub(crate) fn publish(registry: &Arc<Registry>, topic: &str, ids: &[u64]) -> PublishResult {
    let topic = registry.get_or_create(&name(topic)).unwrap();
    publish_run(&topic, &mut gathered(&topic, "p#1", ids, 10), 1)
}

/// Publishes a run, as a session does it, and flushes.
pub(crate) fn publish_run(topic: &Topic, run: &mut PendingRun, now_ms: u64) -> PublishResult {
    let mut to_flush = FlushList::new();
    let published = topic.publish(run, now_ms, &mut to_flush);
    to_flush.flush();
    published
}
