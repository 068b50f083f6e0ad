//! A client that follows more topics than fit into the `after` of one frame sends its SUBSCRIBE in
//! parts (PROTOCOL.md, section 12). Before, it was told that its frame is too large, and never to come
//! back.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Position, RefusedCode, RefusedWhat, Start, Subscribe};
use support::*;

fn after(id: u64, filter: &str, seen: &[(String, Position)], more: bool) -> Subscribe {
    let seen = seen.iter().cloned().collect();
    Subscribe { start: Start::After(seen), positions: true, more, ..subscription(id, filter) }
}

fn position(topic: &str, epoch: u64, seq: u64) -> (String, Position) {
    (topic.to_owned(), Position { epoch, seq })
}

fn refused(got: &[Got]) -> Vec<(RefusedWhat, u64, RefusedCode)> {
    let refused = |got: &Got| match got {
        Got::Refused(refused) => Some((refused.what, refused.number, refused.code)),
        _ => None,
    };
    got.iter().filter_map(refused).collect()
}

#[test]
fn forty_thousand_topics_are_continued() {
    const TOPICS: u64 = 40_000;
    const EXIST: u64 = 50;
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&Subscribe { positions: true, ..subscription(1, "orders.**") });
    let mut publisher = Client::open(hub.clients());
    let topic = |n: u64| format!("orders.placed.by.customer.{n}");
    let mut publish = |ids: std::ops::Range<u64>| {
        ids.for_each(|n| publisher.send(&event(&topic(n), &numbered(n, 0))));
        publisher.barrier();
    };
    publish(0..EXIST);
    let got = client.barrier();
    let seen: Vec<_> = events(&got)
        .iter()
        .map(|event| position(&event.topic, event.epoch, event.number))
        .collect();
    assert_eq!(seen.len() as u64, EXIST);
    drop(client);
    publish(0..10);
    // The other topics have ended meanwhile, which the client cannot know.
    let ended = (EXIST..TOPICS).map(|n| position(&topic(n), seen[0].1.epoch, 1));
    let seen: Vec<_> = seen.clone().into_iter().chain(ended).collect();
    let whole = subscribe(&after(1, "orders.**", &seen, false));
    assert!(whole.len() > 1024 * 1024, "it does not fit into one frame: {}", whole.len());
    let mut client = Client::open(hub.clients());
    let parts: Vec<_> = seen.chunks(15_000).collect();
    for (n, part) in parts.iter().enumerate() {
        client.send(&subscribe(&after(1, "orders.**", part, n + 1 < parts.len())));
    }
    let got = client.until(|got| *got == Got::Subscribed(1));
    let mut missed: Vec<u64> = events(&got).iter().map(|event| id_in(&event.payload)).collect();
    missed.sort_unstable();
    assert_eq!(missed, (0..10).collect::<Vec<_>>(), "only what was missed comes");
    assert!(!got.iter().any(|got| matches!(got, Got::Gap(_))));
}

#[test]
fn a_part_is_not_answered_and_the_last_one_decides_the_options() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&[event("a", b"\x01"), event("b", b"\x01")].concat());
    client.barrier();
    let wrong_epoch = |topic| position(topic, 1, 7);
    client.send(&subscribe(&after(3, "*", &[wrong_epoch("a")], true)));
    assert_eq!(client.barrier(), [], "no answer, and no event");
    // Other subscriptions of the connection are not concerned.
    client.subscribe(&subscription(4, "other"));
    let last = Subscribe { positions: false, ..after(3, "*", &[wrong_epoch("b")], false) };
    let got = client.subscribe(&last);
    let gaps = got.iter().filter(|got| matches!(got, Got::Gap(_))).count();
    assert_eq!((gaps, events(&got).len(), got.len()), (2, 2, 4), "{got:?}");
    // The id is in use now, also for a part.
    client.send(&subscribe(&after(3, "*", &[], true)));
    let got = client.barrier();
    assert_eq!(refused(&got), [(RefusedWhat::Subscribe, 3, RefusedCode::DuplicateSubscription)]);
}

#[test]
fn what_does_not_fit_together_is_refused_and_forgotten() {
    let hub = hub();
    let first = || after(3, "a.*", &[position("a.b", 1, 1)], true);
    let no_after = Subscribe { start: Start::Live, ..subscription(3, "a.*") };
    for (what, code, second) in [
        ("another filter", RefusedCode::BadOption, after(3, "b.*", &[], false)),
        ("no after", RefusedCode::BadOption, no_after),
        ("a topic twice", RefusedCode::BadOption, after(3, "a.*", &[position("a.b", 1, 1)], false)),
    ] {
        let mut client = Client::open(hub.clients());
        client.send(&[subscribe(&first()), subscribe(&second)].concat());
        let expected = [(RefusedWhat::Subscribe, 3, code)];
        assert_eq!(refused(&client.barrier()), expected, "{what}");
        // Nothing is left of the parts, so the id begins anew.
        assert_eq!(client.subscribe(&after(3, "b.*", &[], false)), [], "{what}");
    }
}

#[test]
fn one_subscription_is_collected_at_a_time() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&subscribe(&after(3, "a", &[], true)));
    client.send(&subscribe(&after(4, "b", &[], true)));
    let expected = [(RefusedWhat::Subscribe, 4, RefusedCode::BadOption)];
    assert_eq!(refused(&client.barrier()), expected);
    assert_eq!(client.subscribe(&after(3, "a", &[], false)), []);
    // UNSUBSCRIBE ends what is collected.
    client.send(&[subscribe(&after(5, "c", &[], true)), unsubscribe(5)].concat());
    assert_eq!(client.barrier(), []);
    client.send(&[subscribe(&after(6, "d", &[], true)), unsubscribe(7)].concat());
    let expected = [(RefusedWhat::Unsubscribe, 7, RefusedCode::UnknownSubscription)];
    assert_eq!(refused(&client.barrier()), expected);
}

#[test]
fn a_part_that_cannot_be_read_ends_the_collection() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&subscribe(&after(3, "a", &[], true)));
    client.send(&framed(b"\x94\x05\x03\xa1a\x90"));
    let expected = [(RefusedWhat::Subscribe, 3, RefusedCode::Malformed)];
    assert_eq!(refused(&client.barrier()), expected);
    assert_eq!(client.subscribe(&subscription(3, "another.filter")), []);
}

#[test]
fn the_positions_of_one_subscription_are_bounded() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let mut refusals = Vec::new();
    for part in 0..40 {
        let seen: Vec<_> = (0..4_000)
            .map(|n| position(&format!("{}.{part}.{n}", "t".repeat(200)), 1, 1))
            .collect();
        client.send(&subscribe(&after(3, "**", &seen, true)));
        refusals = refused(&client.barrier());
        if !refusals.is_empty() {
            assert!(part > 10, "{part}");
            break;
        }
    }
    assert_eq!(refusals, [(RefusedWhat::Subscribe, 3, RefusedCode::BadOption)]);
}

#[test]
fn more_belongs_to_after() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.send(&subscribe(&Subscribe { more: true, ..subscription(3, "a") }));
    let expected = [(RefusedWhat::Subscribe, 3, RefusedCode::BadOption)];
    assert_eq!(refused(&client.barrier()), expected);
}
