//! Begins the replays of subscriptions, and continues those that wait for room.
//!
//! Without this module, a replay that is larger than the queue of its subscriber would either be cut
//! or hold up the topic until the subscriber has read.
//!
//! A topic holds its replays. A subscription knows the topics whose replays wait for it, in the order
//! in which they began, so that room goes to one of them at a time. Whoever makes room continues them
//! with [`continue_replays`]:
//!
//! - With a window, the session does so when it handles a TAKEN frame.
//! - Without a window, the actor of a topic does so when the queue of the connection has drained.

use super::flush_list::FlushList;
use super::queue::Page;
use super::replay::{Replay, ReplayStep};
use super::replay_line::WaitingTopic;
use super::subscription_entry::SubscriptionEntry;
use super::topic::{Sequencer, Topic};
use super::turn::{give_turn, turn_is_over};
use crate::overflow::policy;
use crate::sync::REPLAY_STEP_RUNS;
use actix::Message;
use hub_wire::SubscriptionIds;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

/// A replay that publishers outrun may do this many steps more than the history had runs for when it
/// continued. Then one step hands over all that is left.
const EXTRA_STEPS: usize = 8;

/// States how far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The replay continues when there is room again. The flag states whether it has handed over
    /// something before.
    Waits { handed_over: bool },
    /// The turn of the thread is over, and the replay has more to hand over.
    TurnIsOver,
    /// The subscription is a member of the topic now, or it has ended.
    Done,
}

/// Bounds the steps of a replay, so that it ends although publishers go on.
#[derive(Debug, Default)]
struct StepsLeft(Option<usize>);

impl Topic {
    /// Starts the replay that a subscription asked for, and adds the subscription to the members when
    /// the replay has caught up. The call does nothing if the subscription is a member already, or if
    /// its connection has ended.
    ///
    /// The caller flushes the connections that got events: a queue group may have events that waited
    /// for a member.
    #[allow(dead_code, reason = "tests/topic_models.rs does the work of the actors")]
    pub(crate) fn join(&self, entry: &Arc<SubscriptionEntry>) -> FlushList {
        let (to_flush, replays) = self.begin_to_join(entry);
        let mut steps = StepsLeft::default();
        while replays && !self.first_page(entry, &mut steps) {}
        to_flush
    }

    /// Does as [`Topic::join`] does, and flushes. A long replay gives its thread to others in between.
    pub(super) async fn join_in_turns(&self, entry: &Arc<SubscriptionEntry>) {
        let (to_flush, replays) = self.begin_to_join(entry);
        to_flush.flush();
        let mut steps = StepsLeft::default();
        while replays && !self.first_page(entry, &mut steps) {
            give_turn().await;
        }
        entry.connection.flush();
    }

    /// Adds a subscription to the members, or begins its replay. Returns whether it has a replay.
    fn begin_to_join(&self, entry: &Arc<SubscriptionEntry>) -> (FlushList, bool) {
        let mut to_flush = FlushList::new();
        let s = &mut *self.sequencer.lock();
        let is_there = s.members.contains(entry) || s.replays.get(entry).is_some();
        if self.is_retired() || is_there || entry.connection.queue().is_closed() {
            return (to_flush, false);
        }
        // A queue group has a position in the topic, and its members have none of their own.
        if let Some(name) = &entry.group {
            s.members.join(entry);
            if let Some(group) = s.members.group(name) {
                // Events may have waited for a member, also for one without a window.
                let held = self.held();
                let left = group.redistribute(Vec::new(), self.name(), held, &mut to_flush);
                entry.connection.queue().abandon(&left);
            }
            return (to_flush, false);
        }
        let stream = self.stream_for(SubscriptionIds::NONE);
        let replay = Replay::begin(entry, stream, s.next, &s.history);
        if replay.next() == s.next {
            replay.finish();
            s.members.join(entry);
            return (to_flush, false);
        }
        s.replays.insert(replay);
        s.history.keep_for_replays(s.replays.needs());
        (to_flush, true)
    }

    /// Hands over the first part of a replay. Returns false if the turn is over and there is more to
    /// hand over.
    fn first_page(&self, entry: &Arc<SubscriptionEntry>, steps: &mut StepsLeft) -> bool {
        match self.continue_replay(entry, Page::First, steps) {
            Progress::TurnIsOver => return false,
            Progress::Done => {}
            Progress::Waits { .. } => {
                let topic: WaitingTopic = self.this().clone();
                entry.replays.push(topic);
                // The actor flushes the connection of the subscription after each join.
                continue_replays(entry);
            }
        }
        true
    }

    /// Hands over the replay of a subscription until it has caught up, until there is no room, or
    /// until the turn is over.
    fn continue_replay(
        &self,
        entry: &SubscriptionEntry,
        page: Page,
        steps: &mut StepsLeft,
    ) -> Progress {
        let mut most = REPLAY_STEP_RUNS;
        let mut handed_over = false;
        let progress = loop {
            let s = &mut *self.sequencer.lock();
            let Some(replay) = s.replays.get(entry) else { break Progress::Done };
            let before = replay.next();
            let left = steps.0.get_or_insert_with(|| {
                s.history.runs_from(before) / REPLAY_STEP_RUNS + EXTRA_STEPS
            });
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => most = usize::MAX,
            }
            match self.step(s, entry, most, page) {
                ReplayStep::More => {}
                ReplayStep::NoRoom => {
                    let replay = s.replays.get(entry);
                    handed_over |= replay.is_some_and(|replay| replay.next() > before);
                    break Progress::Waits { handed_over };
                }
                ReplayStep::CaughtUp | ReplayStep::Ended => break Progress::Done,
            }
            handed_over = true;
            if turn_is_over() {
                break Progress::TurnIsOver;
            }
        };
        // Publishers may have waited until the replay has less to lose.
        let changed = progress != Progress::Waits { handed_over: false };
        if policy(entry.overflow).blocks() && changed {
            entry.connection.queue().wake_waiting();
        }
        progress
    }

    /// Does one step of a replay, under the sequencer lock.
    fn step(
        &self,
        s: &mut Sequencer,
        entry: &SubscriptionEntry,
        most: usize,
        page: Page,
    ) -> ReplayStep {
        let Sequencer { replays, history, next, .. } = s;
        let step = |replay: &mut Replay| replay.step(history, *next, most, page, self.ledger());
        let Some(step) = replays.change(entry, step) else { return ReplayStep::Ended };
        if matches!(step, ReplayStep::CaughtUp | ReplayStep::Ended)
            && let Some(replay) = s.replays.remove(entry)
            && step == ReplayStep::CaughtUp
        {
            s.members.join(replay.entry());
            replay.finish();
        }
        s.history.keep_for_replays(s.replays.needs());
        step
    }
}

/// Continues the replays that wait for room in the queue of a subscription, as far as there is room.
/// Returns whether something was queued. Then the caller flushes the connection of the subscription.
///
/// If the turn of the thread is over before that, the actor of a topic goes on later.
pub fn continue_replays(entry: &Arc<SubscriptionEntry>) -> bool {
    let (mut queued, mut looked_again) = (false, false);
    while let Some(topic) = first(entry) {
        if turn_is_over() {
            continue_later(entry);
            break;
        }
        let progress = topic.continue_replay(entry, Page::Later, &mut StepsLeft::default());
        queued |= progress != Progress::Waits { handed_over: false };
        match progress {
            Progress::Done => {
                entry.replays.remove(Arc::as_ptr(&topic).cast());
                looked_again = false;
            }
            Progress::TurnIsOver => {}
            Progress::Waits { .. } if looked_again => break,
            Progress::Waits { .. } => {
                // Room that came before the queue knew the waker woke nobody, so this looks again.
                wake_when_drained(entry);
                looked_again = true;
            }
        }
    }
    queued
}

/// Asks the actor of a topic to continue the replays that wait for a subscription.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ContinueReplays(pub Arc<SubscriptionEntry>);

/// Returns the topic whose replay has waited for longest.
fn first(entry: &SubscriptionEntry) -> Option<Arc<Topic>> {
    entry.replays.first()?.downcast().ok()
}

/// Has the replays continue when the queue of the connection has drained. With a window, TAKEN
/// continues them, so there is nothing to do.
fn wake_when_drained(entry: &Arc<SubscriptionEntry>) {
    if entry.flow.is_some() {
        return;
    }
    let waker = entry.replays.waker(|| Waker::from(Arc::new(ReplayWaker(Arc::downgrade(entry)))));
    entry.connection.queue().wake_when_drained(&waker);
}

/// Has the actor of a topic continue the replays of a subscription when its queue has drained.
struct ReplayWaker(Weak<SubscriptionEntry>);

impl Wake for ReplayWaker {
    fn wake(self: Arc<Self>) {
        // The queue may be drained under the lock of a topic, so the actor does the work.
        self.0.upgrade().iter().for_each(continue_later);
    }
}

/// Has the actor of a topic continue the replays of a subscription.
fn continue_later(entry: &Arc<SubscriptionEntry>) {
    let first = first(entry);
    if let Some(actor) = first.as_ref().and_then(|topic| topic.actor()) {
        actor.do_send(ContinueReplays(entry.clone()));
    }
}
