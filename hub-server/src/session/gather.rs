//! Gathers a client's events by topic, so that each topic's are numbered and queued as one run.

use super::Numbers;
use crate::hub::Hub;
use hub_core::scrub::check_headers;
use hub_core::topic::{PendingRun, Topic, TopicName};
use hub_core::wire::{
    EventFrame, FrameError, FrameErrorKind, FrameType, Packer, RefusedCode, RunHead, WalkErrorKind,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Topics a session remembers from one read to the next, so that it does not ask the registry for each event.
const KNOWN_TOPICS: usize = 1024;

/// What a session knows of the topics it publishes on, and what it has gathered for them.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    known: Vec<Known>,
    by_name: HashMap<Box<str>, usize>,
    /// The type and the topic of the event before, as they stood in its frame, and its place in
    /// `known`. Most events are on the topic of the one before.
    last: Vec<u8>,
    last_known: usize,
    pub runs: Vec<Gathered>,
}

/// A topic this session has published on.
#[derive(Debug)]
struct Known {
    topic: Arc<Topic>,
    head: Arc<RunHead>,
    /// The run to which its next events belong, if that is still there and still its own.
    slot: usize,
    /// Whether each event is a request: an inbox without its owner takes nothing.
    inbox: bool,
}

/// Events of one topic that wait to be numbered there.
#[derive(Debug)]
pub(super) struct Gathered {
    pub topic: Arc<Topic>,
    pub run: PendingRun,
    /// Their numbers among this client's events.
    pub numbers: Numbers,
}

/// Where an event belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    known: usize,
    /// It asks for a reply, so it is a run of its own.
    pub request: bool,
}

/// Why an event is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: RefusedCode,
    pub message: String,
}

impl Refusal {
    fn new(code: RefusedCode, why: impl ToString) -> Self {
        Refusal { code, message: why.to_string() }
    }
}

impl Gathering {
    /// Checks an EVENT frame and finds its topic.
    pub(super) fn place(
        &mut self,
        body: &[u8],
        hub: &Hub,
        publisher: &str,
    ) -> Result<Place, Refusal> {
        let limits = &hub.limits;
        let same = !self.last.is_empty() && body[1..].starts_with(&self.last);
        let event = if same {
            EventFrame::parse_after_topic(body, 1 + self.last.len(), "", limits)
        } else {
            EventFrame::parse(body, limits)
        }
        .map_err(|error| malformed(&error))?;
        let mut request = false;
        if let Some(headers) = event.headers {
            let facts = check_headers(headers, limits).map_err(|e| Refusal::new(e.code(), &e))?;
            request = facts.reply.is_some();
        }
        if !same {
            self.last_known = match self.by_name.get(event.topic) {
                Some(known) => *known,
                None => self.remember(event.topic, find(hub, event.topic)?, publisher),
            };
            self.last.clear();
            self.last.push(FrameType::Event.number());
            Packer(&mut self.last).str(event.topic);
        }
        let known = self.last_known;
        Ok(Place { known, request: request || self.known[known].inbox })
    }

    fn remember(&mut self, name: &str, topic: Arc<Topic>, publisher: &str) -> usize {
        let head = Arc::new(RunHead::new(name, topic.epoch(), publisher));
        let inbox = name.starts_with('$');
        self.known.push(Known { topic, head, slot: usize::MAX, inbox });
        self.by_name.insert(name.into(), self.known.len() - 1);
        self.known.len() - 1
    }

    /// Forgets topics if there are too many. Not while a [`Place`] is in use.
    pub(super) fn trim(&mut self) {
        if self.known.len() > KNOWN_TOPICS {
            self.known.clear();
            self.by_name.clear();
            self.last.clear();
        }
    }

    /// Adds checked EVENT frames of one place.
    pub(super) fn add(&mut self, place: Place, frames: &[u8], numbers: Range<u64>) {
        let known = &mut self.known[place.known];
        let count = (numbers.end - numbers.start) as u32;
        let open = self.runs.get_mut(known.slot).filter(|gathered| {
            Arc::ptr_eq(&gathered.topic, &known.topic) && !gathered.run.is_request()
        });
        if let Some(gathered) = open
            && !place.request
        {
            gathered.run.push(frames, count);
            gathered.numbers.push(numbers);
            return;
        }
        let run = if place.request {
            // What comes later on this topic must not overtake the request.
            known.slot = usize::MAX;
            let mut run = PendingRun::new(known.head.clone(), frames.len());
            run.push(frames, count);
            run.as_request()
        } else {
            known.slot = self.runs.len();
            let mut run = PendingRun::new(known.head.clone(), frames.len());
            run.push(frames, count);
            run
        };
        let mut of_run = Numbers::default();
        of_run.push(numbers);
        self.runs.push(Gathered { topic: known.topic.clone(), run, numbers: of_run });
    }

    /// The same run for the topic that has taken the place of one that ended.
    pub(super) fn renew(
        &mut self,
        old: Gathered,
        hub: &Hub,
        publisher: &str,
    ) -> Result<Gathered, (Gathered, Refusal)> {
        let name = old.topic.name().clone();
        let topic = match find(hub, name.as_str()) {
            Ok(topic) => topic,
            Err(refusal) => return Err((old, refusal)),
        };
        let known = match self.by_name.get(name.as_str()) {
            Some(known) => *known,
            None => self.remember(name.as_str(), topic.clone(), publisher),
        };
        let known = &mut self.known[known];
        known.head = Arc::new(RunHead::new(name.as_str(), topic.epoch(), publisher));
        known.topic = topic.clone();
        Ok(Gathered { topic, run: old.run.retarget(known.head.clone()), numbers: old.numbers })
    }
}

fn find(hub: &Hub, name: &str) -> Result<Arc<Topic>, Refusal> {
    if name.starts_with("$inbox.") {
        let gone = "nobody has this inbox any more";
        return hub.registry.get(name).ok_or_else(|| Refusal::new(RefusedCode::NoSubscriber, gone));
    }
    if name.starts_with('$') {
        let reserved = "topics that begin with $ are the hub's";
        return Err(Refusal::new(RefusedCode::ReservedTopic, reserved));
    }
    let topic = TopicName::parse(name).map_err(|e| Refusal::new(RefusedCode::BadTopic, e))?;
    hub.registry.get_or_create(&topic).map_err(|e| Refusal::new(RefusedCode::TooManyTopics, e))
}

fn malformed(error: &FrameError) -> Refusal {
    let code = match error.kind {
        FrameErrorKind::Value { fault: WalkErrorKind::TooDeep, .. } => RefusedCode::TooDeep,
        FrameErrorKind::Value { fault: WalkErrorKind::TooManyElements, .. } => {
            RefusedCode::TooManyElements
        }
        _ => RefusedCode::Malformed,
    };
    Refusal::new(code, error)
}
