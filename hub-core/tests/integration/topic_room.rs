//! Claim: a publisher checks for room before it publishes, with the size of its run. A run that would exceed
//! the mark waits whole and without numbers, both for a plain member and for a queue group. A run that fits
//! below the mark does not wait.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{FlushList, PublishResult, SubscriberConnection};
use hub_wire::Overflow;
use topic_common::hub::{Wants, entry, gathered, registry, run, settings, subscribe};
use topic_common::line::Line;
use topic_common::name;

/// The queue holds this many bytes. Publishers wait from a quarter of it on.
const LIMIT: usize = 400_000;
const MARK: usize = LIMIT / 4;

fn waits_whole(group: Option<&'static str>, overflow: Overflow) {
    run(async {
        let registry = registry(settings());
        let line = Line::new(1, LIMIT, registry.ledger());
        subscribe(&registry, &entry(&line, 1, "t", Wants { group, overflow, ..Wants::default() }))
            .await;
        line.take_all();
        line.stop();
        let topic = registry.get_or_create(&name("t")).unwrap();
        let mut to_flush = FlushList::new();
        let mut publish = |id, padding| {
            let mut run = gathered(&topic, "p#1", &[id], padding);
            topic.publish(&mut run, 1, &mut to_flush)
        };
        // Nothing waits, so the queue accepts a run of any size.
        assert!(matches!(publish(1, MARK / 2), PublishResult::Done));
        let waiting = line.queue().queued_bytes();
        assert!((1..MARK).contains(&waiting), "{waiting}");
        // The queue is below the mark, and with this run it would be above the mark.
        assert!(matches!(publish(2, MARK / 2 + 1_000), PublishResult::Wait(_)));
        assert_eq!((topic.state().next, line.queue().queued_bytes()), (2, waiting));
        // A smaller run still fits.
        assert!(matches!(publish(2, MARK / 4), PublishResult::Done));
        assert_eq!(topic.state().next, 3);
        assert!(line.queue().queued_bytes() <= MARK);
        to_flush.flush();
    });
}

#[test]
fn a_run_waits_for_a_plain_member() {
    waits_whole(None, Overflow::DropOldest);
    waits_whole(None, Overflow::Block);
}

#[test]
fn a_run_waits_for_a_group() {
    waits_whole(Some("workers"), Overflow::DropOldest);
    waits_whole(Some("workers"), Overflow::Block);
}

/// A client may subscribe to the topics of others and fill its queue with its own events.
#[test]
fn who_publishes_little_does_not_wait_for_a_queue_that_others_have_filled_to_the_mark() {
    run(async {
        let registry = registry(settings());
        let line = Line::new(1, LIMIT, registry.ledger());
        for (id, filter) in [(1, "t"), (2, "filling")] {
            subscribe(&registry, &entry(&line, id, filter, Wants::default())).await;
        }
        line.take_all();
        line.stop();
        let mut to_flush = FlushList::new();
        let mut publish = |on: &str, padding, lately: Option<usize>| {
            let topic = registry.get_or_create(&name(on)).unwrap();
            let mut run = gathered(&topic, "p#1", &[1], padding);
            lately.into_iter().for_each(|bytes| run.published_lately(bytes));
            topic.publish(&mut run, 1, &mut to_flush)
        };
        assert!(matches!(publish("filling", MARK, None), PublishResult::Done));
        assert!(matches!(publish("filling", 100, None), PublishResult::Wait(_)));
        assert!(matches!(publish("t", 100, None), PublishResult::Wait(_)));
        assert!(matches!(publish("t", 100, Some(MARK)), PublishResult::Wait(_)));
        assert!(matches!(publish("t", 100, Some(20_000)), PublishResult::Done));
        // A run counts among what its publisher has published, too.
        assert!(matches!(publish("t", MARK - 10_000, Some(20_000)), PublishResult::Wait(_)));
        // From half of the bound on, publishers of less wait, too.
        line.queue().end_grace();
        assert!(matches!(publish("filling", MARK, None), PublishResult::Done));
        assert!(line.queue().queued_bytes() > 2 * MARK && line.queue().is_lagging());
        assert!(matches!(publish("t", 100, Some(20_000)), PublishResult::Done));
        line.take_all();
        line.stop();
        assert!(matches!(publish("filling", 2 * MARK, None), PublishResult::Done));
        assert!(matches!(publish("t", 100, Some(20_000)), PublishResult::Wait(_)));
        // Who has published next to nothing waits for no grace.
        assert!(matches!(publish("t", 100, Some(10_000)), PublishResult::Done));
        to_flush.flush();
    });
}
