//! Lets a subscription outlive its connection: its flow remembers what it has sent and what the client
//! may not have got, and sends that again when the client comes back.
//!
//! Without this memory, bytes that were lost with a connection would be lost for the subscription, or
//! the client would have to state its position in every topic.

use super::Flow;
use super::notices::{CannotResume, Notice};
use crate::sync::Ordering;
use crate::topic::pending_gap::GapOrigin;
use crate::topic::queue_item::QueueItem;
use crate::topic::queued_run::QueuedRun;
use hub_wire::{Resume, SubscriptionIds};
use std::collections::VecDeque;
use std::time::Instant;

impl Flow {
    /// Makes the flow outlive its connection.
    pub(in crate::topic) fn keep(&mut self) {
        self.kept = Some(Box::default());
    }

    /// Returns whether the flow outlives its connection.
    pub(in crate::topic) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Returns whether the flow waits for its client to resume it.
    pub(in crate::topic) fn is_suspended(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.suspended)
    }

    /// Sends nothing more until the client resumes the subscription. Publishers do not wait for the
    /// client meanwhile, unless the policy is `block`.
    pub(in crate::topic) fn suspend(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.suspended = true;
            self.gauge.lagging.store(true, Ordering::Relaxed);
            self.gauge.away.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that a gap or a position is sent. A gap of a kept flow is counted by its client, so it is
    /// never joined with another one from then on.
    pub(in crate::topic) fn note(&mut self, item: &mut QueueItem) {
        let Some(kept) = &mut self.kept else { return };
        if let QueueItem::Gap(gap) = item
            && gap.origin != GapOrigin::Replay
        {
            gap.origin = GapOrigin::Sent;
        }
        kept.notices.push_back(Notice { after: self.sent, item: item.clone() });
    }

    /// Notes that the client has certainly got its first `events` events, and forgets the notices in
    /// front of the last of them.
    pub(in crate::topic) fn got(&mut self, events: u64) {
        let Some(kept) = &mut self.kept else { return };
        kept.events = kept.events.max(events);
        while let Some(notice) = kept.notices.pop_front_if(|notice| notice.after < kept.events) {
            kept.gaps += u64::from(notice.is_gap());
        }
    }

    /// Goes back to where the client is, so that it gets everything behind that place again. The events
    /// up to that place stay on their way.
    ///
    /// # Errors
    /// The flow is unchanged, and stays suspended if it was.
    pub(in crate::topic) fn rewind(&mut self, resume: &Resume) -> Result<(), CannotResume> {
        let kept = self.kept.as_mut().ok_or(CannotResume::InPlace)?;
        if !kept.suspended {
            return Err(CannotResume::InPlace);
        }
        let &Resume { events, gaps, .. } = resume;
        // The client has got each gap in front of an event that it has got, and none behind one that
        // it has not got.
        let gaps_within = |most: u64| {
            let within = kept.notices.iter().take_while(|notice| notice.after <= most);
            kept.gaps + within.filter(|notice| notice.is_gap()).count() as u64
        };
        let least = events.checked_sub(1).map_or(kept.gaps, gaps_within);
        if !(kept.events..=self.sent).contains(&events)
            || !(least..=gaps_within(events)).contains(&gaps)
        {
            return Err(CannotResume::Counts { events, gaps });
        }
        while kept.gaps < gaps
            && let Some(notice) = kept.notices.pop_front()
        {
            kept.gaps += u64::from(notice.is_gap());
        }
        let mut notices = std::mem::take(&mut kept.notices);
        kept.suspended = false;
        self.gauge.away.store(false, Ordering::Relaxed);
        while notices.pop_front_if(|notice| notice.after < events).is_some() {}
        let behind = self.take_off(events + 1, u64::MAX);
        self.sent = events;
        self.taken = events - self.on_the_way.iter().map(|sent| u64::from(sent.count)).sum::<u64>();
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        self.on_the_way.iter_mut().for_each(|sent| sent.deadline = deadline);
        let mut again = VecDeque::new();
        for sent in behind {
            while let Some(notice) = notices.pop_front_if(|notice| notice.after < sent.first) {
                again.push_back(notice.item);
            }
            let run = sent.unfinished();
            // The run may have been sent to several subscriptions at once.
            let one = SubscriptionIds::one(self.id);
            let overflow = self.overflow;
            let run = run.map(|run| QueuedRun { overflow, ..run.with_subscriptions(one) });
            again.extend(run.map(QueueItem::Run));
        }
        again.extend(notices.into_iter().map(|notice| notice.item));
        self.parked.unpop_items(again);
        self.report_parked();
        self.report_on_the_way();
        Ok(())
    }

    /// Returns for how many bytes the events count that wait or are on their way.
    pub(in crate::topic) fn bytes(&self) -> usize {
        self.parked.bytes() + self.bytes_on_the_way
    }
}
