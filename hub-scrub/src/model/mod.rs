//! The lowest floor has the parts of a rule, and the reader of one value of a message. It imports no other
//! module of the scrub, and knows no file format.
//!
//! Without this floor, the types on which the engine runs would be defined in the rule file, and every floor
//! would import every other.

mod action;
mod apply;
mod budget;
mod keys;
pub(crate) mod mark;
mod mode;
mod normalise;
mod number;
mod rule_bits;
mod scrubber;
mod structure;
pub(crate) mod value_head;
mod value_type;
mod view;

pub(crate) use action::{Action, Case, Normal, Outside, Unknown};
pub(crate) use apply::{AppliedAction, apply_text, apply_value, is_whole, leaves};
pub use budget::Budget;
pub use keys::{KeyOrigin, KeySource, SystemKeys};
pub(crate) use keys::{KeyVersion, Keyring, Keys};
pub(crate) use mode::Mode;
pub(crate) use normalise::normalise;
pub(crate) use number::Number;
pub(crate) use rule_bits::RuleBits;
pub use scrubber::{Scrubber, ScrubberEvent, ScrubberOutcome};
pub(crate) use structure::{DuplicateKeys, Nonfinite, Structure};
pub(crate) use value_head::{ValueHead, read};
pub use value_type::Type;
pub use view::ViewId;
pub(crate) use view::{View, Views};
