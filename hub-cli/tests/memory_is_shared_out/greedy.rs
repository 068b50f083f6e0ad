//! Greedy clients: each kind makes the hub remember as much as it can by one of its features. What they may
//! not do they try all the same.

use crate::support::Random;
use crate::wire::frames::*;
use hub_wire::{Overflow, Subscribe, Window};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// A client that the hub does not read from gives up after this time.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Subscriptions with hundreds of kilobytes of positions each.
    Positions,
    /// Connections that each publish once on a thousand topics of long names, and stay.
    Names,
    /// Large events on topics of their own, from clients that leave. Somebody watches all topics.
    LastEvents,
    /// Many subscriptions of everything on one connection, beside many topics.
    Memberships,
    /// Subscribers that read nothing, and a flood for them.
    Stalled,
}

/// A connection that sends for as long as the hub takes it, and reads nothing.
pub(crate) struct Greedy {
    socket: TcpStream,
    /// The flag is true once the hub has not taken all. What follows would not be whole frames.
    over: bool,
}

/// Holds the connections that are still open.
pub(crate) type There = Vec<Greedy>;

impl Greedy {
    fn send(&mut self, bytes: &[u8]) {
        self.over = self.over || self.socket.write_all(bytes).is_err();
    }
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Positions, Kind::Names, Kind::LastEvents, Kind::Memberships, Kind::Stalled];

    /// Lets clients of this kind loose. The thread returns the connections that stay open.
    pub(crate) fn start(self, hub: SocketAddr, seed: u64) -> JoinHandle<There> {
        let run = match self {
            Kind::Positions => positions,
            Kind::Names => names,
            Kind::LastEvents => last_events,
            Kind::Memberships => memberships,
            Kind::Stalled => stalled,
        };
        std::thread::spawn(move || run(hub, &mut Random(seed)))
    }
}

/// Opens a connection whose writes end after a while, if the hub lets it in.
fn open(hub: SocketAddr) -> Greedy {
    let socket = TcpStream::connect(hub).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut greedy = Greedy { socket, over: false };
    greedy.send(&hub_wire::Frame::Hello(hello("greedy")).to_bytes());
    greedy
}

fn name(random: &mut Random, length: usize) -> String {
    let token = |random: &mut Random| format!("{:016x}", random.next());
    let tokens: Vec<String> = (0..length / 17).map(|_| token(random)).collect();
    format!("greedy.{}", tokens.join("."))
}

fn positions(hub: SocketAddr, random: &mut Random) -> There {
    let connections = 1 + random.below(6);
    let each = 5_000 + random.below(10_000);
    let names: Vec<String> = (0..each).map(|_| name(random, 34)).collect();
    let seen: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 1)).collect();
    let mut there: Vec<Greedy> = (0..connections).map(|_| open(hub)).collect();
    for number in 0..210 {
        let frame = subscribe(&subscription_after(number, "greedy.**", &seen));
        there[number as usize % connections].send(&frame);
    }
    there
}

fn names(hub: SocketAddr, random: &mut Random) -> There {
    let length = 150 + random.below(90);
    let topics: Vec<String> = (0..1_024).map(|_| name(random, length)).collect();
    let events: Vec<u8> = topics.iter().flat_map(|topic| event(topic, b"\x01")).collect();
    (0..150)
        .map(|_| {
            let mut client = open(hub);
            client.send(&events);
            client
        })
        .collect()
}

fn last_events(hub: SocketAddr, random: &mut Random) -> There {
    let size = 200_000 + random.below(700_000);
    let mut watcher = open(hub);
    watcher.send(&subscribe(&subscription(1, "greedy.idle.**")));
    for _ in 0..(1 + random.below(3)) {
        let mut client = open(hub);
        for n in 0..(100_000_000 / size) {
            let topic = if n % 2 == 0 { "greedy.idle" } else { "greedy.other" };
            let topic = format!("{topic}.{}", random.next());
            client.send(&event(&topic, &numbered(0, size)));
        }
    }
    vec![watcher]
}

fn memberships(hub: SocketAddr, random: &mut Random) -> There {
    let (topics, subscriptions) = (200 + random.below(200), 200 + random.below(200) as u64);
    let mut client = open(hub);
    let mut events = Vec::new();
    for _ in 0..topics {
        events.extend(event(&name(random, 100), b"\x01"));
    }
    client.send(&events);
    for id in 0..subscriptions {
        let window = (id % 2 == 0).then_some(Window { events: 10, bytes: 1 << 20 });
        client.send(&subscribe(&Subscribe { window, ..subscription(id, "greedy.**") }));
    }
    vec![client]
}

fn stalled(hub: SocketAddr, random: &mut Random) -> There {
    let policies =
        [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest, Overflow::Disconnect];
    let mut there: Vec<Greedy> = (0..40)
        .map(|n| {
            let mut client = open(hub);
            let overflow = policies[random.below(policies.len())];
            let window = (random.below(2) == 0).then_some(Window { events: 1, bytes: 1 << 20 });
            let filter = format!("greedy.stalled.{n}");
            client.send(&subscribe(&Subscribe { overflow, window, ..subscription(1, &filter) }));
            client
        })
        .collect();
    let mut publisher = open(hub);
    for turn in 0..64 {
        for n in 0..40 {
            let topic = format!("greedy.stalled.{n}");
            publisher.send(&event(&topic, &numbered(turn, 64 * 1024)));
        }
    }
    there.push(publisher);
    there
}
