//! A topic: its order, its members and its memory, behind one lock.

use super::history::{History, HistoryBudget};
use super::item::{Lane, QueuedRun};
use super::members::{Group, GroupMember, Members, Plain, Touched};
use super::pending::{PendingRun, Published};
use super::{SubscriptionEntry, TopicActor, TopicName};
use crate::wire::{Frame, GapReason, Position, RunFrame, Start};
use actix::Addr;
use parking_lot::Mutex;
use std::sync::{Arc, OnceLock};

/// A topic.
///
/// Publishers number and deliver runs on their own threads, under the sequencer lock. Only the
/// topic's actor changes the members; it does so under the same lock, so a subscription starts
/// and ends at an exact place in the order.
#[derive(Debug)]
pub struct Topic {
    lane: Lane,
    sequencer: Mutex<Sequencer>,
    actor: OnceLock<Addr<TopicActor>>,
}

#[derive(Debug)]
struct Sequencer {
    next: u64,
    members: Members,
    history: History,
    retired: bool,
}

/// What a topic looks like from outside, for tests and the admin API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicState {
    /// The epoch of its numbers.
    pub epoch: u64,
    /// The number the next event gets.
    pub next: u64,
    /// Connections with plain subscriptions.
    pub plain: usize,
    /// Queue groups.
    pub groups: usize,
    /// Whether it has ended.
    pub retired: bool,
}

impl Topic {
    pub(super) fn new(name: TopicName, epoch: u64, budget: Arc<HistoryBudget>) -> Self {
        let sequencer = Sequencer {
            next: 1,
            members: Members::default(),
            history: History::new(budget),
            retired: false,
        };
        Topic {
            lane: Lane { topic: name, epoch, subscription: None },
            sequencer: Mutex::new(sequencer),
            actor: OnceLock::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        &self.lane.topic
    }

    /// The epoch of its numbers; another one each time a topic of this name begins anew.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.lane.epoch
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> TopicState {
        let s = self.sequencer.lock();
        TopicState {
            epoch: self.lane.epoch,
            next: s.next,
            plain: s.members.plain.len(),
            groups: s.members.groups.len(),
            retired: s.retired,
        }
    }

    pub(super) fn set_actor(&self, actor: Addr<TopicActor>) {
        // A topic gets its actor once, when it is made.
        let _ = self.actor.set(actor);
    }

    /// The actor that owns its members.
    #[must_use]
    pub fn actor(&self) -> Option<&Addr<TopicActor>> {
        self.actor.get()
    }

    /// Numbers a run and appends it to the queue of everyone who is due it.
    ///
    /// `touched` collects the outlets to flush when the caller has published all it has. Unless
    /// the result is [`Published::Done`], the run is as before.
    pub fn publish(&self, run: &mut PendingRun, now_ms: u64, touched: &mut Touched) -> Published {
        let mut s = self.sequencer.lock();
        if s.retired {
            return Published::Retired;
        }
        if run.is_request() && s.members.is_empty() {
            return Published::NobodyThere;
        }
        if let Some(full) = s.members.without_room(run.size()) {
            return Published::Wait(full.clone());
        }
        let sealed = run.seal(s.next, now_ms);
        s.next += u64::from(sealed.count);
        s.members.deliver(&self.lane, &sealed, touched);
        s.history.push(QueuedRun {
            lane: self.lane.clone(),
            group: None,
            first: sealed.first,
            count: sealed.count,
            overflow: Default::default(),
            head: Default::default(),
            body: sealed.bytes,
        });
        Published::Done
    }

    /// Adds a subscription to a topic that has no event yet, and so no past to tell of.
    pub(super) fn adopt(&self, entry: &SubscriptionEntry) {
        self.sequencer.lock().join(entry);
    }

    /// Adds a subscription, from the next event on; then, for it alone, what it asked for of the
    /// past. Does nothing if it is there already.
    pub(super) fn join(&self, entry: &SubscriptionEntry) {
        let mut s = self.sequencer.lock();
        if s.retired {
            return;
        }
        s.join(entry);
        if entry.group.is_some() {
            return; // the group has its place in the order, whoever its members are
        }
        let lane = Lane { subscription: Some(entry.id), ..self.lane.clone() };
        let queue = entry.outlet.queue();
        if entry.positions {
            let position = RunFrame {
                topic: lane.topic.as_str(),
                epoch: lane.epoch,
                first: s.next,
                count: 0,
                publisher: "",
                time_ms: 0,
                subscription: lane.subscription,
            };
            queue.append_control(Frame::Run(position).to_bytes());
        }
        let from = match &entry.start {
            Start::Live => return,
            Start::Last => match s.history.newest() {
                Some(newest) => newest,
                None => return,
            },
            Start::After(seen) => {
                let seen = seen.get(lane.topic.as_str()).copied();
                let from = self.resume_point(seen, &lane, entry);
                let oldest = s.history.oldest().unwrap_or(s.next);
                if from < oldest {
                    queue.append_gap(lane.clone(), from, Some(oldest - 1), GapReason::Away);
                }
                from
            }
        };
        for mut run in s.history.replay(from, entry.id) {
            run.overflow = entry.overflow;
            if let super::Appended::Overflowed = queue.append(run) {
                return entry.outlet.overflowed();
            }
        }
    }

    /// The first number a returning subscriber has not seen.
    fn resume_point(&self, seen: Option<Position>, lane: &Lane, entry: &SubscriptionEntry) -> u64 {
        match seen {
            None => 1,
            Some(position) if position.epoch == lane.epoch => position.seq.saturating_add(1),
            Some(position) => {
                let old = Lane { epoch: position.epoch, ..lane.clone() };
                let from = position.seq.saturating_add(1);
                entry.outlet.queue().append_gap(old, from, None, GapReason::NewEpoch);
                1
            }
        }
    }

    /// Takes a subscription out. What waits for it as a member of a group goes to the others.
    pub(super) fn leave(&self, entry: &SubscriptionEntry) -> Touched {
        let mut touched = Touched::new();
        let mut s = self.sequencer.lock();
        let Some(name) = &entry.group else {
            s.leave_plain(entry);
            return touched;
        };
        let Some(group) = s.members.group(name) else { return touched };
        group.members.retain(|member| {
            member.subscription != entry.id
                || member.outlet.connection() != entry.outlet.connection()
        });
        let queue = entry.outlet.queue();
        let lane = Lane { subscription: Some(entry.id), ..self.lane.clone() };
        if !group.members.is_empty() {
            let left = group.redistribute(queue.reclaim(&lane, name), &mut touched);
            queue.abandon(&left);
        } else {
            s.members.groups.retain(|group| group.name != *name);
        }
        touched
    }

    /// Ends the topic if it has no member and still stands at `next`.
    pub(super) fn retire(&self, next: u64) -> bool {
        let mut s = self.sequencer.lock();
        s.retired = s.members.is_empty() && s.next == next;
        s.retired
    }

    /// How many deliveries one event on it makes due.
    #[must_use]
    pub fn deliveries(&self) -> usize {
        self.sequencer.lock().members.deliveries()
    }
}

impl Sequencer {
    fn join(&mut self, entry: &SubscriptionEntry) {
        match &entry.group {
            None => self.join_plain(entry),
            Some(name) => self.join_group(entry, name),
        }
    }

    fn join_plain(&mut self, entry: &SubscriptionEntry) {
        let connection = entry.outlet.connection();
        let plain = &mut self.members.plain;
        let member = match plain.iter_mut().position(|m| m.outlet.connection() == connection) {
            Some(at) => &mut plain[at],
            None => {
                plain.push(Plain {
                    outlet: entry.outlet.clone(),
                    subscriptions: Vec::new(),
                    overflow: entry.overflow,
                });
                let last = plain.len() - 1;
                &mut plain[last]
            }
        };
        if !member.subscriptions.iter().any(|(id, _)| *id == entry.id) {
            member.subscriptions.push((entry.id, entry.overflow));
            member.refresh_overflow();
        }
    }

    fn leave_plain(&mut self, entry: &SubscriptionEntry) {
        let connection = entry.outlet.connection();
        let plain = &mut self.members.plain;
        let Some(at) = plain.iter().position(|m| m.outlet.connection() == connection) else {
            return;
        };
        plain[at].subscriptions.retain(|(id, _)| *id != entry.id);
        if plain[at].subscriptions.is_empty() {
            plain.swap_remove(at);
        } else {
            plain[at].refresh_overflow();
        }
    }

    fn join_group(&mut self, entry: &SubscriptionEntry, name: &Arc<str>) {
        let member = GroupMember {
            outlet: entry.outlet.clone(),
            subscription: entry.id,
            overflow: entry.overflow,
        };
        let is_it = |m: &GroupMember| {
            m.subscription == entry.id && m.outlet.connection() == entry.outlet.connection()
        };
        match self.members.group(name) {
            Some(group) if group.members.iter().any(is_it) => {}
            Some(group) => group.members.push(member),
            None => {
                let mut group = Group::new(name.clone());
                group.members.push(member);
                self.members.groups.push(group);
            }
        }
    }
}
