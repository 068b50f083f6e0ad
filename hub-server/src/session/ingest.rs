//! Takes the frames out of the bytes that were read. An event takes one straight path: it is
//! checked, gathered with the other events of its topic, and sent with them. The events in front of
//! a control frame are sent before that frame is handled. Otherwise the frames of a client would
//! lose their order.

use super::checked_event::{CheckedEvent, EventRefusal, FollowUp, RunKey};
use super::state::{Session, SessionState};
use super::turns::{CONTROL_WORK, EVENT_WORK, TOPIC_WORK};
use crate::limits::Limit;
use actix::prelude::*;
use hub_scrub::Plan;
use hub_wire::{CloseCode, FrameType, LengthError, MAX_HELLO, event_id, split};
use std::ops::Range;
use std::sync::Arc;

/// Describes neighbouring EVENT frames in the read buffer that belong to one run. They are copied
/// together.
struct FrameRange {
    key: RunKey,
    bytes: Range<usize>,
    numbers: Range<u64>,
}

impl Session {
    /// Takes the whole frames out of `bytes`, sends their events, and carries the bytes that are
    /// left. Returns the plan of the next event if that event has to be scrubbed on another thread.
    pub(super) fn ingest(&mut self, bytes: &[u8], ctx: &mut Context<Self>) -> Option<Arc<Plan>> {
        if self.builder.runs.is_empty() {
            self.builder.follow_rules(&self.hub.policy.rules);
        }
        let mut at = 0;
        let mut range = None;
        // A few bytes can ask for many answers, so the session looks after each frame whether too
        // many answers wait.
        let mut must_read_first = false;
        let mut costly = None;
        while !self.busy && self.backpressure.is_none() && !must_read_first && !self.left.gives_turn
        {
            let limit = match self.state {
                SessionState::Handshake => MAX_HELLO as u32,
                SessionState::Open => self.hub.limits.wire.frame,
                SessionState::Draining | SessionState::Closing => break,
            };
            let body = match split(&bytes[at..], limit) {
                Ok(Some(body)) => body,
                Ok(None) => break,
                Err(error) => {
                    self.gather(&mut range, bytes);
                    self.end_for_length(&error, ctx);
                    return None;
                }
            };
            let end = at + 4 + body.len();
            let is_event = matches!(FrameType::of(body), Ok(FrameType::Event));
            let work = if self.state == SessionState::Open && is_event {
                let known = self.builder.topics.len();
                match self.ingest_event(bytes, at..end, &mut range, ctx) {
                    Ok(reads_first) => must_read_first = reads_first,
                    Err(plan) => {
                        costly = Some(plan);
                        break;
                    }
                }
                if self.builder.topics.len() == known { EVENT_WORK } else { TOPIC_WORK }
            } else {
                self.gather(&mut range, bytes);
                if !self.publish() {
                    break; // The frame is carried, and comes again when there is room.
                }
                self.control(body, ctx);
                must_read_first = self.answered();
                CONTROL_WORK
            };
            self.spend(work + body.len());
            at = end;
        }
        self.gather(&mut range, bytes);
        if self.state != SessionState::Closing {
            // This copy has no spare room, so a connection that falls silent keeps no more memory
            // than it needs.
            self.carry = bytes[at..].to_vec();
            self.looked_ahead = 0;
            self.unfinished = self.busy
                || self.backpressure.is_some()
                || must_read_first
                || self.left.gives_turn
                || costly.is_some();
            if self.backpressure.is_none() && self.publish() {
                self.receipt();
            }
        }
        self.flush_some();
        costly
    }

    /// Checks the EVENT frame that is at `frame` in `bytes`, and gathers or refuses it. Returns
    /// whether the client has to read its answers before more is taken in.
    ///
    /// # Errors
    /// The event has to be scrubbed under this plan on another thread, and then to be taken in again.
    #[inline]
    fn ingest_event(
        &mut self,
        bytes: &[u8],
        frame: Range<usize>,
        range: &mut Option<FrameRange>,
        ctx: &mut Context<Self>,
    ) -> Result<bool, Arc<Plan>> {
        let body = &bytes[frame.start + 4..frame.end];
        let number = self.received;
        self.received += 1;
        let gathered = match self.check(body, number) {
            Ok(CheckedEvent::Costly(plan)) => {
                self.received = number;
                return Err(plan);
            }
            Ok(CheckedEvent::Settled) => Ok(()),
            Ok(CheckedEvent::AsItCame(key)) => {
                self.extend(range, bytes, key, frame, number);
                Ok(())
            }
            Ok(CheckedEvent::Changed(key, event, verdict)) => {
                self.gather(range, bytes);
                let limit = self.hub.limits.wire.frame;
                self.builder.add_changed(key, &event, &verdict, number, limit)
            }
            Err(refusal) => Err(refusal),
        };
        let Err(refusal) = gathered else { return Ok(false) };
        let follow_up = self.refuse_event(number, refusal, event_id(body));
        if follow_up != FollowUp::Nothing {
            self.gather(range, bytes);
            self.follow_up(follow_up, body, ctx);
        }
        Ok(self.answered())
    }

    /// Checks the event that has the publish number `number`.
    #[inline]
    fn check<'a>(&mut self, body: &'a [u8], number: u64) -> Result<CheckedEvent<'a>, EventRefusal> {
        if !self.ahead.is_empty() && self.ahead.take(number) {
            return Ok(CheckedEvent::Settled);
        }
        match self.builder.expected(body, &self.hub.limits.wire) {
            Some(key) => Ok(CheckedEvent::AsItCame(key)),
            None => self.builder.check(body, number, &self.hub, &self.publisher),
        }
    }

    /// Adds a frame that is forwarded as it came. The frame joins the range if it continues that
    /// range, and otherwise begins a new range.
    #[inline]
    fn extend(
        &mut self,
        range: &mut Option<FrameRange>,
        bytes: &[u8],
        key: RunKey,
        at: Range<usize>,
        number: u64,
    ) {
        if let Some(open) = range
            && open.key == key
            && open.bytes.end == at.start
            && open.numbers.end == number
        {
            (open.bytes.end, open.numbers.end) = (at.end, number + 1);
        } else {
            self.gather(range, bytes);
            *range = Some(FrameRange { key, bytes: at, numbers: number..number + 1 });
        }
    }

    /// Gathers the frames of the range, if there is a range, and leaves `None` in its place.
    fn gather(&mut self, range: &mut Option<FrameRange>, bytes: &[u8]) {
        if let Some(FrameRange { key, bytes: at, numbers }) = range.take() {
            self.builder.add(key, &bytes[at], numbers);
        }
    }

    /// Does what a rule asks for besides the refusal of an event. The caller has gathered the
    /// events before it.
    fn follow_up(&mut self, follow_up: FollowUp, body: &[u8], ctx: &mut Context<Self>) {
        match follow_up {
            FollowUp::Nothing => {}
            FollowUp::Quarantine(shown) => self.quarantine(body, &shown),
            FollowUp::Disconnect => {
                let reason = "an event for which a rule ends the connection";
                self.close(CloseCode::Policy, reason, ctx);
            }
        }
    }

    /// Ends the connection because of a frame with an impossible length. The caller has gathered
    /// the events before that frame.
    fn end_for_length(&mut self, error: &LengthError, ctx: &mut Context<Self>) {
        let code = match (self.state, error.length) {
            (SessionState::Handshake, _) | (_, 0) => CloseCode::Protocol,
            _ => CloseCode::FrameTooLarge,
        };
        if code == CloseCode::FrameTooLarge {
            self.hub.metrics.limited(Limit::FrameBytes);
        }
        self.close(code, &error.to_string(), ctx);
    }
}
