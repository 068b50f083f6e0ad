//! Gathers a client's events by topic, so that each topic's are numbered and queued as one run.

use super::events::QUARANTINE;
use super::handles::Handles;
use super::scrub::{Consequence, scrub};
use crate::directory::publish_numbers::PublishNumbers;
use crate::limits::Limit;
use crate::limits::account::{Account, Permit};
use crate::policy::access::Identity;
use crate::policy::rules::Rules;
use foldhash::fast::RandomState;
use hub_core::topic::{Deposit, PendingRun, Roles, TooManyTopics, Topic};
use hub_scrub::{Plan, Verdict};
use hub_wire::{
    EventFrame, Frame, FrameError, FrameErrorKind, FrameType, Limits, Packer, RefusedCode, RunHead,
    TopicName, WalkErrorKind, check_headers, walk_all,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Topics a session remembers from one read to the next, so that it does not ask the registry for each event.
const KNOWN_TOPICS: usize = 1024;

/// What a session knows of the topics it publishes on, and what it has gathered for them.
#[derive(Debug)]
pub(super) struct Gathering {
    known: Vec<Known>,
    by_name: HashMap<Box<[u8]>, usize, RandomState>,
    /// The place in `known` of the topic of the event before.
    last: usize,
    /// Who publishes.
    identity: Option<Identity>,
    /// What the topics count for that are made for him.
    account: Option<Arc<Account>>,
    /// The rules under which events are scrubbed, all of one read under the same.
    rules: Arc<Rules>,
    pub runs: Vec<Gathered>,
}

/// A topic this session has published on.
#[derive(Debug)]
struct Known {
    topic: Arc<Topic>,
    head: Arc<RunHead>,
    /// How the body of an EVENT frame for it begins, if it has no headers.
    prefix: Box<[u8]>,
    /// The run to which its next events belong, if that is still there and still its own.
    slot: usize,
    /// The place of the topic that came after it the last time: mostly itself, and where topics
    /// take turns, the right one.
    next: usize,
    /// How many bytes and how many stretches its run has. The next will have about as many.
    gathered: (usize, usize),
    /// Whether each event is a request: an inbox without its owner takes nothing.
    inbox: bool,
    /// The rules that can apply to it, if there are any.
    plan: Option<Arc<Plan>>,
}

/// Events of one topic that wait to be numbered there.
#[derive(Debug)]
pub(super) struct Gathered {
    pub topic: Arc<Topic>,
    pub run: PendingRun,
    /// Their numbers among this client's events.
    pub numbers: PublishNumbers,
}

/// Where an event belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    known: usize,
    /// It asks for a reply, so it goes with others that do.
    pub request: bool,
}

/// An event that is accepted.
#[derive(Debug)]
pub(super) enum Checked<'a> {
    /// It is forwarded as it came.
    AsItCame(Place),
    /// Rules make something else of it.
    Changed(Place, EventFrame<'a>, Box<Verdict>),
}

/// Why an event is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: RefusedCode,
    pub message: String,
    pub rule: Option<String>,
    pub path: Option<String>,
    pub consequence: Consequence,
}

impl Refusal {
    pub(super) fn new(code: RefusedCode, why: impl ToString) -> Self {
        let message = why.to_string();
        Refusal { code, message, rule: None, path: None, consequence: Consequence::Nothing }
    }
}

impl Gathering {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let (known, by_name, runs) = (Vec::new(), HashMap::default(), Vec::new());
        Gathering { known, by_name, last: 0, identity: None, account: None, rules, runs }
    }

    /// Takes over the rules that are in force now. Not while something is gathered.
    pub(super) fn follow_rules(&mut self, hub: &Handles) {
        if self.rules.generation != hub.policy.rules.generation() {
            self.rules = hub.policy.rules.current();
            for known in &mut self.known {
                known.plan = plan(&self.rules, known.topic.name());
            }
        }
    }

    /// The place of a well-formed EVENT frame that is written as most are, if its topic is the one
    /// that came next the last time and no rule can apply to it. Most frames of a read are such;
    /// for the others, and for what is wrong, there is [`Gathering::check`].
    #[inline]
    pub(super) fn expected(&mut self, body: &[u8], limits: &Limits) -> Option<Place> {
        let at = self.known.get(self.last)?.next;
        let known = self.known.get(at)?;
        let payload = body.strip_prefix(&*known.prefix)?;
        if known.plan.is_some() || walk_all(payload, limits).is_err() {
            return None;
        }
        self.last = at;
        Some(Place { known: at, request: known.inbox })
    }

    /// Checks an EVENT frame, finds its topic, and asks the rules.
    pub(super) fn check<'a>(
        &mut self,
        body: &'a [u8],
        hub: &Handles,
        publisher: &str,
    ) -> Result<Checked<'a>, Refusal> {
        let limits = &hub.limits.wire;
        let event = EventFrame::parse(body, limits).map_err(|error| malformed(&error))?;
        let mut request = false;
        if let Some(headers) = event.headers {
            let facts = check_headers(headers, limits).map_err(|e| Refusal::new(e.code(), &e))?;
            request = facts.reply.is_some();
        }
        let at = match self.by_name.get(event.topic.as_bytes()) {
            Some(known) => *known,
            None => {
                self.permit(event.topic)?;
                self.refuse_topic(&event, hub)?;
                self.remember(event.topic, self.find(hub, event.topic)?, publisher)
            }
        };
        if let Some(last) = self.known.get_mut(self.last) {
            last.next = at;
        }
        self.last = at;
        let known = &self.known[at];
        let place = Place { known: at, request: request || known.inbox };
        let Some(plan) = &known.plan else { return Ok(Checked::AsItCame(place)) };
        Ok(match scrub(plan, &event, &self.rules, &hub.metrics)? {
            None => Checked::AsItCame(place),
            Some(verdict) => Checked::Changed(place, event, verdict),
        })
    }

    pub(super) fn set_client(&mut self, identity: Identity, account: Option<Arc<Account>>) {
        self.identity = Some(identity);
        self.account = account;
    }

    /// Whether this client may publish on a topic. Anybody may answer in an inbox.
    fn permit(&self, name: &str) -> Result<(), Refusal> {
        let (Some(identity), false) = (&self.identity, name.starts_with('$')) else {
            return Ok(()); // `find` has a word on names that begin with $
        };
        let topic = TopicName::parse(name).map_err(|e| Refusal::new(RefusedCode::BadTopic, e))?;
        match identity.rights().may_publish(&topic) {
            true => Ok(()),
            false => Err(Refusal::new(RefusedCode::Forbidden, "this client may not send there")),
        }
    }

    /// A topic with a name that falls under a rule is not made: it would be shown to whoever may see
    /// which topics there are.
    fn refuse_topic(&self, event: &EventFrame<'_>, hub: &Handles) -> Result<(), Refusal> {
        // `find` has a word on names that are none.
        let Ok(topic) = TopicName::parse(event.topic) else { return Ok(()) };
        match plan(&self.rules, &topic).filter(|plan| plan.refuses_topic()) {
            Some(plan) => scrub(&plan, event, &self.rules, &hub.metrics).map(drop),
            None => Ok(()),
        }
    }

    /// The topic of this name; if there is none, it is made, and counts as this client's.
    fn find(&self, hub: &Handles, name: &str) -> Result<Arc<Topic>, Refusal> {
        if name.starts_with("$inbox.") {
            let gone = || Refusal::new(RefusedCode::NoSubscriber, "nobody has this inbox any more");
            return hub.directory.registry.get(name).ok_or_else(gone);
        }
        if name.starts_with('$') {
            let reserved = "topics that begin with $ are the hub's";
            return Err(Refusal::new(RefusedCode::ReservedTopic, reserved));
        }
        if let Some(topic) = hub.directory.registry.get(name) {
            return Ok(topic);
        }
        let topic = TopicName::parse(name).map_err(|e| Refusal::new(RefusedCode::BadTopic, e))?;
        let mut deposit: Option<Deposit> = None;
        if let Some(account) = &self.account {
            let most = hub.limits.in_force.current().max_topics_per_identity;
            let Some(seat) = Permit::topic(account, most) else {
                hub.metrics.limited(Limit::TopicsPerIdentity);
                let why = "this client has made as many topics as it may have";
                return Err(Refusal::new(RefusedCode::TooManyTopics, why));
            };
            deposit = Some(Box::new(seat));
        }
        let made = hub.directory.registry.get_or_create_with(&topic, deposit);
        made.map_err(|why| too_many(hub, why))
    }

    fn remember(&mut self, name: &str, topic: Arc<Topic>, publisher: &str) -> usize {
        let head = Arc::new(RunHead::new(name, topic.epoch(), publisher));
        let inbox = name.starts_with('$');
        let plan = plan(&self.rules, topic.name());
        let next = self.known.len();
        let (slot, gathered) = (usize::MAX, (0, 0));
        let mut prefix = Vec::new();
        Packer(&mut prefix).array(3).uint(FrameType::Event.number().into()).str(name);
        let prefix = prefix.into();
        self.known.push(Known { topic, head, prefix, slot, next, gathered, inbox, plan });
        self.by_name.insert(name.as_bytes().into(), self.known.len() - 1);
        self.known.len() - 1
    }

    /// Forgets topics if there are too many. Not while a [`Place`] is in use.
    pub(super) fn trim(&mut self) {
        if self.known.len() > KNOWN_TOPICS {
            self.known.clear();
            self.by_name.clear();
            self.last = 0;
        }
    }

    /// Adds checked EVENT frames of one place, as they came.
    pub(super) fn add(&mut self, place: Place, frames: &[u8], numbers: Range<u64>) {
        let count = (numbers.end - numbers.start) as u32;
        self.run_of(place, frames.len(), numbers).push(frames, count);
    }

    /// Adds an event that rules have changed; refuses it if that made it too long.
    pub(super) fn add_changed(
        &mut self,
        place: Place,
        event: &EventFrame<'_>,
        verdict: &Verdict,
        number: u64,
        limit: u32,
    ) -> Result<(), Refusal> {
        let Verdict::Fixed(fixed) = verdict else { return Ok(()) };
        let topic = self.known[place.known].topic.clone();
        let mut frames = vec![Vec::new(); fixed.frames()];
        let view = |view: usize| hub_scrub::ViewId::from_index(view);
        for number in 0..self.rules.views() {
            let frame = &mut frames[fixed.frame_of(view(number))];
            if let Some((payload, headers)) =
                verdict.render(view(number), event.payload, event.headers)
                && frame.is_empty()
            {
                let topic = topic.name().as_str();
                Frame::Event(EventFrame { topic, payload, headers }).write(frame);
            }
        }
        if frames.iter().any(|frame| frame.len() - 4 > limit as usize) {
            let why = "the scrub made it longer than a frame may be";
            return Err(Refusal::new(RefusedCode::Quarantined, why));
        }
        let rules: Arc<dyn Roles> = self.rules.clone();
        let run = self.run_of(place, frames[0].len(), number..number + 1);
        match frames.as_slice() {
            [frame] => run.push(frame, 1),
            frames => run.push_views(&rules, |number| &frames[fixed.frame_of(view(number))]),
        }
        Ok(())
    }

    /// Adds an event of the hub's own, of which no publisher is told.
    pub(super) fn add_notice(&mut self, topic: Arc<Topic>, payload: &[u8]) {
        let event = EventFrame { topic: topic.name().as_str(), payload, headers: None };
        let frame = Frame::Event(event).to_bytes();
        let mut run = PendingRun::new(own_head(&topic), frame.len());
        run.push(&frame, 1);
        self.runs.push(Gathered { topic, run, numbers: PublishNumbers::default() });
    }

    /// The run to which `bytes` of events of a place belong, and their numbers noted there.
    fn run_of(&mut self, place: Place, bytes: usize, numbers: Range<u64>) -> &mut PendingRun {
        let known = &mut self.known[place.known];
        let open = self.runs.get(known.slot).is_some_and(|gathered| {
            Arc::ptr_eq(&gathered.topic, &known.topic) && gathered.run.is_request() == place.request
        });
        if !open {
            let (usual_bytes, usual_stretches) = std::mem::take(&mut known.gathered);
            let mut run = PendingRun::new(known.head.clone(), bytes.max(usual_bytes));
            if place.request {
                run = run.as_request();
            }
            known.slot = self.runs.len();
            let topic = known.topic.clone();
            let numbers = PublishNumbers::with_capacity(usual_stretches);
            self.runs.push(Gathered { topic, run, numbers });
        }
        known.gathered.0 += bytes;
        known.gathered.1 += 1;
        let gathered = &mut self.runs[known.slot];
        gathered.numbers.push(numbers);
        &mut gathered.run
    }

    /// The same run for the topic that has taken the place of one that ended.
    pub(super) fn renew(
        &mut self,
        old: Gathered,
        hub: &Handles,
        publisher: &str,
    ) -> Result<Gathered, Box<(Gathered, Refusal)>> {
        let name = old.topic.name().clone();
        let of_quarantine = name.as_str().starts_with(QUARANTINE);
        let found = match of_quarantine {
            true => hub.directory.registry.get_or_create(&name).map_err(|e| too_many(hub, e)),
            false => self.find(hub, name.as_str()),
        };
        let topic = match found {
            Ok(topic) => topic,
            Err(refusal) => return Err(Box::new((old, refusal))),
        };
        let head = if of_quarantine {
            // Not remembered: what is known is the client's to publish on.
            own_head(&topic)
        } else {
            let known = match self.by_name.get(name.as_str().as_bytes()) {
                Some(known) => *known,
                None => self.remember(name.as_str(), topic.clone(), publisher),
            };
            let known = &mut self.known[known];
            known.head = Arc::new(RunHead::new(name.as_str(), topic.epoch(), publisher));
            known.topic = topic.clone();
            known.head.clone()
        };
        Ok(Gathered { topic, run: old.run.retarget(head), numbers: old.numbers })
    }
}

/// The head of what the hub publishes itself.
fn own_head(topic: &Topic) -> Arc<RunHead> {
    Arc::new(RunHead::new(topic.name().as_str(), topic.epoch(), "hub"))
}

/// Replies are scrubbed under one name, whosever inbox they go to.
fn plan(rules: &Rules, topic: &TopicName) -> Option<Arc<Plan>> {
    match topic.as_str().starts_with('$') {
        true => rules.plan(&TopicName::parse("$inbox.reply").ok()?),
        false => rules.plan(topic),
    }
}

fn too_many(hub: &Handles, why: TooManyTopics) -> Refusal {
    hub.metrics.limited(Limit::Topics);
    Refusal::new(RefusedCode::TooManyTopics, why)
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
