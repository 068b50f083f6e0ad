//! Answers requests. It calls the handler for each request, and publishes its reply or its error.
//! Without the error reply, a requester would learn of a failure only by its time-out.

use super::listen::{ListenerSubscription, caught};
use super::listener_error::EventRef;
use super::listeners::Registration;
use super::{
    BoxError, DecodeError, Emitter, Headers, ListenerFault, Message, Received, Request,
    RequestError, encode, trace,
};
use bytes::Bytes;
use hub_wire::Packer;
use serde::Deserialize;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;

/// A reply that reports the failure of a request has this value in its header `type`.
pub const ERROR_REPLY: &str = "hub.error";

/// Holds the payload of a reply that reports a failure.
#[derive(Deserialize)]
struct ErrorReply {
    message: String,
}

/// Reads a reply. Returns the value, or the error message of the handler.
pub(super) fn read_reply<Q: Request>(answer: &Message) -> Result<Q::Reply, RequestError> {
    if answer.headers.kind() == Some(ERROR_REPLY) {
        let reply: Result<ErrorReply, DecodeError> = answer.decode();
        let message = reply.map_or_else(|_| "no message".to_owned(), |reply| reply.message);
        return Err(RequestError::Failed { message });
    }
    answer.decode().map_err(RequestError::Undecodable)
}

/// Answers requests until the subscription ends, at most `concurrency` at a time.
///
/// When the handler is taken off, the requests that it is working on are still answered.
pub(super) async fn answer_all<H, Q, F, Fut, E>(
    hub: H,
    mut subscription: ListenerSubscription,
    concurrency: usize,
    handler: F,
) where
    H: Emitter,
    Q: Request,
    F: Fn(Received<Q>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Q::Reply, E>> + Send + 'static,
    E: Into<BoxError> + Send + 'static,
{
    let handler = Arc::new(handler);
    let mut working = JoinSet::new();
    while let Some((message, ticket)) = subscription.next_with_ticket().await {
        let (hub, handler, reporter) = (hub.clone(), handler.clone(), subscription.reporter());
        working.spawn(async move {
            answer::<H, Q, F, Fut, E>(&hub, &handler, message, &reporter).await;
            drop(ticket); // the request is finished
        });
        while working.len() >= concurrency.max(1) {
            ended(working.join_next().await, &subscription);
        }
    }
    while !working.is_empty() {
        ended(working.join_next().await, &subscription);
    }
}

/// Reports a panic of a task. The function `answer` catches the panics of the handler, so a panic
/// that arrives here comes from elsewhere.
fn ended(task: Option<Result<(), JoinError>>, subscription: &ListenerSubscription) {
    if let Some(Err(error)) = task
        && let Ok(payload) = error.try_into_panic()
    {
        subscription.report(None, ListenerFault::panicked(&*payload));
    }
}

/// Calls the handler with one request, and publishes the reply.
async fn answer<H, Q, F, Fut, E>(hub: &H, handler: &F, message: Message, reporter: &Registration)
where
    H: Emitter,
    Q: Request,
    F: Fn(Received<Q>) -> Fut,
    Fut: Future<Output = Result<Q::Reply, E>> + Send,
    E: Into<BoxError>,
{
    let event = EventRef::of(&message);
    let reply_to = message.headers.reply().cloned();
    let headers = match message.headers.id() {
        Some(id) => Headers::new().with_re(id),
        None => Headers::new(),
    };
    let span = trace::process(&message);
    let outcome = caught(async {
        let request = Received::decode(message).map_err(ListenerFault::undecodable::<Q>)?;
        let reply = handler(request).await.map_err(|e| ListenerFault::failed(e.into()))?;
        encode(&reply).map_err(|error| ListenerFault::ReplyFailed(error.into()))
    });
    let outcome = outcome.instrument(span.clone()).await;
    let headers = trace::within(&span, headers);
    let (payload, headers) = match outcome {
        Ok(payload) => (payload, headers),
        Err(fault) => {
            let payload = error_payload(&fault);
            trace::failed(&span, &fault);
            reporter.report(Some(event.clone()), fault);
            (payload, headers.with_kind(ERROR_REPLY))
        }
    };
    // An event without the header `reply` was emitted as a plain event, so nobody waits for a
    // reply.
    let Some(reply_to) = reply_to else { return };
    if let Err(error) = hub.emit_raw(&reply_to, payload, &headers).await {
        reporter.report(Some(event), ListenerFault::ReplyFailed(error));
    }
}

/// Encodes the error that the requester gets. An error of the handler becomes its text. Every other
/// fault becomes a text that states its kind.
fn error_payload(fault: &ListenerFault) -> Bytes {
    let message = match fault {
        ListenerFault::Failed(error) => error.to_string(),
        ListenerFault::Panicked(_) => "the handler panicked".to_owned(),
        // This text names the field and both types, and quotes nothing of the request.
        ListenerFault::Undecodable { source, .. } => format!("{fault}: {source}"),
        other => other.to_string(),
    };
    let mut payload = Vec::new();
    Packer(&mut payload).map(1).str("message").str(&message);
    payload.into()
}
