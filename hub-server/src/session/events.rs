//! Events on their way from the read buffer to their topics.

use super::clock::now_ms;
use super::gather::{Checked, Gathered, Place, Refusal};
use super::pump::Pause;
use super::scrub::Consequence;
use super::{Session, Stage};
use crate::directory::instances::ResumeState;
use crate::directory::publish_numbers::PublishNumbers;
use crate::limits::Limit;
use crate::limits::account::Permit;
use crate::limits::memory::MemoryPressure;
use actix::prelude::*;
use hub_core::topic::{Deposit, Outlet, Published, Topic};
use hub_wire::{
    CloseCode, EventFrame, Frame, FrameType, MAX_HELLO, Refused, RefusedCode, RefusedWhat,
    TopicName, split,
};
use std::ops::Range;
use std::sync::Arc;

/// Where it is shown what is in quarantine, each topic's under its own name.
pub(super) const QUARANTINE: &str = "$hub.quarantine";

/// Sockets that are written to before other sessions of the arbiter have their turn: a topic may
/// have thousands of subscribers, and a write takes some microseconds.
const FLUSHES_A_TURN: usize = 32;

/// Neighbouring EVENT frames in the read buffer that belong to one place.
struct Stretch {
    place: Place,
    bytes: Range<usize>,
    numbers: Range<u64>,
}

impl Session {
    /// Takes the whole frames out of `bytes`, publishes their events, and carries the rest.
    pub(super) fn ingest_all(&mut self, bytes: &[u8], ctx: &mut Context<Self>) {
        let mut at = 0;
        let mut stretch = None;
        // Few bytes can ask for many answers.
        let mut full = false;
        if self.gathering.runs.is_empty() {
            self.gathering.follow_rules(&self.hub);
        }
        while !self.busy && self.pause.is_none() && !full {
            let limit = match self.stage {
                Stage::Handshake => MAX_HELLO as u32,
                Stage::Open => self.hub.limits.wire.frame,
                Stage::Draining | Stage::Closing => break,
            };
            let body = match split(&bytes[at..], limit) {
                Ok(Some(body)) => body,
                Ok(None) => break,
                Err(error) => {
                    let code = match (self.stage, error.length) {
                        (Stage::Handshake, _) | (_, 0) => CloseCode::Protocol,
                        _ => CloseCode::FrameTooLarge,
                    };
                    self.gather(&mut stretch, bytes);
                    self.publish_what_fits();
                    if code == CloseCode::FrameTooLarge {
                        self.hub.metrics.limited(Limit::FrameBytes);
                    }
                    return self.close(code, &error.to_string(), ctx);
                }
            };
            let end = at + 4 + body.len();
            if self.stage == Stage::Open && matches!(FrameType::of(body), Ok(FrameType::Event)) {
                let refused = self.event(&mut stretch, bytes, at..end, ctx);
                full = refused && self.answered();
            } else {
                self.gather(&mut stretch, bytes);
                if !self.publish() {
                    break; // the frame comes again when there is room
                }
                self.control(body, ctx);
                full = self.answered();
            }
            at = end;
        }
        self.gather(&mut stretch, bytes);
        if self.stage != Stage::Closing {
            // No spare room: a connection that falls silent keeps no memory.
            self.carry = bytes[at..].to_vec();
            self.unfinished = self.busy || self.pause.is_some() || full;
            if self.pause.is_none() && self.publish() {
                self.receipt();
            }
        }
        self.flush_touched();
    }

    /// Whether it is refused.
    fn event(
        &mut self,
        stretch: &mut Option<Stretch>,
        bytes: &[u8],
        at: Range<usize>,
        ctx: &mut Context<Self>,
    ) -> bool {
        let number = self.received;
        self.received += 1;
        if !self.ahead.is_empty() && self.ahead.take(number) {
            return false; // it came before the connection was cut
        }
        let body = &bytes[at.start + 4..at.end];
        if let Some(place) = self.gathering.expected(body, &self.hub.limits.wire) {
            self.stretch(stretch, bytes, place, at, number);
            return false;
        }
        match self.gathering.check(body, &self.hub, &self.publisher) {
            Ok(Checked::AsItCame(place)) => {
                self.stretch(stretch, bytes, place, at, number);
                false
            }
            Ok(Checked::Changed(place, event, verdict)) => {
                self.gather(stretch, bytes);
                let limit = self.hub.limits.wire.frame;
                let added = self.gathering.add_changed(place, &event, &verdict, number, limit);
                let refused = added.is_err();
                if let Err(refusal) = added {
                    self.refuse_event(number, refusal);
                }
                refused
            }
            Err(mut refusal) => {
                let consequence = std::mem::replace(&mut refusal.consequence, Consequence::Nothing);
                self.refuse_event(number, refusal);
                match consequence {
                    Consequence::Nothing => {}
                    Consequence::Quarantine(shown) => {
                        self.gather(stretch, bytes);
                        self.quarantine(body, &shown);
                    }
                    Consequence::Disconnect => {
                        self.gather(stretch, bytes);
                        self.publish_what_fits();
                        let reason = "an event for which a rule ends the connection";
                        self.close(CloseCode::Policy, reason, ctx);
                    }
                }
                true
            }
        }
    }

    /// Adds a frame that is forwarded as it came to the stretch that it continues, or begins one.
    #[inline]
    fn stretch(
        &mut self,
        stretch: &mut Option<Stretch>,
        bytes: &[u8],
        place: Place,
        at: Range<usize>,
        number: u64,
    ) {
        if let Some(open) = stretch
            && open.place == place
            && open.bytes.end == at.start
            && open.numbers.end == number
        {
            (open.bytes.end, open.numbers.end) = (at.end, number + 1);
        } else {
            self.gather(stretch, bytes);
            *stretch = Some(Stretch { place, bytes: at, numbers: number..number + 1 });
        }
    }

    /// Shows an event that nobody may see to those who look after the quarantine.
    fn quarantine(&mut self, body: &[u8], shown: &[u8]) {
        let topic = EventFrame::parse(body, &self.hub.limits.wire).map_or("", |event| event.topic);
        let own = TopicName::parse(&format!("{QUARANTINE}.{topic}")).ok();
        let topic = own.and_then(|name| self.quarantine_of(&name)).or_else(|| {
            let other = TopicName::parse(&format!("{QUARANTINE}.other")).ok()?;
            self.hub.directory.registry.get_or_create(&other).ok()
        });
        match topic {
            Some(topic) => self.gathering.add_notice(topic, shown),
            None => tracing::warn!("no topic is left for the quarantine"),
        }
    }

    /// The topic of this name. If it is made, it counts as one of those that the client makes.
    fn quarantine_of(&self, name: &TopicName) -> Option<Arc<Topic>> {
        let hub = &self.hub;
        if let Some(topic) = hub.directory.registry.get(name.as_str()) {
            return Some(topic);
        }
        let mut deposit: Option<Deposit> = None;
        if let Some(account) = self.bounds.account() {
            let Some(seat) =
                Permit::topic(account, hub.limits.in_force.current().max_topics_per_identity)
            else {
                hub.metrics.limited(Limit::TopicsPerIdentity);
                return None;
            };
            deposit = Some(Box::new(seat));
        }
        hub.directory.registry.get_or_create_with(name, deposit).ok()
    }

    fn gather(&mut self, stretch: &mut Option<Stretch>, bytes: &[u8]) {
        if let Some(Stretch { place, bytes: at, numbers }) = stretch.take() {
            self.gathering.add(place, &bytes[at], numbers);
        }
    }

    /// PublishNumbers and queues what is gathered; false if it has to wait for room.
    pub(super) fn publish(&mut self) -> bool {
        if self.gathering.runs.is_empty() {
            return true; // most calls: not even the clock is read
        }
        let now = now_ms();
        let mut runs = std::mem::take(&mut self.gathering.runs).into_iter();
        while let Some(mut gathered) = runs.next() {
            // What the hub has to say itself is little.
            if self.hub.limits.memory.pressure() == MemoryPressure::Refuse
                && !gathered.numbers.is_empty()
            {
                let message = "the hub is short of memory";
                self.refuse_all(&gathered, RefusedCode::Overloaded, message);
                continue;
            }
            loop {
                match gathered.topic.publish(&mut gathered.run, now, &mut self.touched) {
                    Published::Done => {
                        self.hub.metrics.events.inc_by(gathered.run.count().into());
                        break;
                    }
                    Published::NobodyThere => {
                        let message = "nobody is subscribed to this topic";
                        self.refuse_all(&gathered, RefusedCode::NoSubscriber, message);
                        break;
                    }
                    Published::Retired => {
                        match self.gathering.renew(gathered, &self.hub, &self.publisher) {
                            Ok(renewed) => gathered = renewed,
                            Err(failed) => {
                                let (old, refusal) = *failed;
                                self.refuse_all(&old, refusal.code, &refusal.message);
                                break;
                            }
                        }
                    }
                    Published::Wait(outlet) => {
                        let grace = self.hub.config.overflow_grace_ms;
                        match &mut self.pause {
                            Some(pause) => pause.follow(outlet, grace),
                            None => self.pause = Some(Pause::new(outlet, grace)),
                        }
                        self.gathering.runs.push(gathered);
                        self.gathering.runs.extend(runs);
                        return false;
                    }
                }
            }
        }
        self.gathering.trim();
        true
    }

    /// Publishes what is gathered as far as that is possible without waiting.
    pub(super) fn publish_what_fits(&mut self) {
        self.publish();
        self.pause = None;
        self.receipt();
        self.flush_touched();
    }

    /// Acknowledges what is settled.
    pub(super) fn receipt(&mut self) {
        let settled = self.settled();
        if self.receipts && settled > self.receipted {
            self.receipted = settled;
            self.send(&Frame::Receipt { next: settled });
        }
    }

    /// Every event with a smaller number is published or refused.
    fn settled(&self) -> u64 {
        let waiting = self.gathering.runs.iter().filter_map(|run| run.numbers.first());
        waiting.min().unwrap_or(self.received)
    }

    /// What is to be remembered of this client's events when the connection has ended.
    pub(super) fn past(&mut self) -> ResumeState {
        let received = self.settled();
        let waiting = self.gathering.runs.iter().map(|run| &run.numbers);
        let mut ahead = PublishNumbers::without(received..self.received, waiting);
        ahead.extend(&self.ahead);
        ResumeState {
            received,
            ahead,
            refusals: self.refusals.take(),
            inbox: std::mem::take(&mut self.inbox),
        }
    }

    /// Has the sockets written to that got something; if there are many, only some, and the pump
    /// goes on when others have had their turn.
    pub(super) fn flush_touched(&mut self) {
        let some = self.touched.len().min(FLUSHES_A_TURN);
        for outlet in self.touched.drain(..some) {
            outlet.flush();
        }
        if !self.touched.is_empty() {
            self.outbound.session.wake();
        }
        // What others append, they flush.
        if self.outbound.queue().queued_bytes() > 0 {
            self.outbound.flush();
        }
    }

    fn refuse_all(&mut self, gathered: &Gathered, code: RefusedCode, message: &str) {
        for number in gathered.numbers.iter() {
            self.refuse_event(number, Refusal::new(code, message));
        }
    }

    fn refuse_event(&mut self, number: u64, refusal: Refusal) {
        let Refusal { code, message, rule, path, .. } = refusal;
        let what = RefusedWhat::Event;
        let refused = Refused { what, number, code, message, rule, path };
        if self.instance.is_some() {
            let short = self.hub.limits.memory.pressure() == MemoryPressure::Refuse;
            self.refusals.push(&refused, short);
        }
        self.send_refused(refused);
    }

    pub(super) fn refuse(
        &self,
        what: RefusedWhat,
        number: u64,
        code: RefusedCode,
        message: impl Into<String>,
    ) {
        let message = message.into();
        self.send_refused(Refused { what, number, code, message, rule: None, path: None });
    }

    fn send_refused(&self, refused: Refused) {
        self.hub.metrics.refused.with_label_values(&[refused.code.name()]).inc();
        self.send(&Frame::Refused(refused));
    }
}
