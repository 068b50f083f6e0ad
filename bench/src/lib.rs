//! This crate is a load generator for publish/subscribe servers. `hub bench` and the comparison with
//! other servers use it.
//!
//! The generator must measure the server and not itself. Therefore:
//!
//! - **Messages are encoded beforehand.** Publishers write prepared buffers of many messages, one
//!   buffer after the other, and then begin again.
//! - **The messages differ.** A [`Payload`] is a set of 512 messages that are sent in turn. A
//!   server that gets one message over and over shows a speed that no real load reaches, because
//!   the processor learns the branches of that message.
//! - **Received messages are counted, not decoded.** If all messages have one length, a run of the
//!   hub is counted by its RUN frame, and a message of another server by its first byte. If the lengths
//!   differ, only the field with the length of each message is read.
//! - **One message is compared byte for byte** before each measurement. A [`Dialect`] states the
//!   bytes that a subscriber must get, and a server that sends other bytes is not measured.
//! - **No message is lost unseen.** Publishers stay within a window ahead of their slowest
//!   subscriber, so that no server has to drop messages. At the end, the number of messages that were
//!   due is compared with the number that arrived.
//!
//! All servers get their load from this generator, and only the [`Dialect`] differs. [`load`] sends
//! to subscribers, as fast as possible or paced. [`request`] sends requests and answers them.
//! [`listen`] counts messages that other programs send. [`idle`] holds connections open.

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
