//! Promise: what exists because of a client is charged to its connection and to its owner for exactly as long
//! as it exists, and when memory is short, what nobody needs gives way in one order.

#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    Charge, DeliveryQueue, FlushList, GivesWay, HeldBytes, Ledger, MemoryAccount, PendingRun,
};
use hub_wire::{Overflow, Resume, Start, Taken, TopicName, Window};
use proptest::prelude::*;
use std::sync::Arc;
use topic_common::hub::{self, Wants, entry, publish, subscribe};
use topic_common::line::Line;
use topic_common::{event, name, run, stream};

fn accounts(held: &Arc<HeldBytes>) -> (Arc<MemoryAccount>, Arc<MemoryAccount>) {
    let owner = MemoryAccount::of_owner(held.clone());
    let connection = MemoryAccount::of_connection(&owner);
    (owner, connection)
}

proptest! {
    /// Whatever is charged, changed and dropped in whatever order: each account and the sum have what is
    /// charged now.
    #[test]
    fn accounts_and_the_sum_have_what_is_charged_now(
        steps in proptest::collection::vec((0..3_usize, 0..6_usize, 0..10_000_usize), 1..60),
    ) {
        let held = Arc::new(HeldBytes::default());
        let owners: Vec<_> = (0..2).map(|_| MemoryAccount::of_owner(held.clone())).collect();
        let connections: Vec<_> =
            (0..4).map(|n| MemoryAccount::of_connection(&owners[n % 2])).collect();
        let mut charges: Vec<(usize, Charge)> = Vec::new();
        for (step, at, bytes) in steps {
            match step {
                0 => charges.push((at % 4, Charge::new(&connections[at % 4], bytes))),
                1 if !charges.is_empty() => {
                    let at = at % charges.len();
                    charges[at].1.set(bytes);
                }
                _ if !charges.is_empty() => drop(charges.swap_remove(at % charges.len())),
                _ => {}
            }
            let of = |wanted: &dyn Fn(usize) -> bool| -> usize {
                let wanted = charges.iter().filter(|(of, _)| wanted(*of));
                wanted.map(|(_, charge)| charge.bytes()).sum()
            };
            prop_assert_eq!(held.get(), of(&|_| true));
            for (n, connection) in connections.iter().enumerate() {
                prop_assert_eq!(connection.charged(), of(&|of| of == n));
            }
            for (n, owner) in owners.iter().enumerate() {
                prop_assert_eq!(owner.holding(), of(&|of| of % 2 == n));
            }
        }
        drop(charges);
        prop_assert_eq!(held.get(), 0);
    }
}

#[test]
fn what_an_ended_connection_leaves_behind_stays_with_its_owner() {
    let held = Arc::new(HeldBytes::default());
    let (owner, connection) = accounts(&held);
    let left = Charge::new(&connection, 1_000);
    drop(connection);
    assert_eq!((owner.holding(), owner.connections()), (1_000, vec![1_000]));
    drop(left);
    assert_eq!((owner.holding(), owner.connections()), (0, vec![]));
}

#[test]
fn what_waits_counts_for_who_lets_it_wait_and_is_bounded_by_the_share() {
    let ledger = Arc::new(Ledger::default());
    let (owner, connection) = accounts(ledger.held());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    queue.count_in(&connection);
    let append = |topic, events| {
        for n in 0..events {
            let one = [event(topic, n, None, 4_000)];
            queue.append(run(&stream(topic, 1, &[1]), n, &one, Overflow::DropOldest));
        }
    };
    append("a", 100);
    assert!(connection.holding() > 400_000, "{}", connection.holding());
    assert_eq!((owner.holding(), owner.long_queues()), (connection.holding(), 1));
    assert!(!connection.is_over_share());
    // The share is in force for those above it, and their queues may hold less.
    owner.share_out(200_000, 100_000);
    ledger.held().limit_queues(500_000);
    assert!(connection.is_over_share());
    assert!(!queue.shed_to_limit());
    assert!(queue.queued_bytes() <= 100_000, "{}", queue.queued_bytes());
    append("b", 100);
    assert!(queue.queued_bytes() <= 110_000, "{}", queue.queued_bytes());
    assert!(!connection.is_over_share());
    // There is enough again, and the queue may use it at once.
    owner.share_out(usize::MAX, usize::MAX);
    ledger.held().limit_queues(usize::MAX);
    append("c", 100);
    assert!(queue.queued_bytes() > 400_000, "{}", queue.queued_bytes());
    drop(queue);
    assert_eq!((connection.holding(), owner.long_queues()), (0, 0));
}

#[test]
fn the_larger_connections_of_an_owner_above_its_share_add_to_its_excess() {
    let (owner, large) = accounts(&Arc::default());
    let (small, larger) =
        (MemoryAccount::of_connection(&owner), MemoryAccount::of_connection(&owner));
    let _charges = [(&small, 20_000), (&large, 100_000), (&larger, 900_000)]
        .map(|(account, bytes)| Charge::new(account, bytes));
    let all = || [&small, &large, &larger].map(|account| account.adds_to_excess());
    assert_eq!(all(), [false; 3]);
    // The owner may hold 500,000 bytes, so the largest connection is asked for what is too much.
    owner.share_out(380_000, usize::MAX);
    assert!(larger.is_over_share() && !large.is_over_share());
    assert_eq!(all(), [false, true, true]);
    owner.share_out(usize::MAX, usize::MAX);
    assert_eq!(all(), [false; 3]);
}

/// Who makes a topic has caused the memberships with which the topic begins, as long as they last. They are
/// not charged twice.
#[test]
fn memberships_of_a_new_topic_count_for_who_made_it() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let (owner, maker) = accounts(registry.ledger().held());
        let entries: Vec<_> = (0..20)
            .map(|n| {
                entry(&Line::new(n, 1 << 20, registry.ledger()), 1, "made.*", Wants::default())
            })
            .collect();
        for entry in &entries {
            subscribe(&registry, entry).await;
        }
        let of_others = || maker.holding() - maker.charged();
        registry.get_or_create_for(&name("alone"), None, Some(&maker)).unwrap();
        assert_eq!(of_others(), 0);
        registry.get_or_create_for(&name("made.one"), None, Some(&maker)).unwrap();
        let of_twenty = of_others();
        assert!(of_twenty >= 20 * 100, "{of_twenty}");
        assert_eq!(owner.holding(), maker.holding());
        assert_eq!(registry.ledger().held().get(), maker.charged(), "they are in the sum once");
        // Later subscriptions are not caused by who made the topic.
        let late = entry(&Line::new(99, 1 << 20, registry.ledger()), 1, "made.*", Wants::default());
        subscribe(&registry, &late).await;
        assert_eq!(of_others(), of_twenty);
        registry.leave(entries[..15].to_vec()).unwrap().await;
        assert_eq!(of_others(), of_twenty / 20 * 6);
        registry.leave(entries[15..].to_vec()).unwrap().await;
        registry.leave(vec![late]).unwrap().await;
        assert_eq!(of_others(), 0);
    });
}

/// A topic may have many publishers. What it keeps counts for each of them, and not for who made it.
#[test]
fn a_history_counts_for_who_published_what_it_keeps() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let held = registry.ledger().held();
        let (_, maker) = accounts(held);
        let (owner, other) = accounts(held);
        let topic = registry.get_or_create_for(&name("a"), None, Some(&maker)).unwrap();
        let publish = |account, bytes| {
            let source = topic.source("p#1", Some(account));
            let mut run = PendingRun::new(source, 0);
            run.push(&event("a", 1, None, bytes), 1);
            topic.publish(&mut run, 1, &mut FlushList::new());
        };
        publish(&maker, 10_000);
        let waiting = |account: &MemoryAccount| account.holding() - account.charged();
        assert!((10_000..12_000).contains(&waiting(&maker)), "{}", waiting(&maker));
        for _ in 0..10 {
            publish(&other, 50_000);
        }
        assert!((10_000..12_000).contains(&waiting(&maker)), "{}", waiting(&maker));
        assert!((500_000..510_000).contains(&waiting(&other)), "{}", waiting(&other));
        assert_eq!(owner.holding(), other.holding());
        registry.give_way(GivesWay::Histories).await;
        assert_eq!(waiting(&maker), 0);
        assert!((50_000..52_000).contains(&waiting(&other)), "the last event is left");
        registry.give_way(GivesWay::LastEvents).await;
        assert_eq!(waiting(&other), 0);
    });
}

/// Whoever answers does not choose how much is asked.
#[test]
fn what_an_inbox_keeps_counts_for_its_owner_and_not_for_who_answers() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let (owner, asker) = accounts(registry.ledger().held());
        let (_, service) = accounts(registry.ledger().held());
        let inbox = format!("{}0123", TopicName::INBOX);
        let topic = registry.get_or_create_for(&name(&inbox), None, Some(&asker)).unwrap();
        let mut run = PendingRun::new(topic.source("service#1", Some(&service)), 0);
        run.push(&event(&inbox, 1, None, 10_000), 1);
        topic.publish(&mut run, 1, &mut FlushList::new());
        assert_eq!((service.holding(), owner.holding()), (0, asker.holding()));
        let kept = asker.holding() - asker.charged();
        assert!((10_000..12_000).contains(&kept), "{kept}");
    });
}

/// A client may finish what it got although its subscription has ended. It is charged for what the hub
/// remembers until then, so that it cannot begin and end subscriptions without end.
#[test]
fn a_subscription_that_has_ended_leaves_nothing_when_its_client_has_finished() {
    let ledger = Arc::new(Ledger::default());
    let (_, connection) = accounts(ledger.held());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    queue.count_in(&connection);
    let write_all =
        || queue.write_with(|bytes| Ok(bytes.iter().map(|part| part.len()).sum())).unwrap();
    let window = Window { events: 10, bytes: 1 << 20 };
    let open = |id| drop(queue.open_flow(id, window, Overflow::DropOldest, None));
    for id in 0..1_000 {
        open(id);
        queue.close_flow(id, true);
        assert_eq!(queue.taken(id), None);
    }
    assert_eq!(connection.holding(), 0);
    open(1);
    let one = [event("a", 1, None, 10)];
    queue.append(run(&stream("a", 1, &[1]), 1, &one, Overflow::DropOldest));
    write_all();
    queue.close_flow(1, true);
    assert_eq!(queue.taken(1), Some(0));
    for id in 2..100 {
        open(id);
        queue.append(run(&stream("a", 1, &[id]), 1, &one, Overflow::DropOldest));
        queue.close_flow(id, true);
    }
    write_all();
    assert!(connection.holding() > 0);
    for id in 1..100 {
        queue.take(&Taken { subscription: id, taken: 1, events: None, bytes: None }).unwrap();
        assert_eq!(queue.taken(id), None);
    }
    assert_eq!((connection.holding(), ledger.counts().pending()), (0, 0));
}

#[test]
fn what_a_kept_subscription_holds_is_exact_though_its_client_finished_a_part_of_a_run() {
    let ledger = Arc::new(Ledger::default());
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    let window = Window { events: 10, bytes: 1 << 20 };
    drop(queue.open_flow(1, window, Overflow::DropOldest, None));
    queue.keep_flow(1);
    let events = [10, 5_000, 10].map(|padding| event("a", 1, None, padding));
    queue.append(run(&stream("a", 1, &[1]), 1, &events, Overflow::DropOldest));
    queue.write_with(|bytes| Ok(bytes.iter().map(|part| part.len()).sum())).unwrap();
    let sizes = events.each_ref().map(|one| one.len());
    let mut held = queue.flow_bytes();
    queue.take(&Taken { subscription: 1, taken: 1, events: None, bytes: None }).unwrap();
    assert_eq!(held - queue.flow_bytes(), sizes[0]);
    held = queue.flow_bytes();
    drop(queue.part(|_| true));
    // The client has the second event, which is larger than the mean of all three, and not the third one.
    queue.resume(&Resume { subscription: 1, events: 2, gaps: 0 }, Vec::new()).unwrap();
    assert_eq!(queue.flow_bytes(), held);
    queue.take(&Taken { subscription: 1, taken: 2, events: None, bytes: None }).unwrap();
    assert_eq!(held - queue.flow_bytes(), sizes[1]);
    queue.take(&Taken { subscription: 1, taken: 3, events: None, bytes: None }).unwrap();
    assert_eq!(queue.flow_bytes(), 0);
}

#[test]
fn histories_last_events_and_idle_topics_give_way_in_this_order() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let (_, connection) = accounts(registry.ledger().held());
        let line = Line::new(1, 1 << 20, registry.ledger());
        for topic in ["idle", "busy", "watched"] {
            registry.get_or_create_for(&name(topic), None, Some(&connection)).unwrap();
        }
        let publish_all = || {
            for topic in ["idle", "busy", "watched"] {
                publish(&registry, topic, &(0..64).collect::<Vec<_>>());
            }
        };
        subscribe(&registry, &entry(&line, 1, "watched", Wants::default())).await;
        line.take_all();
        publish_all();
        let all = registry.history().used();
        registry.give_way(GivesWay::Histories).await;
        let without_histories = registry.history().used();
        assert!(without_histories < all / 2, "{without_histories} of {all}");
        publish(&registry, "busy", &[1]);
        let used = registry.history().used();
        registry.give_way(GivesWay::IdleLastEvents).await;
        let left = registry.history().used();
        assert!(left > 0 && left < used / 2, "{left} of {used}: the busy topic has its last event");
        registry.give_way(GivesWay::LastEvents).await;
        assert_eq!(registry.history().used(), 0);
        // Nobody subscribes to two of the topics, and they had no event since.
        registry.give_way(GivesWay::IdleTopics).await;
        hub::settle().await;
        assert_eq!(registry.topics(), 1);
        // What was given up is told: nothing replays, and numbers go on.
        let late = Line::new(2, 1 << 20, registry.ledger());
        let wants = Wants { start: Start::Last, positions: true, ..Wants::default() };
        subscribe(&registry, &entry(&late, 1, "watched", wants)).await;
        publish(&registry, "watched", &[7]);
        late.take_all();
        assert_eq!(registry.get("watched").unwrap().state().next, 66);
    });
}
