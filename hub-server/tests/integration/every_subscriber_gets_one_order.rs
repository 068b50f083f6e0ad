//! 200 clients on 1,000 topics subscribe, unsubscribe, emit and disconnect at random, against a
//! model. All subscribers see the same event under the same number; numbers are consecutive; nothing
//! comes twice; and for every subscriber, what it got and what GAPs announced is exactly what was
//! due to it from its first number to its last.
//!
//! How "due" is known: every SUBSCRIBE asks for positions, so it is told where each topic stands when
//! it begins; a topic that is made later begins with 1. Before a subscription ends, its client
//! subscribes to the same filter once more, and that one's positions say to which number, at least,
//! the first one is due. Nothing may come behind the PONG that follows UNSUBSCRIBE.
//!
//! The model of what was emitted: of a client that said goodbye, everything; of a client whose socket
//! was dropped, its events up to some one, and none after that.
//!
//! The seed is printed; `HUB_TEST_SEED` repeats it. The number of steps of each of the 200 clients
//! is 40; `HUB_TEST_STEPS=1000` runs for a minute or more.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Limits, Overflow, Packer, Reader, Subscribe, TopicFilter, TopicName};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use support::*;

const CLIENTS: usize = 200;
const THREADS: usize = 4;
const KINDS: usize = 10;
const TOPICS_OF_A_KIND: usize = 100;

/// An event's identity: which connection of the test sent it, and as its how manyth.
type EventId = (u64, u64);

fn payload(id: EventId, pad: usize) -> Vec<u8> {
    let mut out = Vec::new();
    Packer(&mut out).array(3).uint(id.0).uint(id.1).bin(&vec![7; pad]);
    out
}

fn event_id(payload: &[u8]) -> EventId {
    let mut read = Reader::new(payload, &Limits::NONE);
    assert_eq!(read.array("payload").unwrap(), 3);
    (read.uint("connection").unwrap(), read.uint("number").unwrap())
}

fn topic(kind: usize, n: usize) -> String {
    format!("kind{kind}.topic{n}")
}

/// One topic, or a hundred, or the same one of each kind.
fn filter(random: &mut Random) -> String {
    let (kind, n) = (random.below(KINDS), random.below(TOPICS_OF_A_KIND));
    match random.below(20) {
        0 => format!("kind{kind}.*"),
        1 => format!("*.topic{n}"),
        2 => format!("kind{kind}.**"),
        _ => topic(kind, n),
    }
}

/// What a connection's reader makes of what comes: its own account, checked as it comes.
#[derive(Default)]
struct Account {
    /// Of each topic that some subscription matches: the number that has to come next. `None`: one
    /// that may come, since the subscription is not answered yet.
    next: HashMap<String, u64>,
    epochs: HashMap<String, u64>,
    /// What was got: topic, number, event.
    log: Vec<(String, u64, EventId)>,
    missing: u64,
    filters: BTreeMap<u64, TopicFilter>,
}

impl Account {
    fn wanted(&self, topic: &str) -> bool {
        let name = TopicName::parse(topic).unwrap();
        self.filters.values().any(|filter| filter.matches(&name))
    }

    fn due(&mut self, topic: &str, epoch: u64, first: u64, last: u64) {
        assert!(self.wanted(topic), "{topic} {first}: nothing is subscribed to it any more");
        assert_eq!(*self.epochs.entry(topic.to_owned()).or_insert(epoch), epoch);
        // A topic without a position did not exist when the subscription began.
        let next = self.next.entry(topic.to_owned()).or_insert(1);
        assert_eq!(first, *next, "{topic}: the number that comes next");
        *next = last + 1;
    }

    fn take(&mut self, got: &Got) {
        match got {
            Got::Event(event) => {
                let name = TopicName::parse(&event.topic).unwrap();
                let named = |id| self.filters.get(id).is_some_and(|filter| filter.matches(&name));
                assert!(event.subscriptions.iter().all(named), "{event:?}");
                self.due(&event.topic, event.epoch, event.number, event.number);
                self.log.push((event.topic.clone(), event.number, event_id(&event.payload)));
            }
            Got::Gap(gap) => {
                let to = gap.to.unwrap();
                self.due(&gap.topic, gap.epoch, gap.from, to);
                self.missing += to - gap.from + 1;
            }
            Got::Position { topic, epoch, next } => {
                assert!(self.wanted(topic));
                assert_eq!(*self.epochs.entry(topic.clone()).or_insert(*epoch), *epoch);
                // If another subscription matched it before, everything up to here came before.
                let known = self.next.entry(topic.clone()).or_insert(*next);
                assert_eq!(*known, *next, "{topic}: where it stands");
            }
            Got::Subscribed(_) | Got::Receipt(_) | Got::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn subscribed(&mut self, id: u64, filter: &str) {
        self.filters.insert(id, TopicFilter::parse(filter).unwrap());
    }

    /// Behind the PONG: what no other subscription wants is not due any more.
    fn unsubscribed(&mut self, id: u64) {
        self.filters.remove(&id);
        let known: Vec<String> = self.next.keys().cloned().collect();
        for topic in known {
            if !self.wanted(&topic) {
                self.next.remove(&topic);
            }
        }
    }
}

/// A client of the test, with a thread that reads all the time, so that it never makes anyone wait.
struct Actor {
    number: u64,
    client: Client,
    incoming: Receiver<Got>,
    reader: Option<JoinHandle<()>>,
    account: Account,
    sent: Vec<String>,
    next_id: u64,
}

/// What a connection leaves behind for the model.
struct Left {
    number: u64,
    /// The topics of its events, in the order in which they were sent.
    sent: Vec<String>,
    said_goodbye: bool,
    log: Vec<(String, u64, EventId)>,
    missing: u64,
}

impl Actor {
    fn new(address: SocketAddr, number: u64) -> Actor {
        let mut reading = Client::open(address);
        let client = Client::over(reading.writer());
        let (got, incoming) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            loop {
                let next = reading.next();
                let ended = matches!(next, Got::End | Got::Reset);
                if got.send(next).is_err() || ended {
                    return;
                }
            }
        });
        Actor {
            number,
            client,
            incoming,
            reader: Some(reader),
            account: Account::default(),
            sent: Vec::new(),
            next_id: 0,
        }
    }

    fn next(&self) -> Got {
        match self.incoming.recv_timeout(PATIENCE) {
            Ok(got) => got,
            Err(RecvTimeoutError::Timeout) => panic!("nothing came for {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the reader failed"),
        }
    }

    fn until(&mut self, wanted: &Got) {
        loop {
            let got = self.next();
            if got == *wanted {
                return;
            }
            self.account.take(&got);
        }
    }

    fn subscribe(&mut self, filter: &str, overflow: Overflow) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.account.subscribed(id, filter);
        let wish = Subscribe { positions: true, overflow, ..subscription(id, filter) };
        self.client.send(&subscribe(&wish));
        self.until(&Got::Subscribed(id));
        id
    }

    fn unsubscribe(&mut self, id: u64, filter: &str, overflow: Overflow) {
        // Its positions are where the first one must have got to, which `Account` checks.
        let again = self.subscribe(filter, overflow);
        self.client.send(&[unsubscribe(id), unsubscribe(again), ping(id)].concat());
        self.until(&Got::Pong(id));
        self.account.unsubscribed(id);
        self.account.unsubscribed(again);
    }

    fn emit(&mut self, random: &mut Random) {
        let mut batch = Vec::new();
        for _ in 0..1 + random.below(30) {
            let topic = topic(random.below(KINDS), random.below(TOPICS_OF_A_KIND));
            let id = (self.number, self.sent.len() as u64);
            batch.extend(event(&topic, &payload(id, random.below(300))));
            self.sent.push(topic);
        }
        self.client.send(&batch);
    }

    fn leave(mut self, politely: bool) -> Left {
        if politely {
            self.client.send(&goodbye());
        } else {
            let _ = self.client.socket.shutdown(std::net::Shutdown::Both);
        }
        let mut closed = false;
        loop {
            match self.next() {
                Got::End => break,
                Got::Reset => {
                    assert!(!politely, "RST instead of a goodbye");
                    break;
                }
                got => {
                    assert!(!closed, "{got:?} behind CLOSE");
                    closed = matches!(got, Got::Close(_));
                    if !closed {
                        self.account.take(&got);
                    }
                }
            }
        }
        assert_eq!(closed, politely);
        let _ = self.client.socket.shutdown(std::net::Shutdown::Both);
        self.reader.take().unwrap().join().unwrap();
        Left {
            number: self.number,
            sent: self.sent,
            said_goodbye: politely,
            log: self.account.log,
            missing: self.account.missing,
        }
    }
}

/// One thread's share of the clients; each does `steps` things at random.
fn live(address: SocketAddr, share: usize, steps: usize, mut random: Random) -> Vec<Left> {
    let mut number = (share as u64) << 32;
    let mut fresh = || {
        number += 1;
        Actor::new(address, number)
    };
    let mut left = Vec::new();
    let mut clients: Vec<_> = (0..CLIENTS / THREADS).map(|_| (fresh(), Vec::new())).collect();
    for _ in 0..steps * clients.len() {
        let at = random.below(clients.len());
        let (actor, subscriptions) = &mut clients[at];
        match random.below(20) {
            0 => {
                let (actor, _) = std::mem::replace(&mut clients[at], (fresh(), Vec::new()));
                left.push(actor.leave(random.below(2) == 0));
            }
            1..=6 => {
                let filter = filter(&mut random);
                let overflow = Overflow::ALL[[1, 2, 4][random.below(3)]];
                let id = actor.subscribe(&filter, overflow);
                subscriptions.push((id, filter, overflow));
            }
            7..=9 if !subscriptions.is_empty() => {
                let (id, filter, overflow) =
                    subscriptions.swap_remove(random.below(subscriptions.len()));
                actor.unsubscribe(id, &filter, overflow);
            }
            _ => actor.emit(&mut random),
        }
    }
    left.extend(clients.into_iter().map(|(actor, _)| actor.leave(true)));
    left
}

/// All logs agree about every number of every topic; returns the order, topic by topic.
fn one_order(left: &[Left]) -> HashMap<&str, BTreeMap<u64, EventId>> {
    let mut order: HashMap<&str, BTreeMap<u64, EventId>> = HashMap::new();
    for log in left.iter().map(|left| &left.log) {
        for (topic, number, event) in log {
            let known = order.entry(topic).or_default().entry(*number).or_insert(*event);
            assert_eq!(known, event, "{topic} {number}: subscribers disagree");
        }
    }
    order
}

#[test]
fn random_clients_against_a_model() {
    let seed = Random::seed("HUB_TEST_SEED");
    let steps = std::env::var("HUB_TEST_STEPS").map_or(40, |steps| steps.parse().unwrap());
    eprintln!("HUB_TEST_SEED={seed} HUB_TEST_STEPS={steps}");
    let hub = hub();
    // One that hears everything: the order to compare with.
    let mut witness = Actor::new(hub.clients(), u64::MAX);
    witness.subscribe("**", Overflow::Block);
    let listening = std::thread::spawn(move || {
        loop {
            match witness.next() {
                Got::Event(event) if event.topic == "end" => return witness.leave(true),
                got => witness.account.take(&got),
            }
        }
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|share| {
            let (address, random) = (hub.clients(), Random(seed.wrapping_add(share as u64)));
            std::thread::spawn(move || live(address, share + 1, steps, random))
        })
        .collect();
    let mut left = Vec::new();
    for thread in threads {
        left.extend(thread.join().unwrap());
    }
    // Who was dropped may still be being read from.
    wait_until("everyone is gone", || metric(&hub, "hub_connections") == 1);
    Client::open(hub.clients()).send(&event("end", b"\x01"));
    left.push(listening.join().unwrap());

    let order = one_order(&left);
    assert_eq!(left.last().map(|witness| witness.missing), Some(0));
    let mut accepted: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut latest: HashMap<(&str, u64), u64> = HashMap::new();
    for (topic, events) in &order {
        let last = *events.keys().next_back().unwrap();
        assert_eq!(events.len() as u64, last, "{topic}: the witness heard every number");
        for (publisher, n) in events.values() {
            accepted.entry(*publisher).or_default().push(*n);
            let before = latest.insert((topic, *publisher), *n);
            assert!(before < Some(*n), "{topic}: {publisher}'s events are out of order");
        }
    }
    for client in &left {
        let mut events = accepted.remove(&client.number).unwrap_or_default();
        events.sort_unstable();
        let expected = if client.said_goodbye { client.sent.len() } else { events.len() };
        assert_eq!(events, (0..expected as u64).collect::<Vec<_>>(), "{}", client.number);
    }
    assert!(accepted.is_empty(), "events that nobody sent: {accepted:?}");
    let events: usize = order.values().map(BTreeMap::len).sum();
    let delivered: usize = left.iter().map(|left| left.log.len()).sum();
    let missing: u64 = left.iter().map(|left| left.missing).sum();
    eprintln!(
        "{} connections, {} topics, {events} events, {delivered} delivered, {missing} in gaps",
        left.len(),
        order.len(),
    );
    assert!(delivered > 1_000 && order.len() > 500);
    drop(hub);
}
