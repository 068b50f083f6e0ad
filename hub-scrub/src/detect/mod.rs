//! Detectors find sensitive parts of a text.
//!
//! A [`DetectorSet`] is compiled once from [`DetectorSpec`]s and then shared. [`DetectorSet::scan`] is pure:
//! the result depends only on the set and the text.
//!
//! These invariants hold. Each says what would break without it:
//!
//! - **A hit covers bytes of the original text**, on character boundaries. So a redaction of the hits cannot
//!   cut a character in half or miss a full-width digit.
//! - **Hits are in ascending order and do not overlap**, and every byte that a detector found is in one of
//!   them. So no find stays readable because another detector won (see [`Hit`]).
//! - **The time is linear in the length of the text.** One scan finds where searches begin (`block`, `scan`),
//!   and a search reads few bytes, or bytes that no other search reads. A test searches for texts that break
//!   this.
//! - **All work is counted** (`work`), and a scan that reaches its limit ends. So the budget of a message holds
//!   for whatever its texts make the detectors do.
//! - **A text without a hit allocates nothing** once a [`Scratch`] has been used.
//!
//! A match carries evidence ([`Evidence`]): how sure it is, and why. A form that little else has makes a match
//! likely or certain, and a shape that many things have makes it only possible. A word near the match
//! ([`Near`]) makes it likely, and the name of its key makes it certain. A key or a word that names something
//! else, such as `order_id`, makes a likely match only possible. A match is a hit if it is as sure as its
//! specification asks for.

mod alphabet;
mod assigned;
mod block;
mod built_ins;
mod candidates;
mod card;
mod check;
mod check_digits;
mod cluster;
mod declaration;
#[cfg(test)]
mod declaration_tests;
mod detector;
mod email;
mod entropy;
mod evidence;
mod fold;
mod hit;
mod iban;
mod ip;
mod jwt;
mod key_kinds;
mod key_names;
mod kinds;
mod national;
mod national_checks;
mod near;
mod number;
mod number_plan;
mod number_search;
mod others;
mod pattern;
mod pem;
mod phone;
mod prefilter;
mod prefixed_secret;
mod scan;
mod scan_kinds;
mod secret_format;
mod secret_formats;
mod secret_rows;
mod set;
mod spec;
mod ssn;
mod surroundings;
mod text_match;
#[cfg(test)]
mod token_tests;
mod tokens;
mod url;
mod word_boundaries;
mod work;

pub use candidates::Candidates;
pub use check::Check;
pub use evidence::{Confidence, Evidence, Reason};
pub use hit::Hit;
pub use key_kinds::KeyKind;
pub(crate) use key_kinds::KeyKinds;
pub use kinds::BuiltIn;
pub(crate) use near::ANY_WORD;
pub(crate) use number::Digits;
pub use set::{DetectorSet, Scratch};
pub use spec::{DetectError, DetectErrorKind, DetectorSpec, Except, Find, Near};
pub(crate) use work::READS;
