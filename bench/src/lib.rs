//! A load generator for publish/subscribe servers.
//!
//! It exists to measure the server, not itself, so:
//!
//! - **What is sent is encoded beforehand.** Publishers write prepared buffers of many messages, one
//!   buffer after the other, and begin again.
//! - **The messages differ.** A [`Payload`] is a set of 512 messages that are sent in turn. A server
//!   that gets one message over and over shows a speed that no real load sees, because the
//!   processor learns that message's branches.
//! - **What is received is counted, not decoded.** Where all messages have one length, a run of the
//!   hub is counted from its head and other servers' messages by their first byte. Where lengths
//!   differ, only the field that tells a message's length is read.
//! - **One message is compared byte for byte** before each measurement: a [`Dialect`] says what a
//!   subscriber must get, and a server that sends anything else is not measured.
//! - **Nothing is lost without being seen.** A publisher is at most a window ahead of its slowest
//!   subscriber, so that no server has to drop; at the end, what was due is compared with what
//!   came.
//!
//! All servers get their load from this generator; only the [`Dialect`] differs. [`load`] sends to
//! subscribers, as fast as it can or paced; [`request`] asks and answers; [`listen`] counts what
//! others send; [`idle`] holds connections open.

mod clock;
mod counters;
mod cycle;
mod deliveries;
pub mod dialect;
mod error;
mod field_offset;
mod first;
pub mod idle;
mod intake;
pub mod listen;
pub mod load;
mod load_plan;
mod pace;
pub mod payload;
mod receive;
pub mod request;
mod send;
mod templates;
pub mod usage;

pub use dialect::Dialect;
pub use error::BenchError;
pub use first::first_delivery;
pub use hdrhistogram::Histogram;
pub use payload::Payload;
