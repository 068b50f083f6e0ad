//! The past that a subscription asked for, and how the subscription joins the live order.
//!
//! Without this module, a subscription with a long past would hold up every publisher of its topic
//! for as long as the past takes to read.
//!
//! The past is read in batches, outside of the sequencer lock. The subscription becomes a member
//! under the lock, as soon as so few runs are left that handing them over takes no time. Why there
//! is no hole and no repetition between past and live:
//!
//! - [`Replay::next`] is the first number that was not handed over. Whatever is read, from
//!   wherever, only numbers from `next` on are handed over, in order. A number that no log has any
//!   more becomes a GAP.
//! - The last step hands over everything that is numbered, and makes the subscription a member,
//!   under one hold of the lock under which runs are numbered. So the first live run begins
//!   exactly at `next`.
//! - From the first look at the history to the last step, the history keeps what it would forget
//!   (see [`History::keep_from`]). So a replay loses nothing that was there when it began.
//! - Only the topic's actor lets subscriptions join and leave, one after another. So no other
//!   change of the members comes in between.
//!
//! A connection gets one copy of a live run, whichever of its plain subscriptions it is for. While
//! one of these subscriptions is live, a client could take a copy between two batches for the live
//! part of the new one. So the batches are then only prepared outside of the lock, and handed over
//! together in the last step.
//!
//! A subscription can catch up only if it reads faster than publishers publish. If it does not,
//! the last step comes after a bounded number of batches all the same.

use super::delivery_stream::Lane;
use super::history::History;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::subscription_entry::SubscriptionEntry;
use crate::sync::{LOCKED_REPLAY_RUNS, REPLAY_BATCH_RUNS};
use hub_wire::{GapReason, Position, Start};

/// Where a replay reads a topic's numbered runs: its memory, or a log on disk.
pub(super) trait RunLog {
    /// The next runs from number `from` on, the oldest first. The first of them may begin before
    /// `from`. There are none if the log has no number from `from` on.
    ///
    /// It is called outside of the sequencer lock, so that it may take its time.
    fn read(&self, from: u64) -> Vec<QueuedRun>;
}

/// Batches that a replay may take beyond those that were there when it began.
const EXTRA_BATCHES: usize = 8;

/// One subscription's way from the past into the live order of one topic.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    entry: &'a SubscriptionEntry,
    /// The topic's stream for this subscription alone.
    lane: Lane,
    next: u64,
    /// What is ready to be handed over.
    ready: Vec<Piece>,
    /// Whether everything is to be handed over at once, in the last step.
    at_once: bool,
    /// Whether the position comes behind the past.
    position_last: bool,
    batches_left: usize,
}

/// What a subscription is told of the past.
#[derive(Debug)]
enum Piece {
    Run(QueuedRun),
    Gap(Lane, u64, Option<u64>, GapReason),
    Position(u64),
}

impl<'a> Replay<'a> {
    /// Decides where the subscription starts. `numbered` is the topic's next number, and
    /// `shares` whether another plain subscription of the connection is live. The caller holds
    /// the sequencer lock.
    pub(super) fn new(
        entry: &'a SubscriptionEntry,
        topic: &Lane,
        numbered: u64,
        history: &History,
        shares: bool,
    ) -> Self {
        let lane = Lane { subscription: Some(entry.id), ..topic.clone() };
        let mut replay = Replay {
            entry,
            lane,
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
                // Behind the past: a client that loses its connection in between must not take
                // this for how far it has come.
                replay.position_last = true;
            }
        }
        replay.batches_left = history.runs_from(replay.next) / REPLAY_BATCH_RUNS + EXTRA_BATCHES;
        replay
    }

    /// The first number a returning subscriber has not seen.
    fn resume_point(&mut self, seen: Option<Position>) -> u64 {
        match seen {
            None => 1,
            Some(position) if position.epoch == self.lane.epoch => position.seq.saturating_add(1),
            Some(position) => {
                let old = Lane { epoch: position.epoch, ..self.lane.clone() };
                let from = position.seq.saturating_add(1);
                self.ready.push(Piece::Gap(old, from, None, GapReason::NewEpoch));
                1
            }
        }
    }

    /// The first number that is still to be handed over.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether the last step is due: little is left, or reading on does not help.
    pub(super) fn has_caught_up(&self, history: &History) -> bool {
        self.batches_left == 0 || history.runs_from(self.next) <= LOCKED_REPLAY_RUNS
    }

    /// Takes the next batch from a log. Not to be called under the sequencer lock.
    pub(super) fn read(&mut self, log: &impl RunLog) {
        self.batches_left = self.batches_left.saturating_sub(1);
        self.take(&log.read(self.next));
        if !self.at_once {
            self.hand_over();
        }
    }

    /// The last step: hands over the rest, up to the topic's next number. The caller holds the
    /// sequencer lock, and makes the subscription a member before it lets go of it.
    pub(super) fn finish(mut self, numbered: u64, history: &History) {
        self.take(&history.read(self.next, usize::MAX));
        self.pass_gap(numbered);
        if self.position_last {
            self.tell_position(numbered);
        }
        self.hand_over();
    }

    /// Makes runs ready, as this subscription may see them.
    fn take(&mut self, runs: &[QueuedRun]) {
        let role = self.entry.outlet.role();
        for run in runs {
            if run.last() < self.next {
                continue;
            }
            self.pass_gap(run.first);
            let mut told = match run.first < self.next {
                true => run.cut(self.next, run.last()).shared_with(self.entry.id, &role),
                false => run.shared_with(self.entry.id, &role),
            };
            told.overflow = self.entry.overflow;
            self.next = run.last() + 1;
            self.ready.push(Piece::Run(told));
        }
    }

    /// What no log has any more, up to number `first`, is a gap.
    fn pass_gap(&mut self, first: u64) {
        if self.next < first {
            let lane = self.lane.clone();
            self.ready.push(Piece::Gap(lane, self.next, Some(first - 1), GapReason::Away));
            self.next = first;
        }
    }

    fn tell_position(&mut self, numbered: u64) {
        if self.entry.positions {
            self.ready.push(Piece::Position(numbered));
        }
    }

    /// Queues what is ready. Runs count as due from here on.
    fn hand_over(&mut self) {
        let queue = self.entry.outlet.queue();
        for piece in self.ready.drain(..) {
            let run = match piece {
                Piece::Position(numbered) => {
                    queue.append_position(&self.lane, numbered);
                    continue;
                }
                Piece::Gap(lane, from, to, reason) => {
                    queue.append_gap(lane, from, to, reason);
                    continue;
                }
                Piece::Run(run) => run,
            };
            queue.count_due(&run.ledger, run.count);
            match queue.append_past(run) {
                Appended::Done => {}
                // The queue is closed from here on, and takes nothing of what follows.
                Appended::Overflowed(run) => {
                    queue.abandon(&[run]);
                    self.entry.outlet.overflowed();
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
