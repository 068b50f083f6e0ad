//! Claim: with the feature `opentelemetry`, an emit, the listener that gets the event, and what the
//! listener emits are one trace, also through a request and its reply.

#![cfg(feature = "opentelemetry")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::common;

use common::{OrderPlaced, order};
use hub_core::Event;
use hub_core::emitter::{Emitter, LocalHub, Received, SubscribeOptions, with_state};
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use serde::{Deserialize, Serialize};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.billed")]
struct Billed(u64);

async fn bill(hub: LocalHub, order: Received<OrderPlaced>) {
    hub.emit(&Billed(order.number)).await.unwrap();
}

#[tokio::test]
async fn an_emit_and_all_that_follows_from_it_are_one_trace() {
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let hub = LocalHub::default();
    hub.on(with_state(hub.clone(), bill)).await.unwrap();
    hub.on(|_: Received<Billed>| Err::<(), _>("out of paper")).await.unwrap();
    let mut seen = hub.subscribe(OrderPlaced::filter(), SubscribeOptions::new()).await.unwrap();
    hub.emit(&order(7)).await.unwrap();
    hub.drain().await;

    let mut ended = spans.get_finished_spans().unwrap();
    ended.sort_by_key(|span| span.start_time);
    let names: Vec<_> = ended.iter().map(|span| &*span.name).collect();
    let expected = [
        "send orders.placed",
        "process orders.placed",
        "send orders.billed",
        "process orders.billed",
    ];
    assert_eq!(names, expected);
    for pair in ended.windows(2) {
        assert_eq!(pair[1].span_context.trace_id(), pair[0].span_context.trace_id());
        assert_eq!(pair[1].parent_span_id, pair[0].span_context.span_id());
    }
    assert_eq!(
        (&ended[0].span_kind, &ended[1].span_kind),
        (&SpanKind::Producer, &SpanKind::Consumer)
    );
    assert!(
        matches!(&ended[3].status, Status::Error { description } if description == "the listener failed")
    );
    let Some(hub_core::emitter::Delivery::Message(message)) = seen.next().await else { panic!() };
    let trace = message.headers.trace().unwrap();
    assert!(trace.contains(&ended[0].span_context.span_id().to_string()), "{trace}");
}
