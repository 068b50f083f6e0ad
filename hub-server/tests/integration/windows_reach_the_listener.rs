//! Promise: a subscription with a window has at most so much on its way as its listener can take.
//! What is beyond the window waits in the hub, where the overflow policy acts, is counted, and is told
//! in its place. An event counts as delivered when its listener has finished it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Frame, Overflow, RefusedCode, Start, Subscribe, Taken, Window};
use support::*;

/// Returns a hub whose queues are soon full.
fn small() -> RunningHub {
    hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
    })
}

fn windowed(id: u64, filter: &str, events: u64) -> Subscribe {
    Subscribe { window: Some(Window { events, bytes: 1 << 30 }), ..subscription(id, filter) }
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

#[test]
fn no_more_than_the_window_is_on_its_way() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&windowed(1, "t", 3));
    publish(&hub, "t", 0..10, 0);
    assert_eq!(numbers(&mut client), [1, 2, 3]);
    client.send(&taken(1, 2));
    assert_eq!(numbers(&mut client), [4, 5]);
    // The number is cumulative, so one that is old changes nothing.
    client.send(&taken(1, 1));
    assert_eq!(numbers(&mut client), [] as [u64; 0]);
    let wider = Taken { subscription: 1, taken: 5, events: Some(4), bytes: None };
    client.send(&Frame::Taken(wider).to_bytes());
    assert_eq!(numbers(&mut client), [6, 7, 8, 9]);
    client.send(&taken(1, 9));
    assert_eq!(numbers(&mut client), [10]);
}

#[test]
fn bytes_are_bounded_and_one_event_always_has_room() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let window = Some(Window { events: 100, bytes: 2_500 });
    client.subscribe(&Subscribe { window, ..subscription(1, "t") });
    publish(&hub, "t", 0..6, 1_000);
    assert_eq!(numbers(&mut client), [1, 2]);
    client.send(&taken(1, 1));
    assert_eq!(numbers(&mut client), [3]);
    client.send(&taken(1, 3));
    assert_eq!(numbers(&mut client), [4, 5]);
    client.send(&taken(1, 5));
    assert_eq!(numbers(&mut client), [6]);
    publish(&hub, "t", 0..1, 9_000);
    assert_eq!(
        numbers(&mut client),
        [] as [u64; 0],
        "an event of 9 KB waits while one is on its way"
    );
    client.send(&taken(1, 6));
    assert_eq!(numbers(&mut client), [7]);
}

#[test]
fn a_listener_that_takes_nothing_delays_no_other_of_its_connection() {
    let hub = hub();
    // The subscriptions would join a new topic one after another, while its first events come.
    publish(&hub, "t", 0..1, 0);
    let mut client = Client::open(hub.clients());
    client.subscribe(&windowed(1, "t", 1));
    client.subscribe(&windowed(2, "*", 1_000));
    client.subscribe(&subscription(3, "t"));
    publish(&hub, "t", 0..100, 0);
    let got = client.barrier();
    let of = |id| events(&got).iter().filter(|event| event.subscriptions.contains(&id)).count();
    assert_eq!((of(1), of(2), of(3)), (1, 100, 100));
    // One copy serves all that have room.
    assert_eq!(events(&got).iter().filter(|event| event.subscriptions == [1, 2]).count(), 0);
}

#[test]
fn the_overflow_policy_acts_in_the_hub_and_is_told_in_its_place() {
    for (overflow, kept_first) in [(Overflow::DropOldest, false), (Overflow::DropNewest, true)] {
        let hub = small();
        let mut client = Client::open(hub.clients());
        client.subscribe(&Subscribe { overflow, ..windowed(1, "t", 10) });
        for part in 0..100 {
            publish(&hub, "t", 10 * part..10 * part + 10, 1_000);
        }
        let mut seen = Seen::default();
        let mut finished = 0;
        while seen.total() < 1_000 {
            let got = client.barrier();
            let came = events(&got).len() as u64;
            got.iter().for_each(|got| seen.take(got));
            finished += came;
            assert!(came <= 10);
            client.send(&taken(1, finished));
        }
        assert!(seen.missing > 500, "{} were told as missing", seen.missing);
        let first_gap = seen.gaps[0].from;
        assert_eq!(first_gap > 40, kept_first, "{overflow:?}: {:?}", seen.gaps);
        let sums = Sums::settled(&hub);
        assert_eq!((sums.delivered, sums.overflow), (seen.events, seen.missing), "{sums:?}");
    }
}

/// A past that is larger than the queue waits in the history. It comes as the listener takes, and
/// nothing of it is lost. What is published meanwhile comes behind it.
#[test]
fn a_past_larger_than_the_queue_waits_for_the_window() {
    for overflow in Overflow::ALL {
        let hub = small();
        publish(&hub, "t", 0..700, 1_000);
        let mut client = Client::open(hub.clients());
        let after = Start::After(Default::default());
        let past = client.subscribe(&Subscribe { overflow, start: after, ..windowed(1, "t", 10) });
        let mut seen = Seen::default();
        past.iter().for_each(|got| seen.take(got));
        assert_eq!(seen.events, 10, "SUBSCRIBED does not wait for the rest");
        publish(&hub, "t", 700..750, 1_000);
        while seen.total() < 750 {
            client.send(&taken(1, seen.events));
            let got = client.barrier();
            let came = events(&got).len();
            assert!((1..=10).contains(&came), "{overflow:?}: {came} after {}", seen.events);
            got.iter().for_each(|got| seen.take(got));
        }
        assert_eq!((seen.events, seen.missing), (750, 0), "{overflow:?}");
        // It is a subscription like any other now.
        client.send(&taken(1, 750));
        client.barrier();
        publish(&hub, "t", 750..753, 0);
        assert_eq!(numbers(&mut client), [751, 752, 753]);
        let sums = Sums::of(&hub);
        assert_eq!((sums.delivered, sums.overflow, sums.pending), (750, 0, 3), "{sums:?}");
    }
}

#[test]
fn delivered_means_taken_by_the_listener() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&windowed(1, "t", 100));
    publish(&hub, "t", 0..50, 0);
    client.barrier();
    let sums = Sums::of(&hub);
    assert_eq!((sums.due, sums.delivered, sums.pending), (50, 0, 50), "{sums:?}");
    client.send(&taken(1, 30));
    client.barrier();
    let sums = Sums::of(&hub);
    assert_eq!((sums.delivered, sums.pending), (30, 20), "{sums:?}");
    // What is not finished when the connection ends is given up, and counted.
    drop(client);
    wait_until("the connection is gone", || Sums::of(&hub).disconnected == 20);
}

#[test]
fn who_takes_more_than_was_sent_is_closed() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&windowed(1, "t", 100));
    publish(&hub, "t", 0..5, 0);
    client.barrier();
    client.send(&taken(1, 6));
    let got = client.rest();
    let close = got.iter().find_map(|got| match got {
        Got::Close(close) => Some(close),
        _ => None,
    });
    assert_eq!(close.unwrap().code, CloseCode::Protocol);
    // A subscription that has ended, or that has no window, ignores the frame.
    let mut client = Client::open(hub.clients());
    client.subscribe(&subscription(1, "t"));
    client.send(&taken(1, 6));
    client.send(&taken(9, 6));
    assert_eq!(client.barrier(), []);
}

#[test]
fn block_holds_the_publishers_of_that_topic_and_nobody_else() {
    let hub = small();
    let mut client = Client::open(hub.clients());
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..windowed(1, "slow", 1) });
    client.subscribe(&windowed(2, "other", 1_000));
    let mut held = Client::open(hub.clients());
    let batch: Vec<u8> = (0..200).flat_map(|id| event("slow", &numbered(id, 1_000))).collect();
    held.send(&batch);
    held.send(&ping(1));
    publish(&hub, "other", 0..100, 0);
    let got = client.barrier();
    let other = events(&got).iter().filter(|event| event.topic == "other").count();
    assert_eq!(other, 100, "the topic `other` has no listener without room");
    // The publisher goes on as the listener takes. Nothing is missing.
    let mut numbers: Vec<u64> =
        events(&got).iter().filter(|e| e.topic == "slow").map(|e| e.number).collect();
    while numbers.len() < 200 {
        client.send(&taken(1, numbers.len() as u64));
        numbers.push(client.event().number);
    }
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    held.until(|got| matches!(got, Got::Pong(1)));
}

#[test]
fn a_publisher_that_is_its_own_listener_is_told_and_not_held() {
    let hub = small();
    let mut client = Client::open(hub.clients());
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..windowed(1, "t", 1) });
    let batch: Vec<u8> = (0..200).flat_map(|id| event("t", &numbered(id, 1_000))).collect();
    client.send(&batch);
    let got = client.barrier();
    let refused: Vec<_> = got
        .iter()
        .filter_map(|got| if let Got::Refused(refused) = got { Some(refused) } else { None })
        .collect();
    assert!(!refused.is_empty() && refused.len() < 200, "{} refused", refused.len());
    assert!(refused.iter().all(|refused| refused.code == RefusedCode::SelfBlocked));
    let accepted = 200 - refused.len() as u64;
    let mut numbers: Vec<u64> = events(&got).iter().map(|event| event.number).collect();
    while (numbers.len() as u64) < accepted {
        client.send(&taken(1, numbers.len() as u64));
        numbers.push(client.event().number);
    }
    assert_eq!(numbers, (1..=accepted).collect::<Vec<_>>());
}

#[test]
fn who_unsubscribes_chooses_whether_it_still_gets_what_waits() {
    for drain in [false, true] {
        let hub = hub();
        let mut client = Client::open(hub.clients());
        client.subscribe(&windowed(1, "t", 2));
        publish(&hub, "t", 0..10, 0);
        assert_eq!(numbers(&mut client), [1, 2]);
        client.send(&Frame::Unsubscribe { id: 1, drain }.to_bytes());
        // The PONG behind it says that the topic has let the subscription go.
        let mut got = numbers(&mut client);
        publish(&hub, "t", 10..12, 0);
        got.extend(numbers(&mut client));
        let rest: Vec<u64> = if drain { (3..=10).collect() } else { Vec::new() };
        assert_eq!(got, rest);
        let (finished, given_up) = if drain { (10, 0) } else { (0, 10) };
        client.send(&taken(1, finished));
        client.barrier();
        let sums = Sums::of(&hub);
        assert_eq!((sums.delivered, sums.disconnected), (finished, given_up), "{sums:?}");
        assert_eq!(sums.pending, 0, "{sums:?}");
    }
}
