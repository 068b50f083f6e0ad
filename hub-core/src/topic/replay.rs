//! Replays the history of a topic to a subscription, and then brings the subscription into the live
//! order.
//!
//! Without this module, a subscription with a long replay would hold up every publisher of its topic
//! until the whole history is read.
//!
//! The replay reads the history in batches, outside of the sequencer lock. The subscription becomes
//! a member under the lock, as soon as so few runs are left that queueing them takes almost no time.
//! There is no hole and no repetition between replayed and live events, for these reasons:
//!
//! - [`Replay::next`] is the first event number that is not queued yet. Whatever a log returns, only
//!   numbers from `next` on are queued, in order. A number that no log has any more becomes a GAP.
//! - The last step queues all numbered events that are left and makes the subscription a member.
//!   It does both while it holds the lock under which runs are numbered. So the first live run
//!   begins exactly at `next`.
//! - From the first read to the last step, the history keeps the runs that it would otherwise drop
//!   (see [`History::keep_from`]). So a replay loses no event that existed when it began.
//! - Only the actor of the topic adds and removes subscriptions, one after another. So no other
//!   change of the members comes in between.
//!
//! A connection gets one copy of a live run, even if several of its plain subscriptions match. If
//! one of these subscriptions is live already, a client could take a live copy that arrives between
//! two batches for an event of the new subscription. In this case, the replay only prepares the
//! batches outside of the lock, and queues all of them in the last step.
//!
//! A replay catches up only if it reads faster than publishers publish. Otherwise the last step
//! comes after a bounded number of batches all the same.

use super::delivery_stream::DeliveryStream;
use super::history::History;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::subscription_entry::SubscriptionEntry;
use crate::sync::{LOCKED_REPLAY_RUNS, REPLAY_BATCH_RUNS};
use hub_wire::{GapReason, Position, Start};

/// Gives a replay the numbered runs of a topic: from the history in memory, or from a log on disk.
pub(super) trait RunLog {
    /// Returns the next runs with events from number `from` on, the oldest run first. The first run may
    /// begin before `from`. The result is empty if the log has no event from number `from` on.
    ///
    /// The caller does not hold the sequencer lock, so this function may be slow.
    fn read(&self, from: u64) -> Vec<QueuedRun>;
}

/// A replay may read this many batches more than the history had when the replay began.
const EXTRA_BATCHES: usize = 8;

/// Replays one topic to one subscription.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    entry: &'a SubscriptionEntry,
    /// The replayed events belong to this stream, which is for this subscription alone.
    stream: DeliveryStream,
    /// The event with this number is the first that is not ready or queued yet.
    next: u64,
    /// These entries are prepared and not queued yet.
    ready: Vec<ReplayItem>,
    /// If this is true, the last step queues all entries together.
    at_once: bool,
    /// If this is true, the position of the topic is queued behind the replayed events.
    position_last: bool,
    /// After this many more batches, the last step comes in any case.
    batches_left: usize,
}

/// Holds an entry that a replay queues.
#[derive(Debug)]
enum ReplayItem {
    /// The entry is a run of replayed events.
    Run(QueuedRun),
    /// The entry is a gap in a stream, from its first number to its last number, with the reason.
    Gap(DeliveryStream, u64, Option<u64>, GapReason),
    /// The entry states that the topic gives this number to its next event.
    Position(u64),
}

impl<'a> Replay<'a> {
    /// Starts a replay at the place that the subscription asks for.
    ///
    /// `numbered` is the next event number of the topic. `shares` states whether another plain
    /// subscription of the connection is live. The caller holds the sequencer lock.
    pub(super) fn new(
        entry: &'a SubscriptionEntry,
        topic: &DeliveryStream,
        numbered: u64,
        history: &History,
        shares: bool,
    ) -> Self {
        let stream = DeliveryStream { subscription: Some(entry.id), ..topic.clone() };
        let mut replay = Replay {
            entry,
            stream,
            next: numbered,
            ready: Vec::new(),
            at_once: shares,
            position_last: false,
            batches_left: 0,
        };
        match &entry.start {
            Start::Live => replay.tell_position(numbered),
            Start::Last => {
                replay.tell_position(numbered);
                replay.next = history.newest().unwrap_or(numbered);
            }
            Start::After(seen) => {
                let seen = seen.get(topic.topic.as_str()).copied();
                replay.next = replay.resume_point(seen);
                // The position comes behind the replayed events. Otherwise a client that loses its
                // connection in between could take it for the position that it has reached.
                replay.position_last = true;
            }
        }
        replay.batches_left = history.runs_from(replay.next) / REPLAY_BATCH_RUNS + EXTRA_BATCHES;
        replay
    }

    /// Returns the first event number that a returning subscriber has not seen.
    fn resume_point(&mut self, seen: Option<Position>) -> u64 {
        match seen {
            None => 1,
            Some(position) if position.epoch == self.stream.epoch => position.seq.saturating_add(1),
            Some(position) => {
                let old = DeliveryStream { epoch: position.epoch, ..self.stream.clone() };
                let from = position.seq.saturating_add(1);
                self.ready.push(ReplayItem::Gap(old, from, None, GapReason::NewEpoch));
                1
            }
        }
    }

    /// Returns the first event number that is not ready or queued yet.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns whether the last step is due, because few runs are left or no more batches are allowed.
    pub(super) fn has_caught_up(&self, history: &History) -> bool {
        self.batches_left == 0 || history.runs_from(self.next) <= LOCKED_REPLAY_RUNS
    }

    /// Reads the next batch from a log. The caller must not hold the sequencer lock.
    pub(super) fn read(&mut self, log: &impl RunLog) {
        self.batches_left = self.batches_left.saturating_sub(1);
        self.take(&log.read(self.next));
        if !self.at_once {
            self.hand_over();
        }
    }

    /// Does the last step: queues the rest, up to the next event number of the topic.
    ///
    /// The caller holds the sequencer lock, and makes the subscription a member before it releases
    /// the lock.
    pub(super) fn finish(mut self, numbered: u64, history: &History) {
        self.take(&history.read(self.next, usize::MAX));
        self.pass_gap(numbered);
        if self.position_last {
            self.tell_position(numbered);
        }
        self.hand_over();
    }

    /// Prepares runs, in the view that the subscription may see.
    fn take(&mut self, runs: &[QueuedRun]) {
        let role = self.entry.connection.role();
        for run in runs {
            if run.last() < self.next {
                continue;
            }
            self.pass_gap(run.first);
            let mut replayed = match run.first < self.next {
                true => run.cut(self.next, run.last()).shared_with(self.entry.id, &role),
                false => run.shared_with(self.entry.id, &role),
            };
            replayed.overflow = self.entry.overflow;
            self.next = run.last() + 1;
            self.ready.push(ReplayItem::Run(replayed));
        }
    }

    /// Prepares a gap for the events before number `first` that no log has any more.
    fn pass_gap(&mut self, first: u64) {
        if self.next < first {
            let stream = self.stream.clone();
            self.ready.push(ReplayItem::Gap(stream, self.next, Some(first - 1), GapReason::Away));
            self.next = first;
        }
    }

    /// Prepares the position of the topic, if the subscription asks for positions.
    fn tell_position(&mut self, numbered: u64) {
        if self.entry.positions {
            self.ready.push(ReplayItem::Position(numbered));
        }
    }

    /// Queues the prepared entries. Their events count as due from here on.
    fn hand_over(&mut self) {
        let queue = self.entry.connection.queue();
        for item in self.ready.drain(..) {
            let run = match item {
                ReplayItem::Position(numbered) => {
                    queue.append_position(&self.stream, numbered);
                    continue;
                }
                ReplayItem::Gap(stream, from, to, reason) => {
                    queue.append_gap(stream, from, to, reason);
                    continue;
                }
                ReplayItem::Run(run) => run,
            };
            queue.count_due(&run.ledger, run.count);
            match queue.append_past(run) {
                Appended::Done => {}
                // The queue is closed from here on, and would accept none of the following entries.
                Appended::Overflowed(run) => {
                    queue.abandon(&[run]);
                    self.entry.connection.close_slow_consumer();
                    break;
                }
                Appended::Closed(run) => {
                    queue.abandon(&[run]);
                    break;
                }
            }
        }
    }
}
