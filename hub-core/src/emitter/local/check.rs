//! Checks events and subscriptions for an in-process hub. It refuses what a hub over the network
//! refuses. Otherwise a service could pass its tests and then fail with a hub over the network.

use super::new_event::NewEvent;
use crate::emitter::{Refusal, SubscribeOptions};
use hub_wire::{
    Limits, Refused, RefusedCode, RefusedWhat, Start, TopicFilter, WalkErrorKind, check_headers,
    walk_all,
};

/// Checks the topic, the payload and the headers of an event.
pub(super) fn check_event(event: &NewEvent<'_>) -> Result<(), Refusal> {
    let limits = Limits::default();
    if event.topic.is_reserved() {
        let text = format!("{} belongs to the hub", event.topic);
        return Err(refusal(RefusedWhat::Event, RefusedCode::ReservedTopic, text));
    }
    check_value("payload", &event.payload, &limits)?;
    if let Some(headers) = event.headers.encode() {
        check_value("headers", &headers, &limits)?;
        check_headers(&headers, &limits)
            .map_err(|error| refusal(RefusedWhat::Event, error.code(), error.to_string()))?;
    }
    Ok(())
}

/// Checks that `value` is one MessagePack value within the limits.
fn check_value(what: &str, value: &[u8], limits: &Limits) -> Result<(), Refusal> {
    walk_all(value, limits).map_err(|error| {
        let code = match error.kind {
            WalkErrorKind::TooDeep => RefusedCode::TooDeep,
            WalkErrorKind::TooManyElements => RefusedCode::TooManyElements,
            _ => RefusedCode::Malformed,
        };
        refusal(RefusedWhat::Event, code, format!("{what}: {error}"))
    })
}

/// Checks the filter and the options of a subscription.
pub(super) fn check_subscription(
    filter: &TopicFilter,
    options: &SubscribeOptions,
) -> Result<(), Refusal> {
    let what = RefusedWhat::Subscribe;
    if filter.is_reserved() {
        let text = format!("{filter} belongs to the hub");
        return Err(refusal(what, RefusedCode::ReservedTopic, text));
    }
    if options.group.is_some() && options.start != Start::Live {
        let text = "the group, not its newest member, has a position in the topic";
        return Err(refusal(what, RefusedCode::BadOption, text));
    }
    Ok(())
}

/// Makes a refusal as the hub would send it.
pub(super) fn refusal(what: RefusedWhat, code: RefusedCode, message: impl Into<String>) -> Refusal {
    let message = message.into();
    Refused { what, number: 0, code, message, rule: None, path: None, id: None }.into()
}
