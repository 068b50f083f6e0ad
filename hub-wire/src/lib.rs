//! Implements the wire format: framing, frames, the bounded MessagePack walker, names and filters
//! of topics, and headers.
//!
//! The crate is pure: it has no I/O, no async code and no clock. The server, the SDK and the tools
//! all use it, so they cannot disagree about a byte. These are its invariants, each with what breaks
//! without it:
//!
//! - **A length is checked before it is used.** No function here allocates memory by a length or a
//!   count that it read from the wire. Otherwise five bytes could claim 4 GiB.
//! - **No recursion is unbounded.** Nesting has a limit that no configuration can exceed. Otherwise
//!   a deep message would end the process with a stack overflow.
//! - **The walker checks every byte of a payload once** before any subscriber gets it: markers,
//!   lengths and UTF-8. Otherwise a subscriber could get a malformed message.
//! - **The hub forwards an event as it came.** An EVENT frame has the same bytes in both
//!   directions, so the hub never has to encode a payload again.
//!
//! `PROTOCOL.md` describes the wire format for authors of clients in other languages.

mod codes;
mod dense;
mod filter;
mod frame;
mod framing;
mod headers;
mod index;
mod limits;
pub mod marker;
mod name;
mod pack;
mod read;
mod run;
mod steps;
mod subscription_ids;
mod text;
mod walk;

pub use codes::{CloseCode, GapReason, RefusedCode};
pub use filter::{FilterToken, TopicFilter};
pub use frame::{
    Ack, AckTerms, Close, Credentials, EventFrame, Frame, FrameError, FrameErrorKind, FrameType,
    Gap, Hello, Outcome, Overflow, Position, Refused, RefusedWhat, Resume, RunFrame, Start,
    Subscribe, Taken, TopicPositions, VersionRange, Welcome, Window, backoff_after,
};
pub use framing::{LengthError, frame_with, split};
pub use headers::{
    HeaderError, HeaderErrorKind, HeaderFacts, MAX_HEADERS, MAX_REFUSED_ID, check_headers,
    check_headers_of_hub, event_id, header_id,
};
pub use index::{FilterIndex, TopicIndex, TopicSearch};
pub use limits::Limits;
pub use name::{NameError, TopicName};
pub use pack::Packer;
pub use read::Reader;
pub use run::RunHead;
pub use subscription_ids::SubscriptionIds;
pub use walk::{WalkError, WalkErrorKind, walk, walk_all};

/// A HELLO frame begins with this word. A connection that begins otherwise is not a Hub client.
pub const MAGIC: &str = "hub";
/// This crate speaks this version of the protocol.
pub const VERSION: u64 = 1;
/// A HELLO frame has at most this many bytes. The hub spends no more memory on a client that has not
/// introduced itself yet.
pub const MAX_HELLO: usize = 4096;
