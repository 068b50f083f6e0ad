//! Claim: a listener fails, panics, or gets a payload that it cannot read. Each such failure is reported,
//! the listener goes on with the next event, and no other listener is stopped.

#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{OrderPlaced, log, order, settle, take};
use hub_core::emitter::{
    Emitter, EventRef, Headers, ListenerFault, LocalHub, Received, SubscribeOptions, encode,
};
use hub_wire::{Overflow, TopicName};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn topic() -> TopicName {
    TopicName::parse("orders.placed").unwrap()
}

#[tokio::test]
async fn errors_and_panics_are_reported_and_the_listener_goes_on() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let (seen, mut log) = log();
    let failing = {
        let seen = seen.clone();
        move |order: Received<OrderPlaced>| {
            assert_ne!(order.number, 1, "at once");
            let seen = seen.clone();
            async move {
                assert_ne!(order.number, 2, "later");
                if order.number == 3 {
                    return Err("out of paper");
                }
                seen.send(("failing", order.number)).unwrap();
                Ok(())
            }
        }
    };
    let _failing = hub.on(failing).await.unwrap();
    let _fine = hub
        .on(move |order: Received<OrderPlaced>| seen.send(("fine", order.number)).unwrap())
        .await
        .unwrap();
    for number in 1..=4 {
        hub.emit(&order(number)).await.unwrap();
    }
    let mut done = take(&mut log, 5).await;
    done.sort_unstable();
    assert_eq!(done, [("failing", 4), ("fine", 1), ("fine", 2), ("fine", 3), ("fine", 4)]);

    for (seq, expected) in [(1, "at once"), (2, "later"), (3, "out of paper")] {
        let error = errors.next().await.unwrap();
        assert_eq!(error.event, Some(EventRef { topic: topic(), seq }));
        let said = match &error.fault {
            ListenerFault::Panicked(text) => text.clone(),
            ListenerFault::Failed(error) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn an_event_that_does_not_decode_is_reported_and_skipped() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let (seen, mut log) = log();
    let listener = move |order: Received<OrderPlaced>| seen.send(order.number).unwrap();
    let _handle = hub.on(listener).await.unwrap();
    let secret = encode("4111 1111 1111 1111").unwrap();
    hub.emit_raw(&topic(), secret, &Headers::new()).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert_eq!(log.recv().await, Some(2));
    let error = errors.next().await.unwrap();
    assert_eq!(error.fault.to_string(), "the event is no OrderPlaced");
    assert_eq!(error.to_string(), "event 1 of orders.placed at a listener to orders.placed");
    assert!(!format!("{error} {}", error.fault).contains("4111"), "payloads stay out of logs");
}

#[tokio::test]
async fn what_a_listener_misses_is_reported() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let (seen, mut log) = log();
    let listener = move |order: Received<OrderPlaced>| seen.send(order.number).unwrap();
    let options = SubscribeOptions::new().capacity(2);
    let _handle = hub.on_with(options, listener).await.unwrap();
    for number in 1..=5 {
        hub.emit(&order(number)).await.unwrap();
    }
    assert_eq!(take(&mut log, 2).await, [4, 5]);
    let fault = errors.next().await.unwrap().fault;
    let ListenerFault::Missed(gap) = fault else { panic!("{fault:?}") };
    assert_eq!((gap.from, gap.to), (1, Some(3)));
}

#[tokio::test]
async fn a_listener_that_is_cut_off_is_reported() {
    let hub = LocalHub::default();
    let mut errors = hub.errors();
    let options = SubscribeOptions::new().capacity(1).overflow(Overflow::Disconnect);
    let handle = hub.on_with(options, |_: Received<OrderPlaced>| ()).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    hub.emit(&order(2)).await.unwrap();
    assert!(matches!(errors.next().await.unwrap().fault, ListenerFault::Ended(_)));
    assert_eq!(hub.listener_count(handle.filter()), 0);
}

#[tokio::test]
async fn errors_that_nobody_reads_are_logged() {
    let counter = CountErrors::default();
    let _guard = tracing::subscriber::set_default(counter.clone());
    let hub = LocalHub::default();
    let _handle = hub.on(|_: Received<OrderPlaced>| Err::<(), _>("out of paper")).await.unwrap();
    hub.emit(&order(1)).await.unwrap();
    settle().await;
    assert_eq!(counter.logged(), 1);

    let mut errors = hub.errors();
    hub.emit(&order(2)).await.unwrap();
    assert!(errors.next().await.is_some());
    assert_eq!(counter.logged(), 1, "who reads them decides what to log");

    drop(errors);
    hub.emit(&order(3)).await.unwrap();
    settle().await;
    assert_eq!(counter.logged(), 2);

    let _unread = hub.errors();
    for number in 0..1000 {
        hub.emit(&order(number)).await.unwrap();
    }
    settle().await;
    assert_eq!(counter.logged(), 2 + 1000 - 256, "what does not fit is logged");
}

/// A log that only counts.
#[derive(Clone, Default)]
struct CountErrors(Arc<AtomicUsize>);

impl CountErrors {
    fn logged(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl tracing::Subscriber for CountErrors {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        if *event.metadata().level() == tracing::Level::ERROR {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
