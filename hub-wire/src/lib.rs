//! The wire format: framing, frames, the bounded MessagePack walker, names and filters of topics,
//! and headers.
//!
//! Pure code: no I/O, no async, no clock. The server, the SDK and the tools all use it, so
//! they cannot disagree about a byte. Its invariants, and what breaks without each:
//!
//! - **A length is checked before it is believed.** No function here allocates by a length
//!   or count it read from the wire; otherwise five bytes could claim 4 GiB.
//! - **Nothing recurses without a bound.** Nesting has a limit, and one that no configuration
//!   exceeds; otherwise a deep message ends the process with a stack overflow.
//! - **Every byte of a payload is looked at once** before anyone else sees it: markers,
//!   lengths and UTF-8. Otherwise a malformed message would surface in some subscriber.
//! - **What is forwarded is what came.** An EVENT frame has the same bytes in both
//!   directions, so the hub never has to encode a payload again.
//!
//! `PROTOCOL.md` describes the same for writers of clients in other languages.

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
mod text;
mod walk;

pub use codes::{CloseCode, GapReason, RefusedCode};
pub use filter::{FilterToken, TopicFilter};
pub use frame::{
    Close, Credentials, EventFrame, Frame, FrameError, FrameErrorKind, FrameType, Gap, Hello,
    Overflow, Position, Refused, RefusedWhat, RunFrame, Start, Subscribe, Welcome,
};
pub use framing::{LengthError, frame_with, split};
pub use headers::{HeaderError, HeaderErrorKind, HeaderFacts, MAX_HEADERS, check_headers};
pub use index::{FilterIndex, TopicIndex};
pub use limits::Limits;
pub use name::{NameError, TopicName};
pub use pack::Packer;
pub use read::Reader;
pub use run::RunHead;
pub use walk::{WalkError, WalkErrorKind, walk, walk_all};

/// The word that opens a HELLO; anything else on the port is not a Hub client.
pub const MAGIC: &str = "hub";
/// The protocol version this crate speaks.
pub const VERSION: u64 = 1;
/// The largest HELLO frame. A peer that is not known yet gets no more memory than this.
pub const MAX_HELLO: usize = 4096;
