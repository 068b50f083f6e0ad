//! A client that says goodbye, with CLOSE or by shutting its sending half, gets what was queued for
//! it, the last RECEIPT, CLOSE and FIN (PROTOCOL.md, section 11). What it had sent is published.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{CloseCode, Overflow, Subscribe};
use std::io::Write;
use std::time::Duration;
use support::*;

#[derive(Debug, Clone, Copy)]
enum Goodbye {
    Fin,
    Close,
    /// CLOSE in the same write as what comes before, then FIN.
    Both,
}

const ALL: [Goodbye; 3] = [Goodbye::Fin, Goodbye::Close, Goodbye::Both];

/// Sends `last`, and goodbye behind it.
fn leave(client: &mut Client, last: &[u8], how: Goodbye) {
    match how {
        Goodbye::Fin => client.send(last),
        Goodbye::Close | Goodbye::Both => client.send(&[last, &goodbye()].concat()),
    }
    if !matches!(how, Goodbye::Close) {
        client.finish();
    }
}

/// Everything until FIN, without the CLOSE before it.
fn until_close(client: &mut Client) -> Vec<Got> {
    let mut all = client.rest();
    assert_eq!(all.pop(), Some(Got::End));
    let Some(Got::Close(close)) = all.pop() else { panic!("no CLOSE at the end: {all:?}") };
    assert_eq!((close.code, close.retry_after_ms), (CloseCode::Normal, None));
    all
}

#[test]
fn what_a_publisher_sent_last_is_published_and_receipted() {
    let hub = hub();
    let mut subscriber = Client::open(hub.clients());
    subscriber.subscribe(&subscription(1, "t"));
    let mut arrived = 0;
    for how in ALL {
        for count in [0, 1, 700] {
            let mut publisher = Client::open(hub.clients());
            let last: Vec<u8> = (0..count).flat_map(|n| event("t", &numbered(n, 500))).collect();
            leave(&mut publisher, &last, how);
            let all = until_close(&mut publisher);
            assert!(all.iter().all(|got| matches!(got, Got::Receipt(_))), "{how:?}: {all:?}");
            let last = all.last().map_or(0, |got| if let Got::Receipt(n) = got { *n } else { 0 });
            assert_eq!(last, count, "{how:?}");
            for n in 0..count {
                assert_eq!(id_in(&subscriber.event().payload), n, "{how:?}");
            }
            arrived += count;
        }
    }
    assert_eq!(subscriber.barrier(), []);
    assert_eq!(metric(&hub, "hub_events_total"), arrived);
}

/// A whole frame counts; a part of one behind it is nothing.
#[test]
fn half_a_frame_before_the_end_is_nothing() {
    let hub = hub();
    let mut publisher = Client::open(hub.clients());
    let whole = event("t", &numbered(0, 100));
    leave(&mut publisher, &[whole.as_slice(), &whole[..50]].concat(), Goodbye::Fin);
    assert_eq!(until_close(&mut publisher), [Got::Receipt(1)]);
}

/// Answers to what came just before the goodbye: also those that other threads have to give.
#[test]
fn answers_come_before_the_end() {
    let hub = hub();
    let mut other = Client::open(hub.clients());
    for n in 0..30 {
        other.send(&event(&format!("t.{n}"), &numbered(n, 0)));
    }
    other.barrier();
    for how in ALL {
        let mut client = Client::open(hub.clients());
        let last = [
            subscribe(&subscription_after(1, "t.*", &[])),
            unsubscribe(9),
            ping(4),
            event("t.0", &numbered(100, 0)),
        ];
        leave(&mut client, &last.concat(), how);
        let all = until_close(&mut client);
        let at = |wanted: &Got| all.iter().position(|got| got == wanted);
        let (subscribed, pong) = (at(&Got::Subscribed(1)).unwrap(), at(&Got::Pong(4)).unwrap());
        assert!(subscribed < pong, "{how:?}");
        assert!(events(&all[..subscribed]).len() >= 30, "{how:?}");
        assert!(all[subscribed..pong].iter().any(|got| matches!(got, Got::Refused(_))), "{how:?}");
        // Its own event is for itself too: it was subscribed when the hub read it.
        assert_eq!(id_in(&events(&all).last().unwrap().payload), 100, "{how:?}");
        assert_eq!(all.iter().filter(|got| **got == Got::Receipt(1)).count(), 1, "{how:?}");
    }
}

/// A hub with megabytes queued for a subscriber that has not read yet.
fn with_much_queued(hub: &RunningHub, events: u64) -> Client {
    let mut subscriber = open_narrow(hub.clients());
    subscriber.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    for n in 0..events {
        publisher.send(&event("t", &numbered(n, 16 * 1024)));
    }
    publisher.barrier();
    subscriber
}

#[test]
fn a_subscriber_gets_everything_that_was_queued() {
    const EVENTS: u64 = 700;
    let hub = hub_with(|config| {
        config.queue_bytes = 64 * 1024 * 1024;
        config.drain_ms = 60_000;
    });
    for how in ALL {
        let mut subscriber = with_much_queued(&hub, EVENTS);
        assert!(metric(&hub, "hub_deliveries_pending") > 100);
        leave(&mut subscriber, &[], how);
        // Its topic lets it go in its own time; what is published from then on is not for it.
        let mut late = Client::open(hub.clients());
        let mut owed = EVENTS;
        wait_until("its topic has let it go", || {
            let before = Sums::of(&hub).due;
            late.send(&event("t", &numbered(owed, 10)));
            late.barrier();
            let due = Sums::of(&hub).due - before;
            owed += due;
            due == 0
        });
        let all = until_close(&mut subscriber);
        let ids: Vec<u64> = events(&all).iter().map(|event| id_in(&event.payload)).collect();
        assert_eq!(ids, (0..owed).collect::<Vec<_>>(), "{how:?}");
    }
}

/// A publisher whose last events have to wait for a full subscriber still gets their receipts.
#[test]
fn a_publisher_that_has_to_wait_gets_its_receipts_all_the_same() {
    const EVENTS: u64 = 1_000;
    let hub = hub_with(|config| config.drain_ms = 60_000);
    let mut full = open_narrow(hub.clients());
    full.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    let mut publisher = Client::open(hub.clients());
    let mut writer = publisher.writer();
    let writing = std::thread::spawn(move || {
        for n in 0..EVENTS {
            writer.write_all(&event("t", &numbered(n, 16 * 1024))).unwrap();
        }
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    std::thread::sleep(Duration::from_millis(500));
    let reading = std::thread::spawn(move || {
        for n in 0..EVENTS {
            assert_eq!(id_in(&full.event().payload), n);
        }
    });
    assert_eq!(until_close(&mut publisher).last(), Some(&Got::Receipt(EVENTS)));
    writing.join().unwrap();
    reading.join().unwrap();
}

/// FIN from the hub comes at once, not when the client has closed too.
#[test]
fn a_client_that_lingers_after_the_end_is_let_go() {
    let hub = hub_with(|config| config.drain_ms = 1_000);
    let mut client = Client::open(hub.clients());
    client.send(&goodbye());
    assert_eq!(until_close(&mut client), []);
    wait_until("the hub lets it go", || metric(&hub, "hub_connections") == 0);
}
