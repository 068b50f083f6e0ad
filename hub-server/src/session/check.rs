//! Checks an event: whether it is well-formed, whether its client may publish it, to which topic it
//! belongs, and what the rules decide about it. The events that pass are forwarded, and no module
//! after this one checks them again.

use super::checked_event::{CheckedEvent, EventRefusal, RunKey, ScrubbedElsewhere};
use super::handles::Handles;
use super::run_builder::{RunBuilder, plan};
use super::scrub::{scrub, scrub_if_cheap};
use crate::limits::Limit;
use crate::limits::account::Permit;
use crate::limits::memory::MemoryPressure;
use crate::policy::access::Identity;
use hub_core::topic::{TooManyTopics, Topic, TopicAttachment};
use hub_wire::{
    EventFrame, FrameError, FrameErrorKind, Limits, RefusedCode, TopicName, WalkErrorKind,
    check_headers, walk_all,
};
use std::sync::Arc;

impl RunBuilder {
    /// Returns the run to which an EVENT frame belongs, on the fast path that most frames take. The
    /// frame has to be well-formed and without headers, its topic has to be the expected topic, and
    /// no rules may apply to that topic. [`RunBuilder::check`] handles every other frame, and every
    /// error.
    #[inline]
    pub(super) fn expected(&mut self, body: &[u8], limits: &Limits) -> Option<RunKey> {
        let at = self.topics.get(self.last)?.next;
        let known = self.topics.get(at)?;
        let payload = body.strip_prefix(&*known.prefix)?;
        let has_rules = known.plan.is_some() || known.generation != self.rules.generation;
        if has_rules || walk_all(payload, limits).is_err() {
            return None;
        }
        self.last = at;
        Some(RunKey { topic: at, request: known.inbox })
    }

    /// Checks the EVENT frame with the publish number `number`, finds its topic, and asks the rules about the
    /// event.
    pub(super) fn check<'a>(
        &mut self,
        body: &'a [u8],
        number: u64,
        hub: &Handles,
        publisher: &str,
    ) -> Result<CheckedEvent<'a>, EventRefusal> {
        let limits = &hub.limits.wire;
        let event = EventFrame::parse(body, limits).map_err(|error| malformed(&error, limits))?;
        let mut request = false;
        if let Some(headers) = event.headers {
            let facts = check_headers(headers, limits)
                .map_err(|e| EventRefusal::new(e.code(), with_limit(&e, e.code(), limits)))?;
            request = facts.reply.is_some();
        }
        let at = match self.by_name.get(event.topic.as_bytes()) {
            Some(known) => *known,
            None => {
                self.check_rights(event.topic)?;
                self.refuse_topic(&event, hub)?;
                self.remember(event.topic, self.find(hub, event.topic)?, publisher)
            }
        };
        if let Some(last) = self.topics.get_mut(self.last) {
            last.next = at;
        }
        self.last = at;
        let known = &mut self.topics[at];
        if known.generation != self.rules.generation {
            known.plan = plan(&self.rules, known.topic.name());
            known.generation = self.rules.generation;
        }
        let known = &self.topics[at];
        let key = RunKey { topic: at, request: request || known.inbox };
        let Some(plan) = &known.plan else { return Ok(CheckedEvent::AsItCame(key)) };
        // The rules may have changed since the event was scrubbed.
        let of_this = |one: &ScrubbedElsewhere| {
            (one.number, one.generation) == (number, self.rules.generation)
        };
        let scrubbed = match self.scrubbed.take().filter(|one| of_this(one)) {
            Some(elsewhere) => elsewhere.scrubbed,
            None => match scrub_if_cheap(plan, &event, &self.rules, &hub.metrics) {
                Some(scrubbed) => scrubbed,
                None => return Ok(CheckedEvent::Costly(plan.clone())),
            },
        };
        Ok(match scrubbed? {
            None => CheckedEvent::AsItCame(key),
            Some(verdict) => CheckedEvent::Changed(key, event, verdict),
        })
    }

    /// Checks whether this client may publish on a topic. Any client may publish a reply on an
    /// inbox.
    fn check_rights(&self, name: &str) -> Result<(), EventRefusal> {
        let (Some(identity), false) = (&self.identity, name.starts_with('$')) else {
            return Ok(()); // The next check, `find`, refuses the other names that begin with $.
        };
        let topic =
            TopicName::parse(name).map_err(|e| EventRefusal::new(RefusedCode::BadTopic, e))?;
        match identity.rights().may_publish(&topic) {
            true => Ok(()),
            false => {
                Err(EventRefusal::new(RefusedCode::Forbidden, may_not_publish(identity, &topic)))
            }
        }
    }

    /// Refuses an event if the rules refuse the name of its topic, before the topic is created.
    /// Otherwise a client that may list the topics would see the name.
    fn refuse_topic(&self, event: &EventFrame<'_>, hub: &Handles) -> Result<(), EventRefusal> {
        // `find` refuses a name that is not valid.
        let Ok(topic) = TopicName::parse(event.topic) else { return Ok(()) };
        match plan(&self.rules, &topic).filter(|plan| plan.refuses_topic()) {
            Some(plan) => scrub(&plan, event, &self.rules, &hub.metrics).map(drop),
            None => Ok(()),
        }
    }

    /// Returns the topic of this name. A topic that does not exist yet is created, and counts
    /// against the client's limit of topics. The topics that begin with `$` are never created here.
    pub(super) fn find(&self, hub: &Handles, name: &str) -> Result<Arc<Topic>, EventRefusal> {
        let of_the_hub = name.starts_with('$') && !name.starts_with(TopicName::INBOX);
        if !of_the_hub && let Some(topic) = hub.directory.registry.get(name) {
            return Ok(topic);
        }
        // Every text that is no topic name gets one code, whatever it begins with.
        let topic =
            TopicName::parse(name).map_err(|e| EventRefusal::new(RefusedCode::BadTopic, e))?;
        if of_the_hub {
            let reserved = "topics that begin with $ are the hub's";
            return Err(EventRefusal::new(RefusedCode::ReservedTopic, reserved));
        }
        if name.starts_with(TopicName::INBOX) {
            let gone = "the owner of this inbox is gone";
            return Err(EventRefusal::new(RefusedCode::NoSubscriber, gone));
        }
        let mut attachment: Option<TopicAttachment> = None;
        if let Some(account) = &self.account {
            let most = hub.limits.in_force.current().max_topics_per_identity;
            let Some(permit) = Permit::topic(account, most) else {
                hub.metrics.limited(Limit::TopicsPerIdentity);
                let why = format!(
                    "this client has created {most} topics, which is as many as it may \
                     (max_topics_per_identity)"
                );
                return Err(EventRefusal::new(RefusedCode::TooManyTopics, why));
            };
            attachment = Some(Box::new(permit));
        }
        let memory = self.memory.as_ref();
        // A topic that is made while its events are refused would only take memory.
        if hub.limits.memory.pressure(memory.map(|account| &**account)) == MemoryPressure::Refuse {
            hub.metrics.limited(Limit::Memory);
            return Err(EventRefusal::new(RefusedCode::Overloaded, "the hub is short of memory"));
        }
        let made = hub.directory.registry.get_or_create_for(&topic, attachment, memory);
        made.map_err(|why| too_many(hub, why))
    }
}

/// Says that an identity may not publish on a topic, and what the access file would have to say.
pub(super) fn may_not_publish(identity: &Identity, topic: &TopicName) -> String {
    let what = format!("publish on {topic}");
    match identity.rights().denies_publishing(topic) {
        true => identity.is_denied(&what, "publish.deny"),
        false => identity.lacks(&what, &format!("publish.allow = \"{topic}\"")),
    }
}

/// Returns the refusal of an event for which the hub may create no topic. Also counts in the
/// metrics that the limit was reached.
pub(super) fn too_many(hub: &Handles, why: TooManyTopics) -> EventRefusal {
    hub.metrics.limited(Limit::Topics);
    EventRefusal::new(RefusedCode::TooManyTopics, format!("{why} (max_topics)"))
}

/// Returns the refusal of an event that is not well-formed. Its code says what is wrong.
fn malformed(error: &FrameError, limits: &Limits) -> EventRefusal {
    let code = match error.kind {
        FrameErrorKind::Value { fault: WalkErrorKind::TooDeep, .. } => RefusedCode::TooDeep,
        FrameErrorKind::Value { fault: WalkErrorKind::TooManyElements, .. } => {
            RefusedCode::TooManyElements
        }
        _ => RefusedCode::Malformed,
    };
    EventRefusal::new(code, with_limit(error, code, limits))
}

/// Returns the text of an error. If the event exceeds a limit, the text names the limit and its
/// configuration key, so that a user knows what to change.
fn with_limit(error: &dyn std::fmt::Display, code: RefusedCode, limits: &Limits) -> String {
    match code {
        RefusedCode::TooDeep => {
            format!("{error}; the hub allows {} levels (max_depth)", limits.depth)
        }
        RefusedCode::TooManyElements => {
            format!("{error}; the hub allows {} values (max_elements)", limits.elements)
        }
        _ => error.to_string(),
    }
}
