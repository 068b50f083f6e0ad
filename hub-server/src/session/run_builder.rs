//! Holds the runs that a session builds from the events of its client, and the topics that it
//! remembers for them. The events of one read that go to one topic are one run, so they are
//! numbered and queued together, and not one by one.

use super::checked_event::ScrubbedElsewhere;
use crate::directory::publish_numbers::PublishNumbers;
use crate::limits::account::Account;
use crate::policy::access::Identity;
use crate::policy::rules::{Rules, RulesInForce};
use foldhash::fast::RandomState;
use hub_core::topic::{MemoryAccount, PendingRun, RunSource, Topic};
use hub_scrub::Plan;
use hub_wire::{FrameType, Packer, TopicName, event_id, split};
use std::collections::HashMap;
use std::sync::Arc;

/// A session remembers at most this many topics from one read to the next, so that it does not ask
/// the registry for each event.
const KNOWN_TOPICS: usize = 1024;

/// Holds what a session knows of the topics on which it publishes, and the runs that it builds for
/// them.
#[derive(Debug)]
pub(super) struct RunBuilder {
    pub(super) topics: Vec<CachedTopic>,
    pub(super) by_name: HashMap<Box<[u8]>, usize, RandomState>,
    /// The topic of the previous event has this index in `topics`.
    pub(super) last: usize,
    /// The client that publishes has this identity.
    pub(super) identity: Option<Identity>,
    /// This account pays for the topics that the session creates.
    pub(super) account: Option<Arc<Account>>,
    /// The memory of these topics, and what they keep of the events, counts for the connection.
    pub(super) memory: Option<Arc<MemoryAccount>>,
    /// These rules apply to the events. All events of one read are scrubbed under the same rules.
    pub(super) rules: Arc<Rules>,
    /// The next event was scrubbed on another thread, with this result.
    pub(super) scrubbed: Option<Box<ScrubbedElsewhere>>,
    pub runs: Vec<OpenRun>,
    /// The topics that the session remembers take this many bytes.
    names_bytes: usize,
}

/// A topic that a session remembers takes this many bytes besides its name.
const CACHED_TOPIC: usize = 512;

/// Holds a topic on which this session has published, and what the session needs for further
/// events.
#[derive(Debug)]
pub(super) struct CachedTopic {
    pub(super) topic: Arc<Topic>,
    pub(super) source: Arc<RunSource>,
    /// The body of an EVENT frame for this topic begins with these bytes if the event has no
    /// headers.
    pub(super) prefix: Box<[u8]>,
    /// The next events of this topic belong to the run with this index in [`RunBuilder::runs`]. The
    /// index can be out of date, so the topic of the run has to be compared.
    pub(super) slot: usize,
    /// After an event of this topic, the session expects an event of the topic with this index in
    /// [`RunBuilder::topics`], because events came in that order the last time. Most often this is
    /// the topic itself. Where topics take turns, this is the topic whose turn comes next.
    pub(super) next: usize,
    /// The run of this topic has this many bytes and this many ranges of frames. The next run gets
    /// room for as many.
    pub(super) gathered: (usize, usize),
    /// The flag is true if the topic is an inbox. Events for an inbox are requests, so they are
    /// refused when the owner of the inbox is gone.
    pub(super) inbox: bool,
    /// These rules can apply to this topic. `None` means that no rules can.
    pub(super) plan: Option<Arc<Plan>>,
    /// The plan is of this generation of the rules. An older plan is made anew with the next event of
    /// the topic. If all were made at once, a reload would keep the thread for long.
    pub(super) generation: u64,
}

/// Holds the events of one topic that wait to be numbered there.
#[derive(Debug)]
pub(super) struct OpenRun {
    pub topic: Arc<Topic>,
    pub run: PendingRun,
    /// The events of the run have these publish numbers.
    pub numbers: PublishNumbers,
    /// Rules have changed the events with these publish numbers, which had these headers `id` before.
    /// If such an event is refused later, its client must get the `id` that it sent.
    pub original_ids: Vec<(u64, Option<Box<str>>)>,
}

impl OpenRun {
    pub(super) fn new(topic: Arc<Topic>, run: PendingRun, numbers: PublishNumbers) -> Self {
        OpenRun { topic, run, numbers, original_ids: Vec::new() }
    }

    /// Returns the publish number of each event, with the header `id` that the client sent.
    pub(super) fn ids(&self) -> impl Iterator<Item = (u64, Option<&str>)> {
        let mut frames = self.run.frames();
        let mut originals = self.original_ids.iter().peekable();
        self.numbers.iter().map(move |number| {
            let body = split(frames, u32::MAX).ok().flatten().unwrap_or_default();
            frames = frames.get(4 + body.len()..).unwrap_or_default();
            match originals.next_if(|(changed, _)| *changed == number) {
                Some((_, original)) => (number, original.as_deref()),
                None => (number, event_id(body)),
            }
        })
    }
}

impl RunBuilder {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let (topics, by_name, runs) = (Vec::new(), HashMap::default(), Vec::new());
        RunBuilder {
            topics,
            by_name,
            last: 0,
            identity: None,
            account: None,
            memory: None,
            rules,
            scrubbed: None,
            runs,
            names_bytes: 0,
        }
    }

    /// Changes to the rules that are in force now. There must be no open run, because all its
    /// events have to be scrubbed under the same rules.
    pub(super) fn follow_rules(&mut self, in_force: &RulesInForce) {
        if self.rules.generation != in_force.generation() {
            self.rules = in_force.current();
        }
    }

    /// Sets the client whose events are gathered.
    pub(super) fn set_client(
        &mut self,
        identity: Identity,
        account: Option<Arc<Account>>,
        memory: &Arc<MemoryAccount>,
    ) {
        self.identity = Some(identity);
        self.account = account;
        self.memory = Some(memory.clone());
    }

    pub(super) fn remember(&mut self, name: &str, topic: Arc<Topic>, publisher: &str) -> usize {
        let source = self.source(&topic, publisher);
        let inbox = name.starts_with('$');
        let plan = plan(&self.rules, topic.name());
        let next = self.topics.len();
        let (slot, gathered) = (usize::MAX, (0, 0));
        let mut prefix = Vec::new();
        Packer(&mut prefix).array(3).uint(FrameType::Event.number().into()).str(name);
        let prefix = prefix.into();
        // The name stands in the head, in the prefix and in the key. The topic itself may have ended.
        self.names_bytes += CACHED_TOPIC + 4 * name.len() + publisher.len();
        let generation = self.rules.generation;
        let known =
            CachedTopic { topic, source, prefix, slot, next, gathered, inbox, plan, generation };
        self.topics.push(known);
        self.by_name.insert(name.as_bytes().into(), self.topics.len() - 1);
        self.topics.len() - 1
    }

    /// Returns the source of the runs that the client publishes on a topic.
    pub(super) fn source(&self, topic: &Topic, publisher: &str) -> Arc<RunSource> {
        topic.source(publisher, self.memory.as_ref())
    }

    /// Forgets all topics if there are too many. The caller must not use a
    /// [`RunKey`](super::checked_event::RunKey) from before this call, because the key contains an
    /// index of a topic.
    pub(super) fn trim(&mut self) {
        if self.topics.len() > KNOWN_TOPICS {
            self.topics.clear();
            self.by_name.clear();
            self.last = 0;
            self.names_bytes = 0;
        }
    }

    /// Forgets all topics and gives their memory back, unless a run is open. The session asks the registry
    /// for each of them when it is used again.
    pub(super) fn forget_topics(&mut self) {
        if self.runs.is_empty() {
            (self.topics, self.by_name) = (Vec::new(), HashMap::default());
            (self.last, self.names_bytes) = (0, 0);
        }
    }

    /// Returns how many bytes the topics take that the session remembers.
    pub(super) fn names_bytes(&self) -> usize {
        self.names_bytes
    }
}

/// Returns the plan for a topic. All replies are scrubbed under one name, so that the same rules
/// apply to them in every inbox.
pub(super) fn plan(rules: &Rules, topic: &TopicName) -> Option<Arc<Plan>> {
    match topic.as_str().starts_with('$') {
        true => rules.plan(&TopicName::parse("$inbox.reply").ok()?),
        false => rules.plan(topic),
    }
}
