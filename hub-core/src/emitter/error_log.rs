//! Writes the errors that no part of the program reads to the log, or to the standard error output if
//! the program has no log. Without this module, a listener could fail at every event of a program
//! that reads no errors, and nobody would see it.

use super::{ListenerError, ListenerFault};
use crate::with_causes;
use std::sync::atomic::{AtomicU64, Ordering};

/// The first errors are all printed. After so many of them, only some are, so that a listener that
/// fails at each event does not fill a disk.
const PRINTED: u64 = 20;

/// Writes errors, each with the whole chain of its causes.
///
/// A program without a `tracing` subscriber would see nothing of a log. The errors are printed for it
/// on the standard error output, as Rust prints a panic that nobody catches.
#[derive(Debug, Default)]
pub(super) struct ErrorLog {
    /// This many errors came while the program had no `tracing` subscriber.
    unlogged: AtomicU64,
}

impl ErrorLog {
    pub(super) fn write(&self, error: &ListenerError) {
        let filter = &error.filter;
        let event = error.event.as_ref();
        let (topic, seq) = (event.map(|event| event.topic.as_str()), event.map(|event| event.seq));
        // What a type says about a value may quote the payload, so only the level `debug` shows it.
        let text = match &error.fault {
            ListenerFault::Undecodable { source, .. } => {
                format!("{error}: {}: {source}", error.fault)
            }
            _ => with_causes(error),
        };
        tracing::debug!(%filter, topic, seq, fault = ?error.fault, "the fault of a listener");
        // What is missing was announced in its place, and the listener goes on.
        if is_warning(&error.fault) {
            tracing::warn!(%filter, topic, seq, "{text}");
        } else {
            tracing::error!(%filter, topic, seq, "{text}");
        }
        if !tracing::dispatcher::has_been_set() {
            self.print(&text);
        }
    }

    /// Prints the first errors, and then those whose count is a power of two.
    fn print(&self, text: &str) {
        let count = self.unlogged.fetch_add(1, Ordering::Relaxed) + 1;
        if count <= PRINTED {
            eprintln!("hub: {text}");
        } else if count.is_power_of_two() {
            eprintln!("hub: {text} (error {count}; most of them are not printed)");
        }
    }
}

/// Returns whether the listener works, although something is wrong.
fn is_warning(fault: &ListenerFault) -> bool {
    matches!(fault, ListenerFault::Missed(_) | ListenerFault::TooManyListeners { .. })
}

/// Says that an emitter has ended for good although its program did not close it: in the log, and on
/// the standard error output if the program has no `tracing` subscriber.
pub fn log_end(reason: &dyn std::error::Error, url: &str, code: Option<&str>) {
    let text = with_causes(reason);
    tracing::error!(url, code, "the connection has ended for good: {text}");
    if !tracing::dispatcher::has_been_set() {
        eprintln!("hub: the connection to {url} has ended for good: {text}");
    }
}
