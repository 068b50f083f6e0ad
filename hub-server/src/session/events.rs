//! Events on their way from the read buffer to their topics.

use super::pump::Pause;
use super::{Session, Stage};
use crate::hub::now_ms;
use actix::prelude::*;
use hub_core::scrub::check_headers;
use hub_core::topic::{PendingRun, Published, Topic, TopicName};
use hub_core::wire::{
    CloseCode, EventFrame, Frame, FrameError, FrameErrorKind, FrameType, Limits, MAX_HELLO, Packer,
    Reader, Refused, RefusedCode, RefusedWhat, RunHead, WalkErrorKind, split,
};
use std::sync::Arc;

/// Topics a session remembers, so that it does not ask the registry for each run.
const KNOWN_TOPICS: usize = 1024;

/// A topic this session has published on.
#[derive(Debug)]
pub(super) struct Known {
    topic: Arc<Topic>,
    head: Arc<RunHead>,
    /// Where its gathered run is, if it has one.
    slot: usize,
}

/// Events of one topic that wait to be numbered.
#[derive(Debug)]
pub(super) struct Gathered {
    topic: Arc<Topic>,
    run: PendingRun,
    /// The number of its first event among this client's events.
    first: u64,
}

struct Refusal {
    code: RefusedCode,
    message: String,
}

impl Session {
    /// Takes the whole frames out of `bytes`, publishes their events, and carries the rest.
    pub(super) fn ingest(&mut self, bytes: &[u8], ctx: &mut Context<Self>) {
        let mut rest = bytes;
        while !self.busy && self.pause.is_none() {
            let limit = match self.stage {
                Stage::Handshake => MAX_HELLO as u32,
                Stage::Open => self.hub.limits.frame,
                Stage::Draining | Stage::Closing => break,
            };
            let body = match split(rest, limit) {
                Ok(Some(body)) => body,
                Ok(None) => break,
                Err(error) => {
                    let code = match (self.stage, error.length) {
                        (Stage::Handshake, _) | (_, 0) => CloseCode::Protocol,
                        _ => CloseCode::FrameTooLarge,
                    };
                    self.publish_what_fits();
                    self.close(code, &error.to_string(), ctx);
                    return;
                }
            };
            let (frame, after) = rest.split_at(4 + body.len());
            if self.stage == Stage::Open && matches!(FrameType::of(body), Ok(FrameType::Event)) {
                self.event(frame);
            } else if self.runs.is_empty() || self.publish() {
                self.control(body, ctx);
            } else {
                break; // the frame comes again when there is room
            }
            rest = after;
        }
        if self.stage != Stage::Closing {
            self.carry = rest.to_vec();
            if self.pause.is_none() && self.publish() {
                self.end_of_batch();
            }
        }
        self.flush_touched();
    }

    pub(super) fn end_of_batch(&mut self) {
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
    pub(super) fn settled(&self) -> u64 {
        self.runs.iter().map(|gathered| gathered.first).min().unwrap_or(self.received)
    }

    pub(super) fn flush_touched(&mut self) {
        for outlet in self.touched.drain(..) {
            outlet.flush();
        }
        use hub_core::topic::Outlet;
        self.outbound.flush();
    }

    fn event(&mut self, frame: &[u8]) {
        let number = self.received;
        self.received += 1;
        if let Err(refusal) = self.gather(number, frame) {
            self.refuse(RefusedWhat::Event, number, refusal.code, &refusal.message);
        }
    }

    fn gather(&mut self, number: u64, frame: &[u8]) -> Result<(), Refusal> {
        let body = &frame[4..];
        let limits = self.hub.limits;
        // Most events are on the topic of the one before.
        let same = !self.last_topic.is_empty() && body[1..].starts_with(&self.last_topic);
        let event = if same {
            let end = 1 + self.last_topic.len();
            let topic = std::str::from_utf8(&self.last_topic[name_offset(&self.last_topic)..])
                .unwrap_or_default();
            EventFrame::parse_after_topic(body, end, topic, &limits)
        } else {
            EventFrame::parse(body, &limits)
        }
        .map_err(|error| malformed(&error))?;
        let mut request = false;
        if let Some(headers) = event.headers {
            let facts = check_headers(headers, &limits)
                .map_err(|error| Refusal { code: error.code(), message: error.to_string() })?;
            request = facts.reply.is_some();
        }
        let name = event.topic.to_owned();
        if !self.topics.contains_key(&name) {
            let topic = self.find_topic(&name)?;
            self.remember(&name, topic);
        }
        if !same {
            self.last_topic.clear();
            self.last_topic.push(FrameType::Event.number());
            Packer(&mut self.last_topic).str(&name);
        }
        let Some(known) = self.topics.get_mut(&name) else { return Ok(()) };
        if request || name.starts_with('$') {
            let run = PendingRun::request(known.head.clone(), frame);
            self.runs.push(Gathered { topic: known.topic.clone(), run, first: number });
            return Ok(());
        }
        match self.runs.get_mut(known.slot) {
            Some(gathered)
                if Arc::ptr_eq(&gathered.topic, &known.topic) && !gathered.run.is_request() =>
            {
                gathered.run.push(frame, 1);
            }
            _ => {
                let mut run = PendingRun::new(known.head.clone(), frame.len());
                run.push(frame, 1);
                known.slot = self.runs.len();
                self.runs.push(Gathered { topic: known.topic.clone(), run, first: number });
            }
        }
        Ok(())
    }

    fn find_topic(&self, name: &str) -> Result<Arc<Topic>, Refusal> {
        if name.starts_with('$') {
            let refusal = |code, message: &str| Refusal { code, message: message.to_owned() };
            if !name.starts_with("$inbox.") {
                return Err(refusal(
                    RefusedCode::ReservedTopic,
                    "topics that begin with $ are the hub's",
                ));
            }
            return self
                .hub
                .registry
                .get(name)
                .ok_or_else(|| refusal(RefusedCode::NoSubscriber, "there is no such inbox"));
        }
        let topic = TopicName::parse(name)
            .map_err(|error| Refusal { code: RefusedCode::BadTopic, message: error.to_string() })?;
        self.hub.registry.get_or_create(&topic).map_err(|error| Refusal {
            code: RefusedCode::TooManyTopics,
            message: error.to_string(),
        })
    }

    fn remember(&mut self, name: &str, topic: Arc<Topic>) {
        if self.topics.len() >= KNOWN_TOPICS {
            self.topics.clear();
        }
        let head = Arc::new(RunHead::new(name, topic.epoch(), &self.publisher));
        self.topics.insert(name.to_owned(), Known { topic, head, slot: usize::MAX });
    }

    /// Numbers and queues what is gathered; false if it has to wait for room.
    pub(super) fn publish(&mut self) -> bool {
        let now = now_ms();
        let mut runs = std::mem::take(&mut self.runs).into_iter();
        while let Some(mut gathered) = runs.next() {
            loop {
                match gathered.topic.publish(&mut gathered.run, now, &mut self.touched) {
                    Published::Done => {
                        self.hub.metrics.events.inc_by(gathered.run.count().into());
                        break;
                    }
                    Published::NobodyThere => {
                        let message = "nobody is subscribed to this topic";
                        self.refuse(
                            RefusedWhat::Event,
                            gathered.first,
                            RefusedCode::NoSubscriber,
                            message,
                        );
                        break;
                    }
                    Published::Retired => {
                        let name = gathered.topic.name().as_str().to_owned();
                        self.topics.remove(&name);
                        match self.find_topic(&name) {
                            Ok(topic) => {
                                self.remember(&name, topic.clone());
                                let head = self.topics[&name].head.clone();
                                gathered = Gathered {
                                    topic,
                                    run: gathered.run.retarget(head),
                                    first: gathered.first,
                                };
                            }
                            Err(refusal) => {
                                self.refuse(
                                    RefusedWhat::Event,
                                    gathered.first,
                                    refusal.code,
                                    &refusal.message,
                                );
                                break;
                            }
                        }
                    }
                    Published::Wait(outlet) => {
                        if self.pause.is_none() {
                            self.pause =
                                Some(Pause::new(outlet, self.hub.config.overflow_grace_ms));
                        } else if let Some(pause) = &mut self.pause {
                            pause.follow(outlet, self.hub.config.overflow_grace_ms);
                        }
                        self.runs.push(gathered);
                        self.runs.extend(runs);
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Publishes what is gathered as far as that is possible without waiting.
    pub(super) fn publish_what_fits(&mut self) {
        self.publish();
        self.pause = None;
        self.receipt();
        self.flush_touched();
    }

    pub(super) fn refuse(&self, what: RefusedWhat, number: u64, code: RefusedCode, message: &str) {
        self.hub.metrics.refused.with_label_values(&[code.name()]).inc();
        let message = message.to_owned();
        self.send(&Frame::Refused(Refused { what, number, code, message, rule: None, path: None }));
    }
}

/// Where the name starts in a packed string behind a type byte.
fn name_offset(packed: &[u8]) -> usize {
    if packed.get(1) == Some(&0xd9) { 3 } else { 2 }
}

fn malformed(error: &FrameError) -> Refusal {
    let code = match error.kind {
        FrameErrorKind::Value { fault: WalkErrorKind::TooDeep, .. } => RefusedCode::TooDeep,
        FrameErrorKind::Value { fault: WalkErrorKind::TooManyElements, .. } => {
            RefusedCode::TooManyElements
        }
        _ => RefusedCode::Malformed,
    };
    Refusal { code, message: error.to_string() }
}

/// The id of a SUBSCRIBE or UNSUBSCRIBE that is otherwise unreadable.
pub(super) fn id_of(body: &[u8], limits: &Limits) -> Option<u64> {
    let mut read = Reader::new(body, limits);
    read.array("frame").ok()?;
    read.uint("frame type").ok()?;
    read.uint("id").ok()
}
