//! The engine runs a plan over a message and returns a verdict.
//!
//! These invariants hold. Each says what would break without it:
//!
//! - **A message that no rule changes costs one pass and no allocation.** Most messages are like that;
//!   otherwise the scrub would cost more than the rest of the hub.
//! - **A text is skipped only if it is proven to be clean.** One scan of all bytes notes where a detector
//!   could find anything (`detect::Candidates`), and detectors read only strings with such a candidate. The
//!   scan may note too many candidates, but never too few.
//! - **Every rendering is scrubbed again after it is written.** If that pass finds anything more, the
//!   rendering is written again, and a message that never settles is quarantined. So a second scrub changes
//!   nothing, and no two finds hide a third.
//! - **Finds that overlap are one find, under the strictest action among them.** Otherwise the order of the
//!   rules could decide what leaks.
//! - **No error, reason or path contains content of a message.** A path names a key only if a rule names it;
//!   otherwise a refusal could carry what it refuses.

mod fast_path;
#[cfg(test)]
mod fast_path_tests;
mod find_report;
mod finds;
mod interrupt;
mod message_pass;
mod render;
mod scratch;
mod scrub_event;
mod shadow;
mod shadow_sample;
mod steps;
mod structure;
mod text;
mod verdict;
mod walk;
mod whole_message;

pub use find_report::FindReport;
pub use scratch::{RuleCount, Scratch};
pub use shadow_sample::ShadowSample;
pub use verdict::{FixedEvent, Quarantine, QuarantineReason, RuleRefusal, Verdict};
