//! The parts of Hub that the server, the SDK and the tools share.
//!
//! Nothing here opens a socket, and nothing but the time-out of a request in
//! [`LocalHub`] reads a clock: time comes in as an argument, so that tests
//! control it.
//!
//! - [`wire`]: frames and the bounded MessagePack walker
//! - [`topic`]: names, filters, indexes; with the feature `actors` also topic actors
//! - [`scrub`]: what the hub checks before anyone else sees it
//! - [`emitter`]: typed events, the `Emitter` trait, and the in-process hub

// The derive macro writes `::hub_core`, also where it is used in this crate.
extern crate self as hub_core;

mod causes;
pub mod emitter;
pub mod scrub;
#[cfg(feature = "actors")]
mod sync;
pub mod topic;
pub mod wire;

#[doc(hidden)]
pub mod __private;

pub use causes::with_causes;
pub use emitter::{Emitter, Event, LocalHub, Request};
