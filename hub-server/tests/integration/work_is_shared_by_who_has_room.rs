//! Promise: a queue group gives an event to a member that has room for it, and of those to the one that
//! is least behind. No event waits for a member while another one has room. What a member was sent and
//! has not finished when it leaves goes to the others.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_wire::{Frame, Overflow, Subscribe, Taken, Window};
use support::*;

fn worker(hub: &RunningHub, events: u64) -> Client {
    worker_with(hub, events, Overflow::DropOldest)
}

fn worker_with(hub: &RunningHub, events: u64, overflow: Overflow) -> Client {
    let mut client = Client::open(hub.clients());
    let window = Some(Window { events, bytes: 1 << 30 });
    let group = Some("workers".to_owned());
    client.subscribe(&Subscribe { window, group, overflow, ..subscription(1, "jobs") });
    client
}

fn taken(taken: u64) -> Vec<u8> {
    Frame::Taken(Taken { subscription: 1, taken, events: None, bytes: None }).to_bytes()
}

fn publish(hub: &RunningHub, ids: std::ops::Range<u64>, pad: usize) {
    let mut publisher = Client::open(hub.clients());
    let batch: Vec<u8> = ids.flat_map(|id| event("jobs", &numbered(id, pad))).collect();
    publisher.send(&batch);
    publisher.barrier();
}

fn ids(client: &mut Client) -> Vec<u64> {
    events(&client.barrier()).iter().map(|event| id_in(&event.payload)).collect()
}

#[test]
fn no_event_waits_for_a_slow_member_while_another_one_has_room() {
    let hub = hub();
    let (mut slow, mut fast) = (worker(&hub, 1), worker(&hub, 1));
    publish(&hub, 0..10, 0);
    let (stuck, mut done) = (ids(&mut slow), ids(&mut fast));
    assert_eq!((stuck.len(), done.len()), (1, 1));
    // The slow one never finishes its event. The fast one gets all others, one after the other.
    while done.len() < 9 {
        fast.send(&taken(done.len() as u64));
        let next = ids(&mut fast);
        assert_eq!(next.len(), 1, "after {done:?}");
        done.extend(next);
    }
    fast.send(&taken(9));
    assert!(ids(&mut fast).is_empty() && ids(&mut slow).is_empty());
    let mut all = [stuck, done].concat();
    all.sort_unstable();
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}

#[test]
fn the_member_that_is_least_behind_gets_the_next_event() {
    let hub = hub();
    let (mut behind, mut ahead) = (worker(&hub, 10), worker(&hub, 10));
    publish(&hub, 0..8, 0);
    assert_eq!((ids(&mut behind).len(), ids(&mut ahead).len()), (4, 4));
    ahead.send(&taken(4));
    ahead.barrier();
    for id in 8..12 {
        publish(&hub, id..id + 1, 0);
    }
    assert_eq!((ids(&mut behind), ids(&mut ahead)), (vec![], vec![8, 9, 10, 11]));
}

#[test]
fn what_a_member_had_not_finished_goes_to_the_others() {
    for unsubscribes in [true, false] {
        let hub = hub();
        let mut gone = worker(&hub, 100);
        publish(&hub, 0..50, 0);
        assert_eq!(ids(&mut gone).len(), 50);
        gone.send(&taken(20));
        gone.barrier();
        let mut other = worker(&hub, 10);
        assert!(ids(&mut other).is_empty());
        if unsubscribes {
            gone.send(&unsubscribe(1));
            gone.barrier();
        } else {
            drop(gone);
        }
        // They come in order, as far as the window of the other has room.
        let mut done = Vec::new();
        wait_until("the others have them", || {
            done.extend(ids(&mut other));
            other.send(&taken(done.len() as u64));
            done.len() == 30
        });
        assert_eq!(done, (20..50).collect::<Vec<_>>());
        let sums = Sums::settled(&hub);
        assert_eq!((sums.due, sums.delivered, sums.disconnected), (50, 50, 0), "{sums:?}");
    }
}

#[test]
fn events_that_wait_in_the_group_are_bounded_counted_and_told() {
    let hub = hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
        config.overflow_grace_ms = 0;
    });
    let mut one = worker(&hub, 1);
    for part in 0..50 {
        publish(&hub, 10 * part..10 * part + 10, 1_000);
    }
    let (mut done, mut missing) = (0, 0);
    while done + missing < 500 {
        for got in one.barrier() {
            match got {
                Got::Event(_) => done += 1,
                Got::Gap(gap) => missing += gap.to.unwrap() - gap.from + 1,
                _ => {}
            }
        }
        one.send(&taken(done));
    }
    assert!(missing > 300, "{missing}");
    let sums = Sums::settled(&hub);
    assert_eq!((sums.delivered, sums.overflow), (done, missing), "{sums:?}");
}

#[test]
fn a_member_with_block_holds_the_publisher_until_any_member_has_room() {
    let hub = hub_with(|config| {
        config.max_frame_bytes = 16 * 1024;
        config.queue_bytes = 64 * 1024;
    });
    let mut stuck = worker_with(&hub, 1, Overflow::Block);
    let mut works = worker_with(&hub, 1, Overflow::Block);
    let mut publisher = Client::open(hub.clients());
    let batch: Vec<u8> = (0..200).flat_map(|id| event("jobs", &numbered(id, 1_000))).collect();
    publisher.send(&batch);
    publisher.send(&ping(1));
    let first = stuck.event();
    let mut done = Vec::new();
    while done.len() < 199 {
        done.push(id_in(&works.event().payload));
        works.send(&taken(done.len() as u64));
    }
    publisher.until(|got| matches!(got, Got::Pong(1)));
    done.push(id_in(&first.payload));
    done.sort_unstable();
    assert_eq!(done, (0..200).collect::<Vec<_>>());
}
