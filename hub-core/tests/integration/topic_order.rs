//! Claim: all subscribers of a topic see the same events with the same numbers. From the place where it
//! started, each subscriber gets every number once, in an event or in a gap. This holds across reconnects,
//! when the topic begins anew, under every policy, and for slow subscribers.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    FlushList, Ledger, PublishResult, Registry, SubscriberConnection, SubscriptionEntry,
};
use hub_wire::{Frame, Overflow, Start};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use topic_common::follower::Follower;
use topic_common::hub::{self, Wants, entry, gathered, publish, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{Told, name, stream};

const TOPICS: [&str; 2] = ["a", "b.c"];
const FILTERS: [&str; 3] = ["a", "b.*", "**"];

#[derive(Debug, Clone)]
enum Step {
    Publish {
        topic: usize,
        events: usize,
        padding: usize,
    },
    Subscribe {
        line: usize,
        filter: usize,
        start: usize,
        overflow: Overflow,
    },
    Unsubscribe {
        line: usize,
        which: usize,
    },
    Take {
        line: usize,
        bytes: usize,
    },
    Reconnect {
        line: usize,
    },
    /// Lets so much time pass that topics without subscribers end.
    Idle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let overflow = proptest::sample::select(&Overflow::ALL[..]);
    let step = prop_oneof![
        16 => (0..2_usize, 1..6_usize, 0..300_usize)
            .prop_map(|(topic, events, padding)| Step::Publish { topic, events, padding }),
        4 => (0..2_usize, 0..3_usize, 0..3_usize, overflow).prop_map(
            |(line, filter, start, overflow)| Step::Subscribe { line, filter, start, overflow }
        ),
        2 => (0..2_usize, 0..4_usize).prop_map(|(line, which)| Step::Unsubscribe { line, which }),
        6 => (0..2_usize, 0..4_000_usize).prop_map(|(line, bytes)| Step::Take { line, bytes }),
        2 => (0..2_usize).prop_map(|line| Step::Reconnect { line }),
        1 => Just(Step::Idle),
    ];
    vec(step, 0..80)
}

/// A client with its present connection and its subscriptions.
struct Client {
    line: Arc<Line>,
    /// The client has processed this many of the frames that it was told.
    looked: usize,
    subscriptions: Vec<(Follower, Arc<SubscriptionEntry>)>,
}

struct World {
    registry: Arc<Registry>,
    clients: Vec<Client>,
    limit: usize,
    connections: u64,
    ids: u64,
    /// The published ids of each topic and epoch.
    published: BTreeMap<(String, u64), Vec<u64>>,
    /// The first number of each subscription, by the id of the subscription, topic and epoch.
    started: HashMap<(u64, String, u64), u64>,
}

impl World {
    fn new(limit: usize, history: usize) -> Self {
        let settings =
            hub_core::topic::TopicSettings { history_per_topic: history, ..hub::settings() };
        let registry = hub::registry(settings);
        let client = |n| Client {
            line: Line::new(n, limit, registry.ledger()),
            looked: 0,
            subscriptions: Vec::new(),
        };
        World {
            clients: vec![client(1), client(2)],
            registry,
            limit,
            connections: 2,
            ids: 0,
            published: BTreeMap::new(),
            started: HashMap::new(),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { topic, events, padding } => {
                self.publish(topic, events, padding).await;
            }
            Step::Subscribe { line, filter, start, overflow } => {
                self.ids += 1;
                let start = match start {
                    0 => Start::Live,
                    1 => Start::Last,
                    _ => Start::After(Default::default()),
                };
                let filter = hub_wire::TopicFilter::parse(FILTERS[filter]).unwrap();
                let follower = Follower::new(self.ids, &filter, start.clone());
                self.subscribe(line, follower, start, overflow).await;
            }
            Step::Unsubscribe { line, which } => {
                self.look(line);
                let client = &mut self.clients[line];
                if which < client.subscriptions.len() {
                    let (_, entry) = client.subscriptions.remove(which);
                    unsubscribe(&self.registry, &entry).await;
                }
            }
            Step::Take { line, bytes } => {
                self.clients[line].line.take(bytes);
                hub::settle().await;
            }
            Step::Reconnect { line } => self.reconnect(line).await,
            Step::Idle => hub::idle().await,
        }
        for line in 0..2 {
            if self.clients[line].line.overflowed.load(Ordering::SeqCst) {
                self.reconnect(line).await;
            }
        }
    }

    async fn publish(&mut self, topic: usize, events: usize, padding: usize) {
        let topic = self.registry.get_or_create(&name(TOPICS[topic])).unwrap();
        let ids: Vec<u64> = (self.ids + 1..=self.ids + events as u64).collect();
        self.ids += events as u64;
        let mut run = gathered(&topic, "p#1", &ids, padding);
        let mut to_flush = FlushList::new();
        let next = topic.state().next;
        loop {
            match topic.publish(&mut run, 1, &mut to_flush) {
                PublishResult::Done => break,
                PublishResult::Wait(connection) => {
                    assert_eq!(topic.state().next, next, "nothing happened");
                    // The grace ends, and the subscriber reads on.
                    connection.queue().end_grace();
                    let waited_for = |c: &&Client| c.line.number() == connection.number();
                    self.clients.iter().find(waited_for).unwrap().line.take(1_000);
                    // The actor continues a replay for which the publisher may have waited.
                    hub::settle().await;
                }
                other => panic!("{other:?}"),
            }
        }
        to_flush.flush();
        let key = (topic.name().as_str().to_owned(), topic.epoch());
        self.published.entry(key).or_default().extend(ids);
    }

    async fn subscribe(
        &mut self,
        line: usize,
        follower: Follower,
        start: Start,
        overflow: Overflow,
    ) {
        for topic in TOPICS.iter().filter(|topic| follower.filter.matches(&name(topic))) {
            let Some(topic) = self.registry.get(topic) else { continue };
            let next = topic.state().next;
            let key = (follower.id, topic.name().as_str().to_owned(), topic.epoch());
            self.started.entry(key).or_insert(match start {
                Start::Live => next,
                Start::Last => (next - 1).max(1),
                Start::After(_) => 1,
            });
        }
        let client = &mut self.clients[line];
        let wants = Wants { overflow, start, positions: true, ..Wants::default() };
        let entry = entry(&client.line, follower.id, follower.filter.as_str(), wants);
        client.subscriptions.push((follower, entry.clone()));
        subscribe(&self.registry, &entry).await;
    }

    /// Passes the new frames to the subscriptions.
    fn look(&mut self, line: usize) {
        let client = &mut self.clients[line];
        let told: Vec<Told> = client.line.client(|c| c.told_in_full()[client.looked..].to_vec());
        client.looked += told.len();
        for told in &told {
            client.subscriptions.iter_mut().for_each(|(follower, _)| follower.tell(told));
        }
    }

    /// Ends the connection, so that its waiting bytes are lost, and subscribes again on a new one.
    async fn reconnect(&mut self, line: usize) {
        self.look(line);
        let old = &mut self.clients[line];
        if old.line.overflowed.load(Ordering::SeqCst) {
            old.line.queue().discard();
            old.line.queue().finish(Frame::Ping { token: 1 }.to_bytes());
            old.line.take_all();
        }
        self.look(line);
        let old = &mut self.clients[line];
        old.line.queue().close();
        let subscriptions = std::mem::take(&mut old.subscriptions);
        for (_, entry) in &subscriptions {
            unsubscribe(&self.registry, entry).await;
        }
        self.connections += 1;
        let new = Line::new(self.connections, self.limit, self.registry.ledger());
        (self.clients[line].line, self.clients[line].looked) = (new, 0);
        for (mut follower, entry) in subscriptions {
            let mut start = entry.start.clone();
            if follower.established {
                start = follower.reconnect();
            } else {
                // The subscription has no position yet, so it starts anew.
                self.ids += 1;
                follower = Follower::new(self.ids, &entry.filter, start.clone());
            }
            self.subscribe(line, follower, start, entry.overflow).await;
        }
    }

    async fn end(&mut self) {
        let mut settled = false;
        while !settled {
            settled = true;
            for line in 0..2 {
                self.clients[line].line.take_all();
                // The actors continue the replays that waited for room, a page at a time.
                for _ in 0..20 {
                    hub::settle().await;
                }
                // The history may have forgotten what a subscription that must not lose waited for.
                if self.clients[line].line.overflowed.load(Ordering::SeqCst) {
                    self.reconnect(line).await;
                    settled = false;
                }
                self.look(line);
            }
        }
        for (follower, _) in self.clients.iter().flat_map(|client| &client.subscriptions) {
            for ((topic, epoch), covered) in &follower.covered {
                let ids = &self.published[&(topic.clone(), *epoch)];
                let key = (follower.id, topic.clone(), *epoch);
                // If a topic began after the subscription, the subscription gets its first event.
                let started = self.started.get(&key).copied().unwrap_or(1);
                assert_eq!(covered.first, started, "{topic} of {epoch} for {}", follower.id);
                for (number, id) in &covered.events {
                    assert_eq!(ids[*number as usize - 1], *id, "event {number} of {topic}");
                }
            }
            // The subscription got every event of each topic that exists now.
            for topic in TOPICS.iter().filter(|topic| follower.filter.matches(&name(topic))) {
                let Some(topic) = self.registry.get(topic) else { continue };
                let last = topic.state().next - 1;
                let seen = follower.seen.get(topic.name().as_str());
                let seen = seen.filter(|seen| seen.epoch == topic.epoch());
                assert_eq!(seen.map_or(0, |seen| seen.seq), last, "{}", topic.name());
            }
        }
        let counts = self.registry.ledger().counts();
        let queues = self.clients.iter().map(|client| client.line.queue().state().events);
        assert_eq!((counts.pending(), queues.sum::<u64>()), (0, 0), "{counts:?}");
    }
}

#[test]
fn every_subscription_is_told_each_number_once_from_its_start_on() {
    let input = (steps(), 3_000..20_000_usize, prop_oneof![Just(0), 500..5_000_usize]);
    hub::check(300, file!(), input, |(steps, limit, history)| async move {
        let mut world = World::new(limit, history);
        for step in steps {
            world.step(step).await;
        }
        world.end().await;
    });
}

/// Publishers on several threads publish on one topic, and all subscribers see one order.
#[test]
fn all_subscribers_see_the_same_order_whoever_publishes_at_the_same_time() {
    const PUBLISHERS: u64 = 4;
    const RUNS: u64 = 500;
    hub::run(async {
        let registry = hub::registry(hub::settings());
        let ledger: Arc<Ledger> = registry.ledger().clone();
        let lines: Vec<_> = (1..4).map(|n| Line::new(n, 64 << 20, &ledger)).collect();
        for line in &lines {
            line.take_all();
            subscribe(&registry, &entry(line, 1, "a", Wants::default())).await;
        }
        std::thread::scope(|scope| {
            for publisher in 0..PUBLISHERS {
                let registry = &registry;
                scope.spawn(move || {
                    for n in 0..RUNS {
                        let id = (publisher << 32) | (2 * n);
                        let published = publish(registry, "a", &[id, id + 1]);
                        assert!(matches!(published, PublishResult::Done));
                    }
                });
            }
        });
        let topic = registry.get("a").unwrap();
        let seen: Vec<_> = lines
            .iter()
            .map(|line| line.client(|client| client.stream(&stream("a", topic.epoch(), &[1]))))
            .collect();
        let last = 2 * PUBLISHERS * RUNS;
        assert_eq!(topic_common::assert_consecutive(1, &seen[0]), last + 1);
        assert!(seen.iter().all(|places| *places == seen[0]), "one order");
        // The order of the events of each publisher is kept.
        let mut next = [0; PUBLISHERS as usize];
        for place in &seen[0] {
            let topic_common::StreamEntry::Event(_, id) = place else { panic!("{place:?}") };
            let publisher = (id >> 32) as usize;
            assert_eq!(id & 0xffff_ffff, next[publisher]);
            next[publisher] += 1;
        }
        assert_eq!(ledger.counts().delivered, 3 * last);
    });
}
