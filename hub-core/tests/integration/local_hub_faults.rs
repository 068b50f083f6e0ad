//! Claim: a test can wait until every listener of an in-process hub is done, and can cause refusals,
//! gaps and restarts, which look as they do with a hub over the network.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{OrderPlaced, order, settle};
use hub_core::Event;
use hub_core::emitter::{
    Delivery, EmitError, Emitter, Headers, ListenerFault, LocalHub, ReceiveError, Received,
    RequestError, SubscribeOptions, encode, with_state,
};
use hub_wire::{GapReason, RefusedCode, TopicFilter, TopicName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::yield_now;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.billed")]
struct Billed(u64);

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.price", reply = u64)]
struct Price;

/// Bills each order, after some turns of the other tasks.
async fn bill(hub: LocalHub, order: Received<OrderPlaced>) {
    for _ in 0..order.number {
        yield_now().await;
    }
    hub.emit(&Billed(order.number)).await.unwrap();
}

#[tokio::test]
async fn drain_returns_when_all_that_follows_from_what_was_emitted_is_done() {
    let hub = LocalHub::default();
    let total = Arc::new(AtomicU64::new(0));
    let add = async |total: Arc<AtomicU64>, billed: Received<Billed>| {
        yield_now().await;
        total.fetch_add(billed.0, Ordering::Relaxed);
    };
    // The listener at the end of the chain is looked at before the one at its beginning.
    hub.on(with_state(total.clone(), add)).await.unwrap();
    hub.on(with_state(hub.clone(), bill)).await.unwrap();
    let mut expected = 0;
    for number in 0..50 {
        hub.emit(&order(number)).await.unwrap();
        expected += number;
        hub.drain().await;
        assert_eq!(total.load(Ordering::Relaxed), expected);
    }
    hub.drain().await;
}

#[tokio::test]
async fn drain_waits_for_gaps_and_handlers_and_not_for_streams() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let _stream = hub.stream::<OrderPlaced>().await.unwrap();
    let options = SubscribeOptions::new().capacity(1);
    hub.on_with(options, |_: Received<OrderPlaced>| ()).await.unwrap();
    for number in 0..3 {
        hub.emit(&order(number)).await.unwrap();
    }
    hub.drain().await;
    let now = tokio::time::timeout(Duration::ZERO, errors.next()).await.unwrap().unwrap();
    assert!(matches!(now.fault, ListenerFault::Missed(_)));
}

#[tokio::test]
async fn refusals_are_injected_for_so_many_events() {
    let hub = LocalHub::default();
    hub.on(|_: Received<OrderPlaced>| ()).await.unwrap();
    hub.inject_refusals(OrderPlaced::filter(), RefusedCode::Overloaded, 2);
    for _ in 0..2 {
        let error = hub.emit(&order(1)).await.unwrap_err();
        assert!(error.can_retry(), "{error}");
        let EmitError::Refused(refusal) = error else { panic!("{error:?}") };
        assert_eq!(refusal.0.code, RefusedCode::Overloaded);
    }
    hub.emit(&order(1)).await.unwrap();
    hub.inject_refusals(Price::filter(), RefusedCode::Forbidden, 1);
    assert!(matches!(hub.request(&Price).await, Err(RequestError::Refused(_))));
    assert!(matches!(hub.request(&Price).await, Err(RequestError::NoSubscriber)));
}

#[tokio::test]
async fn an_observer_answers_nobody() {
    let hub = LocalHub::default();
    let all = TopicFilter::parse("**").unwrap();
    let mut observer = hub.subscribe(all, SubscribeOptions::new().observe()).await.unwrap();
    assert!(matches!(hub.request(&Price).await, Err(RequestError::NoSubscriber)));
    hub.serve(Default::default(), |_: Received<Price>| async { Ok::<u64, &str>(995) })
        .await
        .unwrap();
    assert_eq!(hub.request(&Price).await.unwrap(), 995);
    let Some(Delivery::Message(seen)) = observer.next().await else { panic!("no request") };
    assert_eq!(seen.seq, 1, "it did not see the request that nobody answers");
}

#[tokio::test]
async fn gaps_are_injected_before_the_next_event() {
    let hub = LocalHub::default();
    let mut orders = hub.stream::<OrderPlaced>().await.unwrap();
    let topic = TopicName::parse("orders.placed").unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.inject_gap(&topic, 3, GapReason::Away);
    hub.emit(&order(2)).await.unwrap();
    assert_eq!(orders.next().await.unwrap().unwrap().message.seq, 1);
    let Some(Err(ReceiveError::Missed(gap))) = orders.next().await else { panic!() };
    assert_eq!((gap.from, gap.to, gap.reason), (2, Some(4), GapReason::Away));
    assert_eq!(orders.next().await.unwrap().unwrap().message.seq, 5);
}

#[tokio::test]
async fn a_restart_begins_a_new_epoch_and_forgets_requests() {
    let hub = LocalHub::default();
    let mut all = hub.subscribe(OrderPlaced::filter(), SubscribeOptions::new()).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    // Nobody answers the request.
    hub.on(|_: Received<Price>| ()).await.unwrap();
    let asked = hub.clone();
    let request = tokio::spawn(async move { asked.request(&Price).await });
    settle().await;
    hub.inject_restart();
    assert!(matches!(request.await.unwrap(), Err(RequestError::OutcomeUnknown)));
    hub.emit(&order(3)).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(match all.next().await.unwrap() {
            Delivery::Message(message) => (message.epoch, message.seq, None),
            Delivery::Gap(gap) => (gap.epoch, gap.from, Some((gap.to, gap.reason))),
        });
    }
    let gap = Some((None, GapReason::NewEpoch));
    assert_eq!(seen, [(1, 1, None), (1, 2, None), (1, 3, gap), (2, 1, None)]);
}

#[tokio::test]
async fn a_request_that_does_not_decode_is_explained_to_its_requester() {
    let hub = LocalHub::default();
    hub.serve(Default::default(), |_: Received<PriceOf>| async { Ok::<u64, &str>(1) })
        .await
        .unwrap();
    let topic = TopicName::parse("orders.price_of").unwrap();
    let payload = encode(&std::collections::BTreeMap::from([("order", "4111")])).unwrap();
    let reply = hub.request_raw(&topic, payload, Headers::new(), Duration::from_secs(5)).await;
    let text = String::from_utf8_lossy(&reply.unwrap().payload).into_owned();
    assert!(
        text.contains("the event is no PriceOf: order: expected u64, found a string"),
        "{text}"
    );
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.price_of", reply = u64)]
struct PriceOf {
    order: u64,
}
