//! Prints an error together with its causes.
//!
//! An error of these crates does not repeat its cause, so a log line with the error alone would
//! hide the reason.

use std::error::Error;

/// Returns the error and all its causes as one line of text.
///
/// An error of these crates never repeats its cause, so each cause appears once.
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
