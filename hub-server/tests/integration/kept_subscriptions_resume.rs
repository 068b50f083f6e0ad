//! Promise: a subscription with `keep` outlives its connection. The client comes back with one small
//! frame for each subscription, however many topics it follows, and nothing is lost and nothing comes
//! twice. What had to be dropped meanwhile is told as a GAP in its place, and the ledger balances.
//!
//! The hubs of these tests have no history, so nothing can come from there.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::access::create_token;
use hub_server::{Config, RunningHub};
use hub_wire::{
    CloseCode, Credentials, Frame, Hello, Overflow, RefusedCode, Resume, Subscribe, Taken, Window,
};
use std::net::Shutdown;
use std::time::{Duration, Instant};
use support::*;
use tempfile::TempDir;

const INSTANCE: [u8; 16] = *b"kept kept kept k";

fn forgetful(change: impl FnOnce(&mut Config)) -> RunningHub {
    hub_with(|config| {
        config.history_bytes = 0;
        config.history_topic_bytes = 0;
        config.drain_ms = 100; // Half-open connections end with the test, and not before.
        change(config);
    })
}

fn kept(id: u64, filter: &str, events: u64) -> Subscribe {
    let window = Some(Window { events, bytes: 1 << 30 });
    Subscribe { window, keep: true, ..subscription(id, filter) }
}

/// Opens a connection of the instance, without receipts.
fn instance(hub: &RunningHub) -> Client {
    Client::open_as(hub.clients(), &Hello { receipts: false, ..hello_of(INSTANCE) })
}

fn resume(subscription: u64, events: u64, gaps: u64) -> Vec<u8> {
    Frame::Resume(Resume { subscription, events, gaps }).to_bytes()
}

fn taken(subscription: u64, taken: u64) -> Vec<u8> {
    Frame::Taken(Taken { subscription, taken, events: None, bytes: None }).to_bytes()
}

fn publish(hub: &RunningHub, topic: &str, ids: std::ops::Range<u64>, pad: usize) {
    let mut publisher = Client::open(hub.clients());
    let batch: Vec<u8> = ids.flat_map(|id| event(topic, &numbered(id, pad))).collect();
    publisher.send(&batch);
    publisher.barrier();
}

/// Returns the event numbers that came before the barrier.
fn numbers(client: &mut Client) -> Vec<u64> {
    events(&client.barrier()).iter().map(|event| event.number).collect()
}

/// Returns the code with which the hub refuses what the client sends.
fn refusal(client: &mut Client, frame: &[u8]) -> RefusedCode {
    client.send(frame);
    let got = client.barrier();
    let [Got::Refused(refused)] = got.as_slice() else { panic!("{got:?}") };
    refused.code
}

/// How a connection breaks.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The client closes its socket. That is an RST if it has not read everything.
    Dropped,
    /// The client resets the connection.
    Reset,
    /// Both directions end without CLOSE.
    Ended,
    /// The connection stays open, and nobody reads from it: the next one replaces it.
    HalfOpen,
}

const CUTS: [Cut; 4] = [Cut::Dropped, Cut::Reset, Cut::Ended, Cut::HalfOpen];

fn cut(client: Client, how: Cut) {
    match how {
        Cut::Dropped => drop(client),
        Cut::Reset => {
            socket2::SockRef::from(&client.socket).set_linger(Some(Duration::ZERO)).unwrap();
        }
        Cut::Ended => client.socket.shutdown(Shutdown::Both).unwrap(),
        Cut::HalfOpen => std::mem::forget(client),
    }
}

fn away(hub: &RunningHub, connections: u64) {
    wait_until("the client is gone", || metric(hub, "hub_connections") == connections);
}

#[test]
fn a_client_that_comes_back_gets_what_it_has_not_got_whatever_cut_it() {
    for how in CUTS {
        let hub = forgetful(|_| {});
        let mut client = instance(&hub);
        assert!(!client.welcome().kept);
        client.subscribe(&kept(7, "t", 4));
        publish(&hub, "t", 0..10, 0);
        assert_eq!(numbers(&mut client), [1, 2, 3, 4]);
        client.send(&taken(7, 1));
        assert_eq!(numbers(&mut client), [5]);
        cut(client, how);
        publish(&hub, "t", 10..12, 0);
        let mut client = instance(&hub);
        assert!(client.welcome().kept, "{how:?}");
        publish(&hub, "t", 12..13, 0);
        assert_eq!(numbers(&mut client), [] as [u64; 0], "silent until RESUME comes");
        // The client says that it got three of the five events.
        client.send(&resume(7, 3, 0));
        let got = client.barrier();
        assert_eq!(got[0], Got::Subscribed(7), "{how:?}");
        let again: Vec<u64> = events(&got).iter().map(|event| event.number).collect();
        assert_eq!(again, [4, 5], "{how:?}");
        client.send(&taken(7, 4));
        assert_eq!(numbers(&mut client), [6, 7, 8]);
        // And again, having got and finished all that was sent.
        cut(client, how);
        let mut client = instance(&hub);
        client.send(&[resume(7, 8, 0), taken(7, 8)].concat());
        assert_eq!(numbers(&mut client), [9, 10, 11, 12]);
        client.send(&taken(7, 12));
        assert_eq!(numbers(&mut client), [13]);
        client.send(&taken(7, 13));
        let sums = Sums::settled(&hub);
        assert_eq!((sums.due, sums.delivered), (13, 13), "{sums:?}");
    }
}

/// Counts what the client got for one subscription, over all its connections.
#[derive(Debug, Default)]
struct Counts {
    events: u64,
    gaps: u64,
    taken: u64,
}

/// A subscriber is cut again and again at random places, with a queue that is often full. It knows
/// every event, or was told of it.
fn cut_at_random(overflow: Overflow, seed: u64) {
    const EVENTS: u64 = 6_000;
    const TOPICS: u64 = 5;
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = forgetful(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
    });
    let mut client = instance(&hub);
    client.subscribe(&Subscribe { overflow, ..kept(1, "cut.*", 40) });
    let address = hub.clients();
    let mut pace = Random(seed ^ 1);
    let publishing = std::thread::spawn(move || {
        let mut publisher = Client::open(address);
        let mut n = 0;
        while n < EVENTS {
            let end = EVENTS.min(n + 1 + pace.below(60) as u64);
            let frame = |n: u64| event(&format!("cut.{}", n % TOPICS), &numbered(n / TOPICS, 700));
            publisher.send(&(n..end).flat_map(frame).collect::<Vec<u8>>());
            publisher.barrier();
            n = end;
        }
    });
    let (mut seen, mut counts, mut cuts) = (Seen::default(), Counts::default(), 0);
    while seen.total() < EVENTS {
        for _ in 0..random.below(200) {
            if seen.total() == EVENTS {
                break;
            }
            // All of what was sent may be on its way, and then nothing comes before TAKEN.
            let Some(got) = client.next_within(Duration::from_millis(20)) else {
                counts.taken = counts.events;
                client.try_send(&taken(1, counts.taken));
                continue;
            };
            match &got {
                Got::Event(event) => {
                    assert_eq!(id_in(&event.payload) + 1, event.number);
                    counts.events += 1;
                }
                Got::Gap(_) => counts.gaps += 1,
                Got::Subscribed(1) | Got::Pong(_) | Got::Receipt(_) => continue,
                other => panic!("{other:?}"),
            }
            seen.take(&got);
            if random.below(10) == 0 {
                counts.taken += random.next() % (counts.events - counts.taken + 1);
                client.try_send(&taken(1, counts.taken));
            }
        }
        // Bytes that the client has read beyond this place count as lost with the connection.
        cut(client, CUTS[random.below(CUTS.len())]);
        cuts += 1;
        client = instance(&hub);
        assert!(client.welcome().kept);
        client.send(&resume(1, counts.events, counts.gaps));
    }
    publishing.join().unwrap();
    eprintln!("{overflow:?}: {cuts} cuts, {} events, {} missing", seen.events, seen.missing);
    client.send(&taken(1, counts.events));
    let sums = Sums::settled(&hub);
    let told =
        if overflow == Overflow::Latest { sums.conflated + sums.overflow } else { sums.overflow };
    assert_eq!((sums.due, sums.delivered, told), (EVENTS, seen.events, seen.missing), "{sums:?}");
    assert_eq!(sums.disconnected, 0, "{sums:?}");
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_wherever_the_connection_is_cut() {
    let seed = Random::seed("HUB_TEST_SEED");
    cut_at_random(Overflow::DropOldest, seed);
    cut_at_random(Overflow::DropNewest, seed + 1);
    cut_at_random(Overflow::Latest, seed + 2);
}

#[test]
fn the_ledger_balances_while_the_client_is_away() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 4));
    publish(&hub, "t", 0..10, 0);
    client.barrier();
    client.send(&taken(1, 2));
    client.barrier();
    drop(client);
    away(&hub, 0);
    publish(&hub, "t", 10..15, 0);
    let sums = Sums::of(&hub);
    assert_eq!((sums.due, sums.delivered, sums.pending), (15, 2, 13), "{sums:?}");
    let audit = http_get(&hub, "/admin/audit");
    let audit: serde_json::Value = serde_json::from_str(&audit).unwrap();
    assert_eq!((&audit["balanced"], &audit["topics"][0]["waiting"]), (&true.into(), &13.into()));
}

#[test]
fn what_is_not_asked_to_be_kept_ends_with_the_connection() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 100));
    client.subscribe(&Subscribe { keep: false, ..kept(2, "t", 100) });
    client.subscribe(&subscription(3, "t"));
    publish(&hub, "t", 0..3, 0);
    client.barrier();
    drop(client);
    away(&hub, 0);
    assert_eq!(metric(&hub, "hub_subscriptions"), 1);
    publish(&hub, "t", 3..4, 0);
    let mut client = instance(&hub);
    for id in [2, 3] {
        assert_eq!(refusal(&mut client, &resume(id, 0, 0)), RefusedCode::UnknownSubscription);
    }
    // Their ids are free.
    client.subscribe(&subscription(3, "t"));
    client.send(&resume(1, 3, 0));
    let mut got = client.barrier();
    publish(&hub, "t", 4..5, 0);
    got.extend(client.barrier());
    let got: Vec<_> = events(&got).iter().map(|e| (e.number, e.subscriptions.clone())).collect();
    assert_eq!(got, [(4, vec![1]), (5, vec![1]), (5, vec![3])]);
}

#[test]
fn wrong_counts_are_refused_and_the_subscription_waits_on() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 5));
    assert_eq!(refusal(&mut client, &resume(1, 0, 0)), RefusedCode::DuplicateSubscription);
    publish(&hub, "t", 0..9, 0);
    client.barrier();
    client.send(&taken(1, 2));
    assert_eq!(numbers(&mut client), [6, 7]);
    drop(client);
    let mut client = instance(&hub);
    for (events, gaps) in [(1, 0), (8, 0), (5, 1), (u64::MAX, 0), (0, u64::MAX)] {
        assert_eq!(refusal(&mut client, &resume(1, events, gaps)), RefusedCode::Malformed);
    }
    assert_eq!(refusal(&mut client, &resume(2, 0, 0)), RefusedCode::UnknownSubscription);
    assert_eq!(
        refusal(&mut client, &subscribe(&subscription(1, "t"))),
        RefusedCode::DuplicateSubscription
    );
    client.send(&resume(1, 2, 0));
    assert_eq!(numbers(&mut client), [3, 4, 5, 6, 7]);
    // Instead of resuming, a client can end the subscription.
    drop(client);
    let mut client = instance(&hub);
    client.send(&unsubscribe(1));
    client.barrier();
    assert_eq!(metric(&hub, "hub_subscriptions"), 0);
    let sums = Sums::settled(&hub);
    assert_eq!((sums.delivered, sums.disconnected), (2, 7), "{sums:?}");
    client.subscribe(&kept(1, "t", 5));
}

#[test]
fn keep_needs_a_window_and_an_instance_and_no_group() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    let group = Some("g".to_owned());
    for wrong in
        [Subscribe { window: None, ..kept(1, "t", 5) }, Subscribe { group, ..kept(1, "t", 5) }]
    {
        assert_eq!(refusal(&mut client, &subscribe(&wrong)), RefusedCode::BadOption);
    }
    let nobody = Hello { receipts: false, ..hello("nobody") };
    let mut nobody = Client::open_as(hub.clients(), &nobody);
    assert_eq!(refusal(&mut nobody, &subscribe(&kept(1, "t", 5))), RefusedCode::BadOption);
}

#[test]
fn a_client_that_says_goodbye_keeps_nothing() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 5));
    client.send(&goodbye());
    client.rest();
    assert_eq!(metric(&hub, "hub_subscriptions"), 0);
    assert!(!instance(&hub).welcome().kept);
}

#[test]
fn a_half_close_gets_what_it_is_owed_and_keeps_the_rest() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 5));
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..kept(2, "t", 5) });
    publish(&hub, "t", 0..9, 0);
    client.finish();
    let got = client.rest();
    let [.., Got::Close(close), Got::End] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!(close.code, CloseCode::Normal);
    let numbers_of = |id| -> Vec<u64> {
        let events = events(&got).into_iter().filter(|event| event.subscriptions.contains(&id));
        events.map(|event| event.number).collect()
    };
    assert_eq!(numbers_of(1), [1, 2, 3, 4, 5]);
    let mut client = instance(&hub);
    assert!(client.welcome().kept);
    // Publishers would wait for a subscription with the policy `block`.
    assert_eq!(refusal(&mut client, &resume(2, 5, 0)), RefusedCode::UnknownSubscription);
    client.send(&[resume(1, 5, 0), taken(1, 5)].concat());
    assert_eq!(numbers(&mut client), [6, 7, 8, 9]);
}

#[test]
fn publishers_wait_for_a_kept_subscription_with_the_policy_block() {
    let hub = forgetful(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
        config.resume_ms = 60_000;
    });
    let mut client = instance(&hub);
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..kept(1, "t", 1) });
    cut(client, Cut::Reset);
    away(&hub, 0);
    let mut publisher = Client::open(hub.clients());
    publisher.send(&(0..100).flat_map(|n| event("t", &numbered(n, 1_000))).collect::<Vec<u8>>());
    publisher.send(&ping(1));
    wait_until("the publisher has filled the queue", || metric(&hub, "hub_events_total") > 10);
    assert!(
        publisher.next_within(Duration::from_millis(200)).is_none_or(|got| got != Got::Pong(1))
    );
    let mut client = instance(&hub);
    client.send(&resume(1, 0, 0));
    assert_eq!(client.next(), Got::Subscribed(1));
    for number in 1..=100 {
        assert_eq!(client.event().number, number);
        client.send(&taken(1, number));
    }
    publisher.until(|got| *got == Got::Pong(1));
}

#[test]
fn when_the_time_is_over_the_subscriptions_leave() {
    let hub = forgetful(|config| config.resume_ms = 100);
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 5));
    publish(&hub, "t", 0..9, 0);
    client.barrier();
    drop(client);
    wait_until("the subscription has left", || metric(&hub, "hub_subscriptions") == 0);
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.disconnected), (9, 9), "{sums:?}");
    let mut client = instance(&hub);
    assert!(!client.welcome().kept);
    assert_eq!(refusal(&mut client, &resume(1, 5, 0)), RefusedCode::UnknownSubscription);
    client.subscribe(&kept(1, "t", 5));
}

#[test]
fn a_subscription_with_the_policy_disconnect_that_had_no_room_is_not_resumed() {
    let hub = forgetful(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
    });
    let mut client = instance(&hub);
    client.subscribe(&Subscribe { overflow: Overflow::Disconnect, ..kept(1, "t", 5) });
    drop(client);
    away(&hub, 0);
    publish(&hub, "t", 0..200, 1_000);
    assert!(!instance(&hub).welcome().kept);
    let sums = Sums::settled(&hub);
    assert_eq!(sums.due, sums.disconnected, "{sums:?}");
}

#[test]
fn a_group_gives_what_a_member_leaves_to_the_others_although_others_are_kept() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    let member = Subscribe { group: Some("g".to_owned()), keep: false, ..kept(2, "t", 5) };
    client.subscribe(&kept(1, "t", 5));
    client.subscribe(&member);
    publish(&hub, "t", 0..5, 0);
    client.barrier();
    let mut other = Client::open(hub.clients());
    other.subscribe(&Subscribe { id: 3, ..member });
    cut(client, Cut::Reset);
    let again: Vec<u64> = (0..5).map(|_| other.event().number).collect();
    assert_eq!(again, [1, 2, 3, 4, 5]);
    let mut client = instance(&hub);
    client.send(&resume(1, 0, 0));
    let got = client.barrier();
    assert!(events(&got).iter().all(|event| event.subscriptions == [1]), "{got:?}");
    assert_eq!(events(&got).len(), 5);
}

#[test]
fn who_is_away_does_not_count_as_somebody_who_answers() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "ask", 5));
    let mut asks = Client::open_as(hub.clients(), &Hello { receipts: false, ..hello("asks") });
    let inbox = asks.welcome().inbox.clone();
    asks.subscribe(&subscription(1, &inbox));
    let request = event_with("ask", b"\x01", &[("reply", &inbox), ("id", "1")]);
    asks.send(&request);
    assert_eq!(asks.barrier(), []);
    drop(client);
    away(&hub, 1);
    assert_eq!(refusal(&mut asks, &request), RefusedCode::NoSubscriber);
    let mut client = instance(&hub);
    client.send(&resume(1, 0, 0));
    client.barrier();
    asks.send(&request);
    assert_eq!(asks.barrier(), []);
}

#[test]
fn nobody_else_resumes_it() {
    let hub = forgetful(|_| {});
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "t", 5));
    drop(client);
    let other = Hello { receipts: false, ..hello_of(*b"another another!") };
    let mut other = Client::open_as(hub.clients(), &other);
    assert!(!other.welcome().kept);
    assert_eq!(refusal(&mut other, &resume(1, 0, 0)), RefusedCode::UnknownSubscription);
}

/// A hub with two identities, each with its token.
fn guarded(readable: &str) -> (RunningHub, TempDir, [String; 2], impl Fn(&TempDir, &str)) {
    let tokens = [create_token("ann").unwrap(), create_token("bob").unwrap()];
    let lines = tokens.each_ref().map(|token| token.line.clone());
    let write = move |folder: &TempDir, readable: &str| {
        let file = format!(
            "[roles.all]\npublish.allow = \"**\"\nsubscribe.allow = {readable}\n\
             [identities.ann]\nroles = \"all\"\n{}\n[identities.bob]\nroles = \"all\"\n{}\n",
            lines[0], lines[1]
        );
        let new = folder.path().join("new.toml");
        std::fs::write(&new, file).unwrap();
        std::fs::rename(new, folder.path().join("access.toml")).unwrap();
    };
    let folder = TempDir::new().unwrap();
    write(&folder, readable);
    let hub = forgetful(|config| {
        config.access = folder.path().join("access.toml").to_string_lossy().into_owned();
    });
    (hub, folder, tokens.map(|token| token.token), write)
}

fn instance_of(hub: &RunningHub, token: &str) -> Client {
    let credentials = Some(Credentials::Token(token.to_owned()));
    Client::open_as(hub.clients(), &Hello { credentials, receipts: false, ..hello_of(INSTANCE) })
}

#[test]
fn another_identity_does_not_resume_it() {
    let (hub, _folder, [ann, bob], _) = guarded("\"**\"");
    let mut client = instance_of(&hub, &ann);
    client.subscribe(&kept(1, "t", 5));
    drop(client);
    let mut other = instance_of(&hub, &bob);
    assert!(!other.welcome().kept);
    assert_eq!(refusal(&mut other, &resume(1, 0, 0)), RefusedCode::UnknownSubscription);
    assert!(instance_of(&hub, &ann).welcome().kept);
}

#[test]
fn who_has_other_rights_by_then_does_not_resume_it() {
    let (hub, folder, [ann, _], write) = guarded("[\"t\", \"u\"]");
    let mut client = instance_of(&hub, &ann);
    client.subscribe(&kept(1, "t", 5));
    drop(client);
    away(&hub, 0);
    write(&folder, "\"u\"");
    let may_read = |filter| {
        let mut client = instance_of(&hub, &ann);
        client.send(&subscribe(&subscription(9, filter)));
        matches!(client.barrier()[..], [Got::Subscribed(9)])
    };
    // A client that asked would be ended if the file comes into force while it is connected.
    let reloads = "hub_access_reloads_total{outcome=\"applied\"}";
    wait_until("the file is in force", || metric(&hub, reloads) == 1);
    assert!(!instance_of(&hub, &ann).welcome().kept);
    assert!(!may_read("t") && may_read("u"));
    wait_until("nothing is left", || metric(&hub, "hub_subscriptions") == 0);
}

#[test]
fn one_small_frame_resumes_any_number_of_topics() {
    const TOPICS: u64 = 100_000;
    let hub = forgetful(|config| {
        config.max_topics = 200_000;
        config.max_topics_per_identity = 0;
        config.queue_bytes = 256 << 20;
    });
    let mut client = instance(&hub);
    client.subscribe(&kept(1, "**", 1_000_000));
    let mut publisher = Client::open(hub.clients());
    let publish = |publisher: &mut Client, n: std::ops::Range<u64>| {
        let frames: Vec<u8> = n.flat_map(|n| event(&format!("t.{n}"), b"\x01")).collect();
        publisher.send(&frames);
        publisher.barrier();
    };
    publish(&mut publisher, 0..TOPICS);
    assert_eq!(numbers(&mut client).len() as u64, TOPICS);
    client.send(&taken(1, TOPICS));
    client.barrier();
    cut(client, Cut::Reset);
    publish(&mut publisher, 0..1_000);
    let start = Instant::now();
    let mut client = instance(&hub);
    let frame = resume(1, TOPICS, 0);
    assert!(frame.len() < 1024);
    client.send(&frame);
    assert_eq!(client.next(), Got::Subscribed(1));
    let again = numbers(&mut client);
    eprintln!(
        "{TOPICS} topics: back after {:?}, with a frame of {} bytes",
        start.elapsed(),
        frame.len()
    );
    assert_eq!(again, vec![2; 1_000]);
    assert_eq!(metric(&hub, "hub_subscriptions"), 1);
}
