//! Promise: however many subscribers a topic has, all get each event, in order, without anything
//! else having to happen. The hub writes to some of them at a time.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use support::*;

const SUBSCRIBERS: usize = 500;
const EVENTS: u64 = 20;

#[test]
fn a_topic_with_many_subscribers_reaches_all() {
    let hub = hub_with(|config| config.threads = 1);
    let mut subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|_| {
            let mut client = Client::open(hub.clients());
            client.subscribe(&subscription(1, "news"));
            client
        })
        .collect();
    let mut publisher = Client::open(hub.clients());
    for number in 0..EVENTS {
        // Each in a read of its own, and the last with nothing behind it.
        publisher.send(&event("news", &numbered(number, 8)));
        for subscriber in &mut subscribers {
            assert_eq!(id_in(&subscriber.event().payload), number);
        }
    }
    // Also when everything ends at once.
    publisher.send(&event("news", &numbered(EVENTS, 8)));
    publisher.finish();
    for subscriber in &mut subscribers {
        assert_eq!(id_in(&subscriber.event().payload), EVENTS);
    }
    assert_eq!(Sums::settled(&hub).delivered, (EVENTS + 1) * SUBSCRIBERS as u64);
}
