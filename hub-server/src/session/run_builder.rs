//! The runs that a session builds of its client's events, and the topics that it remembers for them. The
//! events of one read that go to one topic are one run, so they are numbered and queued once, and not one by
//! one.

use crate::directory::publish_numbers::PublishNumbers;
use crate::limits::account::Account;
use crate::policy::access::Identity;
use crate::policy::rules::{Rules, RulesInForce};
use foldhash::fast::RandomState;
use hub_core::topic::{PendingRun, Topic};
use hub_scrub::Plan;
use hub_wire::{FrameType, Packer, RunHead, TopicName};
use std::collections::HashMap;
use std::sync::Arc;

/// How many topics a session remembers from one read to the next, so that it does not ask the
/// registry for each event.
const KNOWN_TOPICS: usize = 1024;

/// What a session knows of the topics on which it publishes, and the runs that it builds for them.
#[derive(Debug)]
pub(super) struct RunBuilder {
    pub(super) topics: Vec<CachedTopic>,
    pub(super) by_name: HashMap<Box<[u8]>, usize, RandomState>,
    /// The index in `topics` of the topic of the previous event.
    pub(super) last: usize,
    /// The identity of the client that publishes.
    pub(super) identity: Option<Identity>,
    /// The account that pays for the topics that this session creates.
    pub(super) account: Option<Arc<Account>>,
    /// The rules that apply to the events. All events of one read are scrubbed under the same
    /// rules.
    pub(super) rules: Arc<Rules>,
    pub runs: Vec<OpenRun>,
}

/// A topic on which this session has published.
#[derive(Debug)]
pub(super) struct CachedTopic {
    pub(super) topic: Arc<Topic>,
    pub(super) head: Arc<RunHead>,
    /// The bytes with which the body of an EVENT frame for this topic begins if it has no headers.
    pub(super) prefix: Box<[u8]>,
    /// The index in [`RunBuilder::runs`] of the run to which the next events of this topic belong.
    /// It can be out of date, so the run's topic has to be compared.
    pub(super) slot: usize,
    /// The index of the topic whose event came after an event of this topic the last time. It is
    /// mostly this topic itself. Where topics take turns, it is the next of them.
    pub(super) next: usize,
    /// How many bytes and how many ranges of frames the run of this topic has. The next run will
    /// have about as many.
    pub(super) gathered: (usize, usize),
    /// Whether the topic is an inbox. Events for an inbox are requests, so they are refused when
    /// its owner is gone.
    pub(super) inbox: bool,
    /// The rules that can apply to this topic, if there are any.
    pub(super) plan: Option<Arc<Plan>>,
}

/// The events of one topic that wait to be numbered there.
#[derive(Debug)]
pub(super) struct OpenRun {
    pub topic: Arc<Topic>,
    pub run: PendingRun,
    /// The publish numbers of these events.
    pub numbers: PublishNumbers,
}

impl RunBuilder {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let (topics, by_name, runs) = (Vec::new(), HashMap::default(), Vec::new());
        RunBuilder { topics, by_name, last: 0, identity: None, account: None, rules, runs }
    }

    /// Changes to the rules that are in force now. It must not be called while a run is open.
    pub(super) fn follow_rules(&mut self, in_force: &RulesInForce) {
        if self.rules.generation != in_force.generation() {
            self.rules = in_force.current();
            for known in &mut self.topics {
                known.plan = plan(&self.rules, known.topic.name());
            }
        }
    }

    /// Sets the client whose events are gathered.
    pub(super) fn set_client(&mut self, identity: Identity, account: Option<Arc<Account>>) {
        self.identity = Some(identity);
        self.account = account;
    }

    pub(super) fn remember(&mut self, name: &str, topic: Arc<Topic>, publisher: &str) -> usize {
        let head = Arc::new(RunHead::new(name, topic.epoch(), publisher));
        let inbox = name.starts_with('$');
        let plan = plan(&self.rules, topic.name());
        let next = self.topics.len();
        let (slot, gathered) = (usize::MAX, (0, 0));
        let mut prefix = Vec::new();
        Packer(&mut prefix).array(3).uint(FrameType::Event.number().into()).str(name);
        let prefix = prefix.into();
        self.topics.push(CachedTopic { topic, head, prefix, slot, next, gathered, inbox, plan });
        self.by_name.insert(name.as_bytes().into(), self.topics.len() - 1);
        self.topics.len() - 1
    }

    /// Forgets all topics if there are too many. It must not be called while a
    /// [`RunKey`](super::checked_event::RunKey) is in use.
    pub(super) fn trim(&mut self) {
        if self.topics.len() > KNOWN_TOPICS {
            self.topics.clear();
            self.by_name.clear();
            self.last = 0;
        }
    }
}

/// The plan for a topic. All replies are scrubbed under one name, whichever inbox they go to.
pub(super) fn plan(rules: &Rules, topic: &TopicName) -> Option<Arc<Plan>> {
    match topic.as_str().starts_with('$') {
        true => rules.plan(&TopicName::parse("$inbox.reply").ok()?),
        false => rules.plan(topic),
    }
}
