//! Claim: exactly the subscriptions that match a topic join it, even if other threads add and remove
//! subscriptions while the topic is created. A topic that nobody uses ends, and comes back with another
//! epoch. There are never more topics than the limit allows.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use actix::{Arbiter, System};
use hub_core::topic::{
    FlushList, Inspect, Join, Leave, Ledger, PublishResult, Registry, SubscriptionEntry,
    TopicSettings,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use topic_common::hub::{self, Wants, entry, gathered, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::name;

/// A small generator of random numbers (splitmix64), so that a seed repeats a choice.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

const FILTERS: [&str; 8] = ["**", "*", "a", "a.*", "a.**", "*.b", "a.b.c", "c"];
const NAMES: [&str; 8] = ["a", "b", "c", "a.a", "a.b", "c.b", "a.b.c", "b.b.b"];

#[test]
fn a_topic_is_joined_by_exactly_the_subscriptions_that_match_it() {
    const SUBSCRIBERS: usize = 3;
    const STEPS: usize = 120;
    for seed in 0..12 {
        println!("seed {seed}");
        System::new().block_on(async move {
            let arbiters: Vec<_> = (0..2).map(|_| Arbiter::new()).collect();
            let handles = arbiters.iter().map(Arbiter::handle).collect();
            let registry = Registry::new(hub::settings(), handles);
            let left: Vec<Vec<Arc<SubscriptionEntry>>> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..SUBSCRIBERS)
                    .map(|n| {
                        let registry = &registry;
                        scope.spawn(move || come_and_go(registry, n as u64, seed, STEPS))
                    })
                    .collect();
                for n in 0..2 {
                    let registry = &registry;
                    scope.spawn(move || {
                        let mut random = Random(seed * 100 + n);
                        for _ in 0..STEPS {
                            registry.get_or_create(&name(NAMES[random.below(8)])).unwrap();
                        }
                    });
                }
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let left: Vec<_> = left.into_iter().flatten().collect();
            assert_eq!(registry.subscriptions(), left.len());
            let mut checked = 0;
            for topic in NAMES.iter().filter_map(|name| registry.get(name)) {
                // The actor answers this message after every Join and Leave.
                let state = topic.actor().unwrap().send(Inspect).await.unwrap();
                let matching = || left.iter().filter(|entry| entry.filter.matches(topic.name()));
                let plain: HashSet<_> = matching()
                    .filter(|entry| entry.group.is_none())
                    .map(|entry| entry.connection.number())
                    .collect();
                let groups: HashSet<_> =
                    matching().filter_map(|entry| entry.group.clone()).collect();
                assert_eq!(
                    (state.plain, state.groups),
                    (plain.len(), groups.len()),
                    "{}",
                    topic.name()
                );
                checked += 1;
            }
            assert!(checked > 4);
            assert!(arbiters.iter().all(Arbiter::stop));
        });
    }
}

/// Subscribes and unsubscribes at random, and returns the subscriptions that are left.
fn come_and_go(
    registry: &Registry,
    thread: u64,
    seed: u64,
    steps: usize,
) -> Vec<Arc<SubscriptionEntry>> {
    let mut random = Random(seed * 1_000 + thread + 7);
    let lines: Vec<_> =
        (0..3).map(|n| Line::new(thread * 10 + n, 1 << 20, registry.ledger())).collect();
    let mut there: Vec<Arc<SubscriptionEntry>> = Vec::new();
    for id in 0..steps as u64 {
        if random.below(5) < 2 && !there.is_empty() {
            let gone = there.swap_remove(random.below(there.len()));
            for topic in registry.unsubscribe(&gone) {
                topic.actor().unwrap().do_send(Leave([gone.clone()].into()));
            }
        } else {
            let group = [None, None, Some("g"), Some("h")][random.below(4)];
            let wants = Wants { group, ..Wants::default() };
            let new = entry(&lines[random.below(3)], id, FILTERS[random.below(8)], wants);
            for topic in registry.subscribe(&new) {
                topic.actor().unwrap().do_send(Join(new.clone()));
            }
            there.push(new);
        }
    }
    there
}

/// The subscriptions of a connection leave together, whatever their filters and groups are. Exactly the
/// others are left, and the departure has told every topic when it resolves.
#[test]
fn subscriptions_that_leave_together_leave_every_topic_and_nobody_elses() {
    for seed in 0..30 {
        println!("seed {seed}");
        hub::run(async move {
            let mut random = Random(seed);
            let registry = hub::registry(hub::settings());
            let lines: Vec<_> = (0..3).map(|n| Line::new(n, 1 << 20, registry.ledger())).collect();
            for topic in NAMES.iter().take(random.below(9)) {
                registry.get_or_create(&name(topic)).unwrap();
            }
            let mut there: Vec<Vec<Arc<SubscriptionEntry>>> = vec![Vec::new(); 3];
            for id in 0..200 {
                let group = [None, None, None, Some("g"), Some("h")][random.below(5)];
                let wants = Wants { group, ..Wants::default() };
                let of = random.below(3);
                let new = entry(&lines[of], id, FILTERS[random.below(8)], wants);
                if let Some(joined) = registry.join(&new, async || true) {
                    joined.await;
                }
                there[of].push(new);
            }
            for topic in &NAMES {
                registry.get_or_create(&name(topic)).unwrap();
            }
            while let Some(gone) = there.pop() {
                registry.leave(gone).unwrap().await;
                let left: Vec<_> = there.iter().flatten().collect();
                assert_eq!(registry.subscriptions(), left.len());
                for topic in registry.each() {
                    let matching = || left.iter().filter(|one| one.filter.matches(topic.name()));
                    let plain = matching().filter(|one| one.group.is_none());
                    let plain: HashSet<_> = plain.map(|one| one.connection.number()).collect();
                    let groups: HashSet<_> =
                        matching().filter_map(|one| one.group.clone()).collect();
                    let state = topic.state();
                    let expected = (plain.len(), groups.len());
                    assert_eq!((state.plain, state.groups), expected, "{}", topic.name());
                }
            }
        });
    }
}

/// Returns a registry with the topics `t.0`, `t.1` and so on.
fn with_topics(count: usize) -> Arc<Registry> {
    let registry = hub::registry(hub::settings());
    for n in 0..count {
        registry.get_or_create(&name(&format!("t.{n}"))).unwrap();
    }
    registry
}

/// More connections end than leave at a time, and those that wait leave together. Each of them is told when
/// every topic has let it go, and topics that are made meanwhile have none of them.
#[test]
fn connections_that_end_at_the_same_time_leave_nothing_behind() {
    hub::run(async {
        let registry = with_topics(100);
        let mut there = Vec::new();
        for n in 0..60 {
            let line = Line::new(n, 1 << 20, registry.ledger());
            let group = (n % 3 == 0).then_some("g");
            let new = entry(&line, 1, "t.*", Wants { group, ..Wants::default() });
            registry.join(&new, async || true).unwrap().await;
            there.push(new);
        }
        let _stays = there.pop();
        let departures: Vec<_> =
            there.into_iter().map(|gone| registry.leave(vec![gone]).unwrap()).collect();
        let made_meanwhile = registry.get_or_create(&name("t.new")).unwrap().state();
        assert_eq!((made_meanwhile.plain, made_meanwhile.groups), (1, 0));
        for departure in departures {
            departure.await;
        }
        for topic in registry.each() {
            let state = topic.state();
            assert_eq!((state.plain, state.groups), (1, 0), "{}", topic.name());
        }
    });
}

#[test]
fn a_join_that_may_not_go_on_stops_and_can_be_taken_back() {
    hub::run(async {
        let registry = with_topics(500);
        let line = Line::new(1, 1 << 20, registry.ledger());
        let new = entry(&line, 1, "t.*", Wants::default());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let may_go_on = async move || count.fetch_add(1, Ordering::Relaxed) < 2;
        assert!(!registry.join(&new, may_go_on).unwrap().await);
        assert_eq!(asked.load(Ordering::Relaxed), 3, "it is asked again after each answer of true");
        let joined = || registry.each().filter(|topic| topic.state().plain == 1).count();
        assert!((1..500).contains(&joined()), "{}", joined());
        registry.leave(vec![new]).unwrap().await;
        assert_eq!((joined(), registry.subscriptions()), (0, 0));
    });
}

#[test]
fn a_topic_that_nobody_uses_ends_and_comes_back_with_another_epoch() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let line = Line::new(1, 1 << 20, registry.ledger());
        let plain = entry(&line, 1, "used", Wants::default());
        let member = entry(&line, 2, "shared", Wants { group: Some("g"), ..Wants::default() });
        subscribe(&registry, &plain).await;
        subscribe(&registry, &member).await;
        for topic in ["used", "shared", "idle"] {
            publish(&registry, topic, &[1]);
        }
        let epoch = |topic: &str| registry.get(topic).map(|topic| topic.epoch());
        let first = [epoch("used"), epoch("shared"), epoch("idle")];
        hub::idle().await;
        assert_eq!([epoch("used"), epoch("shared"), epoch("idle")], [first[0], first[1], None]);

        // The topic does not end while it is used.
        for _ in 0..5 {
            publish(&registry, "idle", &[1]);
            tokio::time::advance(hub::IDLE / 2).await;
            hub::settle().await;
        }
        assert!(epoch("idle").is_some_and(|again| Some(again) > first[2]));
        assert_eq!(registry.get("idle").unwrap().state().next, 6, "one topic all the time");

        unsubscribe(&registry, &plain).await;
        unsubscribe(&registry, &member).await;
        hub::idle().await;
        assert_eq!((registry.topics(), registry.subscriptions()), (0, 0));
    });
}

/// Libraries that write great integers as floats write these as integers.
#[test]
fn epochs_are_below_2_to_the_32_and_no_two_topics_have_the_same() {
    hub::run(async {
        let settings = TopicSettings { first_epoch: u32::MAX - 2, ..hub::settings() };
        let registry = hub::registry(settings);
        let epoch = |topic| registry.get_or_create(&name(topic)).unwrap().epoch();
        let epochs = ["a", "b", "c", "d", "e"].map(epoch);
        assert_eq!(epochs, [0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 0, 1]);
    });
}

#[test]
fn there_are_at_most_as_many_topics_as_there_may_be() {
    hub::run(async {
        let registry = hub::registry(TopicSettings { max_topics: 3, ..hub::settings() });
        for n in 0..3 {
            publish(&registry, &format!("t.{n}"), &[1]);
        }
        let refused = registry.get_or_create(&name("t.3")).unwrap_err();
        assert_eq!((refused.limit, registry.topics()), (3, 3));
        assert!(registry.get("t.3").is_none());
        publish(&registry, "t.1", &[2]);
        hub::idle().await;
        assert!(registry.get_or_create(&name("t.3")).is_ok(), "idle topics make room");
    });
}

/// Topics end all the time while publishers use them. Each event is published once, in some epoch, and
/// a publisher whose topic has ended never gets that topic again.
#[test]
fn a_publisher_whose_topic_has_ended_finds_the_next_one() {
    const ROUNDS: u64 = 400;
    const TOPICS: usize = 8;
    System::new().block_on(async {
        let arbiters: Vec<_> = (0..2).map(|_| Arbiter::new()).collect();
        let handles = arbiters.iter().map(Arbiter::handle).collect();
        let settings = TopicSettings { idle: Duration::from_millis(1), ..hub::settings() };
        let registry = Registry::new(settings, handles);
        let retired = AtomicUsize::new(0);
        let published: Vec<BTreeMap<(usize, u64), u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..2_u64)
                .map(|seed| {
                    let (registry, retired) = (&registry, &retired);
                    scope.spawn(move || publish_on_ending_topics(registry, retired, seed, ROUNDS))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let total: u64 = published.iter().flat_map(BTreeMap::values).sum();
        assert_eq!(total, 2 * ROUNDS * TOPICS as u64);
        let epochs: HashSet<_> = published.iter().flat_map(BTreeMap::keys).collect();
        println!("{} epochs, {} found ended", epochs.len(), retired.load(Ordering::Relaxed));
        assert!(epochs.len() > TOPICS && retired.into_inner() > 0, "topics did end");
        assert!(arbiters.iter().all(Arbiter::stop));
    });
}

/// Returns how many events went to each topic and epoch.
fn publish_on_ending_topics(
    registry: &Arc<Registry>,
    retired: &AtomicUsize,
    seed: u64,
    rounds: u64,
) -> BTreeMap<(usize, u64), u64> {
    let mut random = Random(seed);
    let mut published = BTreeMap::new();
    for _ in 0..rounds {
        for (n, topic_name) in NAMES.iter().enumerate() {
            let mut topic = registry.get_or_create(&name(topic_name)).unwrap();
            if random.below(32) == 0 {
                std::thread::sleep(Duration::from_millis(4));
            }
            loop {
                let mut run = gathered(&topic, "p#1", &[1], 0);
                let mut to_flush = FlushList::new();
                let published = topic.publish(&mut run, 1, &mut to_flush);
                to_flush.flush();
                match published {
                    PublishResult::Done => break,
                    PublishResult::Retired => retired.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{other:?}"),
                };
                let next = registry.get_or_create(&name(topic_name)).unwrap();
                assert_ne!(next.epoch(), topic.epoch(), "the topic that has ended, again");
                topic = next;
            }
            *published.entry((n, topic.epoch())).or_default() += 1;
        }
        if random.below(4) == 0 {
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    published
}

#[test]
fn the_ledger_is_one_for_all() {
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let ledger: Arc<Ledger> = registry.ledger().clone();
        let lines: Vec<_> = (0..3).map(|n| Line::new(n, 1 << 20, &ledger)).collect();
        for line in &lines {
            subscribe(&registry, &entry(line, 1, "*", Wants::default())).await;
        }
        publish(&registry, "a", &[1, 2]);
        publish(&registry, "b", &[3]);
        assert_eq!((ledger.counts().due, ledger.counts().pending()), (9, 9));
        lines[0].take_all();
        assert_eq!((ledger.counts().delivered, ledger.counts().pending()), (3, 6));
    });
}
