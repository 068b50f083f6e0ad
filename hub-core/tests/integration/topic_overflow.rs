//! Claim: when a queue is full, it does exactly what the overflow policy of the run says. Each policy is
//! compared with a model that does not know how the queue is built.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{Appended, Ledger, QueuedRun, SubscriberConnection};
use hub_wire::{Frame, FrameType, GapReason, Overflow};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use topic_common::line::Line;
use topic_common::{StreamEntry, Told, assert_consecutive, event, run, share, stream};

const ROOM: usize = 256;

fn single(topic: &str, number: u64, padding: usize, overflow: Overflow) -> QueuedRun {
    run(&stream(topic, 1, &[1]), number, &[event(topic, number, None, padding)], overflow)
}

fn numbers(places: &[StreamEntry]) -> Vec<u64> {
    let number = |place: &StreamEntry| match place {
        StreamEntry::Event(number, _) => Some(*number),
        StreamEntry::Gap(..) => None,
    };
    places.iter().filter_map(number).collect()
}

/// Sends everything, and returns the events and gaps of a topic that the client was told.
fn told(line: &Line, topic: &str) -> Vec<StreamEntry> {
    line.take_all();
    line.client(|client| client.stream(&stream(topic, 1, &[1])))
}

proptest! {
    /// The queue keeps as many of the newest events as fit beside one gap, and never fewer.
    #[test]
    fn drop_oldest_keeps_the_newest(
        paddings in vec(0..600_usize, 1..60),
        limit in 1_000..9_000_usize,
    ) {
        let line = Line::new(1, limit, &Arc::default());
        let (mut sizes, mut number) = (Vec::new(), 0);
        for padding in &paddings {
            number += 1;
            let run = single("t", number, *padding, Overflow::DropOldest);
            sizes.push(run.size());
            line.queue().append(run);
        }
        let places = told(&line, "t");
        prop_assert_eq!(assert_consecutive(1, &places), number + 1);
        let kept = numbers(&places);
        // In the model, the newest events get the whole bound but for the gap.
        let mut left = limit.saturating_sub(ROOM + 1);
        let fit = sizes.iter().rev().take_while(|size| {
            let fits = **size <= left;
            left = left.saturating_sub(**size);
            fits
        });
        let fit = fit.count().max(1);
        prop_assert!(kept.len() >= fit, "{kept:?}, of which {fit} fit");
        prop_assert!(kept.iter().copied().eq(number + 1 - kept.len() as u64..=number));
        prop_assert!(places.len() - kept.len() <= 1, "one gap: {places:?}");
    }

    /// The queue drops the events that do not fit, and keeps the events that it has.
    #[test]
    fn drop_newest_keeps_the_oldest(
        paddings in vec(0..600_usize, 1..60),
        limit in 1_000..9_000_usize,
    ) {
        let line = Line::new(1, limit, &Arc::default());
        let (mut expected, mut bytes, mut in_gap) = (Vec::new(), 0, false);
        for (n, padding) in paddings.iter().enumerate() {
            let number = n as u64 + 1;
            let run = single("t", number, *padding, Overflow::DropNewest);
            if bytes == 0 || bytes + run.size() <= limit {
                bytes += run.size();
                expected.push(number);
                in_gap = false;
            } else if !in_gap {
                bytes += ROOM + 1;
                in_gap = true;
            }
            line.queue().append(run);
        }
        let places = told(&line, "t");
        prop_assert_eq!(assert_consecutive(1, &places), paddings.len() as u64 + 1);
        prop_assert_eq!(numbers(&places), expected);
    }

    /// As long as the newest events of all keys fit into three quarters of the bound, the queue drops
    /// only events that a newer event replaced.
    #[test]
    fn latest_keeps_the_newest_of_each_key(
        runs in vec(vec((0..6_usize, 0..60_usize), 1..8), 1..80),
        topics in 1..3_usize,
        group in any::<bool>(),
    ) {
        let ledger = Arc::<Ledger>::default();
        let line = Line::new(1, 24_000, &ledger);
        let keys = [None, Some("a"), Some("b"), Some("cc"), Some("d"), Some("e")];
        let mut newest = BTreeMap::new();
        let mut next = [1, 1];
        for (n, events) in runs.iter().enumerate() {
            let topic = n % topics;
            let stream = stream(["t", "u"][topic], 1, &[if group { 5 } else { 1 }]);
            let first = next[topic];
            let frames: Vec<_> = (first..)
                .zip(events)
                .map(|(number, (key, padding))| {
                    newest.insert((topic, *key), number);
                    event(["t", "u"][topic], number, keys[*key], *padding)
                })
                .collect();
            next[topic] += events.len() as u64;
            let made = match group {
                true => share(&stream, "g", first, &frames),
                false => run(&stream, first, &frames, Overflow::Latest),
            };
            line.queue().append(QueuedRun { overflow: Overflow::Latest, ..made });
        }
        line.take_all();
        let counts = ledger.counts();
        prop_assert_eq!(counts.overflow, 0, "no key was lost");
        prop_assert_eq!(counts.pending(), 0);
        for topic in 0..topics {
            let stream = stream(["t", "u"][topic], 1, &[if group { 5 } else { 1 }]);
            let places = line.client(|client| client.stream(&stream));
            prop_assert_eq!(assert_consecutive(1, &places), next[topic]);
            let kept: BTreeSet<_> = numbers(&places).into_iter().collect();
            for ((of, key), number) in &newest {
                prop_assert!(*of != topic || kept.contains(number), "{key}: {number} of {kept:?}");
            }
        }
    }

    /// If there are more keys than fit, the queue keeps the newest events, whatever their keys are, and
    /// it has few gaps.
    #[test]
    fn latest_with_too_many_keys_keeps_the_newest_events(
        keys in vec(0..10_000_u32, 200),
        limit in 3_000..9_000_usize,
    ) {
        let line = Line::new(1, limit, &Arc::default());
        for (number, key) in (1..).zip(&keys) {
            let events = [event("t", number, Some(&key.to_string()), 10)];
            line.queue().append(run(&stream("t", 1, &[1]), number, &events, Overflow::Latest));
            prop_assert!(line.queue().queued_bytes() <= limit + 1_000);
        }
        let places = told(&line, "t");
        prop_assert_eq!(assert_consecutive(1, &places), 201);
        let kept = numbers(&places);
        prop_assert!(kept.ends_with(&[200]) && kept.len() >= limit / 2 / 400, "{kept:?}");
    }

    /// The queue drops only events whose own policy allows it, whichever stream makes it overflow.
    #[test]
    fn one_lane_does_not_drop_what_another_may_keep(
        steps in vec((0..4_usize, 0..300_usize), 1..120),
        limit in 2_000..9_000_usize,
    ) {
        let ledger = Arc::<Ledger>::default();
        let line = Line::new(1, limit, &ledger);
        let policies = [Overflow::Block, Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest];
        let topics = ["b", "n", "o", "l"];
        let mut kept = [const { BTreeSet::new() }; 4];
        let mut next = [1; 4];
        for (stream, padding) in steps {
            let run = single(topics[stream], next[stream], padding, policies[stream]);
            if policies[stream] == Overflow::Block && line.queue().must_wait(run.size(), Overflow::Block) {
                continue;
            }
            let before = ledger.counts().overflow;
            prop_assert!(matches!(line.queue().append(run), Appended::Done));
            if stream < 2 && ledger.counts().overflow == before {
                kept[stream].insert(next[stream]);
            }
            next[stream] += 1;
        }
        for stream in 0..4 {
            let places = told(&line, topics[stream]);
            prop_assert_eq!(assert_consecutive(1, &places), next[stream]);
            let told: BTreeSet<_> = numbers(&places).into_iter().collect();
            prop_assert!(told.is_superset(&kept[stream]));
            prop_assert!(stream != 0 || told.len() == places.len(), "block has no gap");
        }
    }
}

#[test]
fn a_run_larger_than_the_queue_is_let_in_when_no_other_waits() {
    for overflow in Overflow::ALL {
        let line = Line::new(1, 1_000, &Arc::default());
        line.queue().append_control(Frame::Ping { token: 1 }.to_bytes());
        assert!(matches!(line.queue().append(single("t", 1, 5_000, overflow)), Appended::Done));
        assert_eq!(numbers(&told(&line, "t")), [1], "{overflow:?}");
    }
}

#[test]
fn the_newest_is_kept_whatever_is_being_sent() {
    for overflow in [Overflow::DropOldest, Overflow::Latest] {
        let line = Line::new(1, 2_000, &Arc::default());
        for number in 1..=20 {
            line.queue().append(single("t", number, 3_000, overflow));
            if number == 1 {
                line.take(1); // the rest of the run is larger than the queue
            }
        }
        assert_eq!(numbers(&told(&line, "t")), [1, 20], "{overflow:?}");
    }
}

#[test]
fn a_small_queue_keeps_most_of_what_waits_within_reach_of_its_policy() {
    // Once the queue is full, the socket takes one byte, so that a run is in the write buffer.
    let line = Line::new(1, 8_000, &Arc::default());
    for number in 1..=100 {
        line.queue().append(single("t", number, 100, Overflow::DropOldest));
        if number == 40 {
            line.take(1);
        }
    }
    let kept = numbers(&told(&line, "t"));
    let newest = kept.iter().rev().zip((1..=100).rev()).take_while(|(a, b)| **a == *b).count();
    assert!(newest >= 8, "{kept:?}");
}

#[test]
fn disconnect_lets_nothing_in_behind_what_it_refused() {
    let ledger = Arc::<Ledger>::default();
    let line = Line::new(1, 4_000, &ledger);
    for number in 1..=3 {
        line.queue().append(single("t", number, 500, Overflow::Disconnect));
    }
    assert!(!line.queue().is_closed());
    let large = single("t", 4, 5_000, Overflow::Disconnect);
    let Appended::Overflowed(back) = line.queue().append(large) else { panic!("no room") };
    assert_eq!((back.first, line.queue().is_closed()), (4, true));
    // This run would fit, and would hide that the run before it is missing.
    let small = single("t", 5, 0, Overflow::Disconnect);
    assert!(matches!(line.queue().append(small), Appended::Closed(_)));
    // A run of another topic is refused, too, because the connection ends here.
    assert!(matches!(line.queue().append(single("u", 1, 0, Overflow::Block)), Appended::Closed(_)));
    assert!(!line.queue().must_wait(100, Overflow::Block), "nobody waits for it any more");
    line.queue().append_gap(stream("t", 1, &[2]), 1, Some(3), GapReason::Away);
    line.queue().append_control(Frame::Ping { token: 1 }.to_bytes());
    line.queue().finish(Frame::Ping { token: 2 }.to_bytes());
    assert_eq!(
        told(&line, "t"),
        [StreamEntry::Event(1, 1), StreamEntry::Event(2, 2), StreamEntry::Event(3, 3)]
    );
    let pings = line.client(|client| {
        client.told.iter().filter(|told| **told == Told::Control(FrameType::Ping)).count()
    });
    assert_eq!(pings, 2, "control frames still go out");
    assert_eq!(line.client(|client| client.stream(&stream("t", 1, &[2]))), []);
}

#[test]
fn discard_leaves_no_hole_behind_what_was_sent() {
    let ledger = Arc::<Ledger>::default();
    let line = Line::new(1, 100_000, &ledger);
    let shared = stream("t", 1, &[1]);
    line.queue().append_control(Frame::Receipt { next: 1 }.to_bytes());
    for number in 1..=5 {
        line.queue().append(single("t", number, 100, Overflow::DropOldest));
        let share = share(&stream("t", 1, &[9]), "g", number, &[event("t", number, None, 0)]);
        line.queue().append(share);
    }
    // This answer claims that everything before it was sent.
    line.queue().append_control(Frame::Pong { token: 1 }.to_bytes());
    line.queue().discard();
    let late = single("t", 6, 0, Overflow::DropOldest);
    let Appended::Closed(late) = line.queue().append(late) else { panic!("it is to be closed") };
    line.queue().abandon(&[late]);
    line.queue().finish(Frame::Ping { token: 2 }.to_bytes());
    assert_eq!(ledger.counts().disconnected, 6);
    // The runs of a queue group stay until they are reclaimed for the other members.
    let left = line.queue().reclaim(&stream("t", 1, &[9]), "g");
    assert_eq!(left.iter().map(|run| run.first).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    line.queue().abandon(&left);
    line.take_all();
    assert_eq!(line.client(|client| client.stream(&shared)), []);
    let told = line.client(|client| client.told.clone());
    assert_eq!(told, [Told::Control(FrameType::Receipt), Told::Control(FrameType::Ping)]);
    assert_eq!(line.queue().queued_bytes(), 0);
}

/// If a subscription ended and began again, the events in between were not due to it.
#[test]
fn gaps_are_not_joined_over_numbers_that_were_not_due() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let line = Line::new(1, 4_000, &Arc::default());
        let small = |number| single("t", number, 0, overflow);
        let due = (1..=20).chain(31..=50);
        due.clone().for_each(|number| drop(line.queue().append(small(number))));
        let places = told(&line, "t");
        let told: Vec<u64> = places
            .iter()
            .flat_map(|place| {
                let (from, to) = place.range();
                from..=to
            })
            .collect();
        assert_eq!(told, due.collect::<Vec<_>>(), "{overflow:?}: {places:?}");
    }
}

/// A run of many small events stays whole, because its parts would take far more room than the run.
#[test]
fn latest_takes_no_run_apart_for_nothing() {
    let ledger = Arc::<Ledger>::default();
    let line = Line::new(1, 24_000, &ledger);
    let stream = stream("t", 1, &[1]);
    let mut next = 1;
    let mut append = |keys: Vec<u32>| {
        let first = next;
        next += keys.len() as u64;
        let events: Vec<_> =
            (first..).zip(keys).map(|(n, key)| event("t", n, Some(&key.to_string()), 0)).collect();
        line.queue().append(run(&stream, first, &events, Overflow::Latest));
    };
    append((0..200).collect());
    // Every second key comes again, until the queue is full.
    (0..20).for_each(|_| append((0..200).step_by(2).collect()));
    line.take_all();
    let counts = ledger.counts();
    assert!(counts.overflow == 0 && counts.conflated > 0, "{counts:?}");
    let places = line.client(|client| client.stream(&stream));
    assert_eq!(assert_consecutive(1, &places), 2_201);
    // The run with all keys is still whole.
    assert!(numbers(&places).starts_with(&(1..=200).collect::<Vec<_>>()));
}

#[test]
fn gaps_of_a_connection_that_stopped_reading_stay_few() {
    for overflow in [Overflow::Latest, Overflow::DropNewest, Overflow::DropOldest] {
        for group in [false, true] {
            let line = Line::new(1, 20_000, &Arc::default());
            for number in 1..=20_000_u64 {
                // In a group, another member gets every second event.
                let number = if group { 2 * number } else { number };
                let stream = stream("t", 1, &[if group { 3 } else { 1 }]);
                let events = [event("t", number, Some(&(number % 3).to_string()), 0)];
                let made = match group {
                    true => share(&stream, "g", number, &events),
                    false => run(&stream, number, &events, overflow),
                };
                line.queue().append(QueuedRun { overflow, ..made });
            }
            let state = line.queue().state();
            assert!(state.gaps <= state.events as usize + 1, "{overflow:?} {group}: {state:?}");
            assert!(state.bytes <= 21_000, "{overflow:?} {group}: {state:?}");
        }
    }
}
