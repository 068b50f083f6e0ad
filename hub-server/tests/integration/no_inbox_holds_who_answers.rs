//! A service that answers requests is never held up by a client that does not read the answers, whatever
//! overflow policy the client has chosen for its inbox, and not for the length of a grace either. What the
//! inbox has no room for is told with a GAP, or ends the connection of the client that does not read.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Overflow, Subscribe, Window};
use support::*;

/// The answers are many times as much as a queue holds.
const ANSWERS: u64 = 600;
const PAD: usize = 32 * 1024;

/// Any wait for a subscriber would take as long as a test waits for anything.
fn hub_with_long_grace() -> hub_server::RunningHub {
    hub_with(|config| config.overflow_grace_ms = 60_000)
}

/// A client that asks, and reads nothing. Returns the answers that came when it reads at last.
fn a_deaf_client_is_answered(ask: impl Fn(Subscribe) -> Subscribe) -> (Seen, Vec<Got>) {
    let hub = hub_with_long_grace();
    let mut deaf = open_narrow(hub.clients());
    let inbox = deaf.welcome().inbox.clone();
    deaf.subscribe(&ask(subscription(1, &inbox)));
    let mut service = Client::open(hub.clients());
    service.subscribe(&subscription(1, "jobs"));
    let mut other = Client::open(hub.clients());
    let other_inbox = other.welcome().inbox.clone();
    other.subscribe(&subscription(1, &other_inbox));
    deaf.send(&event_with("jobs", b"\x01", &[("id", "1"), ("reply", &inbox)]));
    service.event();
    for n in 0..ANSWERS {
        service.send(&event_with(&inbox, &numbered(n, PAD), &[("re", "1")]));
    }
    // The next request is answered although nobody has read an answer so far.
    other.send(&event_with("jobs", b"\x01", &[("id", "2"), ("reply", &other_inbox)]));
    // The answers for a client that is gone are refused.
    service.until(|got| matches!(got, Got::Event(event) if event.topic == "jobs"));
    service.send(&event_with(&other_inbox, &numbered(7, 0), &[("re", "2")]));
    assert_eq!(id_in(&other.event().payload), 7);
    service.barrier();
    let sums = Sums::of(&hub);
    let most = hub_server::Config::default().queue_bytes as u64 + 4 * PAD as u64;
    assert!(sums.pending * PAD as u64 <= most, "{sums:?}");
    let mut seen = Seen::default();
    let mut got = Vec::new();
    while seen.total() < ANSWERS {
        let next = deaf.next();
        let ended = matches!(next, Got::End | Got::Reset | Got::Close(_));
        if !ended {
            seen.take(&next);
        }
        got.push(next);
        if ended {
            break;
        }
    }
    Sums::settled(&hub);
    (seen, got)
}

#[test]
fn with_block_an_inbox_drops_the_newest_and_says_so() {
    let (seen, _) =
        a_deaf_client_is_answered(|inbox| Subscribe { overflow: Overflow::Block, ..inbox });
    assert!(seen.missing > 0 && seen.gaps[0].from > 1, "{seen:?}");
}

#[test]
fn with_every_policy_that_drops_the_client_learns_what_it_missed() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest, Overflow::Latest] {
        let (seen, _) = a_deaf_client_is_answered(|inbox| Subscribe { overflow, ..inbox });
        assert!(seen.missing > 0, "{overflow:?}: {seen:?}");
    }
}

#[test]
fn with_disconnect_only_the_client_itself_is_ended() {
    let (_, got) =
        a_deaf_client_is_answered(|inbox| Subscribe { overflow: Overflow::Disconnect, ..inbox });
    assert!(matches!(got.last(), Some(Got::Close(_))), "{:?}", got.last());
}

/// A window, a queue group or the past of the inbox do not change that.
#[test]
fn no_option_of_the_subscription_changes_that() {
    let seed = Random::seed("HUB_TEST_SEED");
    eprintln!("HUB_TEST_SEED={seed}");
    let mut random = Random(seed);
    for _ in 0..3 {
        let events = 1 + random.below(20) as u64;
        let window = Some(Window { events, bytes: 1 << 16 });
        let group = (random.below(2) == 0).then(|| "own".to_owned());
        let window = if random.below(3) > 0 || group.is_none() { window } else { None };
        let overflow = Overflow::Block;
        eprintln!("{window:?} {group:?}");
        let hub = hub_with_long_grace();
        let mut deaf = open_narrow(hub.clients());
        let inbox = deaf.welcome().inbox.clone();
        deaf.subscribe(&Subscribe { overflow, window, group, ..subscription(1, &inbox) });
        let mut service = Client::open(hub.clients());
        for n in 0..ANSWERS {
            service.send(&event_with(&inbox, &numbered(n, PAD), &[("re", "1")]));
        }
        service.barrier();
        let sums = Sums::of(&hub);
        let most = 2 * hub_server::Config::default().queue_bytes as u64 + 4 * PAD as u64;
        assert!(sums.pending * PAD as u64 <= most, "{sums:?}");
    }
}
