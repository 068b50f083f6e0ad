//! Claim: whatever clients do, each delivery that is due is accounted for exactly once: handled, told as
//! missing, given up with a subscription that ended, or waiting. Each subscription gets the events of a
//! topic in their order, from its start on. No event that one member of a queue group has finished is
//! given to another one, and none is lost while the group exists.
//!
//! A seeded world of up to 200 clients publishes, subscribes with and without windows, comes back with
//! `after`, finishes events slowly, is cut, and leaves. `HUB_MODEL_SEED` runs a single seed.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{
    FlushList, GivesWay, PublishResult, Registry, SubscriberConnection, SubscriptionEntry,
    TopicSettings,
};
use hub_wire::{GapReason, Overflow, Position, Start, Taken, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use topic_common::hub::{self, gathered, publish_run, subscribe, unsubscribe};
use topic_common::line::Line;
use topic_common::{Told, name};

const TOPICS: [&str; 4] = ["a.1", "a.2", "b.1", "b.2"];
const FILTERS: [&str; 4] = ["a.1", "a.*", "b.*", "**"];

/// A small generator of random numbers. A seed determines the whole world.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}

/// A subscription, as its client sees it.
struct Subscribed {
    entry: Arc<SubscriptionEntry>,
    /// The client expects the event with this number next, in each topic and epoch.
    next: BTreeMap<String, (u64, u64)>,
    /// The events that came and are not finished, with topic and number.
    unfinished: Vec<(String, u64)>,
    /// This many events are finished on this connection.
    finished: u64,
}

struct Client {
    line: Arc<Line>,
    looked: usize,
    subscriptions: Vec<Subscribed>,
}

/// What the clients have seen altogether.
#[derive(Debug, Default)]
struct Seen {
    /// This many deliveries were finished, or came without a window.
    handled: u64,
    /// This many deliveries were told as dropped.
    dropped: u64,
    /// The members of the queue group have finished these events.
    by_group: BTreeSet<(String, u64)>,
    /// Gaps told a member of the queue group that these events were dropped.
    gone_for_group: BTreeSet<(String, u64)>,
}

struct World {
    random: Random,
    registry: Arc<Registry>,
    clients: Vec<Client>,
    seen: Seen,
    connections: u64,
    subscriptions: u64,
    ids: u64,
    /// Whether connections are cut and subscriptions end.
    cuts: bool,
    limit: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let settings = TopicSettings {
            history_per_topic: *random.of(&[2_000, 20_000, 200_000]),
            history_in_all: *random.of(&[30_000, 400_000]),
            ..hub::settings()
        };
        let cuts = !random.one_in(3);
        let limit = *random.of(&[6_000, 30_000, 200_000]);
        World {
            registry: hub::registry(settings),
            clients: Vec::new(),
            seen: Seen::default(),
            connections: 0,
            subscriptions: 0,
            ids: 0,
            cuts,
            limit,
            random,
        }
    }

    async fn connect(&mut self) -> usize {
        self.connections += 1;
        let line = Line::new(self.connections, self.limit, self.registry.ledger());
        let client = Client { line, looked: 0, subscriptions: Vec::new() };
        self.clients.push(client);
        self.clients.len() - 1
    }

    /// Adds a subscription, either a plain one or one of the queue group.
    async fn subscribe(&mut self, at: usize, filter: &str, start: Start, group: bool) {
        self.subscriptions += 1;
        let id = self.subscriptions;
        let line = self.clients[at].line.clone();
        let random = &mut self.random;
        let windowed = group || !random.one_in(3);
        let window =
            Window { events: 1 + random.below(20), bytes: *random.of(&[500, 5_000, 1 << 30]) };
        // Nothing is dropped from a group, so that each of its events has to be handled. The policy
        // `disconnect` has tests of its own.
        let policies =
            [Overflow::Latest, Overflow::DropNewest, Overflow::DropOldest, Overflow::Block];
        let overflow = if group { Overflow::Block } else { *random.of(&policies) };
        let flow = windowed.then(|| line.queue().open_flow(id, window, overflow, None));
        let asked = hub::Wants {
            group: group.then_some("g"),
            overflow,
            start: start.clone(),
            flow,
            ..hub::Wants::default()
        };
        let entry = hub::entry(&line, id, filter, asked);
        let mut next = BTreeMap::new();
        for topic in TOPICS.iter().filter(|topic| entry.filter.matches(&name(topic))) {
            let Some(topic) = self.registry.get(topic) else { continue };
            let from = match &start {
                Start::Live => topic.state().next,
                Start::Last => (topic.state().next - 1).max(1),
                Start::After(seen) => seen.get(topic.name().as_str()).map_or(1, |at| at.seq + 1),
            };
            next.insert(topic.name().as_str().to_owned(), (topic.epoch(), from));
        }
        let subscribed =
            Subscribed { entry: entry.clone(), next, unfinished: Vec::new(), finished: 0 };
        self.clients[at].subscriptions.push(subscribed);
        subscribe(&self.registry, &entry).await;
    }

    /// Publishes on a topic. Whoever has no room loses its grace, and reads and finishes something.
    async fn publish(&mut self, topic: &str, events: u64, padding: usize) {
        let topic = self.registry.get_or_create(&name(topic)).unwrap();
        let ids: Vec<u64> = (self.ids..self.ids + events).collect();
        self.ids += events;
        let mut run = gathered(&topic, "p#1", &ids, padding);
        for tries in 0.. {
            assert!(tries < 10_000, "a publisher waits for ever");
            match publish_run(&topic, &mut run, self.ids) {
                PublishResult::Done => return,
                PublishResult::Wait(connection) => {
                    connection.queue().end_grace();
                    let number = connection.number();
                    // A group waits for all of its members, and names one of them.
                    let waits = |client: &Client| {
                        client.line.number() == number
                            || client.subscriptions.iter().any(|of| of.entry.group.is_some())
                    };
                    let waiting: Vec<_> =
                        (0..self.clients.len()).filter(|at| waits(&self.clients[*at])).collect();
                    for at in waiting {
                        self.clients[at].line.take(2_000);
                        self.finish(at, true);
                    }
                    hub::settle().await;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Passes the frames that came to the subscriptions of a client.
    fn look(&mut self, at: usize) {
        let Client { line, looked, subscriptions } = &mut self.clients[at];
        let told: Vec<Told> = line.client(|client| client.told_in_full()[*looked..].to_vec());
        *looked += told.len();
        for told in &told {
            let ids = match told {
                Told::Run { stream, .. } => stream.subscriptions.clone(),
                Told::Gap(gap) => gap.subscriptions.clone(),
                _ => continue,
            };
            for id in ids.as_slice() {
                let of = subscriptions.iter_mut().find(|known| known.entry.id == *id);
                // A subscription may have ended.
                of.into_iter().for_each(|of| of.tell(told, &mut self.seen));
            }
        }
    }

    /// Lets the listeners of a client finish all of their events, or some.
    fn finish(&mut self, at: usize, all: bool) {
        self.look(at);
        let mut to_flush = FlushList::new();
        let Client { line, subscriptions, .. } = &mut self.clients[at];
        for of in subscriptions.iter_mut().filter(|of| of.entry.flow.is_some()) {
            let most = of.unfinished.len() as u64;
            let finished = if all { most } else { self.random.below(most + 1) };
            if finished == 0 {
                continue;
            }
            for event in of.unfinished.drain(..finished as usize) {
                self.seen.handled += 1;
                if of.entry.group.is_some() {
                    let again = !self.seen.by_group.insert(event.clone());
                    assert!(!again, "{event:?} was finished and given again");
                }
            }
            of.finished += finished;
            let frame =
                Taken { subscription: of.entry.id, taken: of.finished, events: None, bytes: None };
            line.queue().take(&frame).unwrap();
            hub::feed(&self.registry, &of.entry, &mut to_flush);
        }
        line.flush();
        to_flush.flush();
    }

    /// Cuts a connection. Its client comes back with its positions.
    async fn cut(&mut self, at: usize) {
        self.look(at);
        let gone = self.clients.swap_remove(at);
        gone.line.queue().close();
        for of in &gone.subscriptions {
            unsubscribe(&self.registry, &of.entry).await;
        }
        let back = self.connect().await;
        for of in gone.subscriptions {
            let group = of.entry.group.is_some();
            let seen = |(topic, (epoch, next)): (String, (u64, u64))| {
                (topic, Position { epoch, seq: next - 1 })
            };
            let start = match group {
                true => Start::Live,
                false => Start::After(of.next.into_iter().map(seen).collect()),
            };
            self.subscribe(back, of.entry.filter.as_str(), start, group).await;
        }
    }

    /// Ends one subscription of a client. With `drain`, the client still finishes what comes.
    async fn leave(&mut self, at: usize) {
        self.finish(at, false);
        let Client { line, subscriptions, .. } = &self.clients[at];
        let (line, last) = (line.clone(), subscriptions.last());
        let Some(entry) = last.map(|of| of.entry.clone()) else { return };
        let drain = entry.group.is_none() && self.random.one_in(2);
        if drain {
            entry.replays.drain();
        }
        unsubscribe(&self.registry, &entry).await;
        line.queue().close_flow(entry.id, drain);
        if drain {
            line.take_all();
            self.finish(at, true);
            line.stop();
            line.queue().close_flow(entry.id, false);
        }
        self.clients[at].subscriptions.pop();
    }

    /// Every delivery that is due is settled, or waits somewhere.
    fn assert_balanced(&self, what: &str) {
        let pending = self.registry.ledger().counts().pending();
        let queues = self.clients.iter().map(|client| client.line.queue().state().events);
        let waiting: u64 = self.registry.all().iter().map(|topic| topic.waiting()).sum();
        let counts = self.registry.ledger().counts();
        assert_eq!(pending, queues.sum::<u64>() + waiting, "{what}: {counts:?}");
    }

    async fn step(&mut self) {
        let padding = *self.random.of(&[0, 50, 700]);
        let at = self.random.below(self.clients.len() as u64) as usize;
        match self.random.below(if self.cuts { 100 } else { 97 }) {
            0..45 => {
                let (topic, events) = (*self.random.of(&TOPICS), 1 + self.random.below(8));
                self.publish(topic, events, padding).await;
            }
            45..65 => {
                self.clients[at].line.take(self.random.below(8_000) as usize);
                hub::settle().await;
            }
            65..95 => self.finish(at, false),
            95 => self.registry.give_way(GivesWay::Histories).await,
            96 => {
                let filter = *self.random.of(&FILTERS);
                let starts = [Start::Live, Start::Last, Start::After(Default::default())];
                let start = self.random.of(&starts).clone();
                self.subscribe(at, filter, start, false).await;
            }
            97 | 98 => self.cut(at).await,
            _ => self.leave(at).await,
        }
    }

    /// Lets everybody read and finish everything.
    async fn settle(&mut self) {
        let mut before = None;
        loop {
            for at in 0..self.clients.len() {
                self.clients[at].line.take_all();
                self.finish(at, true);
            }
            hub::settle().await;
            let due = self.registry.ledger().counts().due;
            let now = Some((self.seen.handled, self.seen.dropped, due));
            if std::mem::replace(&mut before, now) == now {
                return;
            }
        }
    }

    fn assert_complete(&self) {
        let counts = self.registry.ledger().counts();
        self.assert_balanced("at the end");
        assert_eq!(counts.pending(), 0, "{counts:?}");
        if !self.cuts {
            // Nobody was cut, so every drop was told and every delivery was handled.
            let dropped = counts.overflow + counts.conflated;
            let seen = (self.seen.handled, self.seen.dropped, 0);
            assert_eq!((counts.delivered, dropped, counts.disconnected), seen, "{counts:?}");
        }
        let of_all = self.clients.iter().flat_map(|client| &client.subscriptions);
        for of in of_all.filter(|of| of.entry.group.is_none()) {
            for topic in TOPICS.iter().filter(|topic| of.entry.filter.matches(&name(topic))) {
                let Some(topic) = self.registry.get(topic) else { continue };
                let next = of.next.get(topic.name().as_str()).map_or(1, |(_, next)| *next);
                assert_eq!(next, topic.state().next, "{} for {}", topic.name(), of.entry.id);
            }
        }
        let topic = self.registry.get(TOPICS[0]).unwrap();
        for number in 1..topic.state().next {
            let event = (TOPICS[0].to_owned(), number);
            let told = self.seen.gone_for_group.contains(&event);
            assert!(told || self.seen.by_group.contains(&event), "the group lost {event:?}");
        }
        assert_eq!(self.registry.history().kept_for_replays(), 0, "no replay waits any more");
    }
}

impl Subscribed {
    fn tell(&mut self, told: &Told, seen: &mut Seen) {
        match told {
            Told::Run { stream, first, ids } => {
                let topic = stream.topic.as_str();
                let last = first + ids.len() as u64 - 1;
                self.pass(topic, stream.epoch, *first, last);
                match self.entry.flow {
                    Some(_) => self
                        .unfinished
                        .extend((*first..=last).map(|number| (topic.to_owned(), number))),
                    None => seen.handled += ids.len() as u64,
                }
            }
            Told::Gap(gap) => {
                let to = gap.to.unwrap();
                self.pass(&gap.topic, gap.epoch, gap.from, to);
                if gap.reason != GapReason::Away {
                    seen.dropped += to - gap.from + 1;
                }
                if self.entry.group.is_some() {
                    let numbers = (gap.from..=to).map(|number| (gap.topic.clone(), number));
                    seen.gone_for_group.extend(numbers);
                }
            }
            _ => {}
        }
    }

    /// Checks that these numbers come next. The share of a member of a group has holes, and may go
    /// back to events that another member left behind.
    fn pass(&mut self, topic: &str, epoch: u64, first: u64, last: u64) {
        let next = self.next.entry(topic.to_owned()).or_insert((epoch, 1));
        if self.entry.group.is_none() {
            let id = self.entry.id;
            assert_eq!((epoch, first), *next, "{topic} for {id}: {first} to {last}");
        }
        next.1 = last + 1;
    }
}

async fn run_world(seed: u64) {
    let mut world = World::new(seed);
    let clients = *world.random.of(&[3, 10, 40, 200]);
    let steps = if clients == 200 { 300 } else { 600 };
    // Three workers share the first topic. Most of the time, one of them is there.
    for _ in 0..3 {
        let at = world.connect().await;
        world.subscribe(at, TOPICS[0], Start::Live, true).await;
    }
    for _ in 3..clients {
        let at = world.connect().await;
        let filter = *world.random.of(&FILTERS);
        world.subscribe(at, filter, Start::Live, false).await;
    }
    world.publish(TOPICS[0], 1, 0).await;
    for step in 0..steps {
        world.step().await;
        world.assert_balanced(&format!("seed {seed}, step {step}"));
    }
    for client in &world.clients {
        assert!(!client.line.overflowed.load(Ordering::SeqCst), "no policy here ends a connection");
    }
    world.settle().await;
    world.assert_complete();
}

#[test]
fn every_delivery_is_handled_told_given_up_or_waits() {
    if let Ok(seed) = std::env::var("HUB_MODEL_SEED") {
        return hub::run(run_world(seed.parse().unwrap()));
    }
    for seed in 0..20 {
        let passed = std::panic::catch_unwind(|| hub::run(run_world(seed)));
        assert!(passed.is_ok(), "the world with HUB_MODEL_SEED={seed} failed");
    }
}
