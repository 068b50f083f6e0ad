//! Replays the history of a topic to a subscription, and then brings the subscription into the live
//! order.
//!
//! Without this module, a subscription with a long replay would hold up every publisher of its topic
//! until the whole history is read, and what does not fit into its queue would be lost although its
//! client reads.
//!
//! A replay hands over as much as the queue of the subscription has room for. The rest waits in the
//! history, and with it the events that are published in the meantime: until the replay has caught
//! up, the subscription is no member of the topic. There is no hole and no repetition between
//! replayed and live events, for these reasons:
//!
//! - `Replay::next` is the first event number that is not queued yet. Only numbers from `next` on are
//!   queued, in order. A number that the history no longer has becomes a GAP.
//! - Each step takes place while the thread holds the lock under which runs are numbered. The step
//!   that finds no event left makes the subscription a member, so its first live run begins exactly
//!   at `next`. A step hands over few runs, so that publishers need not wait for long.
//! - The history keeps what replays still need (see [`History::keep_for_replays`]). While a replay
//!   has not waited for room yet, the history keeps everything. After that, the history's own bound
//!   applies.

use super::delivery_stream::DeliveryStream;
use super::history::History;
use super::ledger::Ledger;
use super::queue::{Page, Replayed};
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::policy;
use hub_wire::{GapReason, Position, Start, SubscriptionIds};
use std::sync::Arc;

/// A replay that has not caught up counts for this many held bytes.
const REPLAY_BYTES: usize = 384;

/// Replays one topic to one subscription.
#[derive(Debug)]
pub(super) struct Replay {
    entry: Arc<SubscriptionEntry>,
    /// The replayed events belong to this stream, which is for this subscription alone.
    stream: DeliveryStream,
    /// The event with this number is the first that is not queued yet.
    next: u64,
    /// When the subscription began, the topic gave this number to its next event.
    began: u64,
    /// If this is true, the position of the topic is queued behind the replayed events.
    position_last: bool,
    /// If this is true, the queue had no room at some time, so the replay may take long.
    has_waited: bool,
}

/// States what a step of a replay has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplayStep {
    /// There is more to hand over.
    More,
    /// The queue has no room for the next run.
    NoRoom,
    /// Every event that the topic has numbered is queued, or a gap in its place.
    CaughtUp,
    /// The connection has ended, or has to end.
    Ended,
}

impl Replay {
    /// Starts a replay at the place that the subscription asks for. The caller holds the sequencer
    /// lock.
    ///
    /// `stream` is the stream of the topic, and `numbered` is the next event number of the topic.
    pub(super) fn begin(
        entry: &Arc<SubscriptionEntry>,
        stream: DeliveryStream,
        numbered: u64,
        history: &History,
    ) -> Self {
        let stream = stream.with_subscriptions(SubscriptionIds::one(entry.id));
        entry.connection.queue().ledger().held().change(0, REPLAY_BYTES);
        let mut replay = Replay {
            entry: entry.clone(),
            stream,
            next: numbered,
            began: numbered,
            position_last: false,
            has_waited: false,
        };
        match &entry.start {
            Start::Live => replay.tell_position(),
            Start::Last => {
                replay.next = history.newest().unwrap_or(numbered);
                replay.tell_position();
            }
            Start::After(seen) => {
                let seen = seen.get(replay.stream.topic.as_str()).copied();
                replay.next = replay.resume_point(seen, numbered);
                // What is missing already was not lost while the subscription existed.
                let oldest = history.oldest().unwrap_or(numbered).max(replay.next);
                replay.pass_gap(oldest, GapReason::Away);
                // The position comes behind the replayed events. Otherwise a client that loses its
                // connection in between could take it for the position that it has reached.
                replay.position_last = true;
            }
        }
        replay
    }

    /// Returns the first event number that a returning subscriber has not seen.
    ///
    /// Nobody can have seen a number that the topic has not given yet. A hub that ran before may
    /// have given it, in an epoch with the same number.
    fn resume_point(&self, seen: Option<Position>, numbered: u64) -> u64 {
        let Some(position) = seen else { return 1 };
        if position.epoch == self.stream.epoch && position.seq < numbered {
            return position.seq + 1;
        }
        let old = DeliveryStream { epoch: position.epoch, ..self.stream.clone() };
        let from = position.seq.saturating_add(1);
        self.entry.connection.queue().append_gap(old, from, None, GapReason::NewEpoch);
        1
    }

    /// Returns the subscription of the replay.
    pub(super) fn entry(&self) -> &Arc<SubscriptionEntry> {
        &self.entry
    }

    /// Returns the first event number that is not queued yet.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Returns whether the history must not drop what the replay needs: its policy lets publishers
    /// wait instead, or it has not waited for room yet and will be through soon.
    pub(super) fn must_lose_nothing(&self) -> bool {
        !self.has_waited || self.holds_publishers()
    }

    /// Returns whether publishers wait rather than take events away from the replay.
    pub(super) fn holds_publishers(&self) -> bool {
        policy(self.entry.overflow).blocks()
    }

    /// Hands over at most `most` runs, as far as the queue has room. The caller holds the sequencer
    /// lock, and makes the subscription a member before it releases the lock if the replay has
    /// caught up.
    pub(super) fn step(
        &mut self,
        history: &History,
        numbered: u64,
        most: usize,
        page: Page,
        topic: &Ledger,
    ) -> ReplayStep {
        let role = self.entry.connection.role();
        let runs = history.read(self.next, most);
        if runs.is_empty() && !self.lose_until(numbered, topic) {
            return ReplayStep::Ended;
        }
        for run in runs {
            if run.last() < self.next {
                continue;
            }
            if !self.lose_until(run.first, topic) {
                return ReplayStep::Ended;
            }
            let mut replayed = match run.first < self.next {
                true => run.cut(self.next, run.last()).shared_with(self.entry.id, &role),
                false => run.shared_with(self.entry.id, &role),
            };
            replayed.overflow = self.entry.overflow;
            match self.entry.connection.queue().append_replayed(replayed, page) {
                Replayed::Done => self.next = run.last() + 1,
                Replayed::NoRoom => {
                    self.has_waited = true;
                    return ReplayStep::NoRoom;
                }
                Replayed::Closed => return ReplayStep::Ended,
            }
        }
        if self.next < numbered { ReplayStep::More } else { ReplayStep::CaughtUp }
    }

    /// Queues the position of the topic if it has to come behind the replayed events. The replay has
    /// caught up.
    pub(super) fn finish(self) {
        if self.position_last {
            self.tell_position();
        }
    }

    /// Ends the replay before it has caught up, because its subscription ends. The events that it has
    /// not handed over become a gap.
    pub(super) fn give_up(mut self, numbered: u64, topic: &Ledger) {
        if self.entry.gets_what_waits() && !self.entry.connection.queue().is_closed() {
            self.lose_until(numbered, topic);
        }
    }

    /// Tells that the history has forgotten the events before number `first` while the replay waited
    /// for room. They count as lost by overflow. Returns false if the policy of the subscription ends
    /// the connection instead.
    fn lose_until(&mut self, first: u64, topic: &Ledger) -> bool {
        if self.next >= first {
            return true;
        }
        // A client that has missed something before it subscribed would come back for the same
        // events again, so that is no reason to end its connection.
        if policy(self.entry.overflow).ends() && first > self.began {
            self.entry.connection.close_slow_consumer();
            return false;
        }
        self.entry.connection.queue().count_lost(topic, first - self.next);
        self.pass_gap(first, GapReason::Overflow);
        true
    }

    /// Queues a gap for the events before number `first`.
    fn pass_gap(&mut self, first: u64, reason: GapReason) {
        if self.next < first {
            let queue = self.entry.connection.queue();
            queue.append_gap(self.stream.clone(), self.next, Some(first - 1), reason);
            self.next = first;
        }
    }

    /// Queues the place at which the subscription continues in the topic, if the subscription asks
    /// for positions.
    fn tell_position(&self) {
        if self.entry.positions {
            let queue = self.entry.connection.queue();
            queue.append_position(&self.stream, self.next, self.position_last);
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.entry.connection.queue().ledger().held().change(REPLAY_BYTES, 0);
    }
}
