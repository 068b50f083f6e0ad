//! Settles single deliveries of a subscription whose client acknowledges its events.
//!
//! TAKEN settles deliveries from the first one on, in order. Handlers that fail or that work side by
//! side settle them in any order, and an event in the middle may have to be given again.

use super::{Flow, OnTheWay};
use crate::topic::ledger::{Ledger, count};
use crate::topic::queued_run::QueuedRun;
use std::ops::Range;
use std::time::Instant;

impl Flow {
    /// Counts deliveries as delivered, from number `first` to number `last`, and returns those that
    /// were on their way until now.
    pub(in crate::topic) fn finish(
        &mut self,
        first: u64,
        last: u64,
        hub: &Ledger,
    ) -> Vec<QueuedRun> {
        let finished = self.take_off(first, last);
        for sent in &finished {
            count(&hub.delivered, sent.count.into());
            count(&sent.ledger.delivered, sent.count.into());
        }
        finished.into_iter().filter_map(|sent| sent.run).collect()
    }

    /// Takes deliveries back, from number `first` to number `last`, as far as they are on their way.
    pub(in crate::topic) fn fail(&mut self, first: u64, last: u64) -> Vec<QueuedRun> {
        self.take_off(first, last).into_iter().filter_map(|sent| sent.run).collect()
    }

    /// Takes back the deliveries whose time is over.
    pub(in crate::topic) fn expire(&mut self, now: Instant) -> Vec<QueuedRun> {
        let is_late = |sent: &OnTheWay| sent.deadline.is_some_and(|deadline| deadline <= now);
        if !self.on_the_way.iter().any(is_late) {
            return Vec::new();
        }
        let all = std::mem::take(&mut self.on_the_way);
        let (late, others): (Vec<_>, _) = all.into_iter().partition(is_late);
        self.on_the_way = others.into();
        self.count_off(&late);
        late.into_iter().filter_map(|sent| sent.run).collect()
    }

    /// Lets the time of deliveries begin anew. Returns how many of them are on their way.
    pub(in crate::topic) fn extend(&mut self, first: u64, last: u64, now: Instant) -> u64 {
        let Some(timeout) = self.timeout else { return 0 };
        let range = self.range(first, last);
        let mut count = 0;
        for sent in self.on_the_way.range_mut(range) {
            sent.deadline = Some(now + timeout);
            count += u64::from(sent.count);
        }
        self.report_on_the_way();
        count
    }

    /// Removes the deliveries from number `first` to number `last` that are on their way, and returns
    /// them in order.
    pub(super) fn take_off(&mut self, first: u64, last: u64) -> Vec<OnTheWay> {
        let range = self.range(first, last);
        let taken: Vec<_> = self.on_the_way.drain(range).collect();
        self.count_off(&taken);
        taken
    }

    /// Counts deliveries off that are not on their way any more.
    fn count_off(&mut self, taken: &[OnTheWay]) {
        for sent in taken {
            self.bytes_on_the_way -= sent.bytes;
            self.taken += u64::from(sent.count);
        }
        self.report_on_the_way();
    }

    /// Returns the places of the deliveries from number `first` to number `last`. Runs that lie across
    /// the ends of the range are divided.
    fn range(&mut self, first: u64, last: u64) -> Range<usize> {
        self.divide_before(first);
        self.divide_before(last.saturating_add(1));
        let from = self.on_the_way.partition_point(|sent| sent.last() < first);
        let to = self.on_the_way.partition_point(|sent| sent.first <= last);
        from..to.max(from)
    }

    /// Divides the run in which a delivery is, so that a part begins with that delivery.
    fn divide_before(&mut self, number: u64) {
        let at = self.on_the_way.partition_point(|sent| sent.last() < number);
        if let Some(sent) = self.on_the_way.get_mut(at).filter(|sent| sent.first < number) {
            let front = sent.split_front((number - sent.first) as u32);
            self.on_the_way.insert(at, front);
        }
    }
}

impl OnTheWay {
    /// Returns the number of the last delivery.
    pub(super) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// Returns the part of the run that is not finished, if the run is kept.
    pub(super) fn unfinished(&self) -> Option<QueuedRun> {
        self.run.as_ref().map(|run| run.split_at(run.count - self.count).1)
    }

    /// Returns for how many bytes the first `count` unfinished events count. A run that is kept says so exactly.
    /// Of others only the sum is known, and each event counts for the same part of it.
    pub(super) fn bytes_of(&self, count: u32) -> usize {
        match self.unfinished() {
            Some(run) => run.split_at(count).0.events.len(),
            None => self.bytes / self.count as usize * count as usize,
        }
    }

    /// Removes the first `count` deliveries, and returns them.
    fn split_front(&mut self, count: u32) -> OnTheWay {
        let bytes = self.bytes_of(count);
        let (front_run, rest_run) = self.unfinished().map(|run| run.split_at(count)).unzip();
        let front = OnTheWay { count, bytes, run: front_run, ..self.clone() };
        self.first += u64::from(count);
        self.count -= count;
        self.bytes -= bytes;
        self.run = rest_run;
        front
    }
}
