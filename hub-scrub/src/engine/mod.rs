//! The run of a plan over a message.
//!
//! Invariants, and what breaks without each:
//!
//! - **One pass, and nothing allocated, for a message that no rule changes.** Most messages are
//!   such; otherwise the scrub would cost more than the hub.
//! - **What is left out was proved to be clean.** One look at all bytes marks where a detector could
//!   find anything (`detect::Candidates`); only strings with a mark are scanned. The look may mark
//!   too much, never too little.
//! - **What a view gets was looked at after it was written.** A pass over the result that finds
//!   anything more goes round again, and one that never comes to rest is quarantined. So a scrub
//!   of what was scrubbed changes nothing, and no two finds hide a third.
//! - **Finds that overlap are one find, under the strictest action among them.** Otherwise the
//!   order of rules could decide what leaks.
//! - **No error, reason or path holds content of a message.** A path names a key only if a rule
//!   does; otherwise a refusal could carry what it refuses.

mod fast_path;
#[cfg(test)]
mod fast_path_tests;
mod finds;
mod interrupt;
mod message_pass;
mod render;
mod scrub_event;
mod shadow;
mod shadow_sample;
mod state;
mod structure;
mod text;
mod verdict;
mod walk;
mod whole_message;

pub use shadow_sample::ShadowSample;
pub use state::{RuleCount, Scratch};
pub use verdict::{FixedEvent, Quarantine, QuarantineReason, RuleRefusal, Verdict};
