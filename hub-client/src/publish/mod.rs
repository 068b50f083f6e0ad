//! Implements the publish log, which keeps every event from the call that emits it until the hub
//! accepts or refuses it.
//!
//! The log has these invariants:
//!
//! - **Events leave the log in the order in which they entered it, and only with a result**:
//!   accepted, refused, or unknown. Otherwise a loss would be silent.
//! - **The index of an event that was given to the connection never changes, but its publish number
//!   may.** The hub counts the events of an instance. If it forgets the instance, its count begins
//!   again, and only `offset` between index and publish number changes.
//! - **An event whose caller gives up leaves the log without a result, if it was not given to the
//!   connection.** The hub never hears of it, so the indexes of the events behind it become smaller by
//!   one.
//! - **The weight of an event is taken before it enters, and given back once.** Otherwise the bound
//!   of the log would drift.

mod chunks;
mod report;
mod results;
#[cfg(test)]
mod tests;

pub(crate) use report::Report;
pub(crate) use results::{Appended, NotAppended, PublishFailure, PublishResult, Resumed};

use chunks::Chunks;
use hub_wire::{EventFrame, Refused};
use parking_lot::Mutex;
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::{Notify, Semaphore, oneshot};

/// Keeps every event until the hub accepts or refuses it. The documentation of this module states
/// the invariants.
#[derive(Debug)]
pub(crate) struct PublishLog {
    log: Mutex<Log>,
    room: Semaphore,
    capacity: usize,
    /// Wakes the connection when there is something to send.
    wake: Notify,
}

#[derive(Debug)]
struct Log {
    chunks: Chunks,
    /// These callers wait for a result, in the order of the events.
    waiters: VecDeque<Waiter>,
    /// The next waiter gets this id.
    next_waiter: u64,
    /// These callers wait until every event before their index is settled, in the order of the indexes.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    /// Every event before this index was accepted, refused, or reported as unknown.
    settled: u64,
    /// The hub refused these events, whose indexes are `settled` or higher. A hub that resumes
    /// repeats its refusals, and this set serves to recognise a repetition.
    refused: BTreeSet<u64>,
    /// The publish number is the index minus `offset` (wrapping).
    offset: u64,
    /// If this is true, the connection has nothing left to send and waits for `wake`.
    idle: bool,
    /// Every event before this index may have reached the hub. The field is set when a connection
    /// is lost.
    sent: u64,
    /// Every event before this index may have been published. Such an event cannot be taken back,
    /// although it may be sent once more.
    maybe_published: u64,
    /// As `maybe_published`, by earlier runs of the hub alone.
    published_before: u64,
    report: Report,
    refusals_kept: usize,
    frame_limit: u32,
    ended: bool,
}

/// Describes a caller that waits for the result of its event.
#[derive(Debug)]
struct Waiter {
    /// The event has this index.
    index: u64,
    /// The id never changes, and grows with the index.
    id: u64,
    weight: usize,
    result: oneshot::Sender<PublishResult>,
}

impl PublishLog {
    pub(crate) fn new(capacity: usize, refusals_kept: usize) -> Self {
        let capacity = capacity.clamp(1, u32::MAX as usize);
        let log = Log {
            chunks: Chunks::default(),
            waiters: VecDeque::new(),
            next_waiter: 0,
            flushes: Vec::new(),
            settled: 0,
            refused: BTreeSet::new(),
            offset: 0,
            idle: true,
            sent: 0,
            maybe_published: 0,
            published_before: 0,
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
        }
    }

    /// Waits for room, and then appends the event.
    ///
    /// The call is cancel-safe: a call that is dropped while it waits has appended nothing.
    pub(crate) async fn append(
        &self,
        event: &EventFrame<'_>,
        waiter: Option<oneshot::Sender<PublishResult>>,
    ) -> Result<Appended, NotAppended> {
        let size = event.topic.len() + event.payload.len() + event.headers.map_or(0, <[u8]>::len);
        // An event that is larger than the whole log takes all of its room.
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
        let id = log.next_waiter;
        if let Some(result) = waiter {
            log.next_waiter += 1;
            log.waiters.push_back(Waiter { index, id, weight, result });
        }
        let wake = std::mem::take(&mut log.idle);
        drop(guard);
        if wake {
            self.wake.notify_one();
        }
        Ok(Appended { index, waiter: id, full })
    }

    /// Takes an event back, for which the waiter with this id waits. Returns false if the event was
    /// given to the connection, so that it is too late.
    pub(crate) fn withdraw(&self, id: u64) -> bool {
        let mut guard = self.log.lock();
        let log = &mut *guard;
        let Ok(at) = log.waiters.binary_search_by_key(&id, |waiter| waiter.id) else {
            return false;
        };
        let Waiter { index, weight, .. } = log.waiters[at];
        if index < log.maybe_published {
            return false;
        }
        let Some(freed) = log.chunks.withdraw(index, weight) else { return false };
        log.waiters.remove(at);
        log.waiters.range_mut(at..).for_each(|waiter| waiter.index -= 1);
        for (until, _) in log.flushes.iter_mut().filter(|(until, _)| *until > index) {
            *until -= 1;
        }
        self.room.add_permits(freed);
        let settled = log.settled;
        log.end_flushes(settled);
        true
    }

    /// Gives the connection the next frames, about `budget` bytes of them. If the log has no
    /// further frames, [`PublishLog::more`] resolves when it has some.
    pub(crate) fn take(&self, budget: usize, part: impl FnMut(bytes::Bytes)) {
        let mut log = self.log.lock();
        log.chunks.take(budget, part);
        log.idle = !log.chunks.has_more();
    }

    /// Resolves when there may be further frames to take.
    pub(crate) async fn more(&self) {
        self.wake.notified().await;
    }

    /// Handles a receipt: the hub has accepted or refused every event with a publish number below
    /// `next`.
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

    /// Settles every event before `index`. These events leave the log, and the callers that wait
    /// for them get their results.
    fn settle(&self, log: &mut Log, index: u64) {
        log.settled = index;
        log.refused = log.refused.split_off(&index);
        while log.waiters.front().is_some_and(|waiter| waiter.index < index) {
            // The caller may have stopped waiting. The event was accepted all the same.
            let _ = log.waiters.pop_front().map(|waiter| waiter.result.send(Ok(())));
        }
        self.room.add_permits(log.chunks.release(index));
        log.end_flushes(index);
    }

    /// Handles the refusal of an event. Returns the refusal if no caller waits for it. The returned
    /// refusal has the index of the event as its number, because publish numbers begin again when the hub has
    /// forgotten this client, and the caller could not tell which event is meant.
    pub(crate) fn refused(&self, mut refused: Refused) -> Option<Refused> {
        let mut log = self.log.lock();
        let index = refused.number.wrapping_add(log.offset);
        refused.number = index;
        if index < log.settled || !log.refused.insert(index) {
            return None;
        }
        let waiter = log
            .waiters
            .binary_search_by_key(&index, |waiter| waiter.index)
            .ok()
            .and_then(|at| log.waiters.remove(at));
        let failure = PublishFailure::Refused(Box::new(refused));
        let unheard = match waiter {
            None => Err(Err(failure)),
            Some(waiter) => waiter.result.send(Err(failure)),
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

    /// Returns the publish number of the last receipt. The hub repeats the refusals from this
    /// number on.
    pub(crate) fn receipted(&self) -> u64 {
        let log = self.log.lock();
        log.settled.wrapping_sub(log.offset)
    }

    /// Handles a new connection: sending continues after the `received` events that the hub has.
    ///
    /// `known` states whether the hub still counts the events of this client. Returns whether
    /// publishing continues exactly where it stopped, and how many events that no caller waits for
    /// have an unknown outcome.
    pub(crate) fn resume(&self, received: u64, known: bool, resend: bool, limit: u32) -> Resumed {
        let mut guard = self.log.lock();
        let log = &mut *guard;
        log.frame_limit = limit;
        let index = received.wrapping_add(log.offset);
        let exact = known && (log.settled..=log.sent).contains(&index);
        let mut unknown = 0;
        if exact {
            log.maybe_published = index.max(log.published_before);
        } else {
            log.published_before = log.maybe_published;
            if !resend && log.sent > log.settled {
                unknown = self.give_up(log, log.sent);
            }
            log.offset = log.settled.wrapping_sub(received);
        }
        // The events that the hub already has still wait for their receipt, because a refusal may
        // come before it.
        let next = if exact { index } else { log.settled };
        self.room.add_permits(log.chunks.rewind(log.settled, next));
        log.idle = !log.chunks.has_more();
        Resumed { exact, unknown }
    }

    /// Ends the wait for events before `index`, whose outcome is unknown. Returns the number of
    /// those events for which no caller waits.
    fn give_up(&self, log: &mut Log, index: u64) -> u64 {
        let refused = log.refused.range(log.settled..index).count() as u64;
        let mut unwaited = index - log.settled - refused;
        while log.waiters.front().is_some_and(|waiter| waiter.index < index) {
            let Some(waiter) = log.waiters.pop_front() else { break };
            unwaited -= u64::from(waiter.result.send(Err(PublishFailure::OutcomeUnknown)).is_ok());
        }
        log.report.outcome_unknown += unwaited;
        self.settle(log, index);
        unwaited
    }

    /// Handles the loss of the connection. Of the bytes that the connection took, `unsent` bytes
    /// were not sent. The bytes that it did send may have arrived.
    pub(crate) fn lost(&self, unsent: usize) {
        let mut log = self.log.lock();
        log.sent = log.chunks.sent_to(unsent).max(log.settled);
        // What was not sent can be withdrawn until there is another connection.
        let (settled, sent) = (log.settled, log.sent);
        log.maybe_published = log.maybe_published.max(sent);
        self.room.add_permits(log.chunks.rewind(settled, sent));
        log.idle = !log.chunks.has_more();
    }

    /// Ends the log. Nothing can be appended any more, and every caller that waits gets a result.
    /// The caller has called [`PublishLog::lost`] before. Returns how many events that no caller
    /// waits for have an unknown outcome.
    pub(crate) fn end(&self) -> u64 {
        let mut guard = self.log.lock();
        let log = &mut *guard;
        if std::mem::replace(&mut log.ended, true) {
            return 0;
        }
        let sent = log.sent.max(log.settled);
        let unknown = self.give_up(log, sent);
        let mut not_sent = log.chunks.next() - sent;
        while let Some(waiter) = log.waiters.pop_front() {
            not_sent -= u64::from(waiter.result.send(Err(PublishFailure::NotSent)).is_ok());
        }
        log.report.not_sent += not_sent;
        self.room.close();
        log.end_flushes(u64::MAX);
        unknown
    }

    /// Waits until every event that was appended until now has its result, or until the client has
    /// ended. Then takes the report of what went wrong with them, under one lock.
    ///
    /// The call is cancel-safe: a dropped call takes nothing.
    pub(crate) async fn flush(&self) -> Report {
        let settled = {
            let mut log = self.log.lock();
            let target = log.chunks.next();
            (target > log.settled && !log.ended).then(|| {
                let (done, settled) = oneshot::channel();
                log.flushes.retain(|(_, done)| !done.is_closed());
                log.flushes.push((target, done));
                settled
            })
        };
        if let Some(settled) = settled {
            let _ = settled.await; // an error means that the log is gone
        }
        std::mem::take(&mut self.log.lock().report)
    }

    /// Returns how many events have no result yet.
    pub(crate) fn pending(&self) -> u64 {
        let log = self.log.lock();
        log.chunks.next() - log.settled
    }
}

impl Log {
    /// Ends the flushes whose events are all before `index`.
    fn end_flushes(&mut self, index: u64) {
        for (_, done) in self.flushes.extract_if(.., |(until, _)| *until <= index) {
            let _ = done.send(()); // a dropped flush takes nothing
        }
    }
}
