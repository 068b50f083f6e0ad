//! Claim: a subscription joins and leaves a topic at an exact place in the order of events.
//!
//! - The replay that a subscription asks for comes before all other events.
//! - A connection gets one copy of an event, however many of its subscriptions match.
//! - A run that cannot be published is unchanged.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    FlushList, Inspect, PublishResult, RunSource, SubscriberConnection, TopicSettings,
};
use hub_wire::{GapReason, Overflow, Position, Start};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use topic_common::follower::Follower;
use topic_common::hub::{self, Wants, entry, gathered, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{StreamEntry, Told, name, stream};

fn told(line: &Line) -> Vec<Told> {
    line.client(|client| client.told.clone())
}

#[test]
fn two_plain_subscriptions_of_a_connection_share_one_copy() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 1 << 20, registry.ledger());
        line.take_all();
        let first =
            entry(&line, 1, "a.*", Wants { overflow: Overflow::Latest, ..Wants::default() });
        let second = entry(&line, 2, "a.b", Wants::default());
        subscribe(&registry, &first).await;
        publish(&registry, "a.b", &[7]);
        subscribe(&registry, &second).await;
        publish(&registry, "a.b", &[8]);
        unsubscribe(&registry, &first).await;
        publish(&registry, "a.b", &[9]);
        unsubscribe(&registry, &second).await;
        publish(&registry, "a.b", &[10]);
        let topic = registry.get("a.b").unwrap();
        // One copy of each event names the subscriptions that it is for.
        let named: Vec<Vec<u64>> = told(&line)
            .iter()
            .filter_map(|told| match told {
                Told::Run { stream, .. } => Some(stream.subscriptions.as_slice().to_vec()),
                _ => None,
            })
            .collect();
        assert_eq!(named, [vec![1], vec![1, 2], vec![2]]);
        assert_eq!(registry.ledger().counts().due, 4, "each subscription counts");
        // Joining twice changes nothing.
        let first = entry(&line, 1, "a.*", Wants { positions: true, ..Wants::default() });
        subscribe(&registry, &first).await;
        topic.actor().unwrap().send(hub_core::topic::Join(first.clone())).await.unwrap();
        let stands = |told: &&Told| matches!(told, Told::Stands { .. });
        assert_eq!((topic.deliveries(), told(&line).iter().filter(stands).count()), (1, 1));
        let state = topic.actor().unwrap().send(Inspect).await.unwrap();
        assert_eq!((state.next, state.plain, state.groups, state.retired), (5, 1, 0, false));
        unsubscribe(&registry, &first).await;
        assert_eq!(topic.deliveries(), 0);
    });
}

#[test]
fn the_policy_that_loses_least_counts_for_a_shared_copy() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 8_000, registry.ledger());
        let wants = |overflow| Wants { overflow, ..Wants::default() };
        let latest = entry(&line, 1, "a", wants(Overflow::Latest));
        let block = entry(&line, 2, "a", wants(Overflow::Block));
        subscribe(&registry, &latest).await;
        subscribe(&registry, &block).await;
        let mut ids = 1..;
        while matches!(publish(&registry, "a", &[ids.next().unwrap()]), PublishResult::Done) {}
        line.queue().end_grace();
        assert!(matches!(publish(&registry, "a", &[0]), PublishResult::Wait(_)));
        assert!(line.queue().queued_bytes() < 3_000, "publishers wait, for as long as it takes");
        // Without the subscription with `block`, no publisher waits, because the grace is over.
        unsubscribe(&registry, &block).await;
        for _ in 0..100 {
            let published = publish(&registry, "a", &[ids.next().unwrap()]);
            assert!(matches!(published, PublishResult::Done));
        }
        assert!(registry.ledger().counts().conflated > 0);
    });
}

#[test]
fn what_cannot_be_published_is_left_as_it_was() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let topic = registry.get_or_create(&name("a")).unwrap();
        let source = RunSource::new("a", topic.epoch(), "p#1", None);
        let frame = topic_common::event("a", 5, None, 3_000);
        let mut request = hub_core::topic::PendingRun::new(source, 0).as_request();
        request.push(&frame, 1);
        let mut to_flush = FlushList::new();
        assert!(matches!(
            topic.publish(&mut request, 1, &mut to_flush),
            PublishResult::NobodyThere
        ));

        let line = Line::new(1, 10_000, registry.ledger());
        let all = entry(&line, 1, "a", Wants::default());
        subscribe(&registry, &all).await;
        publish(&registry, "a", &[1]);
        let waited_for = match topic.publish(&mut request, 1, &mut to_flush) {
            PublishResult::Wait(connection) => connection.number(),
            other => panic!("{other:?}"),
        };
        assert_eq!((waited_for, topic.state().next, to_flush.len()), (1, 2, 0));
        line.take_all();
        assert!(matches!(topic.publish(&mut request, 1, &mut to_flush), PublishResult::Done));
        std::mem::take(&mut to_flush).flush();
        assert_eq!((request.count(), topic.state().next), (1, 3));

        // The topic ends, and the run goes to the topic that follows it.
        let mut run = gathered(&topic, "p#1", &[6, 7], 10);
        unsubscribe(&registry, &all).await;
        hub::idle().await;
        assert!(matches!(topic.publish(&mut run, 1, &mut to_flush), PublishResult::Retired));
        subscribe(&registry, &all).await;
        let next = registry.get_or_create(&name("a")).unwrap();
        assert_ne!(next.epoch(), topic.epoch());
        let source = RunSource::new("a", next.epoch(), "p#1", None);
        let mut run = run.retarget(source);
        assert!(matches!(next.publish(&mut run, 1, &mut to_flush), PublishResult::Done));
        to_flush.flush();
        let ids = vec![6, 7];
        let expected = Told::Run { stream: stream("a", next.epoch(), &[1]), first: 1, ids };
        assert_eq!(told(&line).last(), Some(&expected));
    });
}

#[test]
fn a_subscription_with_a_past_is_told_of_it_before_everything_else() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        publish(&registry, "a", &[1, 2, 3]);
        publish(&registry, "a", &[4]);
        let topic = registry.get("a").unwrap();
        let epoch = topic.epoch();
        let line = Line::new(1, 1 << 20, registry.ledger());
        line.take_all();
        let after = |epoch, seq| Wants {
            start: Start::After([("a".to_owned(), Position { epoch, seq })].into_iter().collect()),
            positions: true,
            ..Wants::default()
        };
        let stream = |id| stream("a", epoch, &[id]);
        let run =
            |id, first, ids: &[u64]| Told::Run { stream: stream(id), first, ids: ids.to_vec() };
        subscribe(&registry, &entry(&line, 1, "a", after(epoch, 2))).await;
        let stands = |id, next| Told::Stands { stream: stream(id), next };
        let expected = [run(1, 3, &[3]), run(1, 4, &[4]), stands(1, 5), Told::Subscribed(1)];
        assert_eq!(told(&line), expected);

        let last = Wants { start: Start::Last, positions: true, ..Wants::default() };
        subscribe(&registry, &entry(&line, 2, "a", last)).await;
        // The position is the number of the event that comes next to this subscription.
        assert_eq!(told(&line)[4..], [stands(2, 4), run(2, 4, &[4]), Told::Subscribed(2)]);

        // The position is of an epoch that has ended.
        subscribe(&registry, &entry(&line, 3, "a", after(epoch - 1, 9))).await;
        let Told::Gap(gap) = &told(&line)[7] else { panic!("a gap") };
        assert_eq!((gap.epoch, gap.from, gap.to), (epoch - 1, 10, None));
        assert_eq!(told(&line)[8..10], [run(3, 1, &[1, 2, 3]), run(3, 4, &[4])]);
        // A number that does not exist yet is not of this topic: to go on from the newest event would
        // hide that events may be missing.
        for (id, at, beyond) in [(4, 12, 5), (5, 17, u64::MAX)] {
            subscribe(&registry, &entry(&line, id, "a", after(epoch, beyond))).await;
            let Told::Gap(gap) = &told(&line)[at] else { panic!("a gap") };
            let expected = (epoch, beyond.saturating_add(1), None, GapReason::NewEpoch);
            assert_eq!((gap.epoch, gap.from, gap.to, gap.reason), expected);
            let all =
                [run(id, 1, &[1, 2, 3]), run(id, 4, &[4]), stands(id, 5), Told::Subscribed(id)];
            assert_eq!(told(&line)[at + 1..], all);
        }
        subscribe(&registry, &entry(&line, 6, "a", after(epoch, 4))).await;
        assert_eq!(told(&line)[22..], [stands(6, 5), Told::Subscribed(6)], "the newest number");
    });
}

/// A past that is larger than the queue waits in the history, under every policy. It comes as the
/// client reads, and with it what is published in the meantime.
#[test]
fn a_past_that_does_not_fit_waits_in_the_history_under_every_policy() {
    for overflow in Overflow::ALL {
        hub::run(async {
            let registry = hub::registry(hub::settings());
            for n in 0..200 {
                publish(&registry, "a", &[2 * n, 2 * n + 1]);
            }
            let line = Line::new(1, 10_000, registry.ledger());
            let start = Start::After(Default::default());
            let wants =
                Wants { overflow, start: start.clone(), positions: true, ..Wants::default() };
            let entry = entry(&line, 1, "a", wants);
            subscribe(&registry, &entry).await;
            let state = line.queue().state();
            assert!(state.bytes <= 6_000 && state.events > 0, "{overflow:?}: {state:?}");
            let topic = registry.get("a").unwrap();
            assert_eq!((topic.state().plain, topic.deliveries()), (1, 1), "it is subscribed");
            for n in 200..220 {
                assert!(matches!(publish(&registry, "a", &[n]), PublishResult::Done));
                line.take(1_000);
                hub::settle().await;
                assert!(line.queue().state().bytes <= 6_000, "{overflow:?}");
            }
            line.take_all();
            for _ in 0..200 {
                hub::settle().await;
            }
            let mut follower = Follower::new(1, &entry.filter, start);
            told(&line).iter().for_each(|told| follower.tell(told));
            assert_eq!(
                follower.covered[&("a".to_owned(), topic.epoch())].events.len(),
                420,
                "{overflow:?}"
            );
            let stands = told(&line).iter().any(|told| matches!(told, Told::Stands { .. }));
            assert!(stands, "the position comes last");
            let counts = registry.ledger().counts();
            assert_eq!((counts.delivered, counts.pending()), (420, 0), "{overflow:?}");
            assert!(!line.overflowed.load(Ordering::SeqCst));
            // It is a member like any other from here on.
            publish(&registry, "a", &[1_000]);
            assert_eq!(registry.ledger().counts().delivered, 421);
        });
    }
}

#[test]
fn a_subscription_whose_connection_has_ended_leaves_no_trace() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        publish(&registry, "a", &[1, 2, 3]);
        let line = Line::new(1, 1 << 20, registry.ledger());
        let wants = Wants { start: Start::After(Default::default()), ..Wants::default() };
        let late = entry(&line, 1, "a", wants);
        line.queue().close();
        subscribe(&registry, &late).await;
        let topic = registry.get("a").unwrap();
        assert_eq!(topic.state().plain, 0, "its Leave may have come before its Join");
        let counts = registry.ledger().counts();
        assert_eq!((counts.due, counts.pending()), (0, 0));
    });
}

#[test]
fn an_outlet_is_flushed_even_if_the_one_who_was_to_do_it_panics() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 1 << 20, registry.ledger());
        line.take_all();
        subscribe(&registry, &entry(&line, 1, "a", Wants::default())).await;
        let topic = registry.get_or_create(&name("a")).unwrap();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut to_flush = FlushList::new();
            topic.publish(&mut gathered(&topic, "p#1", &[1], 0), 1, &mut to_flush);
            assert_eq!(to_flush.len(), 1);
            std::panic::resume_unwind(Box::new("between publishing and flushing"));
        }));
        assert!(panicked.is_err());
        publish(&registry, "a", &[2]);
        let places = line.client(|client| client.stream(&stream("a", topic.epoch(), &[1])).len());
        assert_eq!((places, line.queue().queued_bytes()), (2, 0));
    });
}

/// Subscriptions ask for a long replay while publishers on other threads go on and the history drops
/// events. Some are alone on their connection, and some share it with a live subscription.
#[test]
fn a_long_replay_joins_the_live_order_while_others_publish() {
    hub::run(async {
        let settings = TopicSettings { history_per_topic: 300_000, ..hub::settings() };
        let registry = hub::registry(settings);
        (0..2_000).for_each(|id| drop(publish(&registry, "a", &[id])));
        let done = Arc::new(AtomicBool::new(false));
        let publishers = [1, 2].map(|publisher| {
            let (registry, done) = (registry.clone(), done.clone());
            std::thread::spawn(move || {
                for n in 0.. {
                    if done.load(Ordering::SeqCst) {
                        break;
                    }
                    publish(&registry, "a", &[(publisher << 32) | n]);
                }
            })
        });
        let mut subscriptions = Vec::new();
        for n in 1..=20 {
            let line = Line::new(n, 1 << 30, registry.ledger());
            line.take_all();
            if n % 2 == 0 {
                subscribe(&registry, &entry(&line, 1, "a", Wants::default())).await;
            }
            let start = Start::After(Default::default());
            let wants = Wants { start: start.clone(), positions: true, ..Wants::default() };
            let late = entry(&line, 2, "a", wants);
            subscribe(&registry, &late).await;
            subscriptions.push((line, Follower::new(2, &late.filter, start)));
        }
        done.store(true, Ordering::SeqCst);
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        let topic = registry.get("a").unwrap();
        let past = stream("a", topic.epoch(), &[2]);
        for (line, mut follower) in subscriptions {
            told(&line).iter().for_each(|told| follower.tell(told));
            assert_eq!(follower.seen["a"].seq, topic.state().next - 1);
            let places = line.client(|client| client.stream(&past));
            topic_common::assert_consecutive(1, &places);
            let is_gap = |place: &StreamEntry| matches!(place, StreamEntry::Gap(..));
            assert!(!places.iter().skip(1).any(is_gap), "nothing was forgotten meanwhile");
        }
        assert_eq!(registry.ledger().counts().pending(), 0);
    });
}
