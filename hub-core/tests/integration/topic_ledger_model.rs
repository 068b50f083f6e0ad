//! Claim: the ledger balances whatever clients do. After each step, every delivery that is due is settled
//! or waits somewhere, and when the last client has gone, nothing waits any more.
//!
//! Clients subscribe with and without windows, with every overflow policy, as members of queue groups and
//! with acknowledgement. They finish events and fail on them, are cut, closed because they are slow, kept,
//! and continued, while memory is short or is not.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

mod steps;

use crate::topic_common;

use hub_core::topic::{
    AckPolicy, Failure, FlushList, PublishResult, QueuedRun, Registry, SubscriberConnection,
    SubscriptionEntry, TopicSettings,
};
use hub_wire::{Ack, Frame, Outcome, Resume, Start, Taken, Window};
use proptest::sample::select;
use std::mem::take;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use steps::{CLIENTS, Step, Wants, steps};
use topic_common::hub::{self, gathered_unlike, publish_run, subscribe};
use topic_common::line::Line;
use topic_common::name;

/// An event has to be acknowledged within this time.
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

struct Client {
    line: Arc<Line>,
    subscriptions: Vec<Arc<SubscriptionEntry>>,
    /// The subscriptions that ended, and whose client may still finish what it got.
    drained: Vec<Arc<SubscriptionEntry>>,
}

struct World {
    registry: Arc<Registry>,
    clients: Vec<Client>,
    /// The connections that have ended. Somebody may still hold them.
    gone: Vec<Weak<Line>>,
    connections: u64,
    subscriptions: u64,
    ids: u64,
    limit: usize,
}

impl World {
    fn new(limit: usize) -> Self {
        let settings =
            TopicSettings { history_per_topic: 20_000, history_in_all: 40_000, ..hub::settings() };
        let mut world = World {
            registry: hub::registry(settings),
            clients: Vec::new(),
            gone: Vec::new(),
            connections: 0,
            subscriptions: 0,
            ids: 0,
            limit,
        };
        for _ in 0..CLIENTS {
            let client = world.connect();
            world.clients.push(client);
        }
        world
    }

    fn connect(&mut self) -> Client {
        self.connections += 1;
        let line = Line::new(self.connections, self.limit, self.registry.ledger());
        Client { line, subscriptions: Vec::new(), drained: Vec::new() }
    }

    async fn subscribe(&mut self, at: usize, wants: Wants) {
        self.subscriptions += 1;
        let id = self.subscriptions;
        let Client { line, subscriptions, .. } = &mut self.clients[at];
        let queue = line.queue();
        let flow = wants.window.map(|(events, bytes)| {
            let timeout = wants.ack.map(|_| ACK_TIMEOUT);
            queue.open_flow(id, Window { events, bytes }, wants.overflow, timeout)
        });
        if wants.keep {
            queue.keep_flow(id);
        }
        let ack = wants.ack.map(|(attempts, ordered)| AckPolicy {
            timeout: ACK_TIMEOUT,
            attempts,
            backoff: Duration::from_secs(1),
            dead_letter: (attempts == 2).then(|| name("dead")),
            ordered: ordered && wants.group,
        });
        let asked = hub::Wants {
            group: wants.group.then_some("g"),
            overflow: wants.overflow,
            start: if wants.replay { Start::After(Default::default()) } else { Start::Live },
            positions: wants.replay,
            flow,
            ack,
        };
        let entry = hub::entry(line, id, wants.filter, asked);
        subscriptions.push(entry.clone());
        subscribe(&self.registry, &entry).await;
    }

    /// Publishes on a topic. A publisher that has to wait ends the grace of whoever it waits for, and
    /// gives up when it has to wait on.
    async fn publish(&mut self, topic: &str, events: u64, padding: usize) {
        let topic = self.registry.get_or_create(&name(topic)).unwrap();
        let ids: Vec<u64> = (self.ids..self.ids + events).collect();
        self.ids += events;
        let mut run = gathered_unlike(&topic, "p#1", &ids, |id| padding * (id % 4) as usize);
        for _ in 0..CLIENTS {
            match publish_run(&topic, &mut run, self.ids) {
                PublishResult::Done => return,
                PublishResult::Wait(connection) => connection.queue().end_grace(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn entry(&self, at: usize, sub: usize) -> Option<Arc<SubscriptionEntry>> {
        let Client { subscriptions, drained, .. } = &self.clients[at];
        let all: Vec<_> = subscriptions.iter().chain(drained).collect();
        Some((*all.get(sub % all.len().max(1))?).clone())
    }

    fn feed(&self, entry: &Arc<SubscriptionEntry>) {
        let mut to_flush = FlushList::new();
        hub::feed(&self.registry, entry, &mut to_flush);
        to_flush.flush();
        entry.connection.flush();
    }

    fn taken(&self, at: usize, sub: usize, events: u64) {
        let Some(entry) = self.entry(at, sub) else { return };
        let queue = self.clients[at].line.queue();
        let Some(taken) = queue.taken(entry.id) else { return };
        let frame =
            Taken { subscription: entry.id, taken: taken + events, events: None, bytes: None };
        // A client may claim too much.
        if let Err(error) = queue.take(&frame) {
            queue.take(&Taken { taken: error.sent, ..frame }).unwrap();
        }
        self.feed(&entry);
    }

    fn ack(&self, at: usize, sub: usize, first: u64, events: u64, outcome: Outcome) {
        let Some(entry) = self.entry(at, sub) else { return };
        let queue = self.clients[at].line.queue();
        let mut last = first + events;
        if let Err(error) = queue.was_sent(entry.id, last) {
            last = error.sent;
        }
        let ack = Ack { subscription: entry.id, first, last, outcome, reason: None };
        if last < first {
            return;
        }
        let settled = queue.settle(&ack, Instant::now()).unwrap();
        let mut to_flush = FlushList::new();
        if entry.ack.as_ref().is_some_and(|policy| policy.ordered) {
            for run in settled.finished {
                let topic = self.registry.get(run.stream.topic.as_str());
                topic
                    .into_iter()
                    .for_each(|topic| topic.finished(&entry, run.clone(), &mut to_flush));
            }
        }
        to_flush.flush();
        self.failed(&entry, settled.failed, outcome == Outcome::Rejected);
        self.feed(&entry);
    }

    fn failed(&self, entry: &Arc<SubscriptionEntry>, runs: Vec<QueuedRun>, rejected: bool) {
        for run in runs {
            let failure = Failure { reason: "no such order".to_owned(), rejected };
            match self.registry.get(run.stream.topic.as_str()) {
                Some(topic) => topic.failed(entry, run, failure),
                None => entry.connection.queue().abandon(&[run]),
            }
        }
    }

    fn expire(&self, at: usize, sub: usize) {
        let Some(entry) = self.entry(at, sub) else { return };
        let late = self.clients[at].line.queue().expire(entry.id, Instant::now() + ACK_TIMEOUT);
        self.failed(&entry, late, false);
        self.feed(&entry);
    }

    async fn unsubscribe(&mut self, at: usize, sub: usize, drain: bool) {
        let Client { line, subscriptions, drained } = &mut self.clients[at];
        if subscriptions.is_empty() {
            return;
        }
        let entry = subscriptions.remove(sub % subscriptions.len());
        if drain {
            entry.replays.drain();
            drained.push(entry.clone());
        }
        let left = self.registry.leave(vec![entry.clone()]);
        let line = line.clone();
        left.unwrap().await;
        line.queue().close_flow(entry.id, drain);
    }

    /// Ends a connection, and a new one takes its place.
    async fn cut(&mut self, at: usize, slow: bool) {
        let new = self.connect();
        let gone = std::mem::replace(&mut self.clients[at], new);
        if slow {
            gone.line.queue().discard();
        }
        gone.line.queue().close();
        self.gone.push(Arc::downgrade(&gone.line));
        if let Some(left) = self.registry.leave(gone.subscriptions) {
            left.await;
        }
    }

    /// Breaks a connection, whose subscriptions are kept as far as they have asked for that.
    async fn part(&mut self, at: usize) {
        let Client { line, subscriptions, drained } = &mut self.clients[at];
        let line = line.clone();
        let (kept, others) =
            take(subscriptions).into_iter().partition(|entry| line.queue().keeps(entry.id));
        *subscriptions = kept;
        drained.clear();
        if let Some(left) = self.registry.leave(others) {
            left.await;
        }
        let kept: Vec<u64> = self.clients[at].subscriptions.iter().map(|entry| entry.id).collect();
        drop(line.queue().part(|id| kept.contains(&id)));
        line.reconnect();
    }

    fn resume(&self, at: usize, sub: usize, back: u64, gaps: u64) {
        let Some(entry) = self.entry(at, sub) else { return };
        let queue = self.clients[at].line.queue();
        for events in (0..400).rev() {
            let events = events / 20_u64.pow(back as u32);
            let resume = Resume { subscription: entry.id, events, gaps };
            let answer = Frame::Subscribed { id: entry.id }.to_bytes();
            if queue.resume(&resume, answer).is_ok() {
                break;
            }
        }
        self.feed(&entry);
    }

    fn balance(&self) -> (u64, u64) {
        let lines = self.clients.iter().map(|client| client.line.clone());
        let gone = self.gone.iter().filter_map(Weak::upgrade);
        let queues: u64 = lines.chain(gone).map(|line| line.queue().state().events).sum();
        let waiting: u64 = self.registry.all().iter().map(|topic| topic.waiting()).sum();
        (self.registry.ledger().counts().pending(), queues + waiting)
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { topic, events, padding } => self.publish(topic, events, padding).await,
            Step::Read { client, bytes } => self.clients[client].line.take(bytes),
            Step::Subscribe { client, wants } => self.subscribe(client, wants).await,
            Step::Taken { client, sub, events } => self.taken(client, sub, events),
            Step::Ack { client, sub, first, events, outcome } => {
                self.ack(client, sub, first, events, outcome);
            }
            Step::Expire { client, sub } => self.expire(client, sub),
            Step::Unsubscribe { client, sub, drain } => self.unsubscribe(client, sub, drain).await,
            Step::Cut { client, slow } => self.cut(client, slow).await,
            Step::Part { client } => self.part(client).await,
            Step::Resume { client, sub, back, gaps } => self.resume(client, sub, back, gaps),
            Step::Shed { client, bytes } => {
                let line = &self.clients[client].line;
                line.overflowed.fetch_or(line.queue().shed(bytes), Ordering::SeqCst);
            }
            Step::GiveWay(what) => self.registry.give_way(what).await,
            Step::LimitQueues(bytes) => self.registry.ledger().held().limit_queues(bytes),
            Step::Time(time) => tokio::time::advance(time).await,
        }
        hub::settle().await;
        for at in 0..CLIENTS {
            if self.clients[at].line.overflowed.load(Ordering::SeqCst) {
                self.cut(at, true).await;
            }
        }
    }
}

async fn run_world((steps, limit): (Vec<Step>, usize)) {
    let mut world = World::new(limit);
    for (n, step) in steps.into_iter().enumerate() {
        let what = format!("{step:?}");
        world.step(step).await;
        let (pending, waiting) = world.balance();
        assert_eq!(pending, waiting, "after step {n}, {what}");
    }
    for at in 0..CLIENTS {
        world.cut(at, false).await;
    }
    for _ in 0..10 {
        hub::idle().await;
    }
    let counts = world.registry.ledger().counts();
    assert_eq!(counts.pending(), 0, "{counts:?}");
    assert_eq!(world.registry.topics(), 0, "topics are left");
    assert_eq!(world.gone.iter().filter_map(Weak::upgrade).count(), 0, "connections are held");
}

#[test]
fn the_ledger_balances_whatever_clients_do() {
    let limits = select(vec![3_000_usize, 10_000, 100_000]);
    hub::check(300, file!(), (steps(), limits), run_world);
}
