//! The SDK: typed events over one connection to a hub, which comes back by itself.
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
//! hub.emit(&OrderPlaced { number: 7 }).await?; // the hub has it
//! hub.off(listener);
//! hub.drain().await?;
//! # Ok(()) }
//! ```
//!
//! # What can be relied on
//!
//! - **An event is accepted, refused, or reported as unknown; nothing is swallowed.** `emit`
//!   returns the hub's word. What [`Client::publish`] sends without waiting is accounted for by
//!   [`Client::flush`], and refusals are also [connection events](ConnectionEvent).
//! - **A lost connection loses and repeats nothing, while the hub lives.** Events without a
//!   receipt are kept, and the hub says which it has. Subscriptions come back at the number they
//!   had reached; what the hub no longer has, they are told as a gap in its place.
//! - **While there is no connection, nothing fails**: emits and subscriptions wait for the next
//!   one, for as long as it takes. Wrap them in `tokio::time::timeout` for less, or watch
//!   [`Client::events`].
//! - **When the hub itself restarted, it is known for which events nobody can say**: they fail
//!   with "outcome unknown", or are sent again, see [`OnRestart`].
//! - **Memory is bounded** by [`Options::publish_log_bytes`] and each subscription's capacity.
//!   Publishers wait for room; a full subscription's own overflow policy applies, and what it
//!   drops is told as a gap.
//! - **One slow listener delays no other**, unless its policy is `block`. Then this client stops
//!   reading, the hub is slowed, and publishers wait. While it does, nothing else arrives: in a
//!   listener to a `block` subscription do not await a request, or an `emit`, through the same
//!   client.
//! - **Every future can be dropped at any time.** Each method says what that leaves behind.
//!
//! # TLS
//!
//! A `hubs://` address is spoken to over TLS. The hub's certificate has to be of a CA that the system
//! trusts, or of one in [`Builder::ca_file`], and for the host in the address; there is no way to
//! switch that off. [`Builder::client_certificate`] shows the hub who this client is. What is wrong
//! with either is a [`TlsError`], and is not tried again. The feature `tls` is on by default.
//!
//! # One dependency
//!
//! A service needs `hub-client` and `serde`: everything in its signatures is re-exported here, and
//! `#[derive(Event)]` of this crate works without `hub-core`.
//!
//! # Order
//!
//! Events emitted one after another from one task arrive in that order. Events of one topic reach
//! each listener in the topic's order, which is the same for all subscribers.

mod builder;
mod client;
mod client_state;
mod connection;
mod drain;
mod emitter;
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
pub use drain::{DrainError, FlushError};
pub use events::{ConnectionEvent, ConnectionEvents, LostReason};
// The trait alone: with it comes the derive macro that needs no `hub-core` in the service.
#[doc(hidden)]
pub use hub_core::__private;
pub use hub_core::__private::{Event, Request};
pub use hub_macros::ClientEvent as Event;

pub use hub_core::emitter::{
    BoxError, DEFAULT_CAPACITY, DEFAULT_MAX_LISTENERS, DEFAULT_REQUEST_TIMEOUT, DecodeError,
    Delivery, ERROR_REPLY, EmitError, Emitter, EncodeError, Errors, EventRef, EventStream, Headers,
    IntoListenerResult, Later, ListenerError, ListenerFault, ListenerHandle, ListenerReturn,
    Listeners, LocalHub, MAX_GAPS, Message, Next, Now, ReceiveError, Received, Refusal,
    RequestError, RequestOptions, ServeOptions, SubscribeError, SubscribeOptions, Subscription,
    SubscriptionEnd, decode, encode,
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
