//! Claim: a listener lives as long as the emitter, whether its handle is kept or dropped, until it is
//! taken off. After its end, the listener gets no event, counts for nothing and delays no one.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{OrderPlaced, log, order, settle, take};
use hub_core::Event;
use hub_core::emitter::{
    Delivery, Emitter, Headers, ListenerFault, LocalHub, ReceiveError, Received, SubscribeOptions,
    encode, with_state,
};
use hub_wire::{Overflow, TopicFilter, TopicName};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

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
async fn stop_waits_for_all_that_had_come_and_hides_none_of_it() {
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
    hub.emit(&order(3)).await.unwrap();
    gate.add_permits(2);
    stopped.await.unwrap();
    assert_eq!(take(&mut log, 3).await, [("done", 1), ("begun", 2), ("done", 2)]);
    assert_eq!(log.recv().await, None, "what came after the stop is for others");
    assert_eq!(hub.event_names(), []);
}

#[tokio::test]
async fn a_dropped_handle_leaves_the_listener_where_it_is() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let _ = hub.on(move |order: Received<OrderPlaced>| seen.send(order.number).unwrap()).await;
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert_eq!(take(&mut log, 2).await, [1, 2]);
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 1);
}

#[tokio::test]
async fn a_listener_takes_itself_off() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let listener = async |seen: UnboundedSender<u64>, order: Received<OrderPlaced>| {
        seen.send(order.number).unwrap();
        if order.number == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let handle = hub.on(with_state(seen.clone(), listener)).await.unwrap();
    let fallible = move |order: Received<OrderPlaced>| {
        seen.send(10 + order.number).map(|()| ControlFlow::Break(()))
    };
    let other = hub.on(fallible).await.unwrap();
    for number in 1..=3 {
        hub.emit(&order(number)).await.unwrap();
    }
    handle.finished().await;
    other.finished().await;
    let mut all = take(&mut log, 3).await;
    all.sort_unstable();
    assert_eq!(all, [1, 2, 11]);
    assert_eq!((log.recv().await, hub.event_names()), (None, Vec::new()));
}

#[tokio::test]
async fn all_listeners_can_be_removed_also_from_inside_of_one() {
    let hub = LocalHub::default();
    let (seen, mut log) = log();
    let removing = async |(hub, seen): (LocalHub, UnboundedSender<u64>),
                          order: Received<OrderPlaced>| {
        seen.send(order.number).unwrap();
        hub.remove_all_listeners();
    };
    hub.on(with_state((hub.clone(), seen.clone()), removing)).await.unwrap();
    let topic = TopicName::parse("other").unwrap();
    let other = hub.on_topic(&topic, move |_| seen.send(0).unwrap()).await.unwrap();
    let mut stream = hub.stream::<OrderPlaced>().await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    other.finished().await;
    hub.drain().await;
    hub.emit(&order(2)).await.unwrap();
    assert_eq!((log.recv().await, log.recv().await), (Some(1), None));
    assert_eq!(hub.event_names(), []);
    assert!(stream.next().await.is_none(), "nor is the event there that had come before");

    hub.on(|_: Received<OrderPlaced>| ()).await.unwrap();
    hub.on_topic(&topic, |_| ()).await.unwrap();
    hub.remove_listeners(&OrderPlaced::filter());
    assert_eq!(hub.event_names(), [TopicFilter::from(&topic)]);
}

#[tokio::test]
async fn on_once_calls_a_function_once_with_the_first_event_that_decodes() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let (once, first) = tokio::sync::oneshot::channel();
    let owned = move |order: Received<OrderPlaced>| once.send(order.number);
    let handle =
        hub.on_once(async move |order| owned(order).map_err(|_| "nobody waits")).await.unwrap();
    let topic = TopicName::parse("orders.placed").unwrap();
    hub.emit_raw(&topic, encode("no order").unwrap(), &Headers::new()).await.unwrap();
    hub.emit(&order(7)).await.unwrap();
    hub.emit(&order(8)).await.unwrap();
    handle.finished().await;
    assert_eq!(first.await, Ok(7));
    assert_eq!(hub.event_names(), []);
    assert!(matches!(errors.next().await.unwrap().fault, ListenerFault::Undecodable { .. }));
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
    hub.off(first);
    hub.off(third);
    assert_eq!(hub.listener_count(&OrderPlaced::filter()), 1);
    assert_eq!(hub.event_names(), [OrderPlaced::filter()]);
    hub.off(second);
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
    handles.drain(..).for_each(|handle| hub.off(handle));
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
