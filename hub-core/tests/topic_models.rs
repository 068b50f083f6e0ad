//! Claim: in whatever order the threads run, and whatever a weak memory model lets each of them see:
//!
//! - every appended event is written,
//! - every waiting publisher is woken,
//! - all subscribers see one order,
//! - and the ledger balances.
//!
//! The tests do not run a copy of the code. This file compiles the sources of `topic` a second time, with
//! the locks and atomics of the model checker `loom` in place of the real ones (`sync.rs`). loom runs each
//! test in every order of the threads with up to a few preemptions, and with every value that a load may
//! see. Counters that order no memory access keep their real type. So does the registry, which only one
//! thread uses.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

#[path = "topic_models/line.rs"]
mod line;
#[allow(dead_code, reason = "the emitters' part of each policy")]
#[path = "../src/overflow.rs"]
mod overflow;
#[path = "topic_models/sync.rs"]
mod sync;
#[allow(dead_code, unreachable_pub, unused_imports, clippy::all, reason = "linted in its crate")]
#[path = "../src/topic/mod.rs"]
mod topic;

use hub_wire::{Frame, Overflow, Start, TopicFilter, TopicName};
use line::{Line, Sleeper, Stretch, gathered, single};
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use topic::{
    Appended, GivesWay, Ledger, QueuedRun, Registry, SubscriberConnection, SubscriptionEntry,
    Topic, TopicSettings,
};

/// Runs `model` in every order in which threads are interrupted at most `preemptions` times.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 10_000;
    let orders = Arc::new(AtomicU64::new(0));
    let count = orders.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    eprintln!("{orders:?} orders");
}

/// A queue holds this many bytes. Publishers wait from a quarter of it on, and are woken at an eighth.
const LIMIT: usize = 4_000;

/// Returns a line whose socket takes nothing yet. The run of a group fills its queue, so that
/// publishers wait.
fn full(connection: u64, ledger: &Arc<Ledger>) -> Arc<Line> {
    let line = Arc::new(Line::new(connection, LIMIT, 0, ledger));
    let mut run = single("fill", 1, LIMIT / 4, Overflow::DropOldest);
    run.group = Some("g".into());
    assert!(matches!(line.queue().append(run), Appended::Done));
    line
}

fn small(topic: &str, number: u64) -> QueuedRun {
    single(topic, number, 1, Overflow::Block)
}

/// Waits for room on the line, then appends a run.
fn publisher(line: &Arc<Line>) -> thread::JoinHandle<()> {
    let line = line.clone();
    thread::spawn(move || {
        let run = small("a", 1);
        Sleeper::new().wait_for_room(line.queue(), run.size());
        line.append(run);
    })
}

fn goodbye() -> Vec<u8> {
    Frame::Ping { token: 1 }.to_bytes()
}

#[test]
fn nothing_that_was_appended_stays_unwritten() {
    check(3, || {
        let ledger = Arc::<Ledger>::default();
        let line = Arc::new(Line::new(1, 1 << 20, usize::MAX, &ledger));
        let other = line.clone();
        let thread = thread::spawn(move || other.append(small("b", 1)));
        (1..=2).for_each(|number| line.append(small("a", number)));
        thread.join().unwrap();
        assert_eq!(line.queue().queued_bytes(), 0, "everybody is through");
        let counts = ledger.counts();
        assert_eq!((counts.delivered, counts.pending()), (3, 0));
        assert_eq!((line.numbers("a"), line.numbers("b")), (vec![1, 2], vec![1]));
    });
}

#[test]
fn all_publishers_that_wait_for_room_are_woken_when_a_queue_has_drained() {
    check(2, || {
        let line = full(1, &Arc::default());
        let publishers = [1, 2].map(|_| {
            let line = line.clone();
            thread::spawn(move || Sleeper::new().wait_for_room(line.queue(), 300))
        });
        line.open(usize::MAX);
        line.flush();
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    });
}

#[test]
fn a_publisher_that_was_woken_appends_while_the_queue_still_drains() {
    check(3, || {
        let ledger = Arc::<Ledger>::default();
        let line = full(1, &ledger);
        let publisher = publisher(&line);
        line.open(100); // a part of the run
        line.flush();
        line.open(usize::MAX);
        line.flush();
        publisher.join().unwrap();
        assert_eq!(line.queue().queued_bytes(), 0, "everybody is through");
        assert_eq!(ledger.counts().delivered, 2);
        assert_eq!(line.numbers("a"), [1]);
    });
}

#[test]
fn a_publisher_is_woken_by_whatever_ends_its_wait() {
    type End = fn(&Line);
    let ends: [End; 6] = [
        |line| line.queue().close(),
        |line| line.queue().finish(goodbye()),
        |line| line.queue().discard(),
        |line| assert!(!line.queue().shed(0)),
        |line| line.append(single("c", 1, LIMIT, Overflow::Disconnect)),
        |line| {
            let fill = single("fill", 1, 1, Overflow::DropOldest);
            let taken = line.queue().reclaim(&fill.stream, "g");
            assert_eq!(taken.len(), 1);
            line.queue().abandon(&taken);
        },
    ];
    for end in ends {
        check(5, move || {
            let ledger = Arc::<Ledger>::default();
            let line = full(1, &ledger);
            let publisher = publisher(&line);
            end(&line);
            publisher.join().unwrap();
            drop(line);
            assert_eq!(ledger.counts().pending(), 0);
        });
    }
}

#[test]
fn the_ledger_balances_whenever_a_connection_ends() {
    for discards in [false, true] {
        check(4, move || {
            let ledger = Arc::<Ledger>::default();
            let line = Arc::new(Line::new(1, 1 << 20, usize::MAX, &ledger));
            let other = line.clone();
            let publisher = thread::spawn(move || {
                (1..=2).for_each(|number| other.append(small("a", number)));
            });
            if discards {
                line.queue().discard();
            }
            line.queue().finish(goodbye());
            line.flush();
            publisher.join().unwrap();
            assert_eq!(line.queue().queued_bytes(), 0, "everybody is through");
            let told = line.numbers("a");
            drop(line);
            let counts = ledger.counts();
            assert_eq!((counts.due, counts.pending()), (2, 0));
            assert_eq!(counts.delivered, told.len() as u64);
            assert!([1, 2].starts_with(&told), "{told:?}");
        });
    }
}

/// Returns a registry without actors. The models do the work of the actors.
fn registry() -> Arc<Registry> {
    let settings = TopicSettings {
        max_topics: 10,
        idle: Duration::from_secs(60),
        history_per_topic: 1 << 20,
        history_in_all: 1 << 20,
        first_epoch: 1,
        group_linger: Duration::from_secs(60),
    };
    Registry::new(settings, Vec::new())
}

fn entry(line: &Arc<Line>, group: Option<&str>, start: Start) -> Arc<SubscriptionEntry> {
    let id = line.number();
    let mut entry = subscription(line, id, start);
    entry.group = group.map(Arc::from);
    Arc::new(entry)
}

/// Returns a plain subscription with this id.
fn named(line: &Arc<Line>, id: u64, start: Start) -> Arc<SubscriptionEntry> {
    Arc::new(subscription(line, id, start))
}

fn subscription(line: &Arc<Line>, id: u64, start: Start) -> SubscriptionEntry {
    SubscriptionEntry {
        id,
        filter: TopicFilter::parse("t").unwrap(),
        group: None,
        overflow: Overflow::Block,
        start,
        positions: false,
        flow: None,
        replays: Default::default(),
        ack: None,
        observe: false,
        connection: line.clone(),
        charge: None,
        guard: None,
    }
}

/// Returns the topic `t` with these members.
fn topic_of(registry: &Arc<Registry>, members: &[Arc<SubscriptionEntry>]) -> Arc<Topic> {
    members.iter().for_each(|entry| assert!(registry.subscribe(entry).next().is_none()));
    registry.get_or_create(&TopicName::parse("t").unwrap()).unwrap()
}

fn publish(
    topic: &Arc<Topic>,
    publisher: &'static str,
    counts: &'static [u32],
) -> thread::JoinHandle<()> {
    let topic = topic.clone();
    thread::spawn(move || {
        let sleeper = Sleeper::new();
        counts.iter().for_each(|n| sleeper.publish(&topic, gathered(&topic, publisher, *n)));
    })
}

#[test]
fn all_subscribers_are_told_one_order() {
    check(2, || {
        let registry = registry();
        let lines = [1, 2].map(|n| Arc::new(Line::new(n, 1 << 20, usize::MAX, registry.ledger())));
        let topic =
            topic_of(&registry, &lines.each_ref().map(|line| entry(line, None, Start::Live)));
        let publishers = ["a", "b"].map(|name| publish(&topic, name, &[1]));
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        let [first, second] = lines.each_ref().map(|line| line.told());
        assert_eq!(first, second);
        assert_eq!(lines[0].numbers("t"), [1, 2]);
        let counts = registry.ledger().counts();
        assert_eq!((counts.due, counts.delivered), (4, 4));
    });
}

#[test]
fn who_joins_while_events_come_misses_and_repeats_none() {
    check(3, || {
        let registry = registry();
        let line = Arc::new(Line::new(1, 1 << 20, usize::MAX, registry.ledger()));
        let topic = topic_of(&registry, &[]);
        let publisher = publish(&topic, "a", &[1, 2]);
        topic.join(&entry(&line, None, Start::After([].into()))).flush();
        line.flush();
        publisher.join().unwrap();
        assert_eq!(line.numbers("t"), [1, 2, 3]);
        assert_eq!(registry.ledger().counts().pending(), 0);
    });
}

/// While a replay reads the history, the topic drops its history and gets another event. In one of the
/// models, another subscription of the connection is live, so that live copies come as well.
#[test]
fn a_replay_joins_the_live_order_without_a_hole() {
    for shares in [false, true] {
        check(3, move || {
            let registry = registry();
            let line = Arc::new(Line::new(1, 1 << 20, usize::MAX, registry.ledger()));
            let live = entry(&line, None, Start::Live);
            let topic = topic_of(&registry, if shares { std::slice::from_ref(&live) } else { &[] });
            (1..=3).for_each(|_| Sleeper::new().publish(&topic, gathered(&topic, "a", 1)));
            let other = topic.clone();
            let publisher = thread::spawn(move || {
                other.give_way(GivesWay::Histories);
                Sleeper::new().publish(&other, gathered(&other, "a", 1));
            });
            topic.join(&named(&line, 2, Start::After([].into()))).flush();
            line.flush();
            publisher.join().unwrap();

            let told = line.stretches();
            let of =
                |id| told.iter().filter(move |told| told.subscriptions.as_slice().contains(&id));
            // The events that the history dropped before the subscription came are one gap in front.
            // There is no other gap.
            let gaps: Vec<_> = of(2).filter(|told| told.is_gap).collect();
            let forgotten = gaps.iter().all(|gap| (gap.first, gap.last) == (1, 2));
            assert!(forgotten && gaps.len() <= 1, "{told:?}");
            assert_eq!(consecutive(1, of(2)), 5, "{told:?}");
            assert_eq!(consecutive(1, of(1)), if shares { 5 } else { 1 }, "{told:?}");
            assert_eq!(registry.ledger().counts().pending(), 0);
        });
    }
}

/// Checks that these stretches follow one another, from number `next` on. Returns the number behind
/// the last one.
fn consecutive<'a>(next: u64, stretches: impl Iterator<Item = &'a Stretch>) -> u64 {
    stretches.fold(next, |next, told| {
        assert_eq!(told.first, next, "{told:?}");
        told.last + 1
    })
}

#[test]
fn what_a_member_of_a_group_leaves_behind_reaches_the_others() {
    for closes in [false, true] {
        check(3, move || {
            let registry = registry();
            let lines = [0, usize::MAX]
                .map(|room| Arc::new(Line::new(room as u64, 1 << 20, room, registry.ledger())));
            let members = lines.each_ref().map(|line| entry(line, Some("g"), Start::Live));
            let topic = topic_of(&registry, &members);
            let publisher = publish(&topic, "a", &[2, 1]);
            if closes {
                lines[0].queue().close();
            }
            topic.leave(&members[0]).flush();
            publisher.join().unwrap();
            let mut told = lines[1].numbers("t");
            told.sort_unstable();
            let counts = registry.ledger().counts();
            assert_eq!(told, [1, 2, 3]);
            assert_eq!((counts.due, counts.delivered), (3, 3));
        });
    }
}

#[test]
fn a_publisher_that_waits_for_a_member_that_leaves_goes_on() {
    for group in [None, Some("g")] {
        check(5, move || {
            let registry = registry();
            let line = full(1, registry.ledger());
            let member = entry(&line, group, Start::Live);
            let topic = topic_of(&registry, std::slice::from_ref(&member));
            let publisher = publish(&topic, "a", &[1]);
            topic.leave(&member).flush();
            publisher.join().unwrap();
            let counts = registry.ledger().counts();
            // A group that has just lost its member may still get the event, and loses it when the
            // group ends.
            assert_eq!(counts.due - counts.disconnected, 1, "{counts:?}");
            assert!(group.is_some() || counts.due == 1, "{counts:?}");
        });
    }
}

#[test]
fn a_publisher_that_waits_for_a_group_goes_on_when_any_member_has_room() {
    check(3, || {
        let registry = registry();
        let lines = [1, 2].map(|n| full(n, registry.ledger()));
        let topic =
            topic_of(&registry, &lines.each_ref().map(|line| entry(line, Some("g"), Start::Live)));
        let publisher = publish(&topic, "a", &[1]);
        lines[1].open(usize::MAX);
        lines[1].flush();
        publisher.join().unwrap();
        assert_eq!(registry.ledger().counts().due, 3);
    });
}
