//! A subscription that only watches does not count as somebody who answers requests (PROTOCOL.md,
//! section 7). So a tool that shows everything does not turn "nobody is there" into a time-out.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_wire::{Overflow, RefusedCode, Subscribe, Window};
use support::*;

fn observer(id: u64, filter: &str) -> Subscribe {
    Subscribe { observe: true, ..subscription(id, filter) }
}

fn request(topic: &str, id: &str) -> Vec<u8> {
    event_with(topic, b"\x01", &[("id", id), ("reply", "answers")])
}

/// Returns the codes of the refusals among these frames.
fn codes(got: &[Got]) -> Vec<RefusedCode> {
    let code = |got: &Got| if let Got::Refused(refused) = got { Some(refused.code) } else { None };
    got.iter().filter_map(code).collect()
}

#[test]
fn a_request_that_only_observers_would_get_is_refused_and_shown_to_none() {
    let hub = hub();
    let mut watcher = Client::open(hub.clients());
    watcher.subscribe(&observer(1, "**"));
    let window = Some(Window { events: 10, bytes: 1 << 20 });
    watcher.subscribe(&Subscribe { window, ..observer(2, "jobs") });
    let mut asker = Client::open(hub.clients());
    asker.subscribe(&observer(1, "jobs"));
    asker.send(&request("jobs", "1"));
    assert_eq!(codes(&asker.barrier()), [RefusedCode::NoSubscriber]);
    assert_eq!(events(&watcher.barrier()).len(), 0);
    // What is no request is shown as before, and its number follows without a hole.
    asker.send(&event("jobs", b"\x01"));
    assert_eq!(codes(&asker.barrier()), []);
    let got = watcher.barrier();
    let numbers: Vec<_> =
        events(&got).iter().map(|event| (event.number, event.subscriptions.clone())).collect();
    assert_eq!(numbers, [(1, vec![2]), (1, vec![1])], "one with a window, and one without");
}

#[test]
fn an_observer_sees_the_requests_that_somebody_else_gets() {
    let hub = hub();
    let mut watcher = Client::open(hub.clients());
    watcher.subscribe(&observer(1, "**"));
    for group in [None, Some("workers".to_owned())] {
        let mut service = Client::open(hub.clients());
        service.subscribe(&Subscribe { group, ..subscription(1, "jobs") });
        let mut asker = Client::open(hub.clients());
        asker.send(&request("jobs", "1"));
        assert_eq!(codes(&asker.barrier()), []);
        assert_eq!(events(&service.barrier()).len(), 1);
        assert_eq!(events(&watcher.barrier()).len(), 1);
        service.send(&unsubscribe(1));
        service.barrier();
        asker.send(&request("jobs", "2"));
        assert_eq!(codes(&asker.barrier()), [RefusedCode::NoSubscriber]);
    }
    assert_eq!(events(&watcher.barrier()).len(), 0);
}

/// On one connection, a subscription that answers counts beside one that only watches.
#[test]
fn each_subscription_of_a_connection_counts_for_itself() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    client.subscribe(&observer(1, "**"));
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(2, "jobs") });
    client.send(&request("jobs", "1"));
    assert_eq!(events(&client.barrier())[0].subscriptions, [1, 2]);
    client.send(&unsubscribe(2));
    client.send(&request("jobs", "2"));
    assert_eq!(codes(&client.barrier()), [RefusedCode::NoSubscriber]);
}

#[test]
fn a_member_of_a_group_cannot_only_watch() {
    let hub = hub();
    let mut client = Client::open(hub.clients());
    let group = Some("workers".to_owned());
    client.send(&subscribe(&Subscribe { group, ..observer(1, "jobs") }));
    assert_eq!(codes(&client.barrier()), [RefusedCode::BadOption]);
}
