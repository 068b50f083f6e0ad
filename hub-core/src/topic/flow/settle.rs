//! Settles single deliveries of a subscription whose client acknowledges its events.
//!
//! TAKEN settles deliveries from the first one on, in order. Handlers that fail or that work side by
//! side settle them in any order, and an event in the middle may have to be given again.

use super::{Flow, OnTheWay};
use crate::topic::ledger::{Ledger, count};
use crate::topic::queued_run::QueuedRun;
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
        let late = |sent: &&OnTheWay| sent.deadline.is_some_and(|deadline| deadline <= now);
        let ranges: Vec<(u64, u64)> =
            self.on_the_way.iter().filter(late).map(|sent| (sent.first, sent.last())).collect();
        ranges.into_iter().flat_map(|(first, last)| self.fail(first, last)).collect()
    }

    /// Lets the time of deliveries begin anew. Returns how many of them are on their way.
    pub(in crate::topic) fn extend(&mut self, first: u64, last: u64, now: Instant) -> u64 {
        let Some(timeout) = self.timeout else { return 0 };
        let mut held = self.take_off(first, last);
        let count = held.iter().map(|sent| u64::from(sent.count)).sum();
        for sent in held.drain(..) {
            let at = self.on_the_way.partition_point(|other| other.first < sent.first);
            self.bytes_on_the_way += sent.bytes;
            self.taken -= u64::from(sent.count);
            self.on_the_way.insert(at, OnTheWay { deadline: Some(now + timeout), ..sent });
        }
        self.report_on_the_way();
        count
    }

    /// Removes the deliveries from number `first` to number `last` that are on their way, and returns
    /// them in order.
    pub(super) fn take_off(&mut self, first: u64, last: u64) -> Vec<OnTheWay> {
        let mut taken = Vec::new();
        let mut at = self.on_the_way.partition_point(|sent| sent.last() < first);
        while let Some(mut sent) =
            self.on_the_way.get(at).filter(|sent| sent.first <= last).cloned()
        {
            self.on_the_way.remove(at);
            if sent.first < first {
                let front = sent.split_front((first - sent.first) as u32);
                self.on_the_way.insert(at, front);
                at += 1;
            }
            if sent.last() > last {
                let front = sent.split_front((last - sent.first + 1) as u32);
                self.on_the_way.insert(at, std::mem::replace(&mut sent, front));
            }
            self.bytes_on_the_way -= sent.bytes;
            self.taken += u64::from(sent.count);
            taken.push(sent);
        }
        self.report_on_the_way();
        taken
    }
}

impl OnTheWay {
    /// Returns the number of the last delivery.
    pub(super) fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }

    /// Removes the first `count` deliveries, and returns them.
    fn split_front(&mut self, count: u32) -> OnTheWay {
        let (front_run, rest_run) = match self.unfinished() {
            None => (None, None),
            Some(run) => {
                let (front, rest) = run.split_at(count);
                (Some(front), Some(rest))
            }
        };
        let bytes = match &front_run {
            Some(run) => run.events.len(),
            None => self.bytes / self.count as usize * count as usize,
        };
        let front = OnTheWay { count, bytes, run: front_run, ..self.clone() };
        self.first += u64::from(count);
        self.count -= count;
        self.bytes -= bytes;
        self.run = rest_run;
        front
    }
}
