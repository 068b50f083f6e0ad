//! Claim: each event goes to one member of a queue group.
//!
//! - Members without room are skipped.
//! - When a member leaves, the other members get its events that were not sent.
//! - A publisher that waits for a group is woken when any member has room.
//! - Under no policy do the events of a group pile up.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    DeliveryStream, FlushList, PublishResult, Registry, SubscriberConnection, SubscriptionEntry,
};
use hub_wire::{Gap, Overflow};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use topic_common::hub::{self, Wants, entry, gathered, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{Told, name, stream};

#[derive(Debug, Clone)]
enum Step {
    Publish {
        events: usize,
        padding: usize,
    },
    Join {
        line: usize,
        overflow: Overflow,
    },
    Leave {
        which: usize,
    },
    /// The connection of a member breaks.
    Break {
        which: usize,
    },
    Take {
        line: usize,
        bytes: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let overflow = proptest::sample::select(&Overflow::ALL[..]);
    let step = prop_oneof![
        12 => (1..12_usize, 0..200_usize)
            .prop_map(|(events, padding)| Step::Publish { events, padding }),
        4 => (0..3_usize, overflow).prop_map(|(line, overflow)| Step::Join { line, overflow }),
        1 => (0..4_usize).prop_map(|which| Step::Leave { which }),
        1 => (0..4_usize).prop_map(|which| Step::Break { which }),
        6 => (0..3_usize, 0..3_000_usize).prop_map(|(line, bytes)| Step::Take { line, bytes }),
    ];
    vec(step, 1..80)
}

struct World {
    registry: Arc<Registry>,
    limit: usize,
    lines: Vec<Arc<Line>>,
    broken: Vec<Arc<Line>>,
    members: Vec<(Arc<Line>, Arc<SubscriptionEntry>)>,
    ids: u64,
    /// The ids of the events that were published since the topic had the group.
    due: BTreeSet<u64>,
    /// Whether the topic has the group, which stays when its last member leaves.
    grouped: bool,
}

impl World {
    fn new(limit: usize) -> Self {
        let registry = hub::registry(hub::settings());
        let line = |n| Line::new(n, limit, registry.ledger());
        let lines = (0..3).map(line).collect();
        let (broken, members, due) = (Vec::new(), Vec::new(), BTreeSet::new());
        World { registry, limit, lines, broken, members, ids: 0, due, grouped: false }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { events, padding } => self.publish(events, padding),
            Step::Join { line, overflow } => {
                self.ids += 1;
                let wants = Wants { group: Some("g"), overflow, ..Wants::default() };
                let line = self.lines[line].clone();
                let entry = entry(&line, self.ids, "a", wants);
                subscribe(&self.registry, &entry).await;
                self.members.push((line, entry));
                self.grouped |= self.registry.get("a").is_some();
            }
            Step::Leave { which } if which < self.members.len() => {
                let (_, entry) = self.members.remove(which);
                unsubscribe(&self.registry, &entry).await;
            }
            Step::Break { which } if which < self.members.len() => {
                let line = self.members[which].0.clone();
                self.end(&line).await;
            }
            Step::Take { line, bytes } => self.lines[line].take(bytes),
            Step::Leave { .. } | Step::Break { .. } => {}
        }
        for line in self.lines.clone() {
            if line.overflowed.load(Ordering::SeqCst) {
                line.queue().discard();
                self.end(&line).await;
            }
        }
    }

    /// Ends a connection, and lets all its subscriptions leave.
    async fn end(&mut self, line: &Arc<Line>) {
        line.queue().close();
        let of = |known: &Arc<Line>| Arc::ptr_eq(known, line);
        let (gone, stay) =
            std::mem::take(&mut self.members).into_iter().partition(|(line, _)| of(line));
        self.members = stay;
        let gone: Vec<(Arc<Line>, Arc<SubscriptionEntry>)> = gone;
        for (_, entry) in gone {
            unsubscribe(&self.registry, &entry).await;
        }
        // At most the events of one run that was written in part are left. All other events went to
        // the members that stay, or wait in the group.
        assert!(line.queue().state().events < 12, "{:?}", line.queue().state());
        self.broken.push(line.clone());
        self.ids += 1;
        let new = Line::new(1_000 + self.ids, self.limit, self.registry.ledger());
        let place = self.lines.iter().position(of).unwrap();
        self.lines[place] = new;
    }

    fn publish(&mut self, events: usize, padding: usize) {
        let topic = self.registry.get_or_create(&name("a")).unwrap();
        let ids: Vec<u64> = (self.ids + 1..=self.ids + events as u64).collect();
        self.ids += events as u64;
        let mut run = gathered(&topic, "p#1", &ids, padding);
        let mut to_flush = FlushList::new();
        let before = self.registry.ledger().counts();
        // A run counts for 256 bytes beside its events, and the bound of an event is rounded up.
        let size: usize = 256 + 100 + ids.iter().map(|_| 60 + padding).sum::<usize>();
        loop {
            let roomy = self.members.iter().any(|(line, _)| line.queue().has_room(size));
            match topic.publish(&mut run, 1, &mut to_flush) {
                PublishResult::Done => {
                    let after = self.registry.ledger().counts();
                    let lost = (after.overflow, after.disconnected, after.conflated);
                    let lost_before = (before.overflow, before.disconnected, before.conflated);
                    assert!(!roomy || lost == lost_before, "passed over: {before:?} {after:?}");
                    break;
                }
                PublishResult::Wait(connection) => {
                    let all = self.members.iter().all(|(line, entry)| {
                        line.queue().must_wait(usize::MAX >> 1, entry.overflow)
                    });
                    assert!(all, "one member has room");
                    connection.queue().end_grace();
                    let line = self.lines.iter().find(|l| l.number() == connection.number());
                    line.unwrap().take(500);
                }
                other => panic!("{other:?}"),
            }
        }
        self.grouped |= !self.members.is_empty();
        if self.grouped {
            self.due.extend(ids);
        }
        to_flush.flush();
        let most = self.limit + size + 20_000;
        let largest = self.lines.iter().map(|line| line.queue().queued_bytes()).max();
        assert!(largest.unwrap() <= most, "{largest:?} of {most}");
    }

    fn check(&self) {
        self.lines.iter().for_each(|line| line.take_all());
        let mut seen = BTreeSet::new();
        let mut missing = self.registry.get("a").map_or(0, |topic| topic.waiting());
        for line in self.lines.iter().chain(&self.broken) {
            // The events of a run that was written in part when its connection broke, and the
            // events that no other member could take.
            missing += line.queue().state().events;
            for told in line.client(|client| client.told.clone()) {
                match told {
                    Told::Run { stream, ids, .. } => {
                        assert_eq!(stream.subscriptions.as_slice().len(), 1, "named");
                        for id in ids {
                            // The events of a run that broke off count as missing, even if they
                            // arrived.
                            assert!(seen.insert(id), "{id} twice");
                        }
                    }
                    Told::Gap(Gap { from, to, .. }) => assert!(Some(from) <= to),
                    _ => {}
                }
            }
        }
        let counts = self.registry.ledger().counts();
        assert_eq!(counts.due, self.due.len() as u64);
        assert!(seen.is_subset(&self.due));
        assert_eq!(counts.pending(), missing, "{counts:?}");
        let lost = counts.overflow + counts.conflated + counts.disconnected;
        let unseen = self.due.len() as u64 - seen.len() as u64;
        assert!(unseen <= lost + missing && counts.delivered <= seen.len() as u64);
    }
}

#[test]
fn each_event_goes_to_one_member_and_nothing_is_lost_with_a_member_that_leaves() {
    let input = (steps(), prop_oneof![4_000..20_000_usize, Just(1 << 24)]);
    hub::check(300, file!(), input, |(steps, limit)| async move {
        let mut world = World::new(limit);
        for step in steps {
            world.step(step).await;
        }
        world.check();
        let counts = world.registry.ledger().counts();
        // If the queues have enough room, no event is lost, also not those of the last member.
        let lost = counts.overflow + counts.conflated + counts.disconnected;
        assert!(limit < 1 << 24 || lost == 0, "{counts:?}");
    });
}

fn group(overflow: Overflow) -> Wants {
    Wants { group: Some("g"), overflow, ..Wants::default() }
}

fn share_of(registry: &Registry, id: u64) -> DeliveryStream {
    stream("a", registry.get("a").unwrap().epoch(), &[id])
}

fn numbers(line: &Line) -> Vec<u64> {
    let told = line.client(|client| client.told.clone());
    let ids = told.into_iter().filter_map(|told| match told {
        Told::Run { ids, .. } => Some(ids),
        _ => None,
    });
    ids.flatten().collect()
}

#[test]
fn members_take_turns_and_neighbouring_events_stay_together() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let lines: Vec<_> = (1..4).map(|n| Line::new(n, 1 << 20, registry.ledger())).collect();
        for line in &lines {
            line.take_all();
            subscribe(&registry, &entry(line, 1, "a", group(Overflow::DropOldest))).await;
        }
        publish(&registry, "a", &[1, 2, 3, 4, 5, 6, 7]);
        publish(&registry, "a", &[8]);
        publish(&registry, "a", &[9, 10]);
        let seen: Vec<_> = lines.iter().map(|line| numbers(line)).collect();
        assert_eq!(seen, [vec![1, 2, 3, 8], vec![4, 5, 9], vec![6, 7, 10]]);
        assert_eq!(registry.ledger().counts().due, 10);
    });
}

#[test]
fn what_a_leaving_member_left_behind_goes_to_the_others_in_order() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let stuck = Line::new(1, 1 << 20, registry.ledger());
        let fast = Line::new(2, 1 << 20, registry.ledger());
        fast.take_all();
        let leaving = entry(&stuck, 5, "a", group(Overflow::Block));
        subscribe(&registry, &leaving).await;
        subscribe(&registry, &entry(&fast, 6, "a", group(Overflow::Block))).await;
        for n in 0..10 {
            publish(&registry, "a", &[2 * n, 2 * n + 1]);
        }
        assert_eq!(numbers(&fast), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
        stuck.take(60); // in the middle of the first run
        unsubscribe(&registry, &leaving).await;
        let reclaimed = [2, 4, 6, 8, 10, 12, 14, 16, 18];
        assert_eq!(numbers(&fast)[10..], reclaimed, "flushed, too");
        stuck.take_all();
        assert_eq!(numbers(&stuck), [0], "what was begun is finished");
        let counts = registry.ledger().counts();
        assert_eq!((counts.due, counts.delivered, counts.pending()), (20, 20, 0));
    });
}

#[test]
fn what_a_leaving_member_left_behind_is_shared_evenly() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let lines: Vec<_> = (1..4).map(|n| Line::new(n, 1 << 20, registry.ledger())).collect();
        let members: Vec<_> =
            lines.iter().map(|line| entry(line, 1, "a", group(Overflow::Block))).collect();
        for member in &members {
            subscribe(&registry, member).await;
        }
        for n in 0..12 {
            publish(&registry, "a", &[n]);
        }
        unsubscribe(&registry, &members[0]).await;
        for line in &lines[1..] {
            line.take_all();
            assert_eq!(numbers(line).len(), 6, "four of its own, and half of what was left");
        }
    });
}

/// A slow member keeps its own events in memory, not the whole runs that they are from.
#[test]
fn a_members_share_does_not_keep_the_rest_of_the_run_in_memory() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let lines: Vec<_> = (1..9).map(|n| Line::new(n, 1 << 20, registry.ledger())).collect();
        for line in &lines {
            subscribe(&registry, &entry(line, 1, "a", group(Overflow::DropOldest))).await;
        }
        publish(&registry, "a", &(0..64).collect::<Vec<_>>());
        let held = registry.ledger().held();
        for line in &lines {
            let runs = line.queue().reclaim(&share_of(&registry, 1), "g");
            let (before, bytes) = (held.get(), runs[0].events.len());
            assert_eq!((runs.len(), runs[0].count), (1, 8));
            drop(runs);
            // The bytes of this part are free again, while the other members still hold theirs.
            let freed = before - held.get();
            assert!((bytes..bytes + 200).contains(&freed), "{freed} of {bytes}");
        }
    });
}

/// A `block` member never drops events, so it must not get events for which no publisher waits.
#[test]
fn a_stuck_block_member_does_not_collect_what_others_cannot_take() {
    hub::run(async {
        const LIMIT: usize = 40_000;
        let registry = hub::registry(hub::settings());
        let stuck = Line::new(1, LIMIT, registry.ledger());
        subscribe(&registry, &entry(&stuck, 1, "a", group(Overflow::Block))).await;
        // Other members join, fill up and leave, again and again. Some of them have no grace left, so
        // that no publisher waits for them.
        for n in 0..40 {
            let other = Line::new(10 + n, LIMIT, registry.ledger());
            let overflow = if n % 2 == 0 { Overflow::Block } else { Overflow::DropOldest };
            let entry = entry(&other, 1, "a", group(overflow));
            subscribe(&registry, &entry).await;
            for id in 0..300 {
                if !matches!(publish(&registry, "a", &[id]), PublishResult::Done) {
                    other.queue().end_grace();
                }
            }
            unsubscribe(&registry, &entry).await;
            assert!(stuck.queue().queued_bytes() <= LIMIT + 1_000, "{:?}", stuck.queue().state());
        }
        let counts = registry.ledger().counts();
        assert!(counts.overflow > 0, "what nobody could take is announced");
        stuck.take_all();
        let gaps = stuck.client(|c| c.told.iter().filter(|t| matches!(t, Told::Gap(_))).count());
        assert!(gaps > 0 && registry.ledger().counts().pending() == 0);
    });
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Fills both members, and waits as a session does: it registers with the queue of the connection
/// that the topic returns, tries again, and sleeps.
async fn wait_for_group(
    registry: &Arc<Registry>,
    lines: &[Arc<Line>; 2],
) -> (Arc<Count>, Vec<Arc<SubscriptionEntry>>) {
    let mut entries = Vec::new();
    for line in lines {
        let entry = entry(line, 1, "a", group(Overflow::Block));
        subscribe(registry, &entry).await;
        entries.push(entry);
    }
    let full = loop {
        if let PublishResult::Wait(connection) = publish(registry, "a", &[1]) {
            break connection;
        }
    };
    let count = Arc::<Count>::default();
    full.queue().wake_when_drained(&Waker::from(count.clone()));
    let PublishResult::Wait(again) = publish(registry, "a", &[1]) else { panic!("both are full") };
    assert_eq!(again.number(), full.number());
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    (count, entries)
}

#[test]
fn who_waits_for_a_group_is_woken_by_whichever_member_has_room_first() {
    for drained in 0..2 {
        hub::run(async {
            let registry = hub::registry(hub::settings());
            let lines = [1, 2].map(|n| Line::new(n, 20_000, registry.ledger()));
            let (count, _entries) = wait_for_group(&registry, &lines).await;
            lines[drained].take_all();
            assert!(count.0.load(Ordering::SeqCst) > 0, "member {drained} has drained");
            assert!(matches!(publish(&registry, "a", &[2]), PublishResult::Done));
        });
    }
}

#[test]
fn who_waits_for_a_group_is_woken_when_its_members_change() {
    for leaving in 0..2 {
        hub::run(async {
            let registry = hub::registry(hub::settings());
            let lines = [1, 2].map(|n| Line::new(n, 20_000, registry.ledger()));
            let (count, entries) = wait_for_group(&registry, &lines).await;
            // The member that leaves makes no room in the other queue. The publisher has to check
            // that queue again all the same.
            unsubscribe(&registry, &entries[leaving]).await;
            assert!(count.0.load(Ordering::SeqCst) > 0, "member {leaving} has left");
        });
    }
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let lines = [1, 2].map(|n| Line::new(n, 20_000, registry.ledger()));
        let (count, _entries) = wait_for_group(&registry, &lines).await;
        let fresh = Line::new(3, 20_000, registry.ledger());
        subscribe(&registry, &entry(&fresh, 1, "a", group(Overflow::Block))).await;
        assert!(count.0.load(Ordering::SeqCst) > 0, "a member has come");
        assert!(matches!(publish(&registry, "a", &[2]), PublishResult::Done));
    });
}

#[test]
fn who_waits_for_a_plain_subscription_is_woken_when_it_ends() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 20_000, registry.ledger());
        let blocks = entry(&line, 1, "a", Wants { overflow: Overflow::Block, ..Wants::default() });
        let keeps = entry(&line, 2, "a", Wants::default());
        subscribe(&registry, &blocks).await;
        subscribe(&registry, &keeps).await;
        while matches!(publish(&registry, "a", &[1]), PublishResult::Done) {}
        line.queue().end_grace();
        let count = Arc::<Count>::default();
        line.queue().wake_when_drained(&Waker::from(count.clone()));
        assert!(matches!(publish(&registry, "a", &[1]), PublishResult::Wait(_)));
        unsubscribe(&registry, &blocks).await;
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(matches!(publish(&registry, "a", &[1]), PublishResult::Done), "nobody blocks now");
    });
}

#[test]
fn events_for_a_group_whose_members_have_all_ended_wait_for_the_next_one() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 1 << 20, registry.ledger());
        subscribe(&registry, &entry(&line, 1, "a", group(Overflow::DropOldest))).await;
        line.queue().close();
        assert!(matches!(publish(&registry, "a", &[1, 2, 3]), PublishResult::Done));
        let counts = registry.ledger().counts();
        assert_eq!((counts.due, counts.disconnected, counts.pending()), (3, 0, 3));
        assert_eq!(registry.get("a").unwrap().waiting(), 3);
        let next = Line::new(2, 1 << 20, registry.ledger());
        next.take_all();
        subscribe(&registry, &entry(&next, 1, "a", group(Overflow::DropOldest))).await;
        assert_eq!(numbers(&next), [1, 2, 3]);
        assert_eq!(registry.get("a").unwrap().waiting(), 0);
    });
}
