//! Counts what became of the events of `hub emit`, and tells it.
//!
//! Without this module, a refusal would name an event by a number that nobody counts: the client numbers
//! only the events that it sends, and from 0.

use crate::connect::note;
use crate::exit::Failure;
use hub_client::{CloseCode, EmitError, FlushError};
use serde_json::{Value, json};
use std::io::Write;

/// Counts the events that were published, were refused, or have an unknown outcome.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) published: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    /// Holds the first refusals, which `--json` lists.
    refusals: Vec<Value>,
    /// For each event that was too large to be sent, this is the number of events that were sent
    /// before it. The client numbers only what it sends.
    unsent_after: Vec<u64>,
}

/// A summary lists at most this many refusals.
const MOST_REFUSALS: usize = 100;

impl Tally {
    /// Prints and counts the events that the hub refused, and counts those with an unknown outcome.
    pub(super) fn heard(&mut self, said: Result<(), FlushError>) {
        let Err(error) = said else { return };
        for refused in &error.refused {
            let rule = refused.rule.as_ref().map_or(String::new(), |rule| format!(" by {rule}"));
            let path = refused.path.as_ref().map_or(String::new(), |path| format!(" at {path}"));
            let (message, code) = (&refused.message, refused.code);
            let number = self.number(refused.number);
            note(format_args!("refused: event {number}: {message} ({code}){rule}{path}"));
            self.list(json!({
                "event": number,
                "code": code.to_string(),
                "message": message,
                "rule": refused.rule,
                "path": refused.path,
            }));
        }
        if error.refused_more > 0 {
            note(format_args!("refused: {} more events", error.refused_more));
        }
        self.refused += error.refused.len() as u64 + error.refused_more;
        self.unknown += error.outcome_unknown + error.not_sent;
    }

    /// Prints and counts the last event, which was too large to be sent.
    pub(super) fn too_large(&mut self, error: &EmitError) {
        let number = self.published;
        self.unsent_after.push(number - 1 - self.unsent_after.len() as u64);
        self.refused += 1;
        note(format_args!("refused: event {number}: {error} ({})", CloseCode::FrameTooLarge));
        self.list(json!({
            "event": number,
            "code": CloseCode::FrameTooLarge.to_string(),
            "message": error.to_string(),
            "rule": null,
            "path": null,
        }));
    }

    /// Returns the number of an event as a user counts: from 1, with the events that were not sent.
    /// `index` counts only the events that were sent, from 0.
    fn number(&self, index: u64) -> u64 {
        let unsent = self.unsent_after.partition_point(|sent| *sent <= index);
        index + 1 + unsent as u64
    }

    /// Adds a refusal to the list of the summary, if there is room.
    fn list(&mut self, refusal: Value) {
        if self.refusals.len() < MOST_REFUSALS {
            self.refusals.push(refusal);
        }
    }

    /// Prints the summary.
    pub(super) fn report(&self, json: bool) -> Result<(), Failure> {
        let emitted = self.published.saturating_sub(self.refused + self.unknown);
        if json {
            let summary = json!({
                "emitted": emitted,
                "refused": self.refused,
                "unknown": self.unknown,
                "refusals": self.refusals,
            });
            writeln!(std::io::stdout().lock(), "{summary}")?;
        }
        let mut text = format!("emitted {emitted}");
        for (count, what) in [(self.refused, "refused"), (self.unknown, "of unknown outcome")] {
            if count > 0 {
                text += &format!(", {count} {what}");
            }
        }
        note(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_as_they_came() {
        let too_large = EmitError::TooLarge { size: 2, limit: 1 };
        let mut tally = Tally::default();
        // The input has ten events. Those with the numbers 1, 4, 5 and 10 are too large to be sent.
        let mut sent = Vec::new();
        for number in 1..=10 {
            tally.published += 1;
            match number {
                1 | 4 | 5 | 10 => tally.too_large(&too_large),
                _ => sent.push(number),
            }
        }
        assert_eq!(sent, [2, 3, 6, 7, 8, 9]);
        let numbers: Vec<_> = (0..sent.len() as u64).map(|index| tally.number(index)).collect();
        assert_eq!(numbers, sent);
        let listed: Vec<_> =
            tally.refusals.iter().map(|refusal| refusal["event"].clone()).collect();
        assert_eq!(listed, [1, 4, 5, 10]);
    }
}
