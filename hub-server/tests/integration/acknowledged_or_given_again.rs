//! Promise: where a subscription asks for acknowledgement, each event is given until a handler has
//! finished it, or it becomes a dead letter with the reason and its origin. Whoever does not hold an
//! event any more cannot acknowledge it. The ledger balances all the while.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{
    Ack, AckTerms, Frame, GapReason, Hello, Limits, Outcome, Reader, RefusedCode, RefusedWhat,
    Resume, Subscribe, Window,
};
use std::collections::BTreeMap;
use support::*;

/// These terms give an event again at once, and so long that only a test with a shorter time runs out
/// of it.
fn terms() -> AckTerms {
    AckTerms { timeout_ms: 600_000, backoff_ms: 0, ..AckTerms::default() }
}

fn acknowledged(terms: AckTerms) -> Subscribe {
    let window = Some(Window { events: 100, bytes: 1 << 20 });
    Subscribe { window, ack: Some(terms), ..subscription(1, "jobs") }
}

fn worker(hub: &RunningHub, terms: AckTerms) -> Client {
    let mut client = Client::open(hub.clients());
    client.subscribe(&member(terms));
    client
}

fn member(terms: AckTerms) -> Subscribe {
    Subscribe { group: Some("workers".to_owned()), ..acknowledged(terms) }
}

fn listener(hub: &RunningHub, terms: AckTerms) -> Client {
    let mut client = Client::open(hub.clients());
    client.subscribe(&acknowledged(terms));
    client
}

fn ack(first: u64, last: u64, outcome: Outcome) -> Vec<u8> {
    let reason = (outcome != Outcome::Done).then(|| "no such order".to_owned());
    Frame::Ack(Ack { subscription: 1, first, last, outcome, reason }).to_bytes()
}

fn publish(hub: &RunningHub, ids: std::ops::Range<u64>) {
    let mut publisher = Client::open(hub.clients());
    let batch: Vec<u8> = ids.flat_map(|id| event("jobs", &numbered(id, 0))).collect();
    publisher.send(&batch);
    publisher.barrier();
}

/// Returns each event with the number of its attempt.
fn given(got: &[Got]) -> Vec<(u64, u32)> {
    events(got).iter().map(|event| (id_in(&event.payload), event.attempt)).collect()
}

/// Waits for as many events.
fn wait_for(client: &mut Client, count: usize) -> Vec<(u64, u32)> {
    let mut all = Vec::new();
    while all.len() < count {
        let event = client.event();
        all.push((id_in(&event.payload), event.attempt));
    }
    all
}

/// Returns the headers of an event, with their encoded values.
fn headers(event: &Delivered) -> BTreeMap<String, Vec<u8>> {
    let encoded = event.headers.as_ref().unwrap();
    let mut read = Reader::new(encoded, &Limits::NONE);
    (0..read.map("headers").unwrap())
        .map(|_| (read.str("key").unwrap().to_owned(), read.value("value").unwrap().to_vec()))
        .collect()
}

fn packed_str(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    hub_wire::Packer(&mut out).str(text);
    out
}

#[test]
fn done_is_delivered_and_failed_comes_again_with_the_number_of_its_attempt() {
    for group in [true, false] {
        let hub = hub();
        let mut client = if group { worker(&hub, terms()) } else { listener(&hub, terms()) };
        publish(&hub, 0..5);
        assert_eq!(given(&client.barrier()), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
        client.send(&ack(2, 2, Outcome::Failed));
        client.send(&ack(4, 4, Outcome::Failed));
        client.send(&ack(1, 1, Outcome::Done));
        let mut again = wait_for(&mut client, 2);
        again.sort_unstable();
        assert_eq!(again, [(1, 2), (3, 2)]);
        assert_eq!(Sums::of(&hub).delivered, 1);
        // The second attempts are the deliveries 6 and 7.
        client.send(&ack(3, 3, Outcome::Done));
        client.send(&ack(5, 7, Outcome::Done));
        client.barrier();
        let sums = Sums::settled(&hub);
        assert_eq!((sums.due, sums.delivered, sums.given_up), (5, 5, 0), "{sums:?}");
    }
}

#[test]
fn what_is_not_acknowledged_in_time_comes_again() {
    let hub = hub();
    let mut client = listener(&hub, AckTerms { timeout_ms: 50, ..terms() });
    publish(&hub, 0..1);
    assert_eq!(wait_for(&mut client, 2), [(0, 1), (0, 2)]);
    client.send(&ack(1, 1, Outcome::Done));
    let Got::Refused(refused) = client.next() else { panic!("no refusal") };
    assert_eq!((refused.what, refused.number), (RefusedWhat::Ack, 1));
    assert_eq!(refused.code, RefusedCode::NotHeld, "{}", refused.message);
    // The late ACK has finished nothing.
    assert_eq!((Sums::of(&hub).delivered, Sums::of(&hub).pending), (0, 1));
}

#[test]
fn a_handler_that_says_that_it_works_gets_more_time() {
    let hub = hub();
    let mut client = listener(&hub, AckTerms { timeout_ms: 300, ..terms() });
    publish(&hub, 0..2);
    assert_eq!(given(&client.barrier()).len(), 2);
    // The second event gets no more time, and shows when the time of the first would have been over.
    let again = loop {
        client.send(&ack(1, 1, Outcome::Working));
        match client.next_within(std::time::Duration::from_millis(20)) {
            Some(Got::Event(event)) => break (id_in(&event.payload), event.attempt),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
    };
    assert_eq!(again, (1, 2));
    client.send(&ack(1, 1, Outcome::Done));
    client.send(&ack(3, 3, Outcome::Done));
    assert!(client.barrier().iter().all(|got| matches!(got, Got::Pong(_))));
    assert_eq!(Sums::settled(&hub).delivered, 2);
}

#[test]
fn after_the_last_attempt_an_event_is_a_dead_letter_with_its_reason_and_origin() {
    let hub = hub();
    let mut dead = Client::open(hub.clients());
    dead.subscribe(&subscription(1, "jobs.dead"));
    let dead_letter = Some("jobs.dead".to_owned());
    let mut client = worker(&hub, AckTerms { attempts: 3, dead_letter, ..terms() });
    let mut publisher = Client::open(hub.clients());
    publisher.send(&event_with("jobs", &numbered(7, 0), &[("id", "seven"), ("mine", "x")]));
    for attempt in 1..=3 {
        assert_eq!(wait_for(&mut client, 1), [(7, attempt)]);
        client.send(&ack(attempt.into(), attempt.into(), Outcome::Failed));
    }
    let letter = dead.event();
    assert_eq!((letter.topic.as_str(), id_in(&letter.payload)), ("jobs.dead", 7));
    assert_eq!(letter.publisher, "$hub");
    let headers = headers(&letter);
    for (key, value) in [
        ("id", packed_str("seven")),
        ("mine", packed_str("x")),
        ("$dead.topic", packed_str("jobs")),
        ("$dead.number", vec![1]),
        ("$dead.attempts", vec![3]),
        ("$dead.reason", packed_str("no such order")),
        ("$dead.group", packed_str("workers")),
    ] {
        assert_eq!(headers.get(key), Some(&value), "{key} of {headers:?}");
    }
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered, sums.given_up), (2, 1, 1), "{sums:?}");
}

#[test]
fn a_rejected_event_is_given_up_at_once_and_told_where_there_is_no_dead_letter_topic() {
    let hub = hub();
    let mut client = listener(&hub, terms());
    publish(&hub, 0..3);
    client.barrier();
    client.send(&ack(2, 2, Outcome::Rejected));
    let Got::Gap(gap) = client.next() else { panic!("no gap") };
    assert_eq!((gap.from, gap.to, gap.reason), (2, Some(2), GapReason::GivenUp));
    client.send(&ack(1, 1, Outcome::Done));
    client.send(&ack(3, 3, Outcome::Done));
    client.barrier();
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered, sums.given_up), (3, 2, 1), "{sums:?}");
}

#[test]
fn an_event_that_ends_its_workers_does_not_go_round_for_ever() {
    let hub = hub();
    let mut dead = Client::open(hub.clients());
    dead.subscribe(&subscription(1, "jobs.dead"));
    let terms = || AckTerms { attempts: 3, dead_letter: Some("jobs.dead".to_owned()), ..terms() };
    let mut workers: Vec<Client> = (0..4).map(|_| worker(&hub, terms())).collect();
    publish(&hub, 0..1);
    for attempt in 1..=3 {
        let mut holder = None;
        wait_until("somebody has the event", || {
            holder = workers
                .iter_mut()
                .map(|worker| given(&worker.barrier()))
                .enumerate()
                .find(|(_, got)| !got.is_empty());
            holder.is_some()
        });
        let (at, got) = holder.unwrap();
        assert_eq!(got, [(0, attempt)]);
        drop(workers.remove(at));
    }
    let letter = dead.event();
    assert_eq!(headers(&letter).get("$dead.attempts"), Some(&vec![3]));
    assert!(given(&workers[0].barrier()).is_empty());
    assert_eq!(Sums::settled(&hub).given_up, 1);
}

#[test]
fn a_group_without_members_keeps_its_events_for_the_next_member() {
    let hub = hub();
    let mut first = worker(&hub, terms());
    publish(&hub, 0..3);
    assert_eq!(given(&first.barrier()).len(), 3);
    first.send(&ack(1, 1, Outcome::Done));
    first.barrier();
    drop(first);
    wait_until("the hub has noticed", || metric(&hub, "hub_subscriptions") == 0);
    publish(&hub, 3..5);
    let mut second = Client::open(hub.clients());
    let got = second.subscribe(&member(terms()));
    assert_eq!(given(&got), [(1, 2), (2, 2), (3, 1), (4, 1)]);
    second.send(&ack(1, 4, Outcome::Done));
    second.barrier();
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered), (5, 5), "{sums:?}");
}

#[test]
fn a_group_without_members_ends_after_its_time_and_counts_what_it_had() {
    let hub = hub_with(|config| config.group_linger_ms = 50);
    let mut client = Client::open(hub.clients());
    client.subscribe(&Subscribe { group: Some("g".to_owned()), ..subscription(1, "jobs") });
    client.send(&unsubscribe(1));
    client.barrier();
    publish(&hub, 0..3);
    let sums = Sums::settled(&hub);
    assert_eq!(sums.disconnected, sums.due, "{sums:?}");
    let mut late = worker(&hub, terms());
    assert!(given(&late.barrier()).is_empty());
}

#[test]
fn what_fails_after_the_subscription_has_ended_is_counted_as_lost_with_it() {
    let hub = hub();
    let mut client = listener(&hub, terms());
    publish(&hub, 0..3);
    wait_for(&mut client, 3);
    client.send(&Frame::Unsubscribe { id: 1, drain: true }.to_bytes());
    client.send(&ack(1, 1, Outcome::Done));
    client.send(&ack(2, 3, Outcome::Failed));
    client.barrier();
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered, sums.disconnected), (3, 1, 2), "{sums:?}");
}

#[test]
fn events_of_one_key_are_given_one_at_a_time_also_after_a_failure() {
    let hub = hub();
    let ordered = || AckTerms { ordered: true, attempts: 2, ..terms() };
    let mut workers = [worker(&hub, ordered()), worker(&hub, ordered())];
    let mut publisher = Client::open(hub.clients());
    let keys = ["a", "a", "b", "a", "b", ""];
    for (id, key) in keys.iter().enumerate() {
        let headers: &[(&str, &str)] = if key.is_empty() { &[] } else { &[("key", key)] };
        publisher.send(&event_with("jobs", &numbered(id as u64, 0), headers));
    }
    publisher.barrier();
    // Each round acknowledges everything that is given. The first event fails once.
    let (mut given_so_far, mut counts) = (Vec::new(), [0; 2]);
    let mut rounds = Vec::new();
    while given_so_far.len() < keys.len() + 1 {
        let mut round: Vec<(u64, u32)> = Vec::new();
        for (worker, count) in workers.iter_mut().zip(&mut counts) {
            for (id, attempt) in given(&worker.barrier()) {
                *count += 1;
                let failed = (id, attempt) == (0, 1);
                let outcome = if failed { Outcome::Failed } else { Outcome::Done };
                worker.send(&ack(*count, *count, outcome));
                round.push((id, attempt));
            }
        }
        round.sort_unstable();
        given_so_far.extend(&round);
        if !round.is_empty() {
            rounds.push(round);
        }
    }
    let order = |key: &str| -> Vec<(u64, u32)> {
        given_so_far.iter().copied().filter(|(id, _)| keys[*id as usize] == key).collect()
    };
    assert_eq!(order("a"), [(0, 1), (0, 2), (1, 1), (3, 1)]);
    assert_eq!(order("b"), [(2, 1), (4, 1)]);
    assert!(rounds[0].contains(&(5, 1)), "an event without a key waits for nobody: {rounds:?}");
    workers.iter_mut().for_each(|worker| drop(worker.barrier()));
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered), (6, 6), "{sums:?}");
}

#[test]
fn a_dead_letter_topic_that_would_come_back_is_refused() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    for (filter, dead_letter, ok) in [
        ("jobs", "jobs", false),
        ("jobs.*", "jobs.dead", false),
        ("jobs.*", "$hub.dead", false),
        ("jobs.*", "dead..jobs", false),
        ("jobs.*", "dead.jobs", true),
    ] {
        let terms = AckTerms { dead_letter: Some(dead_letter.to_owned()), ..terms() };
        let wanted = Subscribe { filter: filter.to_owned(), ..acknowledged(terms) };
        client.send(&subscribe(&wanted));
        let got = client.next();
        let refused =
            matches!(&got, Got::Refused(refused) if refused.code == RefusedCode::BadOption);
        assert_eq!(refused, !ok, "{filter} and {dead_letter}: {got:?}");
    }
}

#[test]
fn deliveries_go_on_with_a_subscription_that_is_kept() {
    let hub = hub();
    let open = || {
        let hello = Hello { receipts: false, ..hello_of([7; 16]) };
        Client::open_as(hub.clients(), &hello)
    };
    let mut first = open();
    first.subscribe(&Subscribe { keep: true, ..acknowledged(terms()) });
    publish(&hub, 0..5);
    assert_eq!(given(&first.barrier()).len(), 5);
    // The first event is not settled, the second is, and the client says that it has got only four.
    first.send(&ack(2, 2, Outcome::Done));
    first.barrier();
    drop(first);
    let mut second = open();
    assert!(second.welcome().kept);
    let resume = Resume { subscription: 1, events: 4, gaps: 0 };
    second.send(&Frame::Resume(resume).to_bytes());
    assert_eq!(given(&second.barrier()), [(4, 1)], "only what the client has not got");
    second.send(&ack(1, 1, Outcome::Failed));
    second.send(&ack(3, 5, Outcome::Done));
    assert_eq!(wait_for(&mut second, 1), [(0, 2)]);
    second.send(&ack(6, 6, Outcome::Done));
    second.barrier();
    let sums = Sums::settled(&hub);
    assert_eq!((sums.due, sums.delivered), (5, 5), "{sums:?}");
}

#[test]
fn an_acknowledgement_that_cannot_be_right_ends_the_connection() {
    for (first, last) in [(0, 1), (2, 1), (1, 9)] {
        let hub = hub();
        let mut client = listener(&hub, terms());
        publish(&hub, 0..3);
        client.barrier();
        client.send(&ack(first, last, Outcome::Done));
        let got = client.rest();
        let close = got.iter().find_map(|got| if let Got::Close(c) = got { Some(c) } else { None });
        assert_eq!(close.unwrap().code, hub_wire::CloseCode::Protocol, "{first} to {last}");
    }
}
