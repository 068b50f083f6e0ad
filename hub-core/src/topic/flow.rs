//! Bounds what is on its way to one subscription: events that were sent to its client and that its
//! listener has not finished.
//!
//! Without this bound, a client with a slow listener would have to drop events itself, where no
//! ledger counts them, or stop reading. A client that stops reading gets no receipt and no reply
//! either.

mod gauge;
mod kept;
mod notices;
mod settle;

pub use gauge::FlowGauge;
pub(super) use gauge::high_water;
pub use notices::CannotResume;

use super::account::{Charge, MemoryAccount, WaitingSize};
use super::backlog::{Backlog, PushResult, QueueBound};
use super::held_bytes::{HeldBytes, ReportedSize};
use super::ledger::{Ledger, count};
use super::queue_item::QueueItem;
use super::queued_run::{ITEM_OVERHEAD, QueuedRun};
use crate::sync::Ordering;
use hub_wire::{Overflow, Taken, Window};
use notices::Kept;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// States that a client claims to have finished more events than the hub has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{taken} events are said to be taken, of {sent} that were sent")]
pub struct TakenTooMany {
    /// The client states this number.
    pub taken: u64,
    /// The hub has sent this many events for the subscription.
    pub sent: u64,
}

/// Holds a run that was sent, as far as its events are not finished.
#[derive(Debug, Clone)]
struct OnTheWay {
    /// The first unfinished event is the delivery with this number. The events of a subscription are
    /// numbered from 1 on, in the order in which they were sent.
    first: u64,
    ledger: Arc<Ledger>,
    epoch: u64,
    /// This many events are not finished.
    count: u32,
    /// The unfinished events count for this many bytes of the window.
    bytes: usize,
    /// The whole run, if the events that are not finished may be given again.
    run: Option<QueuedRun>,
    /// The client has to acknowledge the events by this time, if it acknowledges events at all.
    deadline: Option<Instant>,
}

/// Controls the events of one subscription.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: u64,
    gauge: Arc<FlowGauge>,
    window: Window,
    /// The client acknowledges each event within this time, if it acknowledges events at all.
    timeout: Option<Duration>,
    /// This policy decides what happens to the events that wait here, whatever the policies of the
    /// connection's other subscriptions are.
    pub(super) overflow: Overflow,
    /// This many events were sent, counted from the start of the subscription.
    sent: u64,
    /// This many of them are settled: the listener has finished them, or they were taken back.
    taken: u64,
    on_the_way: VecDeque<OnTheWay>,
    bytes_on_the_way: usize,
    /// The window has no room for these entries. The overflow policy of the subscription acts here.
    parked: Backlog,
    /// This is what the flow takes beside its runs.
    size: ReportedSize,
    /// What is parked counts in the account of the client.
    waits_for: Option<WaitingSize>,
    /// What a flow remembers that outlives its connection.
    kept: Option<Box<Kept>>,
    /// If this is true, the subscription has ended, and its client may still finish what it got.
    drains: bool,
    /// The flow is charged from then on. Otherwise a client could begin and end any number of them.
    charge: Option<Charge>,
}

impl Flow {
    pub(super) fn new(
        id: u64,
        window: Window,
        overflow: Overflow,
        timeout: Option<Duration>,
        held: &Arc<HeldBytes>,
    ) -> Self {
        let flow = Flow {
            id,
            gauge: Arc::default(),
            window,
            timeout,
            overflow,
            sent: 0,
            taken: 0,
            on_the_way: VecDeque::new(),
            bytes_on_the_way: 0,
            parked: Backlog::default(),
            size: ReportedSize::new(held),
            waits_for: None,
            kept: None,
            drains: false,
            charge: None,
        };
        flow.report_on_the_way();
        flow
    }

    /// Counts what is parked here, and what is kept of runs on their way, in this account.
    pub(super) fn count_in(&mut self, account: &Arc<MemoryAccount>) {
        self.waits_for = Some(WaitingSize::of_queue(account));
    }

    pub(super) fn gauge(&self) -> &Arc<FlowGauge> {
        &self.gauge
    }

    /// Returns whether entries wait for room in the window, or for the client to come back.
    pub(super) fn is_parking(&self) -> bool {
        !self.parked.is_empty() || self.is_suspended()
    }

    /// Returns how many of the first events of `run` the window has room for. `most` is a further
    /// bound of the bytes on their way. One event has room if nothing is on its way, however large
    /// the event is.
    fn room(&self, run: &QueuedRun, most: usize) -> u32 {
        let events = self.window.events.saturating_sub(self.sent - self.taken);
        let window = usize::try_from(self.window.bytes).unwrap_or(usize::MAX).min(most);
        let bytes = window.saturating_sub(self.bytes_on_the_way);
        let events = u32::try_from(events).unwrap_or(u32::MAX).min(run.count);
        if run.events.len() <= bytes {
            return events;
        }
        let least = u32::from(self.on_the_way.is_empty());
        run.events_within(bytes).max(least).min(events)
    }

    /// Returns whether the window has room for the whole run, and nothing waits in front of it.
    pub(super) fn takes(&self, run: &QueuedRun, most: usize) -> bool {
        !self.is_parking() && self.room(run, most) == run.count
    }

    /// Notes that a run is sent.
    pub(super) fn send(&mut self, run: &QueuedRun) {
        self.on_the_way.push_back(OnTheWay {
            first: self.sent + 1,
            ledger: run.ledger.clone(),
            epoch: run.stream.epoch,
            count: run.count,
            bytes: run.events.len(),
            run: (run.group.is_some() || self.timeout.is_some() || self.is_kept())
                .then(|| run.clone()),
            deadline: self.timeout.map(|timeout| Instant::now() + timeout),
        });
        self.sent += u64::from(run.count);
        self.bytes_on_the_way += run.events.len();
        self.report_on_the_way();
    }

    /// Parks a run. If the backlog has no room, the overflow policy of the run decides.
    pub(super) fn park(&mut self, run: QueuedRun, limit: usize, ledger: &Ledger) -> PushResult {
        let pushed = self.parked.push(run, QueueBound { limit, writing: 0 }, ledger);
        self.report_parked();
        pushed
    }

    /// Parks a run in front of all others, because it is given again. No policy drops it.
    pub(super) fn park_again(&mut self, run: QueuedRun) {
        self.parked.unpop(vec![run]);
        self.report_parked();
    }

    /// Parks an entry that no policy drops.
    pub(super) fn park_item(&mut self, item: QueueItem) {
        self.parked.push_item(item);
        self.report_parked();
    }

    /// Returns whether a run of `size` bytes fits into the backlog.
    pub(super) fn has_room(&self, size: usize, limit: usize) -> bool {
        self.parked.bytes() == 0 || self.parked.bytes() + size <= limit
    }

    /// Hands parked entries to `send` as far as the window has room, in order. A run is cut if the
    /// window has room for a part of it. A gap for dropped events waits for room too, because it may
    /// still grow: otherwise a client that takes nothing would get a frame for each run that it misses.
    pub(super) fn unpark(&mut self, most: usize, mut send: impl FnMut(QueueItem)) {
        while !self.is_suspended()
            && let Some(mut item) = self.parked.pop()
        {
            let run = match item {
                QueueItem::Run(run) => run,
                QueueItem::Gap(gap) if gap.may_grow() && self.open_events() == 0 => {
                    self.parked.unpop_items([QueueItem::Gap(gap)].into());
                    break;
                }
                _ => {
                    self.note(&mut item);
                    send(item);
                    continue;
                }
            };
            let room = self.room(&run, most);
            if room == 0 {
                self.parked.unpop(vec![run]);
                break;
            }
            if room == run.count {
                self.send(&run);
                send(QueueItem::Run(run));
                continue;
            }
            let (front, rest) = run.split_at(room);
            self.send(&front);
            send(QueueItem::Run(front));
            self.parked.unpop(vec![rest]);
            break;
        }
        self.report_parked();
    }

    /// Hands all parked entries to `send`, whatever the window is, because the subscription has ended. The
    /// client may still finish them.
    pub(super) fn drain(&mut self, send: impl FnMut(QueueItem)) {
        self.drains = true;
        let bytes = (1 + self.on_the_way.len() + self.parked.len()) * ITEM_OVERHEAD;
        self.charge = self.waits_for.as_ref().map(|size| Charge::new(size.account(), bytes));
        self.window = Window { events: u64::MAX, bytes: u64::MAX };
        self.unpark(usize::MAX, send);
    }

    /// Returns whether the subscription has ended, and its client has finished everything.
    pub(super) fn is_over(&self) -> bool {
        self.drains && self.on_the_way.is_empty() && self.parked.is_empty()
    }

    /// Returns a count of deliveries that the client states.
    ///
    /// # Errors
    /// The hub has not sent so many.
    pub(super) fn checked(&self, taken: u64) -> Result<u64, TakenTooMany> {
        let sent = self.sent;
        if taken > sent { Err(TakenTooMany { taken, sent }) } else { Ok(taken) }
    }

    /// Returns how many events the listener has taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns whether the client acknowledges each event.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.timeout.is_some()
    }

    /// Handles a TAKEN frame: counts the events that the listener has finished as delivered, and sets
    /// the window. A smaller number than before has no effect.
    pub(super) fn take(&mut self, frame: &Taken, hub: &Ledger) -> Result<(), TakenTooMany> {
        self.window = frame.window(self.window);
        if self.timeout.is_some() {
            self.report_on_the_way();
            return Ok(()); // Only ACK settles the events of this subscription.
        }
        let taken = self.checked(frame.taken)?;
        let mut left = taken.saturating_sub(self.taken);
        count(&hub.delivered, left);
        self.taken = self.taken.max(taken);
        while left > 0
            && let Some(first) = self.on_the_way.front_mut()
        {
            let events = left.min(first.count.into()) as u32;
            count(&first.ledger.delivered, events.into());
            left -= u64::from(events);
            if events == first.count {
                self.bytes_on_the_way -= first.bytes;
                self.on_the_way.pop_front();
            } else {
                let bytes = first.bytes_of(events);
                first.count -= events;
                first.first += u64::from(events);
                first.bytes -= bytes;
                self.bytes_on_the_way -= bytes;
            }
        }
        self.got(taken);
        if self.on_the_way.is_empty() && self.parked.is_empty() {
            self.on_the_way.shrink_to(4); // an idle subscription stays small
        }
        self.report_on_the_way();
        Ok(())
    }

    /// Drops parked runs that may be dropped, the oldest first, until at most `most` bytes are left.
    /// Returns true if more bytes are left and a run has the policy `disconnect`.
    pub(super) fn shed(&mut self, most: usize, ledger: &Ledger) -> bool {
        if self.parked.bytes() <= most {
            return false;
        }
        self.parked.shed(most, ledger);
        self.report_parked();
        self.parked.bytes() > most && self.parked.has_ending_run()
    }

    /// Returns the runs that others may get: those that were sent and are not finished, and those
    /// that are parked.
    pub(super) fn take_back(&mut self, mine: impl Fn(&QueuedRun) -> bool) -> Vec<QueuedRun> {
        let mut runs = Vec::new();
        let on_the_way = std::mem::take(&mut self.on_the_way);
        for sent in on_the_way {
            match sent.run.as_ref().filter(|run| mine(run)) {
                None => self.on_the_way.push_back(sent),
                Some(run) => {
                    self.bytes_on_the_way -= sent.bytes;
                    // Nobody will finish these events here any more.
                    self.taken += u64::from(sent.count);
                    let (_, unfinished) = run.split_at(run.count - sent.count);
                    runs.push(QueuedRun { attempt: run.attempt + 1, ..unfinished });
                }
            }
        }
        runs.extend(self.parked.take_runs(mine));
        self.report_on_the_way();
        self.report_parked();
        runs
    }

    /// Calls `visit` with the epoch, the ledger of the topic and the number of the events that were
    /// sent and are not finished, and of those that are parked.
    pub(super) fn for_each_unfinished(&self, mut visit: impl FnMut(u64, &Ledger, u64)) {
        for sent in &self.on_the_way {
            visit(sent.epoch, &sent.ledger, sent.count.into());
        }
        for run in self.parked.iter().filter_map(QueueItem::run) {
            visit(run.stream.epoch, &run.ledger, run.count.into());
        }
    }

    /// Returns the parked entries.
    pub(super) fn parked(&self) -> &Backlog {
        &self.parked
    }

    /// Returns whether the backlog has drained so far that publishers need not wait any more.
    pub(super) fn has_drained(&self, limit: usize) -> bool {
        let drained = self.parked.bytes() <= high_water(limit) / 2;
        if drained {
            self.gauge.lagging.store(false, Ordering::Relaxed);
        }
        drained
    }

    fn report_parked(&self) {
        self.gauge.parked.store(self.parked.bytes(), Ordering::Relaxed);
        self.report_size();
    }

    fn report_size(&self) {
        self.size.set((self.parked.len() + self.on_the_way.len()) * ITEM_OVERHEAD);
        if let Some(size) = &self.waits_for {
            // Of runs that nobody may get again, only the count is kept.
            let keeps_runs = self.on_the_way.front().is_some_and(|sent| sent.run.is_some());
            size.set(self.parked.bytes() + if keeps_runs { self.bytes_on_the_way } else { 0 });
        }
    }

    fn report_on_the_way(&self) {
        let on_the_way = self.sent - self.taken;
        self.gauge.on_the_way.store(on_the_way as usize, Ordering::Relaxed);
        let open = usize::try_from(self.open_events()).unwrap_or(usize::MAX);
        self.gauge.open.store(open, Ordering::Relaxed);
        self.report_size();
    }

    /// Returns how many more events the window has room for. The bytes of the last one may exceed it.
    fn open_events(&self) -> u64 {
        let on_the_way = self.sent - self.taken;
        if (self.bytes_on_the_way as u64) < self.window.bytes || on_the_way == 0 {
            self.window.events.saturating_sub(on_the_way)
        } else {
            0
        }
    }
}
