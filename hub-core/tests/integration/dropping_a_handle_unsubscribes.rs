//! Claim: a listener lives as long as its handle, or as long as the emitter if it is detached. After its
//! end, the listener gets no event, counts for nothing and delays no one.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{OrderPlaced, log, order, settle, take};
use hub_core::Event;
use hub_core::emitter::{
    Delivery, Emitter, ListenerFault, LocalHub, ReceiveError, Received, SubscribeOptions,
};
use hub_wire::{Overflow, TopicFilter, TopicName};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test]
async fn a_listener_that_was_taken_off_gets_nothing_not_even_what_was_waiting() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let listener = move |order: Received<OrderPlaced>| seen.send(order.number).unwrap();
    let handle = hub.on(listener).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    assert_eq!(log.recv().await, Some(1));
    hub.emit(&order(2)).await.unwrap();
    hub.off(handle);
    hub.emit(&order(3)).await.unwrap();
    assert_eq!(log.recv().await, None, "the listener and all it holds are gone");
}

#[tokio::test]
async fn stop_waits_for_the_event_that_is_being_handled() {
    let hub = LocalHub::default();
    let gate = Arc::new(Semaphore::new(0));
    let (seen, mut log) = log();
    let listener = {
        let gate = gate.clone();
        move |order: Received<OrderPlaced>| {
            let (gate, seen) = (gate.clone(), seen.clone());
            async move {
                seen.send(("begun", order.number)).unwrap();
                gate.acquire().await.unwrap().forget();
                seen.send(("done", order.number)).unwrap();
            }
        }
    };
    let handle = hub.on(listener).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert_eq!(log.recv().await, Some(("begun", 1)));
    let stopped = tokio::spawn(handle.stop());
    settle().await;
    assert!(!stopped.is_finished());
    gate.add_permits(2);
    stopped.await.unwrap();
    assert_eq!(log.recv().await, Some(("done", 1)));
    assert_eq!(log.recv().await, None);
}

#[tokio::test]
async fn a_detached_listener_lives_as_long_as_the_emitter() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    hub.on(move |order: Received<OrderPlaced>| seen.send(order.number).unwrap())
        .await
        .unwrap()
        .detach();
    hub.emit(&order(1)).await.unwrap();
    drop(hub);
    assert_eq!(log.recv().await, Some(1), "what waits is still delivered");
    assert_eq!(log.recv().await, None);
}

#[tokio::test]
async fn many_takes_so_many_and_no_more() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let listener = move |order: Received<OrderPlaced>| seen.send(order.number).unwrap();
    let handle = hub.many(2, listener).await.unwrap();
    for number in 1..=4 {
        hub.emit(&order(number)).await.unwrap();
    }
    assert_eq!(take(&mut log, 2).await, [1, 2]);
    handle.finished().await;
    assert_eq!(log.recv().await, None);
    assert_eq!(hub.event_names(), []);
}

#[tokio::test]
async fn once_is_in_place_before_it_is_awaited_and_takes_the_first() {
    let hub = LocalHub::default();
    let next = hub.once::<OrderPlaced>().await.unwrap();
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 1);
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert_eq!(next.await.unwrap().event, order(1));
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 0);

    let never = hub.once::<OrderPlaced>().await.unwrap();
    hub.close();
    assert!(matches!(never.await, Err(ReceiveError::Ended(_))));
}

#[tokio::test]
async fn a_stream_yields_events_and_where_they_are_missing() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().capacity(1);
    let mut orders = hub.stream_with::<OrderPlaced>(options).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert!(matches!(orders.next().await, Some(Err(ReceiveError::Missed(gap))) if gap.from == 1));
    assert_eq!(orders.next().await.unwrap().unwrap().event, order(2));
    hub.close();
    assert!(orders.next().await.is_none());
}

#[tokio::test]
async fn listeners_are_counted_by_filter() {
    let hub = LocalHub::default();
    let topic = TopicName::parse("orders.placed").unwrap();
    let everything = TopicFilter::parse("**").unwrap();
    let first = hub.on(|_: Received<OrderPlaced>| ()).await.unwrap();
    let second = hub.on_topic(&topic, |_| ()).await.unwrap();
    let options = SubscribeOptions::new();
    let third = hub.on_filter(everything.clone(), options, |_| ()).await.unwrap();
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 2);
    assert_eq!(hub.event_names(), [everything.clone(), OrderPlaced::filter()]);
    drop((first, third));
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 1);
    assert_eq!(hub.event_names(), [OrderPlaced::filter()]);
    drop(second);
    assert_eq!(hub.event_names(), []);
}

#[tokio::test]
async fn listeners_that_pile_up_are_warned_of_once() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let mut handles = Vec::new();
    for _ in 0..13 {
        handles.push(hub.on(|_: Received<OrderPlaced>| ()).await.unwrap());
    }
    let fault = errors.next().await.unwrap().fault;
    assert!(matches!(fault, ListenerFault::TooManyListeners { count: 11, max: 10 }));
    handles.clear();
    hub.listeners().set_max_listeners(0);
    for _ in 0..13 {
        handles.push(hub.on(|_: Received<OrderPlaced>| ()).await.unwrap());
    }
    drop((handles, hub));
    assert!(errors.next().await.is_none(), "one warning, and none when it is off");
}

#[tokio::test]
async fn a_listener_that_is_gone_holds_nobody_up() {
    let hub = LocalHub::default();
    let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(1);
    let mut full = hub.subscribe(OrderPlaced::filter(), options).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    let waiting = tokio::spawn({
        let hub = hub.clone();
        async move { hub.emit(&order(2)).await }
    });
    settle().await;
    assert!(!waiting.is_finished());
    assert!(matches!(full.next().await, Some(Delivery::Message(_))));
    waiting.await.unwrap().unwrap();
    let waiting = tokio::spawn({
        let hub = hub.clone();
        async move { hub.emit(&order(3)).await }
    });
    settle().await;
    drop(full);
    waiting.await.unwrap().unwrap();
}
