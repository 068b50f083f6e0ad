//! Sends the events that were gathered: each topic numbers and queues its run, the client gets a
//! receipt, and the connections that got events are flushed. A connection that is not flushed would
//! get its events only together with later ones.

use super::checked_event::{EventRefusal, FollowUp};
use super::clock::now_ms;
use super::run_builder::OpenRun;
use super::state::Session;
use super::turns::{DELIVERY_WORK, RUN_WORK};
use crate::directory::instances::ResumeState;
use crate::directory::kept_subscriptions::KeptSubscriptions;
use crate::directory::publish_numbers::PublishNumbers;
use crate::limits::memory::MemoryPressure;
use hub_core::topic::{PublishResult, SubscriberConnection, turn_is_over};
use hub_wire::{Frame, Overflow, Refused, RefusedCode, RefusedWhat};

/// A session flushes at most this many connections before other sessions of the arbiter have their
/// turn. A topic may have thousands of subscribers, and a write takes some microseconds.
const FLUSHES_A_TURN: usize = 32;

impl Session {
    /// Has the topics number and queue the runs that were gathered. Returns false if the session
    /// has to wait for room in a subscriber's queue, or if its turn is over. The runs that are not
    /// queued yet stay gathered then.
    pub(super) fn publish(&mut self) -> bool {
        if self.builder.runs.is_empty() {
            return true; // This is the usual case; it does not even read the clock.
        }
        let now = now_ms();
        let mut runs = std::mem::take(&mut self.builder.runs).into_iter();
        while let Some(mut gathered) = runs.next() {
            if self.left.gives_turn && self.may_publish_later() {
                self.builder.runs.push(gathered);
                self.builder.runs.extend(runs);
                return false;
            }
            // The hub's own notices have no publish numbers. They are few and small, so they are
            // sent even while memory is short.
            if self.pressure() == MemoryPressure::Refuse && !gathered.numbers.is_empty() {
                let message = "the hub is short of memory";
                self.refuse_all(&gathered, RefusedCode::Overloaded, message);
                continue;
            }
            let (size, mut passed) = (gathered.run.size(), None);
            gathered.run.published_lately(self.patience.lately(now));
            loop {
                match gathered.topic.publish(&mut gathered.run, now, &mut self.to_flush) {
                    PublishResult::Done => {
                        self.hub.metrics.events.inc_by(gathered.run.count().into());
                        self.patience.published(size, now);
                        let deliveries = self.to_flush.take_deliveries();
                        self.spend(RUN_WORK + deliveries * DELIVERY_WORK);
                        break;
                    }
                    PublishResult::NobodyThere => {
                        let message = "nobody is subscribed to this topic";
                        self.refuse_all(&gathered, RefusedCode::NoSubscriber, message);
                        break;
                    }
                    PublishResult::Retired => {
                        match self.builder.renew(gathered, &self.hub, &self.publisher) {
                            Ok(renewed) => gathered = renewed,
                            Err(failed) => {
                                let (old, refusal) = *failed;
                                self.refuse_all(&old, refusal.code, &refusal.message);
                                break;
                            }
                        }
                    }
                    // The client would wait for its own listener, which may wait for the answer to
                    // this event. It gets no grace, and a clear answer if that does not help.
                    PublishResult::Wait(own)
                        if own.number() == self.output.number()
                            && self.waits_for_own_listener(&gathered) =>
                    {
                        if !own.queue().is_lagging() {
                            own.queue().end_grace();
                            continue;
                        }
                        let message =
                            "this client's own subscription, with the policy block, is full";
                        self.refuse_all(&gathered, RefusedCode::SelfBlocked, message);
                        break;
                    }
                    PublishResult::Wait(connection) => {
                        if self.must_wait_for(connection, &gathered, &mut passed) {
                            self.builder.runs.push(gathered);
                            self.builder.runs.extend(runs);
                            return false;
                        }
                    }
                }
            }
        }
        self.end_wait();
        self.builder.trim();
        true
    }

    /// Returns whether it is a listener of this client itself that has no room for a run, and not
    /// the connection of the client.
    fn waits_for_own_listener(&self, gathered: &OpenRun) -> bool {
        !self.output.queue().must_wait(gathered.run.size(), Overflow::Block)
    }

    /// Publishes as many of the gathered runs as is possible without waiting.
    pub(super) fn publish_what_fits(&mut self) {
        self.publish();
        self.backpressure = None;
        self.receipt();
        self.flush_some();
    }

    /// Sends a receipt if more events are settled than the last receipt covered.
    pub(super) fn receipt(&mut self) {
        let settled = self.settled();
        if self.receipts && settled > self.receipted {
            self.receipted = settled;
            self.send(&Frame::Receipt { next: settled });
        }
    }

    /// Returns the first publish number that is not settled. Every event with a smaller number is
    /// published or refused.
    pub(super) fn settled(&self) -> u64 {
        let waiting = self.builder.runs.iter().filter_map(|run| run.numbers.first());
        waiting.min().unwrap_or(self.received)
    }

    /// Returns the state that the hub keeps for the next connection of this instance.
    pub(super) fn resume_state(&mut self) -> ResumeState {
        let received = self.settled();
        let waiting = self.builder.runs.iter().map(|run| &run.numbers);
        let mut ahead = PublishNumbers::without(received..self.received, waiting);
        ahead.extend(&self.ahead);
        ResumeState {
            received,
            ahead,
            refusals: self.refusals.take(),
            inbox: std::mem::take(&mut self.inbox),
            kept: self.kept.take().map(|kept| Box::new(kept) as Box<dyn KeptSubscriptions>),
        }
    }

    /// Flushes at most [`FLUSHES_A_TURN`] of the connections that got events from this session. If
    /// some are left, or if the turn is over, the session wakes itself, and flushes them when other
    /// sessions have had their turn.
    pub(super) fn flush_some(&mut self) {
        for _ in 0..FLUSHES_A_TURN.min(self.to_flush.len()) {
            self.to_flush.flush_some(1);
            if turn_is_over() {
                break;
            }
        }
        if !self.to_flush.is_empty() {
            self.output.session.wake();
        }
        // A publisher that appends to the session's own queue also flushes it. Only the frames of
        // this session itself are left to flush here.
        if self.output.queue().queued_bytes() > 0 {
            self.output.flush();
        }
    }

    /// Flushes every connection that got events from this session, because the session ends and
    /// nothing else would flush them.
    pub(super) fn flush_all(&mut self) {
        std::mem::take(&mut self.to_flush).flush();
    }

    /// Refuses every event of a run.
    pub(super) fn refuse_all(&mut self, gathered: &OpenRun, code: RefusedCode, message: &str) {
        for (number, id) in gathered.ids() {
            self.refuse_event(number, EventRefusal::new(code, message), id);
        }
    }

    /// Tells the client that an event is refused. `id` is the header `id` of the event. Returns what
    /// the rule asks for besides the refusal.
    pub(super) fn refuse_event(
        &mut self,
        number: u64,
        refusal: EventRefusal,
        id: Option<&str>,
    ) -> FollowUp {
        let EventRefusal { code, message, rule, path, follow_up } = refusal;
        let what = RefusedWhat::Event;
        let id = id.map(str::to_owned);
        let refused = Refused { what, number, code, message, rule, path, id };
        if self.instance.is_some() {
            let short = self.pressure() == MemoryPressure::Refuse;
            self.refusals.push(&refused, short);
        }
        self.send_refused(refused);
        follow_up
    }

    /// Tells the client that the hub did not do what a frame asked for.
    pub(super) fn refuse(
        &self,
        what: RefusedWhat,
        number: u64,
        code: RefusedCode,
        message: impl Into<String>,
    ) {
        let (message, rule, path, id) = (message.into(), None, None, None);
        self.send_refused(Refused { what, number, code, message, rule, path, id });
    }

    fn send_refused(&self, refused: Refused) {
        self.hub.metrics.refused.with_label_values(&[refused.code.name()]).inc();
        self.send(&Frame::Refused(refused));
    }
}
