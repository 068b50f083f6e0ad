//! Gives the thread of a session to the others after a while, and goes on with the rest in the next
//! turn. Without this module, a client whose few bytes cause much work would keep all other clients of
//! its thread waiting.
//!
//! The session counts its work and looks at the clock from time to time. When its turn is over, it
//! stops between two steps: between two frames, two runs, two topics of a queue group, or two parts of
//! an ACK or a TAKEN. It takes in no further frame before the rest is done, so the order of the frames
//! holds.

use super::state::{Session, SessionState};
use super::unfinished::Unfinished;
use actix::prelude::*;
use hub_core::topic::SubscriberConnection;
use hub_wire::CloseCode;

/// Checking and gathering an EVENT frame is about this much work, besides one unit for each byte.
pub(super) const EVENT_WORK: usize = 256;
/// Handling another frame is about this much work, besides one unit for each byte.
pub(super) const CONTROL_WORK: usize = 4 * 1024;
/// Creating a topic is about this much work.
pub(super) const TOPIC_WORK: usize = 16 * 1024;
/// Publishing a run is about this much work, besides the work of its deliveries.
pub(super) const RUN_WORK: usize = 512;
/// Appending a run to one queue is about this much work.
pub(super) const DELIVERY_WORK: usize = 128;
/// Looking for events of a queue group that wait for a member is about this much work.
pub(super) const REFILL_WORK: usize = 2 * 1024;

impl Session {
    /// Counts work, in units of about a nanosecond. Returns whether the turn is over.
    #[inline]
    pub(super) fn spend(&mut self, work: usize) -> bool {
        self.left.gives_turn |= self.meter.spend(work);
        self.left.gives_turn
    }

    /// Returns whether runs may wait for the next turn. A hub that stops publishes everything at once.
    pub(super) fn may_publish_later(&self) -> bool {
        self.state == SessionState::Open || self.left.close.is_some()
    }

    /// Goes on with work in the next turn.
    pub(super) fn go_on_later(&mut self, work: Unfinished) {
        self.left.work.push(work);
        self.left.gives_turn = true;
        self.output.session.wake();
    }

    /// Takes in nothing more, and closes the connection when the events that were taken in are
    /// published.
    pub(super) fn close_later(&mut self, code: CloseCode, reason: &str) {
        self.state = SessionState::Draining;
        self.carry = Vec::new();
        self.unfinished = false;
        self.left.close = Some((code, reason.to_owned()));
        self.left.gives_turn = true;
        self.output.session.wake();
    }

    /// Begins a turn, with the work that the last turn has left.
    pub(super) fn begin_turn(&mut self, ctx: &mut Context<Self>) {
        self.left.gives_turn = false;
        if self.state == SessionState::Closing {
            return; // The subscriptions have left their topics.
        }
        let mut work = std::mem::take(&mut self.left.work).into_iter();
        while !self.left.gives_turn
            && let Some(unfinished) = work.next()
        {
            match unfinished {
                Unfinished::Ack(part) => self.go_on_acknowledging(part, ctx),
                Unfinished::Feed(entry, topics) => self.feed_from(entry, topics),
                Unfinished::Taken(taken) => self.taken(&taken, ctx),
            }
            self.flush_some();
            self.output.flush();
        }
        self.left.work.extend(work);
        if self.left.gives_turn {
            return;
        }
        if self.may_publish_later() && self.backpressure.is_none() && !self.builder.runs.is_empty()
        {
            if self.publish() {
                self.receipt();
            }
            self.flush_some();
        }
        if !self.left.gives_turn
            && let Some((code, reason)) = self.left.close.take()
        {
            self.close(code, &reason, ctx);
        }
    }
}
