//! Makes one trace of an event, from the `emit` through the hub to its listeners, by OpenTelemetry's
//! conventions for messaging. Without this module, a trace would end at each `emit`.
//!
//! The trace context travels in the header `trace`, which the hub forwards as it is. This module works
//! with the feature `opentelemetry`: it makes spans with `tracing`, and the program turns them into
//! spans of OpenTelemetry with a layer of `tracing-opentelemetry`. The global propagator of the
//! program, such as `TraceContextPropagator`, writes and reads the header. Without the feature, no
//! function of this module does anything.

use super::{Headers, ListenerFault, Message};
use hub_wire::TopicName;
use tracing::Span;

#[cfg(not(feature = "opentelemetry"))]
mod with {
    use super::*;

    pub(crate) fn send(_: &TopicName, _: usize, headers: Headers) -> (Span, Headers) {
        (Span::none(), headers)
    }

    pub(crate) fn process(_: &Message) -> Span {
        Span::none()
    }

    pub(crate) fn within(_: &Span, headers: Headers) -> Headers {
        headers
    }

    pub(crate) fn failed(_: &Span, _: &ListenerFault) {}
}

#[cfg(feature = "opentelemetry")]
mod with {
    use super::*;
    use opentelemetry::global::get_text_map_propagator;
    use opentelemetry::propagation::{Extractor, Injector};
    use tracing::field::Empty;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    /// The propagator knows the trace context of W3C by this name.
    const TRACEPARENT: &str = "traceparent";

    /// Makes the span of an `emit` or a request, and puts it into the header `trace`, unless the caller
    /// has set that header.
    pub(crate) fn send(topic: &TopicName, size: usize, headers: Headers) -> (Span, Headers) {
        let span = tracing::info_span!(
            "send",
            otel.name = format!("send {topic}"),
            otel.kind = "producer",
            messaging.system = "hub",
            messaging.operation.name = "send",
            messaging.operation.type = "send",
            messaging.destination.name = topic.as_str(),
            messaging.message.id = headers.id(),
            messaging.message.body.size = size,
        );
        let headers = within(&span, headers);
        (span, headers)
    }

    /// Makes the span of a listener that handles a message, as a child of the span that sent it.
    pub(crate) fn process(message: &Message) -> Span {
        let topic = message.topic.as_str();
        let span = tracing::info_span!(
            "process",
            otel.name = format!("process {topic}"),
            otel.kind = "consumer",
            otel.status_code = Empty,
            otel.status_description = Empty,
            messaging.system = "hub",
            messaging.operation.name = "process",
            messaging.operation.type = "process",
            messaging.destination.name = topic,
            messaging.message.id = message.headers.id(),
            messaging.message.body.size = message.payload.len(),
            hub.event.number = message.seq,
        );
        if let Some(trace) = message.headers.trace() {
            let parent = get_text_map_propagator(|propagator| propagator.extract(&Received(trace)));
            // It fails only if the span has begun, or if the program collects no traces.
            let _ = span.set_parent(parent);
        }
        span
    }

    /// Puts the context of a span into the header `trace`, unless the header is set.
    pub(crate) fn within(span: &Span, headers: Headers) -> Headers {
        if headers.trace().is_some() {
            return headers;
        }
        let mut sent = Sent(None);
        get_text_map_propagator(|propagator| propagator.inject_context(&span.context(), &mut sent));
        match sent.0 {
            Some(trace) => headers.with_trace(trace),
            None => headers,
        }
    }

    /// Marks the span of a listener that has failed.
    pub(crate) fn failed(span: &Span, fault: &ListenerFault) {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", tracing::field::display(fault));
    }

    /// Takes the trace context out of what a propagator writes.
    struct Sent(Option<String>);

    impl Injector for Sent {
        fn set(&mut self, key: &str, value: String) {
            if key == TRACEPARENT {
                self.0 = Some(value);
            }
        }
    }

    /// Shows the header `trace` to a propagator.
    struct Received<'a>(&'a str);

    impl Extractor for Received<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == TRACEPARENT).then_some(self.0)
        }

        fn keys(&self) -> Vec<&str> {
            vec![TRACEPARENT]
        }
    }
}

pub(super) use with::{failed, process, send, within};
