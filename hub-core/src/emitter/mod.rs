//! Defines typed events, and the emitters on which they are published and received.
//!
//! The trait [`Emitter`] has the vocabulary of Node's `EventEmitter`: `on`, `once`, `many`, `off`,
//! `emit`, `listener_count`, `event_names`. Two types implement it: [`LocalHub`] in this crate, and
//! the client in `hub-client`. A service that is written against the trait is tested with the first
//! and run with the second.
//!
//! # What a listener can rely on
//!
//! - **A listener handles one event at a time, in the order of the topic.** The next call begins
//!   when the last call, and the future that it returned, have ended. Otherwise every listener
//!   would need a lock and a check of the order.
//! - **Listeners run concurrently, each in its own task.** A slow listener delays no other
//!   listener, unless its overflow policy is `block`.
//! - **An event enters the queues of the listeners in the order in which they registered.** The
//!   listeners may finish with it in any order.
//! - **A listener that fails or panics is reported, and goes on with the next event.** It stops no
//!   other listener. The reports go to [`Emitter::errors`], and to the log if nobody reads
//!   them, and to the standard error output if the program has no `tracing` subscriber either.
//! - **A listener learns what it misses.** Its queue is bounded, and a gap takes the place of the
//!   events that the overflow policy drops. A [`Subscription`] and an [`EventStream`] yield the
//!   gap. For a listener, the gap is a [`ListenerFault::Missed`] among the errors.
//! - **A listener lives as long as the emitter**, also if its handle is dropped, unless it is taken
//!   off. [`Emitter::off`] takes it off at once: the listener finishes the event that it is working
//!   on, and gets no further event. [`ListenerHandle::stop`] lets it handle first what waits for it.
//!   A listener takes itself off when it returns
//!   [`ControlFlow::Break`](std::ops::ControlFlow::Break).
//!
//! Listeners are tasks of the tokio runtime in which they are registered.

mod acknowledge;
mod backlog;
mod closed_reason;
mod contract;
mod error;
pub(crate) mod error_log;
mod errors;
pub(crate) mod event;
mod feed;
mod field_error;
mod gaps;
mod headers;
mod listen;
mod listener_error;
mod listener_return;
mod listeners;
mod local;
mod message;
mod mismatch;
mod options;
mod payload;
mod progress;
mod queue;
mod refusal;
mod serve;
mod subscription;
mod subscription_end;
mod trace;
mod typed;
mod typed_listeners;
mod value_reader;
mod with_state;

pub use acknowledge::Acknowledge;
pub use closed_reason::ClosedReason;
pub use contract::Emitter;
pub use error::{BoxError, EmitError, ReceiveError, RequestError, SubscribeError};
pub use errors::Errors;
pub use event::{Event, Request};
pub use feed::Feed;
pub use headers::Headers;
pub use hub_macros::Event;
pub use listen::ListenerHandle;
pub use listener_error::{EventRef, ListenerError, ListenerFault};
pub use listener_return::{IntoListenerResult, Later, ListenerFlow, ListenerReturn, Now};
pub use listeners::{DEFAULT_MAX_LISTENERS, Listeners};
pub use local::LocalHub;
pub use message::{Delivery, Message, Received, Settlement};
pub use mismatch::Mismatch;
pub use options::{
    DEFAULT_CAPACITY, DEFAULT_REQUEST_TIMEOUT, MAX_GAPS, RequestOptions, ServeOptions,
    SubscribeOptions,
};
pub use payload::{DecodeError, EncodeError, decode, encode};
pub use queue::Pushed;
pub use refusal::Refusal;
pub use serve::ERROR_REPLY;
pub use subscription::Subscription;
pub use subscription_end::SubscriptionEnd;
pub use typed::{EventStream, Next};
pub use with_state::with_state;
