//! Claim: a replay that has no room waits in the history, and the hub keeps what it needs within a bound.
//! What has to be forgotten meanwhile is told in its place and counted, as the policy says.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    GivesWay, PublishResult, Registry, RunSource, SubscriberConnection, TopicSettings,
};
use hub_wire::{GapReason, Overflow, Start, Window};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use topic_common::hub::{self, Wants, entry, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{StreamEntry, Told, assert_consecutive, stream};

const HISTORY: usize = 20_000;

/// Returns a hub with 50 events on the topic `a`, and a line whose queue has room for about ten of them.
fn with_past() -> (Arc<Registry>, Arc<Line>) {
    let settings = TopicSettings { history_per_topic: HISTORY, ..hub::settings() };
    let registry = hub::registry(settings);
    (0..50).for_each(|id| drop(publish(&registry, "a", &[id])));
    let line = Line::new(1, 6_000, registry.ledger());
    (registry, line)
}

fn from_the_start(overflow: Overflow) -> Wants {
    Wants { overflow, start: Start::After(Default::default()), ..Wants::default() }
}

/// Lets the client read everything, and returns the events and gaps that it got.
async fn read_all(registry: &Registry, line: &Line) -> Vec<StreamEntry> {
    line.take_all();
    for _ in 0..50 {
        hub::settle().await;
    }
    let epoch = registry.get("a").unwrap().epoch();
    line.client(|client| client.stream(&stream("a", epoch, &[1])))
}

fn missing(places: &[StreamEntry]) -> u64 {
    let ranges = places.iter().filter(|place| matches!(place, StreamEntry::Gap(..)));
    ranges.map(|place| place.range()).map(|(from, to)| to - from + 1).sum()
}

#[test]
fn what_is_forgotten_meanwhile_is_told_and_counted() {
    for short_of_memory in [false, true] {
        hub::run(async move {
            let (registry, line) = with_past();
            let one = entry(&line, 1, "a", from_the_start(Overflow::DropOldest));
            subscribe(&registry, &one).await;
            for id in 50..300 {
                assert!(matches!(publish(&registry, "a", &[id]), PublishResult::Done));
                assert!(registry.history().kept_for_replays() <= HISTORY);
            }
            assert!(registry.history().kept_for_replays() > HISTORY / 2);
            if short_of_memory {
                registry.give_way(GivesWay::Histories).await;
                assert_eq!(registry.history().kept_for_replays(), 0);
            }
            let places = read_all(&registry, &line).await;
            assert_eq!(assert_consecutive(1, &places), 301);
            let lost = missing(&places);
            assert_eq!(lost > 250, short_of_memory, "{lost} are missing");
            assert!(lost > 100, "{lost} are missing");
            let of_overflow = |told: &Told| match told {
                Told::Gap(gap) => gap.reason == GapReason::Overflow,
                _ => true,
            };
            assert!(line.client(|client| client.told.iter().all(of_overflow)));
            let counts = registry.ledger().counts();
            assert_eq!((counts.due, counts.overflow, counts.delivered), (300, lost, 300 - lost));
            assert_eq!(registry.history().kept_for_replays(), 0);
        });
    }
}

#[test]
fn publishers_wait_rather_than_take_events_from_a_subscription_with_block() {
    hub::run(async {
        let (registry, line) = with_past();
        let one = entry(&line, 1, "a", from_the_start(Overflow::Block));
        subscribe(&registry, &one).await;
        let mut published = 50;
        while matches!(publish(&registry, "a", &[published]), PublishResult::Done) {
            published += 1;
            assert!(published < 300, "no publisher waits");
        }
        registry.give_way(GivesWay::Histories).await;
        line.queue().end_grace();
        assert!(matches!(publish(&registry, "a", &[published]), PublishResult::Wait(_)));
        let places = read_all(&registry, &line).await;
        assert_eq!((assert_consecutive(1, &places), missing(&places)), (published + 1, 0));
        assert!(matches!(publish(&registry, "a", &[published]), PublishResult::Done));
        assert_eq!(registry.ledger().counts().delivered, published + 1);
    });
}

/// The client would miss events that were published after it had subscribed. It comes back instead.
#[test]
fn a_subscription_with_disconnect_ends_when_new_events_are_forgotten() {
    hub::run(async {
        let (registry, line) = with_past();
        let one = entry(&line, 1, "a", from_the_start(Overflow::Disconnect));
        subscribe(&registry, &one).await;
        (50..400).for_each(|id| drop(publish(&registry, "a", &[id])));
        let places = read_all(&registry, &line).await;
        assert!(line.overflowed.load(Ordering::SeqCst));
        assert!(assert_consecutive(1, &places) <= 51 && missing(&places) == 0, "{places:?}");
        assert_eq!(registry.ledger().counts().overflow, 0);
        assert_eq!(registry.get("a").unwrap().state().plain, 0);
    });
}

#[test]
fn a_subscription_that_ends_is_told_what_it_does_not_get_and_gives_everything_back() {
    // With a window, the rest is told only to a client that asks for what waits.
    for (windowed, drains) in [(false, false), (true, false), (true, true)] {
        hub::run(async move {
            let (registry, line) = with_past();
            let mut one = entry(&line, 1, "a", from_the_start(Overflow::DropOldest));
            if windowed {
                let window = Window { events: 5, bytes: 1 << 20 };
                let flow = line.queue().open_flow(1, window, Overflow::DropOldest, None);
                Arc::get_mut(&mut one).unwrap().flow = Some(flow);
            }
            let held = registry.ledger().held().get();
            subscribe(&registry, &one).await;
            assert!(registry.ledger().held().get() > held, "a replay that waits counts");
            (50..100).for_each(|id| drop(publish(&registry, "a", &[id])));
            if drains {
                one.replays.drain();
            }
            unsubscribe(&registry, &one).await;
            line.queue().close_flow(1, drains);
            let places = read_all(&registry, &line).await;
            let told = assert_consecutive(1, &places) == 101;
            assert_eq!(told, !windowed || drains, "{places:?}");
            let counts = registry.ledger().counts();
            assert_eq!(counts.overflow, missing(&places));
            assert_eq!(registry.history().kept_for_replays(), 0);
            hub::idle().await;
            assert_eq!(registry.topics(), 0, "the topic has no subscriber any more");
        });
    }
}

/// While a subscription gets its past, the topic has a subscriber.
#[test]
fn a_topic_with_a_replay_does_not_end_and_takes_requests() {
    hub::run(async {
        let (registry, line) = with_past();
        subscribe(&registry, &entry(&line, 1, "a", from_the_start(Overflow::DropOldest))).await;
        hub::idle().await;
        let topic = registry.get("a").unwrap();
        assert_eq!((topic.state().plain, topic.deliveries()), (1, 1));
        let source = RunSource::new("a", topic.epoch(), "p#1", None);
        let mut request = hub_core::topic::PendingRun::new(source, 0).as_request();
        request.push(&topic_common::event("a", 50, None, 0), 1);
        let mut to_flush = hub_core::topic::FlushList::new();
        let published = topic.publish(&mut request, 1, &mut to_flush);
        to_flush.flush();
        assert!(matches!(published, PublishResult::Done));
        let places = read_all(&registry, &line).await;
        assert_eq!((assert_consecutive(1, &places), missing(&places)), (52, 0));
    });
}
