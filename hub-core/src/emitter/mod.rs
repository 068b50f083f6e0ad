//! Typed events and the emitter they travel on.
//!
//! One trait, [`Emitter`], with the vocabulary of an `EventEmitter`: `on`, `once`, `many`,
//! `off`, `emit`, `listener_count`, `event_names`. Two implementations: [`LocalHub`] here, and
//! the client in `hub-client`. A service written against the trait is tested with the first and
//! run with the second.
//!
//! # What a listener can rely on
//!
//! - **It handles one event at a time, in the order of the topic.** The next call begins when
//!   the last one, and the future it returned, are done. Without this every listener would need
//!   a lock and a sequence check of its own.
//! - **Listeners run concurrently, each in its own task.** A slow one delays no other, unless
//!   its overflow policy is `block`.
//! - **An event is handed to listeners in the order in which they registered.** Handed: put
//!   into their queues. Which of them is done first is up to them.
//! - **A listener that fails or panics is reported and goes on with the next event**; it stops
//!   nobody else. Reports go to [`Emitter::errors`], and to the log when nobody reads them.
//! - **What it misses, it is told.** Its queue is bounded; what the overflow policy drops
//!   becomes a gap in its place: in a [`Subscription`] and an [`EventStream`] as an item, at a
//!   listener as a [`ListenerFault::Missed`] among the errors.
//! - **Dropping its handle takes it off.** It gets no event after that, and finishes the one it
//!   is at. [`ListenerHandle::detach`] keeps it for as long as the emitter lives.
//!
//! Listeners are tasks of the tokio runtime in which they are registered.

mod backlog;
mod contract;
mod error;
pub(crate) mod event;
mod feed;
mod gaps;
mod headers;
mod listen;
mod listeners;
mod local;
mod message;
mod options;
mod payload;
mod queue;
mod reaction;
mod refusal;
mod serve;
mod subscription;
mod subscription_end;
mod trouble;
mod typed;

pub use contract::Emitter;
pub use error::{BoxError, EmitError, ReceiveError, RequestError, SubscribeError};
pub use event::{Event, Request};
pub use feed::Feed;
pub use headers::Headers;
pub use hub_macros::Event;
pub use listen::ListenerHandle;
pub use listeners::{DEFAULT_MAX_LISTENERS, Listeners};
pub use local::LocalHub;
pub use message::{Delivery, Message, Received};
pub use options::{
    DEFAULT_CAPACITY, DEFAULT_REQUEST_TIMEOUT, MAX_GAPS, RequestOptions, ServeOptions,
    SubscribeOptions,
};
pub use payload::{DecodeError, EncodeError, decode, encode};
pub use queue::Pushed;
pub use reaction::{Later, Now, Outcome, Reaction};
pub use refusal::Refusal;
pub use serve::ERROR_REPLY;
pub use subscription::Subscription;
pub use subscription_end::SubscriptionEnd;
pub use trouble::{Errors, ListenerError, ListenerFault, Place};
pub use typed::{EventStream, Next};
