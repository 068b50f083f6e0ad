//! Claim: the history of a topic has exactly the newest events that fit its budget, and always the last
//! event. Its bytes are counted exactly, and are given back when the topic ends.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{FlushList, PendingRun, PublishResult, Registry, RunSource, TopicSettings};
use hub_wire::{GapReason, Position, Start};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use topic_common::hub::{self, Wants, entry, gathered, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{StreamEntry, Told, assert_consecutive, event, name, stream};

/// Each entry of the history counts for this many bytes beside its frames.
const ENTRY: usize = 256;

/// The history that a topic should have: for each run, its first number, the sizes of its events and
/// its time.
#[derive(Debug, Clone, Default)]
struct Model {
    runs: Vec<(u64, Vec<usize>, u64)>,
    next: u64,
}

impl Model {
    fn bytes(&self) -> usize {
        self.runs.iter().map(|(_, events, _)| ENTRY + events.iter().sum::<usize>()).sum()
    }

    fn oldest(&self) -> Option<u64> {
        self.runs.first().map(|(first, ..)| *first)
    }

    /// Returns the time of the oldest run, if the topic has more than its last event.
    fn forgettable(&self) -> Option<u64> {
        let more = self.runs.len() > 1 || self.runs.first().is_some_and(|run| run.1.len() > 1);
        self.runs.first().filter(|_| more).map(|(_, _, time)| *time)
    }

    fn forget(&mut self) {
        let (_, events, time) = self.runs.remove(0);
        if self.runs.is_empty() {
            self.runs.push((self.next, vec![*events.last().unwrap()], time));
        }
    }
}

const TOPICS: [&str; 2] = ["a", "b"];

/// Publishes events with these paddings, in the real topic and in the model.
fn push(
    registry: &Arc<Registry>,
    models: &mut [Model; 2],
    settings: &TopicSettings,
    topic: usize,
    paddings: &[usize],
) {
    let topic_name = TOPICS[topic];
    let real = registry.get_or_create(&name(topic_name)).unwrap();
    let source = RunSource::new(topic_name, real.epoch(), "p#1", None);
    let mut run = PendingRun::new(source, 1 << 12); // more room than the run needs
    let time = models.iter().map(|model| model.next).sum();
    let model = &mut models[topic];
    let first = model.next + 1;
    let frames: Vec<_> = (first..)
        .zip(paddings)
        .map(|(number, padding)| event(topic_name, number, None, *padding))
        .collect();
    frames.iter().for_each(|frame| run.push(frame, 1));
    let mut to_flush = FlushList::new();
    assert!(matches!(real.publish(&mut run, time, &mut to_flush), PublishResult::Done));
    to_flush.flush();

    model.next += paddings.len() as u64;
    model.runs.push((first, frames.iter().map(Vec::len).collect(), time));
    while model.forgettable().is_some() && model.bytes() > settings.history_per_topic {
        model.forget();
    }
    // The oldest past in the hub is forgotten first, whichever topic it belongs to.
    while models.iter().map(Model::bytes).sum::<usize>() > settings.history_in_all {
        let can_forget = models.iter_mut().filter(|model| model.forgettable().is_some());
        let Some(oldest) = can_forget.min_by_key(|model| model.forgettable()) else { break };
        oldest.forget();
    }
}

/// Subscribes behind number `seen`, and checks the replay: a gap for the missing events, and then all
/// events of the history.
async fn check_replay(registry: &Arc<Registry>, model: &Model, topic: usize, seen: u64, id: u64) {
    let Some(real) = registry.get(TOPICS[topic]) else { return };
    let line = Line::new(id, 1 << 24, registry.ledger());
    line.take_all();
    let position = Position { epoch: real.epoch(), seq: seen };
    let start = Start::After([(TOPICS[topic].to_owned(), position)].into_iter().collect());
    let entry = entry(&line, id, TOPICS[topic], Wants { start, ..Wants::default() });
    subscribe(registry, &entry).await;
    unsubscribe(registry, &entry).await;
    if seen > model.next {
        // The topic has not reached this position, so the position is of another life of the topic.
        let told = line.client(|client| client.told.clone());
        let Some(Told::Gap(gap)) = told.first() else { panic!("{told:?}") };
        let expected = (real.epoch(), seen + 1, None, GapReason::NewEpoch);
        return assert_eq!((gap.epoch, gap.from, gap.to, gap.reason), expected);
    }
    let places = line.client(|client| client.stream(&stream(TOPICS[topic], real.epoch(), &[id])));
    if seen == model.next {
        return assert_eq!(places, []);
    }
    assert_eq!(assert_consecutive(seen + 1, &places), model.next + 1);
    let oldest = model.oldest().unwrap();
    let gap = (oldest > seen + 1).then_some(StreamEntry::Gap(seen + 1, oldest - 1));
    let from = oldest.max(seen + 1);
    let events = (from..=model.next).map(|number| StreamEntry::Event(number, number));
    assert_eq!(places, gap.into_iter().chain(events).collect::<Vec<_>>());
    let told = line.client(|client| client.told.clone());
    if let Some(Told::Gap(gap)) = told.first() {
        assert_eq!(gap.reason, GapReason::Away);
    }
}

#[test]
fn a_replay_is_the_newest_that_the_budget_keeps() {
    let input = (
        vec((0..2_usize, vec(0..300_usize, 1..6)), 1..25),
        prop_oneof![Just(0), 200..6_000_usize],
        prop_oneof![Just(0), 200..9_000_usize],
        vec(0..80_u64, 4),
    );
    hub::check(200, file!(), input, |(runs, per_topic, in_all, seen)| async move {
        let settings = TopicSettings {
            history_per_topic: per_topic,
            history_in_all: in_all,
            ..hub::settings()
        };
        let registry = hub::registry(settings.clone());
        let mut models = [Model::default(), Model::default()];
        for (topic, paddings) in &runs {
            push(&registry, &mut models, &settings, *topic, paddings);
            let bytes: usize = models.iter().map(|model| model.bytes()).sum();
            assert_eq!(registry.history().used(), bytes);
        }
        let mut id = 0;
        for (topic, model) in models.iter().enumerate() {
            for seen in &seen {
                id += 1;
                check_replay(&registry, model, topic, *seen, id).await;
            }
        }
        // When the topics end, a publisher that holds a handle of one keeps nothing of its history.
        let remembered: Vec<_> = TOPICS.iter().filter_map(|topic| registry.get(topic)).collect();
        hub::idle().await;
        assert_eq!((registry.topics(), registry.history().used()), (0, 0));
        assert!(remembered.iter().all(|topic| topic.state().retired));
    });
}

/// Topics that nobody uses any more have used up the budget. A newer topic has its past all the same.
#[test]
fn idle_topics_do_not_take_the_past_from_newer_ones() {
    hub::run(async {
        let settings = TopicSettings { history_in_all: 100_000, ..hub::settings() };
        let registry = hub::registry(settings);
        let publish = |topic: &str, id, time| {
            let topic = registry.get_or_create(&name(topic)).unwrap();
            let mut to_flush = FlushList::new();
            topic.publish(&mut gathered(&topic, "p#1", &[id], 10), time, &mut to_flush);
            to_flush.flush();
        };
        for id in 0..1_000 {
            publish(&format!("old.{}", id % 7), id, id);
        }
        let used = registry.history().used();
        assert!((99_000..=100_000).contains(&used), "{used}");
        for id in 0..10 {
            publish("new", id, 1_000 + id);
        }
        assert!(registry.history().used() <= 100_000);
        let line = Line::new(1, 1 << 20, registry.ledger());
        line.take_all();
        let wants = Wants { start: Start::After(Default::default()), ..Wants::default() };
        subscribe(&registry, &entry(&line, 1, "new", wants)).await;
        let epoch = registry.get("new").unwrap().epoch();
        let places = line.client(|client| client.stream(&stream("new", epoch, &[1])));
        assert_eq!(places, (1..=10).map(|n| StreamEntry::Event(n, n - 1)).collect::<Vec<_>>());
        // Each of the idle topics has about as much left as the others.
        for n in 0..7 {
            let line = Line::new(2 + n, 1 << 20, registry.ledger());
            line.take_all();
            let wants = Wants { start: Start::After(Default::default()), ..Wants::default() };
            let topic = format!("old.{n}");
            subscribe(&registry, &entry(&line, 1, &topic, wants)).await;
            let epoch = registry.get(&topic).unwrap().epoch();
            let places = line.client(|client| client.stream(&stream(&topic, epoch, &[1])));
            let events = places.len() - 1;
            assert!((35..55).contains(&events), "{topic} has {events}");
        }
    });
}

/// A topic that ends is no longer in the list of those that can forget something.
#[test]
fn a_topic_that_ends_gives_its_part_of_the_budget_back() {
    hub::run(async {
        let settings = TopicSettings { history_in_all: 10_000, ..hub::settings() };
        let registry = hub::registry(settings);
        for round in 0..3 {
            for id in 0..100 {
                publish(&registry, &format!("t.{round}.{}", id % 5), &[id]);
            }
            assert!(registry.history().used() <= 10_000);
            hub::idle().await;
            assert_eq!((registry.topics(), registry.history().used()), (0, 0));
        }
    });
}

#[test]
fn the_last_event_is_always_there() {
    hub::run(async {
        let none = TopicSettings { history_per_topic: 0, history_in_all: 0, ..hub::settings() };
        let registry = hub::registry(none);
        publish(&registry, "a", &[1, 2, 3, 4, 5]);
        let line = Line::new(1, 1 << 20, registry.ledger());
        line.take_all();
        let last = Wants { start: Start::Last, ..Wants::default() };
        subscribe(&registry, &entry(&line, 1, "a", last)).await;
        let epoch = registry.get("a").unwrap().epoch();
        let places = line.client(|client| client.stream(&stream("a", epoch, &[1])));
        assert_eq!(places, [StreamEntry::Event(5, 5)]);
        let size = ENTRY + event("a", 5, Some("2"), 10).len();
        assert_eq!(registry.history().used(), size, "without the events that came with it");
    });
}

/// A budget in bytes is worth nothing if a small entry keeps a large allocation in memory.
#[test]
fn what_is_remembered_holds_no_more_memory_than_is_counted() {
    hub::run(async {
        let settings = TopicSettings { history_per_topic: 10_000, ..hub::settings() };
        let registry = hub::registry(settings);
        let topic = registry.get_or_create(&name("a")).unwrap();
        // This run is larger than the budget, so that the history keeps one event of it.
        let mut large = gathered(&topic, "p#1", &(0..2_000).collect::<Vec<_>>(), 100);
        // This run was gathered with room for many more events than it has.
        let mut roomy = PendingRun::new(RunSource::new("a", topic.epoch(), "p#1", None), 1 << 20);
        roomy.push(&event("a", 1, None, 100), 1);
        for run in [&mut large, &mut roomy] {
            let before = registry.history().used();
            let info = allocation_counter::measure(|| {
                topic.publish(run, 1, &mut FlushList::new());
            });
            // The run was allocated before the measurement, so the measured sum is negative when its
            // memory is given back.
            let used = registry.history().used() - before;
            assert!(used < 1_000 && info.bytes_current < 4_000, "{used} {info:?}");
            assert!(info.bytes_current < -100_000, "the rest is given back: {info:?}");
        }
    });
}
