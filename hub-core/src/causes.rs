//! An error in one line, with its causes.
//!
//! Errors of these crates do not repeat their causes, so printing one alone would hide the reason.

use std::error::Error;

/// An error and all its causes, in one line. An error of these crates never repeats its cause.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
