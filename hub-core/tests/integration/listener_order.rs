//! Claim: a listener handles one event at a time, in the order of the topic. Several listeners run side by
//! side, and get an event in the order in which they registered.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{Crowd, OrderPlaced, log, order, settle, take};
use hub_core::emitter::{Emitter, LocalHub, Message, Received, SubscribeOptions};
use hub_wire::{Overflow, TopicFilter};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_handles_one_event_at_a_time_in_the_order_of_the_topic() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let crowd = Crowd::default();
    let listener = {
        let crowd = crowd.clone();
        move |order: Received<OrderPlaced>| {
            let (seen, crowd) = (seen.clone(), crowd.clone());
            async move {
                let _inside = crowd.enter();
                // A later event must not overtake one whose listener is still waiting.
                if order.number.is_multiple_of(3) {
                    tokio::task::yield_now().await;
                }
                seen.send((order.message.seq, order.number)).unwrap();
            }
        }
    };
    let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(4);
    let handle = hub.on_with(options, listener).await.unwrap();
    for number in 0..500 {
        hub.emit(&order(number)).await.unwrap();
    }
    let seen = take(&mut log, 500).await;
    assert!(seen.iter().enumerate().all(|(n, seen)| *seen == (n as u64 + 1, n as u64)));
    assert_eq!(crowd.most(), 1);
    handle.stop().await;
}

#[tokio::test]
async fn a_listener_that_waits_delays_no_other() {
    let hub = LocalHub::default();
    let gate = Arc::new(Semaphore::new(0));
    let (seen, mut log) = log();
    let stuck = {
        let (gate, seen) = (gate.clone(), seen.clone());
        move |order: Received<OrderPlaced>| {
            let (gate, seen) = (gate.clone(), seen.clone());
            async move {
                gate.acquire().await.unwrap().forget();
                seen.send(("stuck", order.number)).unwrap();
            }
        }
    };
    let _stuck = hub.on(stuck).await.unwrap();
    let _free = hub
        .on(move |order: Received<OrderPlaced>| seen.send(("free", order.number)).unwrap())
        .await
        .unwrap();
    for number in 1..=3 {
        hub.emit(&order(number)).await.unwrap();
    }
    assert_eq!(take(&mut log, 3).await, [("free", 1), ("free", 2), ("free", 3)]);
    gate.add_permits(3);
    assert_eq!(take(&mut log, 3).await, [("stuck", 1), ("stuck", 2), ("stuck", 3)]);
}

#[tokio::test]
async fn an_event_is_handed_to_listeners_in_the_order_in_which_they_registered() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    // Removing one of several with the same filter must not change the order of the others.
    let filters = ["orders.*", "orders.placed", "orders.placed", "**", "orders.placed"];
    let mut handles = Vec::new();
    for (n, filter) in filters.into_iter().enumerate() {
        let seen = seen.clone();
        let filter = TopicFilter::parse(filter).unwrap();
        let listener = move |_: Message| seen.send(n).unwrap();
        handles.push(hub.on_filter(filter, SubscribeOptions::new(), listener).await.unwrap());
    }
    hub.off(handles.remove(1));
    hub.emit(&order(1)).await.unwrap();
    // On one thread, tasks run in the order in which they were woken.
    settle().await;
    assert_eq!(take(&mut log, 4).await, [0, 2, 3, 4]);
}

#[tokio::test]
async fn a_wildcard_listener_sees_the_topic_the_number_and_the_publisher() {
    let hub = LocalHub::new(|| 42).publishing_as("shop");
    let (seen, mut log) = log();
    let listener = move |message: Message| seen.send(message).unwrap();
    let all = TopicFilter::parse("**").unwrap();
    let _handle = hub.on_filter(all, SubscribeOptions::new(), listener).await.unwrap();
    hub.emit(&order(7)).await.unwrap();
    let message = log.recv().await.unwrap();
    assert_eq!((message.topic.as_str(), message.seq, message.time_ms), ("orders.placed", 1, 42));
    assert_eq!(&*message.publisher, "shop");
    assert_eq!(message.decode::<OrderPlaced>().unwrap(), order(7));
}

#[tokio::test]
async fn a_loop_that_emits_lets_the_listeners_on_its_thread_run() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let listener = move |order: Received<OrderPlaced>| seen.send(order.number).unwrap();
    let _handle = hub.on(listener).await.unwrap();
    // More than the queue of the listener holds.
    for number in 0..10_000 {
        hub.emit(&order(number)).await.unwrap();
    }
    assert_eq!(take(&mut log, 10_000).await, (0..10_000).collect::<Vec<_>>());
}
