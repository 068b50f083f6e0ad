//! Tells the hub how many events the listeners have finished, with few frames.
//!
//! Without these reports, a window would never open again, and the hub would not know which events
//! were handled. A frame for each event would cost the hub as much as the event itself.

use super::pace::Pace;
use hub_core::emitter::Settlement;
use hub_wire::{Ack, Outcome, Resume, Taken};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A report waits this long for further events, unless the window gets short.
const DELAY: Duration = Duration::from_millis(20);

/// Collects the subscriptions whose listeners have finished events since the last report.
#[derive(Debug, Default)]
pub(crate) struct TakenReports {
    /// These subscriptions have finished events to report.
    due: Mutex<DueReports>,
    /// If this is true, a window gets short.
    urgent: AtomicBool,
    changed: Notify,
}

#[derive(Debug, Default)]
struct DueReports {
    ids: Vec<u64>,
    since: Option<Instant>,
}

impl TakenReports {
    /// Resolves when reports should be sent. The call is cancel-safe.
    pub(crate) async fn due(&self) {
        loop {
            let changed = self.changed.notified();
            let since = self.due.lock().since;
            match since {
                Some(since) if !self.urgent.load(Ordering::Acquire) => tokio::select! {
                    () = sleep_until(since + DELAY) => return,
                    () = changed => {}
                },
                Some(_) => return,
                None => changed.await,
            }
        }
    }

    /// Returns the ids of the subscriptions with something to report.
    pub(crate) fn take(&self) -> Vec<u64> {
        self.urgent.store(false, Ordering::Release);
        let mut due = self.due.lock();
        due.since = None;
        std::mem::take(&mut due.ids)
    }
}

/// Counts the events of one subscription that came and that its listener has finished.
#[derive(Debug)]
pub(crate) struct TakenCounter {
    id: u64,
    /// So many events may be on their way to the listener.
    window: AtomicU64,
    /// The window grows up to this many events.
    most: u64,
    /// The listener has finished this many events, on all connections together.
    taken: AtomicU64,
    /// The hub was told of this many of them.
    reported: AtomicU64,
    /// If this is true, the subscription is among the due reports.
    listed: AtomicBool,
    /// What the listener has said of events since the last report, if it acknowledges them.
    settled: Mutex<Vec<SettledEvent>>,
    reports: Arc<TakenReports>,
}

/// Holds what a listener has said of one event. The events are numbered from 0 on, in the order in
/// which they were handed over.
#[derive(Debug)]
struct SettledEvent {
    event: u64,
    outcome: Outcome,
    reason: Option<String>,
}

impl TakenCounter {
    /// Makes a counter for a window of `least` events, which grows up to `most` events while the
    /// listener is fast.
    pub(crate) fn new(id: u64, least: u64, most: u64, reports: Arc<TakenReports>) -> Self {
        let least = least.max(1);
        TakenCounter {
            id,
            window: AtomicU64::new(least),
            most: most.max(least),
            taken: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            listed: AtomicBool::new(false),
            settled: Mutex::default(),
            reports,
        }
    }

    /// Notes that the listener has finished its first `taken` events.
    pub(crate) fn finished(&self, taken: u64) {
        self.taken.store(taken, Ordering::Release);
        self.list();
        // From a quarter of the window on, the hub could run out of it before the report arrives.
        let unreported = taken.saturating_sub(self.reported.load(Ordering::Relaxed));
        if unreported >= self.window().div_ceil(4) {
            self.hurry();
        }
    }

    /// Notes what the listener says of an event that it has to acknowledge.
    pub(crate) fn settle(&self, event: u64, settlement: Settlement) {
        let (outcome, reason) = match settlement {
            Settlement::Done => (Outcome::Done, None),
            Settlement::Failed(_, reason) => (Outcome::Failed, Some(reason)),
            Settlement::Working => (Outcome::Working, None),
        };
        self.settled.lock().push(SettledEvent { event, outcome, reason });
        if outcome == Outcome::Working {
            self.list();
            return self.hurry();
        }
        self.finished(self.taken() + 1);
        if outcome == Outcome::Failed {
            self.hurry();
        }
    }

    /// Adds the subscription to the due reports.
    fn list(&self) {
        if !self.listed.swap(true, Ordering::AcqRel) {
            let mut due = self.reports.due.lock();
            due.since.get_or_insert_with(Instant::now);
            due.ids.push(self.id);
            drop(due);
            self.reports.changed.notify_one();
        }
    }

    /// Has the reports sent at once.
    fn hurry(&self) {
        if !self.reports.urgent.swap(true, Ordering::AcqRel) {
            self.reports.changed.notify_one();
        }
    }

    /// Returns how many events the listener has finished.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Acquire)
    }

    /// Returns how many events may be on their way.
    pub(crate) fn window(&self) -> u64 {
        self.window.load(Ordering::Relaxed)
    }
}

/// Counts the events of one subscription since its last SUBSCRIBE. The hub counts them anew with each
/// SUBSCRIBE, and goes on counting after a RESUME.
#[derive(Debug)]
pub(crate) struct WindowState {
    pub(crate) counter: Arc<TakenCounter>,
    /// The listener was handed this many events, on all connections together.
    handed: u64,
    /// This many of them came before the last SUBSCRIBE.
    before: u64,
    /// This many events came since then and were not handed over, because they had come before it.
    repeated: u64,
    /// This many gaps came since then.
    gaps: u64,
    /// The hub knows this window.
    told: u64,
    pace: Pace,
    /// The deliveries of the present connection that were handed over: from this event on, the number
    /// of its delivery is so much greater than its index. There is an entry for each change.
    deliveries: VecDeque<(u64, u64)>,
}

impl WindowState {
    pub(crate) fn new(counter: Arc<TakenCounter>) -> Self {
        let told = counter.window();
        let pace = Pace::new(told, Instant::now());
        let deliveries = VecDeque::new();
        let (handed, before, repeated, gaps) = (0, 0, 0, 0);
        WindowState { counter, handed, before, repeated, gaps, told, pace, deliveries }
    }

    /// Begins to count anew, for a SUBSCRIBE. Returns the window for it: events that came before and
    /// are not finished use a part of the whole window.
    pub(crate) fn begin_connection(&mut self) -> u64 {
        (self.before, self.repeated, self.gaps) = (self.handed, 0, 0);
        self.deliveries.clear();
        self.told = self.open(self.counter.taken());
        self.told
    }

    /// Returns the frame that continues the subscription on a new connection. The next report repeats
    /// the window, because the last one may be lost.
    pub(crate) fn resume(&mut self) -> Resume {
        self.told = 0;
        let events = self.handed - self.before + self.repeated;
        Resume { subscription: self.counter.id, events, gaps: self.gaps }
    }

    /// Notes that a gap came.
    pub(crate) fn gap_came(&mut self) {
        self.gaps += 1;
    }

    /// Returns how much of the window is open to this connection.
    fn open(&self, taken: u64) -> u64 {
        let left_from_before = self.before.saturating_sub(taken);
        self.counter.window().saturating_sub(left_from_before).max(1)
    }

    /// Returns whether the listener has as many events waiting as the window allows.
    pub(crate) fn is_used_up(&self) -> bool {
        self.handed.saturating_sub(self.counter.taken()) >= self.counter.window()
    }

    /// Notes that events came: those that were handed to the listener, and those that it had had
    /// before.
    pub(crate) fn came(&mut self, handed: u64, repeated: u64) {
        self.repeated += repeated;
        let delivery = self.handed - self.before + self.repeated + 1;
        let offset = delivery.wrapping_sub(self.handed);
        if handed > 0 && self.deliveries.back().is_none_or(|(_, last)| *last != offset) {
            self.deliveries.push_back((self.handed, offset));
        }
        self.handed += handed;
        if repeated > 0 {
            self.counter.finished(self.counter.taken());
        }
    }

    /// Returns what the listener has said of events since the last call, as ACK frames.
    pub(crate) fn acks(&mut self) -> Vec<Ack> {
        let mut settled = std::mem::take(&mut *self.counter.settled.lock());
        let (known, later): (Vec<_>, Vec<_>) =
            settled.drain(..).partition(|settled| settled.event < self.handed);
        if !later.is_empty() {
            // The run of these events is still arriving, and they have no numbers yet.
            self.counter.settled.lock().splice(..0, later);
            self.counter.list();
        }
        let mut acks: Vec<Ack> = Vec::new();
        for SettledEvent { event, outcome, reason } in known {
            // The hub has forgotten the deliveries of earlier connections.
            let Some(delivery) = self.delivery(event) else { continue };
            match acks.last_mut() {
                Some(last)
                    if outcome == last.outcome
                        && reason == last.reason
                        && last.last + 1 == delivery =>
                {
                    last.last = delivery;
                }
                _ => acks.push(Ack {
                    subscription: self.counter.id,
                    first: delivery,
                    last: delivery,
                    outcome,
                    reason,
                }),
            }
        }
        acks
    }

    /// Returns the number of the delivery on the present connection that brought an event.
    fn delivery(&mut self, event: u64) -> Option<u64> {
        let at = self.deliveries.partition_point(|(first, _)| *first <= event);
        let (_, offset) = self.deliveries.get(at.checked_sub(1)?)?;
        Some(event.wrapping_add(*offset))
    }

    /// Returns the report of what the listener has finished.
    pub(crate) fn report(&mut self) -> Taken {
        // The flag is cleared before the count is read, so an event that is finished meanwhile is
        // reported now or listed again.
        self.counter.listed.store(false, Ordering::Release);
        let taken = self.counter.taken();
        self.counter.reported.store(taken, Ordering::Relaxed);
        let (window, most) = (self.counter.window(), self.counter.most);
        if let Some(window) = self.pace.window(window, most, taken, Instant::now()) {
            self.counter.window.store(window, Ordering::Relaxed);
        }
        let open = self.open(taken);
        let events = (open != self.told).then_some(open);
        self.told = open;
        let subscription = self.counter.id;
        let taken = taken.saturating_sub(self.before) + self.repeated;
        Taken { subscription, taken, events, bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(events: u64) -> (Arc<TakenReports>, WindowState) {
        let reports = Arc::<TakenReports>::default();
        let counter = TakenCounter::new(7, events, events, reports.clone());
        (reports, WindowState::new(Arc::new(counter)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_waits_for_more_unless_the_window_gets_short() {
        let (reports, mut window) = window(100);
        let start = Instant::now();
        window.counter.finished(1);
        reports.due().await;
        assert_eq!((start.elapsed() / DELAY.as_millis() as u32).as_millis(), 1);
        assert_eq!(reports.take(), [7]);
        assert_eq!(window.report().taken, 1);
        let start = Instant::now();
        window.counter.finished(2);
        window.counter.finished(26);
        reports.due().await;
        assert_eq!((start.elapsed(), reports.take()), (Duration::ZERO, vec![7]));
        assert_eq!(
            window.report(),
            Taken { subscription: 7, taken: 26, events: None, bytes: None }
        );
        window.counter.finished(27);
        assert_eq!(reports.take(), [7]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_of_a_group_grows_with_the_pace_of_the_listener() {
        let counter = Arc::new(TakenCounter::new(7, 1, 1024, Arc::default()));
        let mut window = WindowState::new(counter.clone());
        let mut taken = 0;
        let mut work = async |events: u64, each: Duration| {
            tokio::time::advance(each * events as u32).await;
            taken += events;
            counter.finished(taken);
            window.report();
            counter.window()
        };
        assert_eq!(work(1, Duration::from_millis(50)).await, 1);
        assert_eq!(work(1, Duration::from_millis(1)).await, 2, "at most doubled");
        assert_eq!(work(2, Duration::from_millis(1)).await, 3, "one and two milliseconds' work");
        for _ in 0..10 {
            work(100, Duration::from_micros(1)).await;
        }
        assert_eq!(counter.window(), 1024);
        assert_eq!(work(1, Duration::from_millis(50)).await, 1);
    }

    #[test]
    fn a_new_connection_counts_anew_and_leaves_room_for_what_is_still_there() {
        let (_, mut window) = window(10);
        assert_eq!(window.begin_connection(), 10);
        window.came(8, 0);
        window.counter.finished(3);
        assert_eq!(window.report().taken, 3);
        assert_eq!(window.begin_connection(), 5, "five of the eight are not finished");
        window.came(5, 2);
        assert!(window.is_used_up());
        window.counter.finished(6);
        let report = window.report();
        assert_eq!((report.taken, report.events), (2, Some(8)));
        window.counter.finished(10);
        let report = window.report();
        assert_eq!((report.taken, report.events), (4, Some(10)));
    }
}
