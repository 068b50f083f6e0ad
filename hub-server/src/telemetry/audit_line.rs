//! Holds one line of an audit: the figures of a topic, or the sum of several topics. Each hub has up to
//! 100,000 of them, so a line has no text of its own.

use hub_core::topic::{LedgerCounts, Topic};
use serde_json::{Value, json};
use std::sync::Arc;

/// Holds the line of one topic in the audit.
#[derive(Debug)]
pub(super) struct Line {
    /// The line has the name of this topic, or a name for several topics: all inboxes share one line,
    /// because anybody who knows the name of an inbox can answer there. Topics in whose names a rule
    /// finds something share one line too.
    pub(super) topic: Result<Arc<Topic>, Arc<str>>,
    pub(super) figures: Figures,
}

/// Holds the figures of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    events: u64,
    subscribers: usize,
    pub(super) counts: LedgerCounts,
    waiting: u64,
    /// Says whether the counts add up. `None` means that events moved while the counts were read.
    pub(super) balanced: Option<bool>,
}

impl Figures {
    pub(super) fn of(topic: &Topic, before: LedgerCounts, waiting: u64) -> Self {
        let (counts, state) = (topic.counts(), topic.state());
        let moved = counts != before;
        Figures {
            events: state.next - 1,
            subscribers: state.plain + state.groups,
            counts,
            waiting,
            balanced: (!moved).then(|| counts.pending() == waiting),
        }
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Figures {
            events: self.events + other.events,
            subscribers: self.subscribers + other.subscribers,
            counts: plus(self.counts, other.counts),
            waiting: self.waiting + other.waiting,
            balanced: match (self.balanced, other.balanced) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
        }
    }
}

impl Line {
    pub(super) fn name(&self) -> &str {
        match &self.topic {
            Ok(topic) => topic.name().as_str(),
            Err(name) => name,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let Figures { events, subscribers, waiting, balanced, .. } = self.figures;
        let mut line = counts(self.figures.counts);
        line["topic"] = json!(self.name());
        line["events"] = json!(events);
        line["subscribers"] = json!(subscribers);
        line["waiting"] = json!(waiting);
        line["balanced"] = json!(balanced);
        line
    }
}

pub(super) fn counts(counts: LedgerCounts) -> Value {
    json!({
        "due": counts.due,
        "delivered": counts.delivered,
        "overflow": counts.overflow,
        "conflated": counts.conflated,
        "disconnected": counts.disconnected,
        "given_up": counts.given_up,
        "pending": counts.pending(),
    })
}

pub(super) fn plus(a: LedgerCounts, b: LedgerCounts) -> LedgerCounts {
    each(a, b, u64::saturating_add)
}

pub(super) fn minus(a: LedgerCounts, b: LedgerCounts) -> LedgerCounts {
    each(a, b, u64::saturating_sub)
}

fn each(a: LedgerCounts, b: LedgerCounts, f: impl Fn(u64, u64) -> u64) -> LedgerCounts {
    LedgerCounts {
        due: f(a.due, b.due),
        delivered: f(a.delivered, b.delivered),
        overflow: f(a.overflow, b.overflow),
        conflated: f(a.conflated, b.conflated),
        disconnected: f(a.disconnected, b.disconnected),
        given_up: f(a.given_up, b.given_up),
        gaps: f(a.gaps, b.gaps),
    }
}
