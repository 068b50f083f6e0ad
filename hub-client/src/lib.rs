//! This crate is the SDK: it publishes and receives typed events over one connection to a hub. The
//! client connects again on its own.
//!
//! ```no_run
//! use hub_client::{Client, Emitter, Event, Received};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Event)]
//! #[event(topic = "orders.placed")]
//! struct OrderPlaced {
//!     number: u64,
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Client::connect("hub://127.0.0.1").await?;
//! let listener = hub.on(|order: Received<OrderPlaced>| println!("{}", order.number)).await?;
//! hub.emit(&OrderPlaced { number: 7 }).await?; // the hub has accepted the event
//! hub.off(listener);
//! hub.drain().await?;
//! # Ok(()) }
//! ```
//!
//! # What can be relied on
//!
//! - **No event is lost in silence: it is accepted, refused, or reported as unknown.** `emit`
//!   returns the hub's answer. [`Client::publish`] sends without waiting for the answer, and
//!   [`Client::flush`] reports what became of those events. Refusals are also [connection
//!   events](ConnectionEvent).
//! - **While the hub runs, a lost connection neither loses nor repeats an event.** The client keeps
//!   events that have no receipt, and the hub states which of them it has. Each subscription
//!   continues at the event number that it had reached. A gap takes the place of events that the
//!   hub no longer has.
//! - **While there is no connection, nothing fails.** Emits and subscriptions wait for the next
//!   connection for as long as it takes. [`Builder::emit_timeout`] bounds how long `emit` waits, and
//!   any call may be wrapped in `tokio::time::timeout`. An `emit` that is given up is not published
//!   later, unless it was already sent. [`Client::is_connected`] and [`Client::events`] tell the state.
//! - **A connection that ends for good says why.** [`Client::closed`] returns the reason with the
//!   hub's code. The log, the errors of listeners and each later call have the reason too.
//! - **Credentials that expire are replaced**, if they come from a file or a function, see
//!   [`CredentialSource`].
//! - **When the hub itself restarted, the client knows for which events the outcome is unknown.**
//!   They fail with "outcome unknown", or are sent again, see [`OnRestart`].
//! - **Memory is bounded** by [`Options::publish_log_bytes`] and by the capacity of each
//!   subscription. Publishers wait for room in the log. For a full subscription, its overflow
//!   policy decides, and a gap takes the place of dropped events.
//! - **One slow listener delays no other.** What it has no room for waits in the hub. With the
//!   overflow policy `block`, the publishers of its topics wait for it.
//! - **A failing listener is seen.** [`Emitter::errors`] yields its errors with their causes. Errors
//!   that the program does not read go to the log (`tracing`), with what happens to the connection.
//!   If the program has no `tracing` subscriber, they are printed on the standard error output.
//! - **Every future can be dropped at any time.** The documentation of each method states what a
//!   dropped call leaves behind.
//!
//! # TLS
//!
//! For a `hubs://` address, the connection is encrypted with TLS. A CA that the system trusts, or
//! one in [`Builder::ca_file`], must have signed the hub's certificate, and the certificate must be
//! for the host in the address. There is no way to switch that off. With
//! [`Builder::client_certificate`], the client proves its identity to the hub. If either
//! certificate is refused, the result is a [`TlsError`], and the client does not try again. The
//! feature `tls` is on by default.
//!
//! # Traces
//!
//! With the feature `opentelemetry`, an `emit`, the listeners that get the event, and what they emit are
//! one trace. The program installs a layer of `tracing-opentelemetry` and a global propagator. The
//! trace context travels in the header `trace`, which the hub forwards as it is; the hub makes no span of
//! its own. [`Client::publish`], `emit_raw` and streams make no spans. A program can set the header with
//! [`Headers::with_trace`] and read it with [`Headers::trace`].
//!
//! # One dependency
//!
//! A service needs `hub-client` and `serde` only: this crate exports every type of its signatures,
//! and its `#[derive(Event)]` works without `hub-core`.
//!
//! # Order
//!
//! Events that one task emits one after another arrive in that order. Each listener gets the events
//! of a topic in the order of the topic, which is equal for all subscribers.

mod builder;
mod client;
mod client_state;
mod connection;
mod credential_source;
mod drain;
mod emitter;
mod event_log;
mod event_sender;
mod events;
mod options;
mod publish;
mod reconnect;
mod stream;
mod subscriptions;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use builder::Builder;
pub use client::Client;
pub use connection::ConnectError;
pub use credential_source::{CredentialSource, CredentialsError};
pub use drain::{DrainError, FlushError};
pub use event_sender::ConnectionEvents;
pub use events::{ConnectionEvent, LostReason};
// This line takes only the trait from `hub-core`. The derive macro of this crate does not need
// `hub-core` among the dependencies of the service.
#[doc(hidden)]
pub use hub_core::__private;
pub use hub_core::__private::{Event, Request};
pub use hub_macros::ClientEvent as Event;

pub use hub_core::emitter::{
    Acknowledge, BoxError, ClosedReason, DEFAULT_CAPACITY, DEFAULT_MAX_LISTENERS,
    DEFAULT_REQUEST_TIMEOUT, DecodeError, Delivery, ERROR_REPLY, EmitError, Emitter, EncodeError,
    Errors, EventRef, EventStream, Headers, IntoListenerResult, Later, ListenerError,
    ListenerFault, ListenerFlow, ListenerHandle, ListenerReturn, Listeners, LocalHub, MAX_GAPS,
    Message, Mismatch, Next, Now, ReceiveError, Received, Refusal, RequestError, RequestOptions,
    ServeOptions, SubscribeError, SubscribeOptions, Subscription, SubscriptionEnd, decode, encode,
    with_state,
};
pub use hub_core::with_causes;
pub use hub_wire::{
    Close, CloseCode, Credentials, Gap, GapReason, Overflow, Position, Refused, RefusedCode,
    RefusedWhat, Start,
};
pub use hub_wire::{NameError, TopicFilter, TopicName};
pub use options::{OnRestart, Options};
#[cfg(feature = "tls")]
pub use tls::{TlsError, TlsOptions};
pub use url::{HubUrl, UrlError};
