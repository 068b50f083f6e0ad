//! Topics and emitters: what the server, the SDK and the tools share above the wire format.
//!
//! Nothing here opens a socket, and nothing but the time-out of a request in
//! [`LocalHub`] reads a clock: time comes in as an argument, so that tests
//! control it.
//!
//! - `topic`, with the feature `actors`: topic actors, the registry, delivery queues
//! - [`emitter`]: typed events, the `Emitter` trait, and the in-process hub

// The derive macro writes `::hub_core`, also where it is used in this crate.
extern crate self as hub_core;

mod causes;
pub mod emitter;
#[cfg(feature = "actors")]
mod sync;
#[cfg(feature = "actors")]
pub mod topic;

#[doc(hidden)]
pub mod __private;

pub use causes::with_causes;
pub use emitter::{Emitter, Event, LocalHub, Request};
