//! Contains topics and emitters: the code that the server, the SDK and the tools share above the
//! wire format.
//! No code of this crate opens a socket. Only the time-out of a request in [`LocalHub`] reads a
//! clock. All other code gets the time as an argument, so that tests control it.
//!
//! - `topic` contains topic actors, the registry and delivery queues. It needs the feature `actors`.
//! - [`emitter`] contains typed events, the `Emitter` trait and the in-process hub.

// The derive macro writes the path `::hub_core`, and this crate uses the macro itself.
extern crate self as hub_core;

mod causes;
pub mod emitter;
#[cfg_attr(not(feature = "actors"), allow(dead_code, reason = "the topics' part of each policy"))]
mod overflow;
#[cfg(feature = "actors")]
mod sync;
#[cfg(feature = "actors")]
pub mod topic;

#[doc(hidden)]
pub mod __private;

pub use causes::with_causes;
#[doc(hidden)]
pub use emitter::error_log::log_end;
pub use emitter::{Emitter, Event, LocalHub, Request};
