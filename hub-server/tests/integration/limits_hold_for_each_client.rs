//! Promise: a limit holds for whom it is meant. Who is over it is told so by a code, or slowed
//! without losing anything; another identity, address or connection is not disturbed; and what was
//! taken is free again when it is given back.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::access::create_token;
use hub_server::{Config, RunningHub};
use hub_wire::{CloseCode, Credentials, Hello, RefusedCode, RefusedWhat};
use std::time::Instant;
use support::*;
use tempfile::TempDir;

/// A hub with two identities, `one` and `other`, each with a token.
struct Hub {
    hub: RunningHub,
    tokens: [String; 2],
    _folder: TempDir,
}

impl Hub {
    /// `publish` is what the role of `one` says of publishing, beside that it may.
    fn with(publish: &str, change: impl FnOnce(&mut Config)) -> Hub {
        let folder = TempDir::new().unwrap();
        let tokens = ["one", "other"].map(|name| create_token(name).unwrap());
        let text = format!(
            "[roles.one]\nsubscribe = {{ allow = \"**\", observe = true }}\n\
             publish = {{ allow = \"**\"{publish} }}\n\
             [roles.other]\nsubscribe = {{ allow = \"**\", observe = true }}\n\
             publish.allow = \"**\"\n\
             [identities.one]\nroles = \"one\"\n{}\n\
             [identities.other]\nroles = \"other\"\n{}\n\
             [anonymous]\nroles = \"other\"\n",
            tokens[0].line, tokens[1].line,
        );
        let file = folder.path().join("access.toml");
        std::fs::write(&file, text).unwrap();
        let hub = hub_with(|config| {
            config.access = file.to_string_lossy().into_owned();
            change(config);
        });
        Hub { hub, tokens: tokens.map(|new| new.token), _folder: folder }
    }

    fn hello(&self, who: usize) -> Hello {
        let credentials = Some(Credentials::Token(self.tokens[who].clone()));
        Hello { credentials, ..hello("test") }
    }

    fn open(&self, who: usize) -> Client {
        Client::open_as(self.hub.clients(), &self.hello(who))
    }

    fn limited(&self, limit: &str) -> u64 {
        limited(&self.hub, limit)
    }
}

fn closed_with(mut client: Client) -> CloseCode {
    let all = client.rest();
    let close = all.iter().find_map(|got| match got {
        Got::Close(close) => Some(close.clone()),
        _ => None,
    });
    let close = close.unwrap_or_else(|| panic!("{all:?}"));
    assert!(close.retry_after_ms.is_some(), "{close:?}");
    close.code
}

#[test]
fn an_address_has_so_many_connections_and_another_address_its_own() {
    let hub = hub_with(|config| config.max_connections_per_address = 2);
    let mut first = Client::open(hub.clients());
    let second = Client::open(hub.clients());
    // It is told at once: nothing is expected of it.
    let third = Client::connect(hub.clients());
    assert_eq!(closed_with(third), CloseCode::TooManyConnections);
    let mut elsewhere = connect_from("127.0.0.2", hub.clients());
    elsewhere.hello(&hello("elsewhere"));
    elsewhere.barrier();
    first.barrier();
    assert_eq!(limited(&hub, "max_connections_per_address"), 1);
    drop(second);
    wait_until("there is room again", || {
        let mut again = Client::connect(hub.clients());
        again.try_send(&hub_wire::Frame::Hello(hello("again")).to_bytes());
        matches!(again.next(), Got::Welcome(_))
    });
}

#[test]
fn an_identity_has_so_many_connections_and_another_identity_its_own() {
    let hub = Hub::with("", |config| config.max_connections_per_identity = 2);
    let instance = Some([7; 16]);
    let mut first = hub.open(0);
    let replaced = Client::open_as(hub.hub.clients(), &Hello { instance, ..hub.hello(0) });
    let mut third = Client::connect(hub.hub.clients());
    third.send(&hub_wire::Frame::Hello(hub.hello(0)).to_bytes());
    assert_eq!(closed_with(third), CloseCode::TooManyConnections);
    assert_eq!(hub.limited("max_connections_per_identity"), 1);
    hub.open(1).barrier();
    // Anonymous clients are no identity.
    let mut anonymous: Vec<_> = (0..3).map(|_| Client::open(hub.hub.clients())).collect();
    anonymous.iter_mut().for_each(|client| drop(client.barrier()));
    // Who comes back is not counted beside the connection that he lost.
    let mut back = Client::open_as(hub.hub.clients(), &Hello { instance, ..hub.hello(0) });
    back.barrier();
    first.barrier();
    drop((replaced, back));
    wait_until("there is room again", || {
        let mut again = Client::connect(hub.hub.clients());
        again.send(&hub_wire::Frame::Hello(hub.hello(0)).to_bytes());
        matches!(again.next(), Got::Welcome(_))
    });
}

fn codes(got: &[Got]) -> Vec<RefusedCode> {
    got.iter()
        .filter_map(|got| if let Got::Refused(r) = got { Some(r.code) } else { None })
        .collect()
}

#[test]
fn an_identity_makes_so_many_topics_until_they_end() {
    let hub = Hub::with("", |config| {
        config.max_topics_per_identity = 3;
        config.topic_idle_ms = 300;
    });
    // While somebody is subscribed to them, they do not end.
    let mut holder = hub.open(1);
    holder.subscribe(&subscription(1, "*"));
    let mut one = hub.open(0);
    for topic in ["a", "b", "c", "a", "d"] {
        one.send(&event(topic, b"\x01"));
    }
    assert_eq!(codes(&one.barrier()), [RefusedCode::TooManyTopics]);
    assert_eq!(hub.limited("max_topics_per_identity"), 1);
    // The account is the identity's, not the connection's.
    let mut again = hub.open(0);
    again.send(&event("e", b"\x01"));
    assert_eq!(codes(&again.barrier()), [RefusedCode::TooManyTopics]);
    // What another one has made is open to all, and counts for him.
    let mut other = hub.open(1);
    other.send(&event("f", b"\x01"));
    assert_eq!(codes(&other.barrier()), []);
    one.send(&event("f", b"\x01"));
    assert_eq!(codes(&one.barrier()), []);
    drop(holder);
    wait_until("the topics have ended", || {
        one.send(&event("new", b"\x01"));
        codes(&one.barrier()).is_empty()
    });
}

#[test]
fn a_connection_has_so_many_subscriptions_and_another_connection_its_own() {
    let hub = hub_with(|config| config.max_subscriptions = 2);
    let mut one = Client::open(hub.clients());
    one.subscribe(&subscription(1, "a"));
    one.subscribe(&subscription(2, "b"));
    one.send(&subscribe(&subscription(3, "c")));
    let got = one.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(
        (refused.what, refused.number, refused.code),
        (RefusedWhat::Subscribe, 3, RefusedCode::TooManySubscriptions)
    );
    assert_eq!(limited(&hub, "max_subscriptions"), 1);
    Client::open(hub.clients()).subscribe(&subscription(3, "c"));
}

/// The number of the last receipt.
fn receipted(got: &[Got]) -> u64 {
    got.iter()
        .filter_map(|got| if let Got::Receipt(next) = got { Some(*next) } else { None })
        .max()
        .unwrap_or(0)
}

/// Sends `count` events from `from` on, all at once.
fn flood(client: &mut Client, topic: &str, from: u64, count: u64) {
    let frames: Vec<u8> =
        (from..from + count).flat_map(|n| event(topic, &numbered(n, 0))).collect();
    client.send(&frames);
}

const RATE: u64 = 100;
/// What comes in a tenth of a second.
const BURST: u64 = RATE / 10;

fn with_rate(config: &mut Config) {
    config.publish_events_per_second = RATE;
    config.publish_burst_ms = 100;
}

/// The time that `events` take at least, if one fewer is allowed for the clock.
fn at_least(events: u64) -> f64 {
    (events - BURST - 1) as f64 / RATE as f64
}

#[test]
fn a_publisher_over_its_rate_is_slowed_and_loses_nothing() {
    let hub = Hub::with("", with_rate);
    let mut listener = hub.open(1);
    listener.subscribe(&subscription(1, "t"));
    let mut one = hub.open(0);
    let start = Instant::now();
    flood(&mut one, "t", 0, 150);
    let got = one.barrier();
    let took = start.elapsed().as_secs_f64();
    assert!(took >= at_least(150), "150 events took {took} s");
    assert_eq!((receipted(&got), codes(&got)), (150, vec![]));
    for n in 0..150 {
        assert_eq!(id_in(&listener.event().payload), n);
    }
    assert!(hub.limited("publish_events_per_second") > 0);
}

#[test]
fn who_is_slowed_disturbs_nobody_and_still_gets_what_is_for_him() {
    let hub = Hub::with("", with_rate);
    let mut one = hub.open(0);
    one.subscribe(&subscription(1, "for-one"));
    flood(&mut one, "t", 0, 100_000);
    // Far within the time that the flood takes, others have theirs.
    let mut other = hub.open(1);
    other.send(&event("for-one", b"\x07"));
    other.barrier();
    let before = one.until(|got| matches!(got, Got::Event(_)));
    assert!(receipted(&before) < 100_000);
    let all = metric(&hub.hub, "hub_events_total");
    assert!(all < 100_000, "{all}");
}

#[test]
fn a_rate_is_that_of_all_connections_of_an_identity() {
    let hub = Hub::with("", with_rate);
    let start = Instant::now();
    let mut clients = [hub.open(0), hub.open(0), hub.open(0)];
    for client in &mut clients {
        flood(client, "t", 0, 50);
    }
    for client in &mut clients {
        assert_eq!(receipted(&client.barrier()), 50);
    }
    let took = start.elapsed().as_secs_f64();
    // Each may have taken one more while the others did.
    assert!(took >= at_least(147), "150 events took {took} s");
}

#[test]
fn bytes_have_a_rate_of_their_own() {
    const FRAME: u64 = 1_000;
    let hub = Hub::with("", |config| {
        config.publish_bytes_per_second = RATE * FRAME;
        config.publish_burst_ms = 100;
    });
    let frame = event("t", &numbered(0, 985));
    assert!((frame.len() as u64).abs_diff(FRAME) < 20, "{}", frame.len());
    let mut one = hub.open(0);
    let start = Instant::now();
    one.send(&frame.repeat(100));
    assert_eq!(receipted(&one.barrier()), 100);
    let took = start.elapsed().as_secs_f64();
    assert!(took >= at_least(98), "100 events took {took} s");
    assert!(hub.limited("publish_bytes_per_second") > 0);
}

#[test]
fn anonymous_clients_have_the_rate_of_their_address() {
    let hub = hub_with(with_rate);
    let start = Instant::now();
    let mut clients = [Client::open(hub.clients()), Client::open(hub.clients())];
    for client in &mut clients {
        flood(client, "t", 0, 60);
    }
    for client in &mut clients {
        assert_eq!(receipted(&client.barrier()), 60);
    }
    let took = start.elapsed().as_secs_f64();
    assert!(took >= at_least(118), "120 events took {took} s");
}

#[test]
fn a_role_can_have_a_rate_of_its_own() {
    let hub = Hub::with(", events_per_second = 0", |config| {
        config.publish_events_per_second = 1;
        config.publish_burst_ms = 1;
    });
    // At the rate of the configuration it would take an hour.
    let mut one = hub.open(0);
    flood(&mut one, "t", 0, 3_600);
    assert_eq!(receipted(&one.barrier()), 3_600);
    assert_eq!(hub.limited("publish_events_per_second"), 0);
    let mut other = hub.open(1);
    flood(&mut other, "t", 0, 3_600);
    wait_until("the other one is slowed", || hub.limited("publish_events_per_second") > 0);
}

#[test]
fn who_says_goodbye_over_his_rate_gets_all_through() {
    let hub = Hub::with("", with_rate);
    let mut one = hub.open(0);
    flood(&mut one, "t", 0, 40);
    one.send(&goodbye());
    one.finish();
    let rest = one.rest();
    assert_eq!(receipted(&rest), 40, "{rest:?}");
    assert_eq!(rest.last(), Some(&Got::End));
}

#[test]
fn a_slowed_connection_is_not_taken_for_silent() {
    let hub = Hub::with("", |config| {
        config.publish_events_per_second = 10;
        config.publish_burst_ms = 100;
        config.keepalive_ms = 200;
    });
    let mut one = hub.open(0);
    flood(&mut one, "t", 0, 25);
    let mut next = 0;
    while next < 25 {
        match one.next() {
            Got::Receipt(to) => next = to,
            Got::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}
