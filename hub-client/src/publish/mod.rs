//! The publish log: every event from the call that emits it to the hub's word on it.
//!
//! Invariants, and what breaks without each:
//!
//! - **Events leave the log in the order in which they entered it, and only by a verdict**:
//!   receipted, refused, or reported as unknown. Otherwise a loss would be silent.
//! - **An event's index never changes; its number at the hub may.** The hub counts what it got
//!   from an instance. When it forgets the instance, counting starts anew, and only `offset`
//!   between the two changes.
//! - **Weight is taken before an event enters and given back once.** Otherwise the log's bound
//!   would drift.

mod chunks;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use report::{PublishProgress, Report};

use chunks::Chunks;
use hub_wire::{EventFrame, Refused};
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::{Notify, Semaphore, oneshot, watch};

/// What became of an event.
pub(crate) type PublishResult = Result<(), PublishFailure>;

/// Why an event was not accepted, as far as is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PublishFailure {
    /// The hub said no.
    Refused(Box<Refused>),
    /// It may or may not have arrived.
    OutcomeUnknown,
    /// The client ended before the event was sent.
    NotSent,
}

/// Why an event did not enter the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAppended {
    /// Its frame is larger than the hub allows.
    TooLarge { size: usize, limit: u32 },
    /// The client has ended.
    Ended,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PublishLog {
    log: Mutex<Log>,
    room: Semaphore,
    capacity: usize,
    /// Tells the connection that there is something to send.
    wake: Notify,
    progress: watch::Sender<PublishProgress>,
}

#[derive(Debug)]
struct Log {
    chunks: Chunks,
    /// Who waits for a verdict, in the order of the events.
    waiters: VecDeque<(u64, oneshot::Sender<PublishResult>)>,
    /// Every event before this index has its verdict, or is refused already.
    settled: u64,
    /// Refused events from `settled` on: a hub that resumes says again what it refused.
    refused: BTreeSet<u64>,
    /// Number at the hub = index - offset (wrapping).
    offset: u64,
    /// Whether the connection has nothing left to send and waits for `wake`.
    idle: bool,
    /// Every event before this index may have reached the hub; set when a connection is lost.
    sent: u64,
    report: Report,
    refusals_kept: usize,
    frame_limit: u32,
    ended: bool,
}

impl PublishLog {
    pub(crate) fn new(capacity: usize, refusals_kept: usize) -> Self {
        let capacity = capacity.clamp(1, u32::MAX as usize);
        let log = Log {
            chunks: Chunks::default(),
            waiters: VecDeque::new(),
            settled: 0,
            refused: BTreeSet::new(),
            offset: 0,
            idle: true,
            sent: 0,
            report: Report::default(),
            refusals_kept,
            frame_limit: u32::MAX,
            ended: false,
        };
        PublishLog {
            log: Mutex::new(log),
            room: Semaphore::new(capacity),
            capacity,
            wake: Notify::new(),
            progress: watch::Sender::new(PublishProgress::default()),
        }
    }

    /// Waits for room, then appends the event. Returns its index, and whether it is time to let
    /// the connection run.
    ///
    /// Cancel-safe: a call dropped while it waits has appended nothing.
    pub(crate) async fn append(
        &self,
        event: &EventFrame<'_>,
        waiter: Option<oneshot::Sender<PublishResult>>,
    ) -> Result<(u64, bool), NotAppended> {
        let size = event.topic.len() + event.payload.len() + event.headers.map_or(0, <[u8]>::len);
        // An event larger than the whole log goes alone.
        let weight = (size + 16).min(self.capacity);
        let permits = match self.room.try_acquire_many(weight as u32) {
            Ok(permits) => permits,
            Err(_) => {
                self.room.acquire_many(weight as u32).await.map_err(|_| NotAppended::Ended)?
            }
        };
        let mut guard = self.log.lock();
        let log = &mut *guard;
        if log.ended {
            return Err(NotAppended::Ended);
        }
        let open = log.chunks.open();
        let start = open.len();
        event.write(open);
        let size = open.len() - start - 4;
        if size > log.frame_limit as usize {
            open.truncate(start);
            return Err(NotAppended::TooLarge { size, limit: log.frame_limit });
        }
        permits.forget();
        let (index, full) = log.chunks.appended(weight);
        if let Some(waiter) = waiter {
            log.waiters.push_back((index, waiter));
        }
        let wake = std::mem::take(&mut log.idle);
        drop(guard);
        if wake {
            self.wake.notify_one();
        }
        Ok((index, full))
    }

    /// Gives the connection the next frames, about `budget` bytes. If there are none,
    /// [`PublishLog::more`] resolves when there are.
    pub(crate) fn take(&self, budget: usize, part: impl FnMut(bytes::Bytes)) {
        let mut log = self.log.lock();
        log.chunks.take(budget, part);
        log.idle = !log.chunks.has_more();
    }

    /// Resolves when there may be more to take.
    pub(crate) async fn more(&self) {
        self.wake.notified().await;
    }

    /// The hub acknowledged every event with a smaller number than `next`.
    pub(crate) fn receipt(&self, next: u64) -> Result<(), String> {
        let mut log = self.log.lock();
        let index = next.wrapping_add(log.offset);
        if index < log.settled || index > log.chunks.taken_to() {
            let (from, to) = (log.settled, log.chunks.taken_to());
            let number = |index: u64| index.wrapping_sub(log.offset);
            return Err(format!(
                "receipt up to {next}, where {} to {} are possible",
                number(from),
                number(to)
            ));
        }
        self.settle(&mut log, index);
        Ok(())
    }

    fn settle(&self, log: &mut Log, index: u64) {
        log.settled = index;
        log.refused = log.refused.split_off(&index);
        while log.waiters.front().is_some_and(|(waiting, _)| *waiting < index) {
            // Whoever waited may be gone; the event was accepted all the same.
            let _ = log.waiters.pop_front().map(|(_, waiter)| waiter.send(Ok(())));
        }
        self.room.add_permits(log.chunks.release(index));
        self.progress.send_modify(|progress| progress.settled = index);
    }

    /// The hub refused an event. Returns the refusal if nobody waits for it.
    pub(crate) fn refused(&self, refused: Refused) -> Option<Refused> {
        let mut log = self.log.lock();
        let index = refused.number.wrapping_add(log.offset);
        if index < log.settled || !log.refused.insert(index) {
            return None;
        }
        let waiter = log
            .waiters
            .binary_search_by_key(&index, |(waiting, _)| *waiting)
            .ok()
            .and_then(|at| log.waiters.remove(at));
        let failure = PublishFailure::Refused(Box::new(refused));
        let unheard = match waiter {
            None => Err(Err(failure)),
            Some((_, waiter)) => waiter.send(Err(failure)),
        };
        match unheard {
            Err(Err(PublishFailure::Refused(refused))) => {
                let kept = log.refusals_kept;
                log.report.refuse(refused.as_ref().clone(), kept);
                Some(*refused)
            }
            _ => None,
        }
    }

    /// The last receipt, for the hub to say again what it refused since.
    pub(crate) fn receipted(&self) -> u64 {
        let log = self.log.lock();
        log.settled.wrapping_sub(log.offset)
    }

    /// A connection is there: goes on after the `received` events that the hub has.
    ///
    /// `known` is whether the hub says that it counts on for this client. Returns whether
    /// publishing goes on exactly where it stopped, and how many events that nobody waits for
    /// have an unknown outcome.
    pub(crate) fn resume(&self, received: u64, known: bool, resend: bool, limit: u32) -> Resumed {
        let mut guard = self.log.lock();
        let log = &mut *guard;
        log.frame_limit = limit;
        let index = received.wrapping_add(log.offset);
        let exact = known && (log.settled..=log.sent).contains(&index);
        let mut unknown = 0;
        if !exact {
            if !resend && log.sent > log.settled {
                unknown = self.give_up(log, log.sent);
            }
            log.offset = log.settled.wrapping_sub(received);
        }
        // What the hub has already still waits for its receipt: a refusal may come before it.
        let next = if exact { index } else { log.settled };
        self.room.add_permits(log.chunks.rewind(log.settled, next));
        log.idle = !log.chunks.has_more();
        Resumed { exact, unknown }
    }

    /// Ends the wait for events before `index` whose outcome nobody knows. Returns how many
    /// nobody waits for.
    fn give_up(&self, log: &mut Log, index: u64) -> u64 {
        let refused = log.refused.range(log.settled..index).count() as u64;
        let mut unwaited = index - log.settled - refused;
        while log.waiters.front().is_some_and(|(waiting, _)| *waiting < index) {
            let Some((_, waiter)) = log.waiters.pop_front() else { break };
            unwaited -= u64::from(waiter.send(Err(PublishFailure::OutcomeUnknown)).is_ok());
        }
        log.report.outcome_unknown += unwaited;
        self.settle(log, index);
        unwaited
    }

    /// The connection was lost with `unsent` bytes of what it had taken. What it did send may
    /// have arrived.
    pub(crate) fn lost(&self, unsent: usize) {
        let mut log = self.log.lock();
        log.sent = log.chunks.sent_to(unsent).max(log.settled);
    }

    /// The client ends: nothing can be appended any more, and whoever waits is told. Called
    /// after [`PublishLog::lost`]. Returns how many events that nobody waits for have an unknown
    /// outcome.
    pub(crate) fn end(&self) -> u64 {
        let mut guard = self.log.lock();
        let log = &mut *guard;
        if std::mem::replace(&mut log.ended, true) {
            return 0;
        }
        let sent = log.sent.max(log.settled);
        let unknown = self.give_up(log, sent);
        let mut not_sent = log.chunks.next() - sent;
        while let Some((_, waiter)) = log.waiters.pop_front() {
            not_sent -= u64::from(waiter.send(Err(PublishFailure::NotSent)).is_ok());
        }
        log.report.not_sent += not_sent;
        self.room.close();
        self.progress.send_modify(|progress| progress.ended = true);
        unknown
    }

    /// Resolves when every event appended until now has its verdict, or the client has ended.
    /// Then, in the same step, takes what went wrong with them.
    ///
    /// Cancel-safe: a dropped call takes nothing.
    pub(crate) async fn flush(&self) -> Report {
        let target = self.log.lock().chunks.next();
        let mut progress = self.progress.subscribe();
        // The sender lives as long as `self`.
        let _ = progress.wait_for(|now| now.settled >= target || now.ended).await;
        std::mem::take(&mut self.log.lock().report)
    }

    /// How many events have no verdict yet.
    pub(crate) fn pending(&self) -> u64 {
        let log = self.log.lock();
        log.chunks.next() - log.settled
    }
}

/// How publishing goes on after a reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resumed {
    pub(crate) exact: bool,
    pub(crate) unknown: u64,
}
