//! Audits the hub: compares what was due to subscribers with what became of it. Without the audit, a
//! delivery that is lost inside the hub would show nowhere.
//!
//! The ledgers count what was due, delivered and dropped. The audit counts what waits in the queues
//! themselves, so a delivery that is in neither count shows as a difference.
//!
//! A hub may have 100,000 topics. So the audit holds some 100 bytes for each of them, makes the text
//! while the answer is sent, and lets the other requests have their turn after every few topics.

use super::audit_body::{AuditBody, give_turn_after};
use super::audit_line::{Figures, Line, counts, minus, plus};
use crate::directory::Directory;
use crate::policy::Policy;
use crate::policy::rules::Rules;
use futures_util::future::join_all;
use hub_core::topic::{LedgerCounts, Topic};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The audit is made at most this many times. It is repeated if events moved meanwhile or a
/// connection was ending.
const ATTEMPTS: u32 = 5;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);
/// The audit asks this many sessions at a time what waits in their queues.
const SESSIONS_A_TURN: usize = 64;

/// The line for all inboxes has this name.
const INBOXES: &str = "$inbox.*";

/// Returns the audit of each topic and of the hub, as JSON.
pub(crate) async fn audit(directory: &Directory, policy: &Policy) -> AuditBody {
    let mut lines = read_lines(directory, policy).await;
    for _ in 1..ATTEMPTS {
        if lines.iter().all(|line| line.figures.balanced == Some(true)) {
            break;
        }
        drop(std::mem::take(&mut lines));
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        lines = read_lines(directory, policy).await;
    }
    let all = directory.registry.ledger().counts();
    let none = LedgerCounts::default();
    let of_topics = lines.iter().fold(none, |sum, line| plus(sum, line.figures.counts));
    let verdict = |wanted| lines.iter().filter(|line| line.figures.balanced == wanted).count();
    let of_hub = json!({
        "balanced": verdict(Some(false)) == 0,
        "unbalanced_topics": verdict(Some(false)),
        "moving_topics": verdict(None),
        "hub": counts(all),
        // The difference belongs to topics that were idle and have ended. Nothing of them waits any
        // more.
        "ended_topics": counts(minus(all, of_topics)),
    });
    AuditBody::new(&of_hub, lines).await
}

/// Returns the lines in the order of their names.
async fn read_lines(directory: &Directory, policy: &Policy) -> Vec<Line> {
    let mut before = Vec::new();
    for topic in directory.registry.each() {
        let counts = topic.counts();
        before.push((topic, counts));
        give_turn_after(before.len()).await;
    }
    let waiting = count_waiting(directory).await;
    let rules = policy.rules.current();
    // Each of these lines stands for several topics. The key is the name of the line.
    let mut together: HashMap<Arc<str>, Figures> = HashMap::new();
    let mut lines = Vec::with_capacity(before.len());
    for (number, (topic, before)) in before.into_iter().enumerate() {
        let waiting = waiting.get(&topic.epoch()).copied().unwrap_or_default();
        let figures = Figures::of(&topic, before, waiting + topic.waiting());
        match shared_name(&topic, &rules) {
            None => lines.push(Line { topic: Ok(topic), figures }),
            Some(name) => {
                let sum = together.get(name).map_or(figures, |sum| sum.and(&figures));
                together.insert(name.into(), sum);
            }
        }
        give_turn_after(number).await;
    }
    for (name, figures) in together {
        let place = lines.partition_point(|line: &Line| line.name() < &*name);
        lines.insert(place, Line { topic: Err(name), figures });
    }
    lines
}

/// Returns the name of the line that a topic shares with others, if it has no line of its own.
fn shared_name<'a>(topic: &'a Topic, rules: &'a Rules) -> Option<&'a str> {
    let name = topic.name().as_str();
    let shown = match topic.name().is_inbox() {
        true => INBOXES,
        false => rules.shown(topic.name()),
    };
    (shown != name).then_some(shown)
}

/// Returns how many events wait for clients, by epoch.
async fn count_waiting(directory: &Directory) -> HashMap<u64, u64> {
    let mut waiting: HashMap<u64, u64> = HashMap::new();
    // A session that has ended meanwhile answers nothing. The next attempt finds what became of its
    // deliveries.
    for sessions in directory.sessions.all().chunks(SESSIONS_A_TURN) {
        for found in join_all(sessions.iter().map(|session| session.count_pending())).await {
            for (epoch, events) in found {
                *waiting.entry(epoch).or_default() += events;
            }
        }
    }
    directory.instances.for_each_kept(|kept| {
        kept.for_each_pending(&mut |epoch, events| *waiting.entry(epoch).or_default() += events);
    });
    waiting
}
