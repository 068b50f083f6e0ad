//! Promise: the hub counts each byte that it holds once, for as long as anything holds it. When memory is
//! short, the bytes that policies may drop can be dropped, and each loss is announced.

#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{DeliveryQueue, GivesWay, Ledger, Registry, TopicAttachment, TopicSettings};
use hub_wire::Overflow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use topic_common::hub::{self, Wants, entry, publish, subscribe};
use topic_common::line::Line;
use topic_common::{event, name, run, stream};

#[test]
fn a_run_counts_once_however_many_hold_it() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let held = registry.ledger().held();
        let lines: Vec<_> = (1..5).map(|n| Line::new(n, 1 << 20, registry.ledger())).collect();
        for line in &lines {
            subscribe(&registry, &entry(line, 1, "a", Wants::default())).await;
        }
        assert_eq!(held.get(), 0);
        publish(&registry, "a", &(0..64).collect::<Vec<_>>());
        let one = held.get();
        assert!(one > 64 * 10, "{one}");
        // The history holds the run as well.
        lines.iter().for_each(|line| line.take_all());
        assert_eq!(held.get(), one);
        publish(&registry, "a", &(0..64).collect::<Vec<_>>());
        lines.iter().for_each(|line| line.take_all());
        assert!(held.get() < 2 * one + 64);
        registry.give_way(GivesWay::Histories).await;
        assert!(held.get() < one / 8, "the last event is kept: {}", held.get());
    });
}

#[test]
fn what_is_shed_is_told_and_free() {
    let ledger = Arc::new(Ledger::default());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    let stream = stream("a", 1, &[1]);
    for n in 0..100 {
        let overflow = if n % 10 == 0 { Overflow::Block } else { Overflow::DropOldest };
        queue.append(run(&stream, n, &[event("a", n, None, 4_000)], overflow));
    }
    let before = queue.queued_bytes();
    assert!(!queue.shed(before), "it is small enough");
    assert_eq!(ledger.counts().overflow, 0);
    assert!(!queue.shed(before / 2));
    assert!(queue.queued_bytes() <= before / 2);
    let dropped = ledger.counts().overflow;
    assert!((45..60).contains(&dropped), "{dropped}");
    assert!(!queue.shed(0));
    let state = queue.state();
    assert_eq!((state.events, ledger.counts().overflow), (10, 90), "what may not be dropped stays");
    assert_eq!(state.gaps, 10);
    assert_eq!(state.bytes, queue.queued_bytes());
}

#[test]
fn short_of_memory_each_queue_holds_less_until_there_is_enough_again() {
    let ledger = Arc::new(Ledger::default());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    let fill = |topic| {
        for n in 0..100 {
            queue.append(run(
                &stream(topic, 1, &[1]),
                n,
                &[event(topic, n, None, 4_000)],
                Overflow::DropOldest,
            ));
        }
        queue.queued_bytes()
    };
    let all = fill("a");
    ledger.held().limit_queues(1 << 16);
    assert_eq!(queue.queued_bytes(), all, "what waits stays until it is shed");
    assert!(!queue.has_room(1));
    assert!(queue.must_wait(1, Overflow::Block));
    let less = fill("b");
    assert!(less <= (1 << 16) + 8_000, "{less}");
    ledger.held().limit_queues(usize::MAX);
    assert!(fill("c") > 300_000);
}

#[test]
fn a_queue_that_is_to_be_closed_rather_than_to_lose_is_told_so() {
    let ledger = Arc::new(Ledger::default());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    for n in 0..10 {
        let one =
            run(&stream("a", 1, &[1]), n, &[event("a", n, None, 4_000)], Overflow::Disconnect);
        queue.append(one);
    }
    assert!(!queue.shed(1 << 20));
    assert!(queue.shed(10_000));
    assert_eq!(ledger.counts().overflow, 0);
}

#[test]
fn what_queues_take_beside_their_runs_is_counted_and_given_back() {
    let ledger = Arc::new(Ledger::default());
    let queue = DeliveryQueue::new(1 << 24, ledger.clone());
    for n in 0..10_000 {
        queue.append(run(
            &stream("a", 1, &[1]),
            n,
            &[event("a", n, None, 0)],
            Overflow::DropNewest,
        ));
    }
    let held = ledger.held().get();
    assert!(held > 1_000_000, "10,000 small runs: {held}");
    queue.write_with(|slices| Ok(slices.iter().map(|slice| slice.len()).sum())).unwrap();
    while queue.queued_bytes() > 0 {
        queue.write_with(|slices| Ok(slices.iter().map(|slice| slice.len()).sum())).unwrap();
    }
    assert_eq!(ledger.held().get(), 0);
    for _ in 0..10_000 {
        queue.append_control(vec![0; 10]);
    }
    assert!(ledger.held().get() > 1_000_000);
    drop(queue);
    assert_eq!(ledger.held().get(), 0);
}

struct Given(Arc<AtomicUsize>);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_deposit_is_given_back_when_the_topic_ends_or_is_another_ones() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let back = Arc::new(AtomicUsize::new(0));
        let attachment = || Some(Box::new(Given(back.clone())) as TopicAttachment);
        let topic = registry.get_or_create_with(&name("a"), attachment()).unwrap();
        assert_eq!(back.load(Ordering::Relaxed), 0);
        registry.get_or_create_with(&name("a"), attachment()).unwrap();
        assert_eq!(back.load(Ordering::Relaxed), 1, "there was one already");
        hub::idle().await;
        assert!(topic.state().retired);
        assert_eq!(back.load(Ordering::Relaxed), 2, "also while somebody remembers the topic");
    });
}

/// The sessions of a thread would have their turns behind all topics that end.
#[test]
fn thousands_of_topics_never_end_at_once() {
    const ALL: usize = 4_000;
    let settings = || TopicSettings { max_topics: ALL, ..hub::settings() };
    let make_all = |registry: &Arc<Registry>| {
        for n in 0..ALL {
            registry.get_or_create(&name(&format!("t.{n}"))).unwrap();
        }
    };
    // Short of memory: another task of the thread has its turn after a few hundred of them.
    hub::run(async {
        let registry = hub::registry(settings());
        make_all(&registry);
        registry.give_way(GivesWay::Histories).await;
        let watched = registry.clone();
        let most_at_once = actix::spawn(async move {
            let (mut left, mut most) = (ALL, 0);
            while left > 0 {
                tokio::task::yield_now().await;
                most = most.max(left - watched.topics());
                left = watched.topics();
            }
            most
        });
        registry.give_way(GivesWay::IdleTopics).await;
        let most = most_at_once.await.unwrap();
        assert!(most <= 600, "{most}");
    });
    // Out of use: those that were made together end one after another.
    hub::run(async {
        let registry = hub::registry(settings());
        make_all(&registry);
        let mut left = Vec::new();
        for _ in 0..42 {
            tokio::time::advance(hub::IDLE / 20).await;
            for _ in 0..20 {
                hub::settle().await;
            }
            left.push(registry.topics());
        }
        assert_eq!(left[18], ALL, "none ends before its time");
        assert_eq!(left[41], 0);
        let most = left.windows(2).map(|two| two[0] - two[1]).max();
        assert!(most <= Some(ALL / 10), "{left:?}");
    });
}
