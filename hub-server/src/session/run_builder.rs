//! The runs that a session builds of its client's events, and the topics that it remembers for them. Each
//! topic's events of a read are one run: numbered and queued once, not one by one.

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

/// Topics a session remembers from one read to the next, so that it does not ask the registry for each event.
const KNOWN_TOPICS: usize = 1024;

/// What a session knows of the topics it publishes on, and what it has gathered for them.
#[derive(Debug)]
pub(super) struct RunBuilder {
    pub(super) topics: Vec<CachedTopic>,
    pub(super) by_name: HashMap<Box<[u8]>, usize, RandomState>,
    /// The index in `topics` of the topic of the event before.
    pub(super) last: usize,
    /// Who publishes.
    pub(super) identity: Option<Identity>,
    /// What the topics count for that are made for him.
    pub(super) account: Option<Arc<Account>>,
    /// The rules under which events are scrubbed, all of one read under the same.
    pub(super) rules: Arc<Rules>,
    pub runs: Vec<OpenRun>,
}

/// A topic this session has published on.
#[derive(Debug)]
pub(super) struct CachedTopic {
    pub(super) topic: Arc<Topic>,
    pub(super) head: Arc<RunHead>,
    /// How the body of an EVENT frame for it begins, if it has no headers.
    pub(super) prefix: Box<[u8]>,
    /// The run to which its next events belong, if that is still there and still its own.
    pub(super) slot: usize,
    /// The index of the topic that came after it the last time: mostly itself, and where topics
    /// take turns, the right one.
    pub(super) next: usize,
    /// How many bytes and how many stretches its run has. The next will have about as many.
    pub(super) gathered: (usize, usize),
    /// Whether each event is a request: an inbox without its owner takes nothing.
    pub(super) inbox: bool,
    /// The rules that can apply to it, if there are any.
    pub(super) plan: Option<Arc<Plan>>,
}

/// Events of one topic that wait to be numbered there.
#[derive(Debug)]
pub(super) struct OpenRun {
    pub topic: Arc<Topic>,
    pub run: PendingRun,
    /// Their numbers among this client's events.
    pub numbers: PublishNumbers,
}

impl RunBuilder {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        let (topics, by_name, runs) = (Vec::new(), HashMap::default(), Vec::new());
        RunBuilder { topics, by_name, last: 0, identity: None, account: None, rules, runs }
    }

    /// Takes over the rules that are in force now. Not while something is gathered.
    pub(super) fn follow_rules(&mut self, in_force: &RulesInForce) {
        if self.rules.generation != in_force.generation() {
            self.rules = in_force.current();
            for known in &mut self.topics {
                known.plan = plan(&self.rules, known.topic.name());
            }
        }
    }

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

    /// Forgets topics if there are too many. Not while a [`RunKey`](super::checked_event::RunKey) is in use.
    pub(super) fn trim(&mut self) {
        if self.topics.len() > KNOWN_TOPICS {
            self.topics.clear();
            self.by_name.clear();
            self.last = 0;
        }
    }
}

/// Replies are scrubbed under one name, whosever inbox they go to.
pub(super) fn plan(rules: &Rules, topic: &TopicName) -> Option<Arc<Plan>> {
    match topic.as_str().starts_with('$') {
        true => rules.plan(&TopicName::parse("$inbox.reply").ok()?),
        false => rules.plan(topic),
    }
}
