//! Detectors: where in a text something sensitive stands.
//!
//! A [`DetectorSet`] is compiled once from [`DetectorSpec`]s and shared. [`DetectorSet::scan`] is
//! pure: the same set and text give the same hits, nothing is read from outside.
//!
//! What holds, and what would break without it:
//!
//! - **A hit covers bytes of the text as it came**, on character boundaries, so a redaction by the
//!   hits cannot cut a character in half or miss a full-width digit.
//! - **Hits ascend and do not overlap**, and every byte that a detector found is in one of them:
//!   nothing found stays readable because another detector won (see [`Hit`]).
//! - **The time is linear in the text.** What starts a search is found in one pass (`block`,
//!   `scan`); each search looks at a bounded stretch, or at bytes that no other search looks at.
//! - **A text without a hit allocates nothing** once a [`Scratch`] is warm.
//!
//! A match is *certain* when its form leaves little doubt (a card with Luhn and a known prefix), or
//! *ambiguous* (ten bare digits that may be a phone number). An ambiguous match is a hit only near
//! one of the detector's words ([`Near`]) in the text or in the key that the text stands under.

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
mod email;
mod entropy;
mod fold;
mod hit;
mod iban;
mod ip;
mod jwt;
mod kinds;
mod national;
mod national_checks;
mod near;
mod number;
mod pattern;
mod pem;
mod phone;
mod prefilter;
mod prefixed_secret;
mod scan;
mod scan_kinds;
mod secret_format;
mod set;
mod spec;
mod ssn;
mod text_match;
mod url;

pub use candidates::Candidates;
pub use check::Check;
pub use hit::Hit;
pub use kinds::BuiltIn;
pub(crate) use number::Digits;
pub use set::{DetectorSet, Scratch};
pub use spec::{DetectError, DetectErrorKind, DetectorSpec, Except, Find, Near};
