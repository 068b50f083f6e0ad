//! A client that comes back with its instance id sends what the hub has not taken, and each of its
//! events arrives once: after a cut at any place, also while it waited for a full subscriber. A
//! subscriber that comes back with the positions it saw gets the rest, or is told what it missed.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Frame, Gap, GapReason, Hello, Overflow, Start, Subscribe};
use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::*;

const INSTANCE: [u8; 16] = *b"0123456789abcdef";

fn instance(hub: &RunningHub) -> Client {
    Client::open_as(hub.clients(), &hello_of(INSTANCE))
}

/// Waits until the hub knows that this many clients are connected.
fn connections(hub: &RunningHub, count: u64) {
    wait_until("the hub sees who is connected", || metric(hub, "hub_connections") == count);
}

#[test]
fn received_counts_what_the_hub_took_refused_ones_too() {
    let hub = hub();
    let mut client = instance(&hub);
    let first = client.welcome().clone();
    assert_eq!(first.received, 0);
    client.send(&[event("a", b"\x01"), event("a.*", b"\x01"), event("b", b"\x01")].concat());
    client.barrier();
    drop(client);
    let mut client = instance(&hub);
    assert_eq!((client.welcome().received, client.welcome().hub), (3, first.hub));
    // What was refused is told again. Counting goes on where it was.
    client.send(&event("a.*", b"\x01"));
    let got = client.barrier();
    let [Got::Refused(again), Got::Receipt(3), Got::Refused(refused), Got::Receipt(4)] =
        got.as_slice()
    else {
        panic!("{got:?}")
    };
    assert_eq!((again.number, refused.number), (1, 3));
}

/// Opens the instance with this `receipted`, and returns whether it was resumed, the refusals and the
/// receipts that came behind WELCOME.
fn come_back(
    hub: &RunningHub,
    receipts: bool,
    receipted: Option<u64>,
) -> (bool, Vec<u64>, Vec<u64>) {
    let hello = Hello { receipts, receipted, ..hello_of(INSTANCE) };
    let mut client = Client::open_as(hub.clients(), &hello);
    let resumed = client.welcome().resumed;
    let got = client.barrier();
    let refused = got.iter().filter_map(|got| match got {
        Got::Refused(refused) => Some(refused.number),
        _ => None,
    });
    let receipts = got.iter().filter_map(|got| match got {
        Got::Receipt(next) => Some(*next),
        _ => None,
    });
    let behind = matches!(got.last(), None | Some(Got::Receipt(_))) || !hello.receipts;
    assert!(behind, "the receipt comes behind the refusals: {got:?}");
    (resumed, refused.collect(), receipts.collect())
}

/// PROTOCOL.md, section 12: what `receipted` means.
#[test]
fn one_receipt_follows_a_resume_behind_the_refusals_from_receipted_on() {
    let hub = hub();
    let mut client = instance(&hub);
    let (good, bad) = (event("a", b"\x01"), event("a.*", b"\x01"));
    client.send(&[&good[..], &bad, &good, &bad, &good].concat());
    client.barrier();
    drop(client);
    assert_eq!(come_back(&hub, true, Some(0)), (true, vec![1, 3], vec![5]));
    assert_eq!(come_back(&hub, true, Some(2)), (true, vec![3], vec![5]));
    assert_eq!(come_back(&hub, true, Some(5)), (true, vec![], vec![5]), "nothing is new");
    assert_eq!(come_back(&hub, true, None), (true, vec![1, 3], vec![5]), "left out");
    assert_eq!(come_back(&hub, false, Some(0)), (true, vec![1, 3], vec![]), "without receipts");
    assert_eq!(come_back(&hub, true, Some(6)), (false, vec![], vec![]), "not of this instance");
    assert_eq!(come_back(&hub, true, Some(0)), (true, vec![], vec![0]), "it began anew");
}

/// A client that left `receipted` out resumes even if the hub has forgotten refusals, because it did
/// not ask for all of them.
#[test]
fn without_receipted_an_instance_resumes_with_the_refusals_that_are_remembered() {
    const REFUSED: u64 = 200;
    let hub = hub();
    let mut client = instance(&hub);
    client.send(&event("a.*", b"\x01").repeat(REFUSED as usize));
    client.barrier();
    drop(client);
    let (resumed, refused, receipts) = come_back(&hub, true, None);
    assert!(resumed && refused.len() >= 100 && refused.last() == Some(&(REFUSED - 1)));
    assert_eq!(receipts, [REFUSED]);
    assert_eq!(come_back(&hub, true, Some(0)), (false, vec![], vec![]), "one was forgotten");
}

#[test]
fn without_an_instance_counting_begins_with_0() {
    let hub = hub();
    for _ in 0..2 {
        let mut client = Client::open(hub.clients());
        assert_eq!(client.welcome().received, 0);
        client.send(&event("a", b"\x01"));
        assert_eq!(client.barrier(), [Got::Receipt(1)]);
    }
}

/// A publisher whose connection is cut at random bytes, again and again: each event arrives once,
/// in order on its topic.
#[test]
fn an_event_arrives_once_wherever_the_connection_is_cut() {
    const EVENTS: u64 = 3_000;
    const TOPICS: u64 = 7;
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "cut.*"));
    let topic = |n: u64| format!("cut.{}", (n / 3) % TOPICS);
    let (mut received, mut cuts) = (0, 0);
    while received < EVENTS {
        let mut client = instance(&hub);
        let now = client.welcome().received;
        assert!(now >= received, "the hub forgot {received} events, now it has {now}");
        received = now;
        let batch: Vec<u8> =
            (received..EVENTS).take(400).flat_map(|n| event(&topic(n), &numbered(n, 50))).collect();
        let cut = random.below(batch.len() + 1);
        client.try_send(&batch[..cut]);
        match random.below(3) {
            0 => drop(client), // RST if there were receipts
            1 => client.socket.shutdown(Shutdown::Both).unwrap(),
            _ => std::mem::forget(client), // left open: the next one replaces it
        }
        cuts += 1;
    }
    assert_eq!(received, EVENTS);
    eprintln!("{cuts} cuts");
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut arrived = vec![0; EVENTS as usize];
    for got in subscriber.barrier() {
        let Got::Event(event) = got else { panic!("{got:?}") };
        let id = id_in(&event.payload);
        assert_eq!(topic(id), event.topic);
        let number = next.entry(event.topic.clone()).or_insert(1);
        assert_eq!(event.number, *number);
        *number += 1;
        arrived[id as usize] += 1;
    }
    let wrong: Vec<_> = arrived.iter().enumerate().filter(|(_, times)| **times != 1).collect();
    assert!(wrong.is_empty(), "event and how often it arrived: {wrong:?}");
}

/// Sends a frame now and then for clients that do nothing but read, or not even that.
struct KeptAlive(Arc<AtomicBool>);

impl KeptAlive {
    fn new(mut sockets: [TcpStream; 2]) -> KeptAlive {
        let stop = Arc::new(AtomicBool::new(false));
        let kept = KeptAlive(stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                for socket in &mut sockets {
                    let _ = socket.write_all(&ping(9));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        kept
    }
}

impl Drop for KeptAlive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The next event; what keeps a connection alive is passed over.
fn next_event(client: &mut Client) -> Delivered {
    loop {
        match client.next() {
            Got::Event(event) => return event,
            Got::Ping(_) | Got::Pong(_) => {}
            other => panic!("{other:?} instead of an event"),
        }
    }
}

/// How a connection of a publisher ends while it waits.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cut {
    Dropped,
    Replaced,
}

/// A publisher waits for a full `block` subscriber of one of its topics, with events for others
/// before and behind in the same batch. Then its connection ends.
fn cut_while_waiting(cut: Cut) {
    const TOPICS: [&str; 7] = ["a", "b", "c", "blocked", "d", "e", "f"];
    const EVENTS: u64 = 7 * 1_500;
    const BLOCKED: u64 = 3;
    let hub = hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.history_topic_bytes = 0;
        // Soon enough the hub sends a PING to a publisher that is gone, and so learns of it.
        config.keepalive_ms = 2_000;
    });
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "blocked") });
    // This one gets everything, read by a thread of its own.
    let mut all = Client::open(hub.clients());
    all.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "*") });
    let _alive = KeptAlive::new([full.writer(), all.writer()]);
    let reader = std::thread::spawn(move || {
        let mut events = Vec::new();
        loop {
            let event = next_event(&mut all);
            if event.topic == "end" {
                return events;
            }
            events.push((event.topic, event.number, id_in(&event.payload)));
        }
    });
    let frame =
        |n: u64| event(TOPICS[(n % 7) as usize], &numbered(n, 3_500 + (n * 37 % 1_000) as usize));
    let publisher = instance(&hub);
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        // Many frames in one write, so that the hub has many at once when it has to wait.
        for first in (0..EVENTS).step_by(24) {
            let batch: Vec<u8> = (first..EVENTS.min(first + 24)).flat_map(frame).collect();
            if writer.write_all(&batch).is_err() {
                return;
            }
        }
    });
    let mut before = u64::MAX;
    wait_until("the publisher waits", || {
        let events = metric(&hub, "hub_events_total");
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut before, events) == events && events > 0
    });
    assert!(before < EVENTS, "the publisher never had to wait");
    let kept = match cut {
        Cut::Dropped => {
            publisher.socket.shutdown(Shutdown::Both).unwrap();
            writing.join().unwrap();
            drop(publisher); // receipts that it did not read make this an RST
            None
        }
        Cut::Replaced => Some((publisher, writing)),
    };
    if cut == Cut::Dropped {
        connections(&hub, 2);
    }
    // The subscriber stays full for some time yet, so that the cut alone settles what becomes of the
    // events that the hub had taken but not published. It need not stay so until WELCOME.
    let full = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        let mut ids = Vec::new();
        while ids.last().is_none_or(|id| id + 7 < EVENTS) {
            ids.push(id_in(&next_event(&mut full).payload));
        }
        ids
    });
    let mut publisher = instance(&hub);
    let received = publisher.welcome().received;
    eprintln!("{cut:?}: {before} of {EVENTS} were published, {received} received");
    if let Some((mut old, writing)) = kept {
        let ended = old.rest();
        assert!(
            ended.iter().any(|got| matches!(got, Got::Close(c) if c.code == CloseCode::Replaced)),
            "{ended:?}"
        );
        writing.join().unwrap();
    }
    let rest = std::thread::spawn(move || {
        for n in received..EVENTS {
            publisher.send(&frame(n));
        }
        publisher.send(&event("end", b"\x01"));
        publisher.barrier();
    });
    rest.join().unwrap();
    let arrived = reader.join().unwrap();
    let mut times = vec![0; EVENTS as usize];
    arrived.iter().for_each(|(_, _, id)| times[*id as usize] += 1);
    let lost = times.iter().filter(|times| **times == 0).count();
    let twice = times.iter().filter(|times| **times > 1).count();
    assert_eq!((lost, twice), (0, 0), "events lost, and events that came twice");
    let expected: Vec<u64> = (0..EVENTS).filter(|n| n % 7 == BLOCKED).collect();
    assert_eq!(full.join().unwrap(), expected);
}

#[test]
fn a_publisher_that_was_cut_while_it_waited_loses_and_repeats_nothing() {
    cut_while_waiting(Cut::Dropped);
}

#[test]
fn a_publisher_that_was_replaced_while_it_waited_loses_and_repeats_nothing() {
    cut_while_waiting(Cut::Replaced);
}

#[test]
fn a_new_connection_replaces_the_old_one() {
    let hub = hub();
    let mut old = instance(&hub);
    old.subscribe(&subscription(1, "t"));
    old.send(&event("t", &numbered(0, 10)));
    let mut new = instance(&hub);
    // What the hub had read is published; what it had not is the new connection's to send.
    let received = new.welcome().received;
    assert!(received <= 1);
    let ended = old.rest();
    let [before @ .., Got::Close(close), Got::End] = ended.as_slice() else { panic!("{ended:?}") };
    assert_eq!((close.code, close.retry_after_ms), (CloseCode::Replaced, None));
    assert_eq!(events(before).len() as u64, received);
    // The old one's subscription is gone, the new one's own works.
    new.subscribe(&subscription(1, "t"));
    new.send(&event("t", &numbered(1, 10)));
    assert_eq!(id_in(&new.event().payload), 1);
    assert_eq!(metric(&hub, "hub_subscriptions"), 1);
    drop(old);
    connections(&hub, 1);
}

/// The next frame that is not the receipt which follows a resume.
fn next_answer(client: &mut Client) -> Got {
    loop {
        match client.next() {
            Got::Receipt(0) => {}
            other => return other,
        }
    }
}

#[test]
fn many_connections_of_one_instance_leave_one() {
    let hub = hub();
    let mut clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Client::connect(hub.clients());
            client.send(&Frame::Hello(hello_of(INSTANCE)).to_bytes());
            client
        })
        .collect();
    let mut alive = 0;
    for client in &mut clients {
        assert!(matches!(client.next(), Got::Welcome(_)));
        client.try_send(&ping(1));
        match next_answer(client) {
            Got::Pong(1) => alive += 1,
            Got::Close(close) => assert_eq!(close.code, CloseCode::Replaced),
            other => panic!("{other:?}"),
        }
    }
    assert!(alive >= 1);
    clients.retain_mut(|client| {
        client.try_send(&ping(2));
        loop {
            match next_answer(client) {
                Got::Pong(2) => return true,
                Got::Pong(_) => {}
                Got::Close(close) => {
                    assert_eq!(close.code, CloseCode::Replaced);
                    return false;
                }
                Got::End => return false,
                other => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(clients.len(), 1);
}

#[test]
fn an_instance_that_was_away_for_too_long_is_not_known() {
    let hub = hub_with(|config| config.resume_ms = 100);
    let mut client = instance(&hub);
    client.send(&event("a", b"\x01"));
    client.barrier();
    drop(client);
    connections(&hub, 0);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(instance(&hub).welcome().received, 0);
}

#[test]
fn another_hub_does_not_know_the_instance() {
    let first = hub();
    let mut client = instance(&first);
    client.send(&event("a", b"\x01"));
    client.barrier();
    let known = client.welcome().hub;
    drop(client);
    let second = hub();
    let client = instance(&second);
    assert_ne!(client.welcome().hub, known);
    assert_eq!(client.welcome().received, 0);
}

/// Nobody can guess an inbox, so that only those who were told of it can answer there.
#[test]
fn a_client_that_comes_back_keeps_its_inbox_and_others_have_their_own() {
    let hub = hub();
    let client = instance(&hub);
    let inbox = client.welcome().inbox.clone();
    drop(client);
    assert_eq!(instance(&hub).welcome().inbox, inbox);
    assert_ne!(Client::open(hub.clients()).welcome().inbox, inbox);
}

fn publish(hub: &RunningHub, topic: &str, ids: std::ops::Range<u64>, pad: usize) {
    let mut publisher = Client::open(hub.clients());
    for n in ids {
        publisher.send(&event(topic, &numbered(n, pad)));
        publisher.barrier(); // so that each is a run of its own
    }
}

/// Subscribes to `t` with positions and sees the first of two events; returns its epoch.
fn see_one(hub: &RunningHub) -> u64 {
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&Subscribe { positions: true, ..subscription(1, "t") });
    publish(hub, "t", 0..1, 10);
    let event = subscriber.event();
    assert_eq!(event.number, 1);
    event.epoch
}

#[test]
fn what_was_missed_is_replayed() {
    let hub = hub();
    let epoch = see_one(&hub);
    publish(&hub, "t", 1..20, 10);
    publish(&hub, "other", 0..5, 10);
    let mut back = Client::open(hub.clients());
    let past = back.subscribe(&subscription_after(3, "*", &[("t", epoch, 1)]));
    let mut numbers: HashMap<&str, Vec<u64>> = HashMap::new();
    for event in events(&past) {
        assert_eq!(event.subscriptions, [3]);
        numbers.entry(&event.topic).or_default().push(event.number);
        assert_eq!(id_in(&event.payload) + 1, event.number);
    }
    assert_eq!(numbers["t"], (2..=20).collect::<Vec<_>>());
    assert_eq!(numbers["other"], (1..=5).collect::<Vec<_>>(), "a topic that is not named");
    let mut stands: Vec<_> = past
        .iter()
        .filter_map(|got| match got {
            Got::Position { topic, next, .. } => Some((topic.as_str(), *next)),
            _ => None,
        })
        .collect();
    stands.sort_unstable();
    assert_eq!(stands, [("other", 6), ("t", 21)]);
    assert!(past.iter().all(|got| !matches!(got, Got::Gap(_))));
    // After that it is like any other.
    publish(&hub, "t", 20..21, 10);
    let event = back.event();
    assert_eq!((event.number, &*event.subscriptions), (21, &[3][..]));
}

#[test]
fn what_the_history_no_longer_has_is_a_gap() {
    let hub = hub_with(|config| config.history_topic_bytes = 20_000);
    let epoch = see_one(&hub);
    publish(&hub, "t", 1..100, 1_000);
    let mut back = Client::open(hub.clients());
    let past = back.subscribe(&subscription_after(3, "t", &[("t", epoch, 1)]));
    let Some(Got::Gap(gap)) = past.iter().find(|got| matches!(got, Got::Gap(_))) else {
        panic!("{past:?}");
    };
    assert_eq!((gap.from, gap.reason), (2, GapReason::Away));
    assert_eq!(gap.subscriptions.as_slice(), [3]);
    let oldest = gap.to.unwrap() + 1;
    assert!((80..100).contains(&oldest), "{gap:?}");
    let numbers: Vec<u64> = events(&past).iter().map(|event| event.number).collect();
    assert_eq!(numbers, (oldest..=100).collect::<Vec<_>>());
}

#[test]
fn the_last_event_is_there_for_who_comes_late() {
    let hub = hub_with(|config| config.history_topic_bytes = 0);
    publish(&hub, "t", 0..10, 100);
    let mut late = Client::open(hub.clients());
    let past = late.subscribe(&Subscribe { start: Start::Last, ..subscription(8, "t") });
    let [Got::Event(event)] = past.as_slice() else { panic!("{past:?}") };
    assert_eq!((event.number, id_in(&event.payload)), (10, 9));
    assert_eq!(event.subscriptions, [8]);
}

#[test]
fn a_topic_that_began_anew_is_a_gap_without_end() {
    let hub = hub_with(|config| config.topic_idle_ms = 10);
    let epoch = see_one(&hub);
    wait_until("the topic is forgotten", || metric(&hub, "hub_topics") == 0);
    // Kept alive by a subscriber from here on.
    let mut keeper = Client::open(hub.clients());
    keeper.subscribe(&subscription(1, "t"));
    publish(&hub, "t", 0..3, 10);
    let mut back = Client::open(hub.clients());
    let past = back.subscribe(&subscription_after(3, "t", &[("t", epoch, 1)]));
    let gaps: Vec<&Gap> = past
        .iter()
        .filter_map(|got| if let Got::Gap(gap) = got { Some(gap) } else { None })
        .collect();
    let [gap] = gaps.as_slice() else { panic!("{gaps:?}") };
    assert_eq!((gap.epoch, gap.from, gap.to), (epoch, 2, None));
    assert_eq!(gap.reason, GapReason::NewEpoch);
    assert_eq!(gap.subscriptions.as_slice(), [3]);
    let numbers: Vec<(bool, u64)> =
        events(&past).iter().map(|event| (event.epoch == epoch, event.number)).collect();
    assert_eq!(numbers, [(false, 1), (false, 2), (false, 3)]);
}

/// The client has this number from somewhere else, so it may have missed any number of events.
#[test]
fn a_position_that_the_topic_has_not_reached_is_a_gap_without_end() {
    let hub = hub();
    let epoch = see_one(&hub);
    publish(&hub, "t", 1..3, 10);
    for beyond in [4, 1 << 40] {
        let mut back = Client::open(hub.clients());
        let past = back.subscribe(&subscription_after(3, "t", &[("t", epoch, beyond)]));
        let Some(Got::Gap(gap)) = past.first() else { panic!("{past:?}") };
        assert_eq!((gap.epoch, gap.from, gap.to), (epoch, beyond + 1, None));
        assert_eq!(gap.reason, GapReason::NewEpoch);
        let numbers: Vec<u64> = events(&past).iter().map(|event| event.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        let position = Got::Position { topic: "t".into(), epoch, next: 4 };
        assert_eq!(past.last(), Some(&position));
    }
    let mut back = Client::open(hub.clients());
    let past = back.subscribe(&subscription_after(3, "t", &[("t", epoch, 3)]));
    assert_eq!(past, [Got::Position { topic: "t".into(), epoch, next: 4 }], "the newest number");
}

/// The position is that of the subscription: no event with a smaller number follows. It comes first, so
/// a client that loses its connection before the event comes has it, and continues with this event.
#[test]
fn positions_come_in_front_of_the_last_event() {
    let hub = hub();
    let epoch = see_one(&hub);
    publish(&hub, "t", 1..3, 10);
    let last = Subscribe { start: Start::Last, positions: true, ..subscription(8, "t") };
    let past = Client::open(hub.clients()).subscribe(&last);
    let [Got::Position { next: 3, epoch: of, .. }, Got::Event(event)] = past.as_slice() else {
        panic!("{past:?}")
    };
    assert_eq!((event.number, event.epoch, *of), (3, epoch, epoch));
}

#[test]
fn a_topic_that_does_not_exist_any_more_says_nothing_until_it_begins_anew() {
    let hub = hub_with(|config| config.topic_idle_ms = 10);
    let epoch = see_one(&hub);
    wait_until("the topic is forgotten", || metric(&hub, "hub_topics") == 0);
    let mut back = Client::open(hub.clients());
    assert_eq!(back.subscribe(&subscription_after(3, "t", &[("t", epoch, 1)])), []);
    publish(&hub, "t", 0..1, 10);
    let event = back.event();
    assert_ne!(event.epoch, epoch);
    assert_eq!((event.number, &*event.subscriptions), (1, &[3][..]));
}

/// What is replayed may be more than the queue and the socket hold. It waits in the history, in front of
/// what comes new meanwhile, and nothing of it is lost.
#[test]
fn a_replay_that_does_not_fit_waits_in_the_history() {
    let hub = hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
        config.history_topic_bytes = 8 * 1024 * 1024;
    });
    for round in 0..3 {
        let topic = format!("t{round}");
        let mut publisher = Client::open(hub.clients());
        let mut publish = |events: std::ops::Range<u64>| {
            events.for_each(|n| publisher.send(&event(&topic, &numbered(n, 10_000))));
            publisher.barrier();
        };
        publish(0..600);
        let mut back = open_narrow(hub.clients());
        // It does not read before everything is published.
        back.send(&subscribe(&subscription_after(1, &topic, &[])));
        wait_until("it is subscribed", || metric(&hub, "hub_subscriptions") == 1);
        publish(600..700);
        let mut seen = Seen::default();
        while seen.total() < 700 {
            seen.take(&back.next());
        }
        assert_eq!((seen.events, seen.missing), (700, 0));
        drop(back);
        wait_until("it is gone", || metric(&hub, "hub_subscriptions") == 0);
    }
}
