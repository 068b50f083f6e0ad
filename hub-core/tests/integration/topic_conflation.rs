//! Claim: a queue with the policy `latest` makes room without reading its events again, and leaves the work
//! to a later run when the thread has to be given to others. Otherwise one event to many such queues would
//! keep a thread for half a second.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    FlushList, Ledger, PendingRun, PublishResult, RunSource, SubscriberConnection, Topic, Turns,
    turn_is_over,
};
use hub_wire::Overflow;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use topic_common::hub::{self, Wants, entry, registry, settings, subscribe};
use topic_common::line::Line;
use topic_common::{StreamEntry, assert_consecutive, event, name, run, stream};

const LIMIT: usize = 20_000;

/// Publishes events with these keys as one run, which the topic gives to its members with digests.
fn publish(topic: &Topic, numbers: std::ops::Range<u64>, keys: &[Option<u8>]) {
    let source = RunSource::new("t", topic.epoch(), "p#1", None);
    let mut gathered = PendingRun::new(source, 64);
    for (number, key) in numbers.zip(keys) {
        gathered.push(&event("t", number, key.map(|key| key.to_string()).as_deref(), 100), 1);
    }
    let mut to_flush = FlushList::new();
    assert!(matches!(topic.publish(&mut gathered, 1, &mut to_flush), PublishResult::Done));
    to_flush.flush();
}

proptest! {
    /// A run without digests comes from a history, for example. Its keys are read from its frames.
    #[test]
    fn what_is_kept_is_the_same_with_digests_and_without(
        runs in vec(vec(proptest::option::of(0..5_u8), 1..6), 40..120),
    ) {
        hub::run(async move {
            let registry = registry(settings());
            let with_digests = Line::new(1, LIMIT, registry.ledger());
            let without = Line::new(2, LIMIT, registry.ledger());
            let wants = Wants { overflow: Overflow::Latest, ..Wants::default() };
            subscribe(&registry, &entry(&with_digests, 1, "t", wants)).await;
            with_digests.take_all();
            with_digests.stop();
            with_digests.queue().end_grace();
            let topic = registry.get_or_create(&name("t")).unwrap();
            let mut next = 1;
            let stream = stream("t", topic.epoch(), &[1]);
            for keys in &runs {
                let first = next;
                next += keys.len() as u64;
                publish(&topic, first..next, keys);
                with_digests.queue().end_grace();
                let key = |key: Option<u8>| key.map(|key| key.to_string());
                let events: Vec<_> = (first..)
                    .zip(keys)
                    .map(|(n, k)| event("t", n, key(*k).as_deref(), 100))
                    .collect();
                without.queue().append(run(&stream, first, &events, Overflow::Latest));
            }
            let numbered = (1..).zip(runs.iter().flatten());
            let newest: BTreeMap<_, u64> = numbered.map(|(number, key)| (*key, number)).collect();
            for line in [with_digests, without] {
                line.take_all();
                let places = line.client(|client| client.stream(&stream));
                assert_eq!(assert_consecutive(1, &places), next);
                for number in newest.values() {
                    let kept = |place: &StreamEntry| matches!(place, StreamEntry::Event(n, _) if n == number);
                    assert!(places.iter().any(kept), "{number} is the newest of its key: {places:?}");
                }
            }
            let counts = registry.ledger().counts();
            assert!(counts.conflated > 0, "{counts:?}");
        });
    }
}

#[test]
fn one_run_for_many_queues_that_have_to_conflate_ends_its_turn() {
    let ledger = Arc::<Ledger>::default();
    let lines: Vec<_> = (0..100).map(|n| Line::new(n, LIMIT, &ledger)).collect();
    let stream = stream("t", 1, &[1]);
    let append = |line: &Line, number: u64| {
        let key = (number % 2).to_string();
        let one = [event("t", number, Some(&key), 100)];
        drop(line.queue().append(run(&stream, number, &one, Overflow::Latest)));
    };
    // All queues have filled up together.
    let size = run(&stream, 1, &[event("t", 1, Some("1"), 100)], Overflow::Latest).size();
    let fit = (LIMIT / size) as u64;
    for line in &lines {
        (1..=fit).for_each(|number| append(line, number));
    }
    assert_eq!(ledger.counts().conflated, 0);
    hub::run(Turns::new(async {
        while !turn_is_over() {}
        lines.iter().for_each(|line| append(line, fit + 1));
    }));
    assert_eq!(ledger.counts().conflated, 0, "others have their turn first");
    // Later, each of them makes room.
    lines.iter().for_each(|line| append(line, fit + 2));
    let counts = ledger.counts();
    assert!(counts.conflated >= 100 * (fit - 1) && counts.overflow == 0, "{counts:?}");
    assert!(lines.iter().all(|line| line.queue().queued_bytes() <= LIMIT));
}
