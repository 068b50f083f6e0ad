//! Handles acknowledgement: the terms that a subscription states, ACK frames, and events whose time
//! is over. Without this module, an event would count as finished although its handler has failed.

use super::check::may_not_publish;
use super::state::{Session, SessionState};
use super::turns::{DELIVERY_WORK, REFILL_WORK};
use super::unfinished::{PartialAck, Unfinished};
use crate::policy::access::Identity;
use actix::prelude::*;
use hub_core::topic::{
    AckPolicy, Failure, QueuedRun, SubscriberConnection, SubscriptionEntry, continue_replays,
    turn_is_over,
};
use hub_wire::{
    Ack, AckTerms, CloseCode, Outcome, RefusedCode, RefusedWhat, TopicFilter, TopicName,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An ACK settles this many deliveries before the session looks whether its turn is over.
const ACK_PART: u64 = 4 * 1024;
/// A session looks this often for late events within the shortest time that a handler has.
const CHECKS_A_TIMEOUT: u32 = 8;
/// The session looks no more often than this.
const SHORTEST_CHECK: Duration = Duration::from_millis(5);

/// Returns the policy for these terms, or why the client may not have it.
pub(super) fn ack_policy(
    terms: &AckTerms,
    filter: &TopicFilter,
    identity: Option<&Identity>,
) -> Result<AckPolicy, (RefusedCode, String)> {
    let dead_letter = match &terms.dead_letter {
        None => None,
        Some(name) => {
            let name = TopicName::parse(name)
                .map_err(|error| (RefusedCode::BadOption, format!("dead_letter: {error}")))?;
            if name.is_reserved() {
                let message = "dead_letter: topics that begin with $ are the hub's";
                return Err((RefusedCode::BadOption, message.to_owned()));
            }
            if filter.matches(&name) {
                // An event that always fails would go round for ever.
                let message = format!(
                    "dead_letter: the subscription would get its own dead letters on {name}"
                );
                return Err((RefusedCode::BadOption, message));
            }
            // The hub publishes dead letters because of this client, so the client needs the right.
            let Some(identity) = identity else {
                return Err((RefusedCode::Forbidden, "this client has no identity".to_owned()));
            };
            if !identity.rights().may_publish(&name) {
                let message = format!("dead_letter: {}", may_not_publish(identity, &name));
                return Err((RefusedCode::Forbidden, message));
            }
            Some(name)
        }
    };
    Ok(AckPolicy {
        timeout: Duration::from_millis(terms.timeout_ms),
        attempts: terms.attempts,
        backoff: Duration::from_millis(terms.backoff_ms),
        dead_letter,
        ordered: terms.ordered,
    })
}

impl Session {
    /// Handles ACK: settles deliveries, and sends what the window has room for now.
    pub(super) fn acknowledge(&mut self, ack: Ack, ctx: &mut Context<Self>) {
        if ack.first == 0 || ack.first > ack.last {
            let reason =
                "the deliveries of an ACK begin at 1, and the first is not behind the last";
            return self.close(CloseCode::Protocol, reason, ctx);
        }
        let (last, next) = (ack.last, ack.first);
        // A number that was not sent yet ends the connection, so it is found before anything is
        // settled.
        if let Err(error) = self.output.queue().was_sent(ack.subscription, last) {
            return self.close(CloseCode::Protocol, &error.to_string(), ctx);
        }
        self.go_on_acknowledging(PartialAck { ack, next, not_held: 0 }, ctx);
        self.flush_some();
        self.output.flush();
    }

    /// Settles the deliveries of an ACK in parts. If the turn ends before the last part, the rest is
    /// settled in the next turn.
    pub(super) fn go_on_acknowledging(&mut self, part: PartialAck, ctx: &mut Context<Self>) {
        let PartialAck { ack, mut next, mut not_held } = part;
        let entry = self.subscriptions.get(&ack.subscription).cloned();
        let reason = ack.reason.clone().unwrap_or_else(|| "the handler failed".to_owned());
        let failure = Failure { reason, rejected: ack.outcome == Outcome::Rejected };
        loop {
            let last = ack.last.min(next.saturating_add(ACK_PART - 1));
            let some = Ack { first: next, last, reason: None, ..ack };
            let settled = match self.output.queue().settle(&some, Instant::now()) {
                Ok(settled) => settled,
                Err(error) => return self.close(CloseCode::Protocol, &error.to_string(), ctx),
            };
            not_held += settled.not_held;
            match &entry {
                Some(entry) => {
                    if entry.ack.as_ref().is_some_and(|policy| policy.ordered) {
                        self.finished(entry, settled.finished);
                    }
                    self.failed(entry, settled.failed, &failure);
                }
                // The subscription has ended, so nobody would get the events again.
                None => self.output.queue().abandon(&settled.failed),
            }
            if last == ack.last {
                break;
            }
            next = last + 1;
            if turn_is_over() {
                return self.go_on_later(Unfinished::Ack(PartialAck { ack, next, not_held }));
            }
        }
        if not_held > 0 {
            let Ack { first, last, .. } = ack;
            let message =
                format!("{not_held} of the deliveries {first} to {last} are not held any more");
            self.refuse(RefusedWhat::Ack, ack.subscription, RefusedCode::NotHeld, message);
        }
        if let Some(entry) = entry {
            self.feed(&entry);
        }
    }

    /// Tells topics which events are finished, so that the next events of their keys follow.
    fn finished(&mut self, entry: &SubscriptionEntry, runs: Vec<QueuedRun>) {
        for run in runs {
            if let Some(topic) = self.hub.directory.registry.get(run.stream.topic.as_str()) {
                topic.finished(entry, run, &mut self.to_flush);
            }
        }
    }

    /// Hands runs on which a handler has failed to their topics.
    fn failed(&self, entry: &Arc<SubscriptionEntry>, runs: Vec<QueuedRun>, failure: &Failure) {
        for run in runs {
            match self.hub.directory.registry.get(run.stream.topic.as_str()) {
                Some(topic) => topic.failed(entry, run, failure.clone()),
                None => self.output.queue().abandon(&[run]),
            }
        }
    }

    /// Uses the room in the window of a subscription: gives it the past that waits for room, and as a
    /// member of a queue group the events that waited in the group for whoever has room. The caller
    /// flushes the connection.
    pub(super) fn feed(&mut self, entry: &Arc<SubscriptionEntry>) {
        if let Some(flow) = &entry.flow {
            let asked = flow.take_asked();
            self.feed_from(entry.clone(), asked.into());
            continue_replays(entry);
        }
    }

    /// Lets a subscription get what waits for it in the queue groups of these topics. If the turn ends
    /// before the last topic, the rest is done in the next turn.
    pub(super) fn feed_from(
        &mut self,
        entry: Arc<SubscriptionEntry>,
        mut topics: VecDeque<TopicName>,
    ) {
        while let Some(name) = topics.pop_front() {
            let topic = self.hub.directory.registry.get(name.as_str());
            if topic.is_some_and(|topic| topic.refill(&entry, &mut self.to_flush)) {
                topics.push_front(name);
            }
            let deliveries = self.to_flush.take_deliveries();
            if self.spend(REFILL_WORK + deliveries * DELIVERY_WORK) && !topics.is_empty() {
                return self.go_on_later(Unfinished::Feed(entry, topics));
            }
        }
    }

    /// Begins to look for late events, if this is the first subscription that has to acknowledge.
    pub(super) fn watch_for_late_events(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.watches_acks, true) {
            self.check_for_late_events(ctx);
        }
    }

    /// Takes back the events whose time is over, and comes back for the next ones.
    fn check_for_late_events(&mut self, ctx: &mut Context<Self>) {
        let acknowledged = |entry: &&Arc<SubscriptionEntry>| entry.ack.is_some();
        let entries: Vec<_> = self.subscriptions.values().filter(acknowledged).cloned().collect();
        let shortest = entries.iter().filter_map(|entry| Some(entry.ack.as_ref()?.timeout)).min();
        let Some(shortest) = shortest.filter(|_| self.state == SessionState::Open) else {
            self.watches_acks = false;
            return;
        };
        let now = Instant::now();
        for entry in &entries {
            let late = self.output.queue().expire(entry.id, now);
            if !late.is_empty() {
                let reason = "the handler has not finished in time".to_owned();
                self.failed(entry, late, &Failure { reason, rejected: false });
                self.feed(entry);
            }
        }
        self.flush_some();
        let pause = (shortest / CHECKS_A_TIMEOUT).max(SHORTEST_CHECK);
        ctx.run_later(pause, Self::check_for_late_events);
    }
}
