//! A publisher waits one grace for all of its subscribers together, however many of them stall, whatever
//! their policies are, and however they are staggered. The subscribers that read get everything.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Overflow, Subscribe, Window};
use std::time::{Duration, Instant};
use support::*;

const GRACE: Duration = Duration::from_millis(1_000);
const STALLED: usize = 16;
const PAD: usize = 24 * 1024;
/// With a grace for each, the publisher would be held for [`STALLED`] graces. The bound leaves time for a
/// busy machine.
const BOUND: Duration = Duration::from_millis(6_000);

fn small_hub(grace: Duration) -> hub_server::RunningHub {
    hub_with(|config| {
        config.max_frame_bytes = 64 * 1024;
        config.queue_bytes = 256 * 1024;
        config.overflow_grace_ms = grace.as_millis() as u64;
    })
}

fn policy(random: &mut Random) -> Overflow {
    let policies: Vec<_> =
        Overflow::ALL.into_iter().filter(|one| *one != Overflow::Block).collect();
    policies[random.below(policies.len())]
}

fn window(random: &mut Random) -> Option<Window> {
    let events = 1 + random.below(4) as u64;
    (random.below(2) == 0).then_some(Window { events, bytes: 1 << 20 })
}

/// Publishes until each of the topics has got `each` events, and returns how long that took. `meanwhile`
/// is called after each event.
fn publish(
    hub: &hub_server::RunningHub,
    topics: &[String],
    each: u64,
    mut meanwhile: impl FnMut(u64),
) -> Duration {
    let mut publisher = Client::open(hub.clients());
    let began = Instant::now();
    for topic in topics {
        for n in 0..each {
            publisher.send(&event_with(topic, &numbered(n, PAD), &[("key", "k")]));
            meanwhile(n);
        }
    }
    publisher.barrier();
    began.elapsed()
}

#[test]
fn subscribers_that_stall_at_once_hold_their_publisher_for_one_grace() {
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    let hub = small_hub(GRACE);
    let _stalled: Vec<_> = (0..STALLED)
        .map(|_| {
            let mut client = open_narrow(hub.clients());
            let (overflow, window) = (policy(&mut random), window(&mut random));
            client.subscribe(&Subscribe { overflow, window, ..subscription(1, "load") });
            client
        })
        .collect();
    let took = publish(&hub, &["load".to_owned()], 300, |_| {});
    assert!(took < BOUND, "{took:?}");
}

/// The subscribers stall one after the other: each has read some events before.
#[test]
fn subscribers_that_stall_one_after_the_other_do_not_add_up() {
    let hub = small_hub(GRACE);
    let mut clients: Vec<_> = (0..STALLED)
        .map(|_| {
            let mut client = open_narrow(hub.clients());
            client.subscribe(&subscription(1, "load"));
            client
        })
        .collect();
    let took = publish(&hub, &["load".to_owned()], 320, |n| {
        // Client k reads until event 10 * k.
        let reads = |k: usize| n % 4 == 0 && n < 10 * k as u64;
        let reading = clients.iter_mut().enumerate().filter(|(k, _)| reads(*k));
        reading.for_each(
            |(_, client)| {
                while client.next_within(Duration::from_millis(1)).is_some() {}
            },
        );
    });
    assert!(took < BOUND, "{took:?}");
}

/// Each subscriber stalls on a topic of its own, and the publisher goes from one to the next.
#[test]
fn subscribers_of_different_topics_do_not_add_up() {
    let hub = small_hub(GRACE);
    let topics: Vec<String> = (0..STALLED).map(|n| format!("load.{n}")).collect();
    let _stalled: Vec<_> = topics
        .iter()
        .map(|topic| {
            let mut client = open_narrow(hub.clients());
            let window = Some(Window { events: 2, bytes: 1 << 20 });
            client.subscribe(&Subscribe { window, ..subscription(1, topic) });
            client
        })
        .collect();
    let took = publish(&hub, &topics, 40, |_| {});
    assert!(took < BOUND, "{took:?}");
}

/// The groups of stalled members count as subscribers too.
#[test]
fn groups_without_room_do_not_add_up() {
    let hub = small_hub(GRACE);
    let _stalled: Vec<_> = (0..STALLED)
        .map(|n| {
            let mut client = open_narrow(hub.clients());
            let group = Some(format!("group-{n}"));
            let window = (n % 2 == 0).then_some(Window { events: 2, bytes: 1 << 20 });
            client.subscribe(&Subscribe { group, window, ..subscription(1, "load") });
            client
        })
        .collect();
    let took = publish(&hub, &["load".to_owned()], 300, |_| {});
    assert!(took < BOUND, "{took:?}");
}

/// A stalled subscriber takes nothing away from one that is slow: the publisher still waits for that one.
#[test]
fn a_slow_subscriber_loses_nothing_beside_stalled_ones() {
    // The client that reads may not get the processor for a while.
    let hub = small_hub(4 * GRACE);
    let _stalled: Vec<_> = (0..4)
        .map(|_| {
            let mut client = open_narrow(hub.clients());
            client.subscribe(&subscription(1, "load"));
            client
        })
        .collect();
    let mut slow = open_narrow(hub.clients());
    slow.subscribe(&subscription(1, "load"));
    let publisher = {
        let address = hub.clients();
        std::thread::spawn(move || {
            let mut publisher = Client::open(address);
            for n in 0..400 {
                publisher.send(&event("load", &numbered(n, PAD)));
            }
            publisher.barrier();
        })
    };
    let mut seen = Seen::default();
    while seen.total() < 400 {
        if seen.total() % 8 == 0 {
            std::thread::sleep(Duration::from_millis(5)); // it is slow, not stalled
        }
        seen.take(&slow.next());
    }
    assert_eq!(seen.missing, 0, "{:?}", seen.gaps);
    publisher.join().unwrap();
}
