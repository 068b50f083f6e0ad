//! Audits the hub: compares what was due to subscribers with what became of it. Without the audit, a
//! delivery that is lost inside the hub would show nowhere.
//!
//! The ledgers count what was due, delivered and dropped. The audit counts what waits in the queues
//! themselves, so a delivery that is in neither count shows as a difference.

use crate::directory::Directory;
use crate::policy::Policy;
use futures_util::future::join_all;
use hub_core::topic::{LedgerCounts, Topic};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// The audit is made at most this many times. It is repeated if events moved meanwhile or a
/// connection was ending.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// Holds the line of one topic in the audit.
struct Line {
    /// The line has this name. All inboxes share one line, because anybody who knows the name of an
    /// inbox can answer there. Topics in whose names a rule finds something share one line too.
    topic: String,
    events: u64,
    subscribers: usize,
    counts: LedgerCounts,
    waiting: u64,
    /// Says whether the counts add up. `None` means that events moved while the counts were read.
    balanced: Option<bool>,
}

/// The line for all inboxes has this name.
const INBOXES: &str = "$inbox.*";

/// Returns the audit of each topic and of the hub, as JSON.
pub(crate) async fn audit(directory: &Directory, policy: &Policy) -> Value {
    let mut lines = read_lines(directory, policy).await;
    for _ in 1..ATTEMPTS {
        if lines.iter().all(|line| line.balanced == Some(true)) {
            break;
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        lines = read_lines(directory, policy).await;
    }
    lines.sort_by(|a, b| a.topic.cmp(&b.topic));
    let all = directory.registry.ledger().counts();
    let of_topics = lines.iter().fold(LedgerCounts::default(), |sum, line| plus(sum, line.counts));
    let verdict = |wanted| lines.iter().filter(|line| line.balanced == wanted).count();
    json!({
        "balanced": verdict(Some(false)) == 0,
        "unbalanced_topics": verdict(Some(false)),
        "moving_topics": verdict(None),
        "hub": counts(all),
        // The difference belongs to topics that were idle and have ended. Nothing of them waits any
        // more.
        "ended_topics": counts(minus(all, of_topics)),
        "topics": lines.iter().map(Line::to_json).collect::<Vec<_>>(),
    })
}

async fn read_lines(directory: &Directory, policy: &Policy) -> Vec<Line> {
    let topics = directory.registry.all();
    let before: Vec<_> = topics.iter().map(|topic| topic.counts()).collect();
    let sessions = directory.sessions.all();
    let mut waiting: HashMap<u64, u64> = HashMap::new();
    // A session that has ended meanwhile answers nothing. The next attempt finds what became of its
    // deliveries.
    for found in join_all(sessions.iter().map(|session| session.count_pending())).await {
        for (epoch, events) in found {
            *waiting.entry(epoch).or_default() += events;
        }
    }
    directory.instances.for_each_kept(|kept| {
        kept.for_each_pending(&mut |epoch, events| *waiting.entry(epoch).or_default() += events);
    });
    let rules = policy.rules.current();
    // Each of these lines stands for several topics. The key is the name of the line.
    let mut together: HashMap<&str, Line> = HashMap::new();
    let mut lines = Vec::new();
    for (topic, before) in topics.iter().zip(before) {
        let name = topic.name().as_str();
        let shown = match name.starts_with("$inbox.") {
            true => INBOXES,
            false => rules.shown(topic.name()),
        };
        let waiting = waiting.get(&topic.epoch()).copied().unwrap_or_default();
        let waiting = waiting + topic.waiting();
        let line = Line::new(topic, before, waiting);
        if shown == name {
            lines.push(line);
            continue;
        }
        let sum = match together.get(shown) {
            Some(all) => all.and(&line),
            None => line.renamed(shown),
        };
        together.insert(shown, sum);
    }
    lines.extend(together.into_values());
    lines
}

impl Line {
    fn new(topic: &Topic, before: LedgerCounts, waiting: u64) -> Self {
        let (counts, state) = (topic.counts(), topic.state());
        let moved = counts != before;
        Line {
            topic: topic.name().as_str().to_owned(),
            events: state.next - 1,
            subscribers: state.plain + state.groups,
            counts,
            waiting,
            balanced: (!moved).then(|| counts.pending() == waiting),
        }
    }

    fn renamed(&self, name: &str) -> Self {
        Line { topic: name.to_owned(), ..*self }
    }

    fn and(&self, other: &Self) -> Self {
        Line {
            topic: self.topic.clone(),
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

    fn to_json(&self) -> Value {
        let mut line = counts(self.counts);
        line["topic"] = json!(self.topic);
        line["events"] = json!(self.events);
        line["subscribers"] = json!(self.subscribers);
        line["waiting"] = json!(self.waiting);
        line["balanced"] = json!(self.balanced);
        line
    }
}

fn counts(counts: LedgerCounts) -> Value {
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

fn plus(a: LedgerCounts, b: LedgerCounts) -> LedgerCounts {
    each(a, b, u64::saturating_add)
}

fn minus(a: LedgerCounts, b: LedgerCounts) -> LedgerCounts {
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
