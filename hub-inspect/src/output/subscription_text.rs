//! What frames say about subscriptions: for which ones they are, and on which terms.
//!
//! A frame may name thousands of subscriptions, and a SUBSCRIBE has many options. Without the bounds and the
//! words here, such a frame would fill the screen, or hide why events wait or come again.

use super::escaped::Escaped;
use hub_wire::{Ack, Outcome, Overflow, Start, Subscribe, SubscriptionIds, Taken, Window};
use std::fmt;

/// So many subscriptions are named, and more are counted.
const MAX_NAMED: usize = 8;

/// The subscriptions that a frame is for.
pub(super) struct For<'a>(pub(super) &'a SubscriptionIds);

impl fmt::Display for For<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.as_slice();
        match ids {
            [] => return f.write_str("for no subscription"),
            [id] => return write!(f, "for subscription {id}"),
            _ => f.write_str("for subscriptions")?,
        }
        for (n, id) in ids.iter().take(MAX_NAMED).enumerate() {
            write!(f, "{} {id}", if n == 0 { "" } else { "," })?;
        }
        match ids.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What a SUBSCRIBE asks for. Options that it leaves out are not mentioned.
pub(super) struct Asked<'a>(pub(super) &'a Subscribe);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self.0;
        write!(f, "{} to {}", it.id, Escaped(&it.filter))?;
        if let Some(group) = &it.group {
            write!(f, ", group {}", Escaped(group))?;
        }
        if it.overflow != Overflow::default() {
            write!(f, ", overflow {}", it.overflow.name())?;
        }
        match &it.start {
            Start::Live => {}
            Start::Last => f.write_str(", from the last event of each topic on")?,
            Start::After(positions) => write!(f, ", behind {} positions", positions.len())?,
        }
        if let Some(Window { events, bytes }) = it.window {
            write!(f, ", window of {events} events and {bytes} bytes")?;
        }
        if let Some(terms) = &it.ack {
            let (attempts, timeout_ms) = (terms.attempts, terms.timeout_ms);
            write!(f, ", acknowledges within {timeout_ms} ms, at most {attempts} attempts")?;
            if let Some(topic) = &terms.dead_letter {
                write!(f, ", dead letters to {}", Escaped(topic))?;
            }
            if terms.ordered {
                f.write_str(", in the order of each key")?;
            }
        }
        for (asked, words) in [
            (it.positions, ", wants positions"),
            (it.observe, ", only watches"),
            (it.more, ", more positions follow"),
            (it.keep, ", outlives the connection"),
        ] {
            if asked {
                f.write_str(words)?;
            }
        }
        Ok(())
    }
}

/// Writes what a listener has finished.
pub(super) fn taken(f: &mut fmt::Formatter<'_>, taken: &Taken) -> fmt::Result {
    write!(f, "{} has finished {} events", taken.subscription, taken.taken)?;
    match (taken.events, taken.bytes) {
        (None, None) => Ok(()),
        (Some(events), None) => write!(f, ", window of {events} events from now on"),
        (None, Some(bytes)) => write!(f, ", window of {bytes} bytes from now on"),
        (Some(events), Some(bytes)) => {
            write!(f, ", window of {events} events and {bytes} bytes from now on")
        }
    }
}

/// Writes what became of deliveries.
pub(super) fn acknowledged(f: &mut fmt::Formatter<'_>, ack: &Ack) -> fmt::Result {
    let deliveries = match (ack.first, ack.last) {
        (first, last) if first == last => format!("delivery {first}"),
        (first, last) => format!("deliveries {first} to {last}"),
    };
    match ack.outcome {
        Outcome::Done => write!(f, "{} has finished {deliveries}", ack.subscription)?,
        Outcome::Failed => write!(f, "{} has failed on {deliveries}", ack.subscription)?,
        Outcome::Rejected => write!(f, "{} rejects {deliveries}", ack.subscription)?,
        Outcome::Working => write!(f, "{} still works on {deliveries}", ack.subscription)?,
    }
    match &ack.reason {
        Some(reason) => write!(f, ": {}", Escaped(reason)),
        None => Ok(()),
    }
}

/// Returns the name of an outcome, as PROTOCOL.md has it.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Rejected => "rejected",
        Outcome::Working => "working",
    }
}
