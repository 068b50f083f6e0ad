//! From RUN, EVENT and GAP frames to the queues of subscriptions.

use super::place::Untold;
use super::routes::Share;
use super::run::{Run, RunTopic, Taker};
use super::{Handed, Sink, Subscriptions};
use crate::events::{ConnectionEvent, EventSender};
use bytes::Bytes;
use hub_core::emitter::Delivery;
use hub_wire::{Gap, Limits, RunFrame, TopicName};
use std::collections::VecDeque;
use std::sync::Arc;

/// What arrives on a connection, on its way to subscriptions.
#[derive(Debug)]
pub(crate) struct Inbound {
    run: Option<Run>,
    shares: Vec<Share>,
    /// Deliveries that wait for room in `block` subscriptions. While there are any, nothing more
    /// is read, so there are few: one event's, or what was held for one subscription.
    blocked: VecDeque<(Sink, Delivery)>,
    limits: Limits,
    /// The last run's topic and publisher; most often the next run has the same.
    topic: Option<RunTopic>,
    publisher: Arc<str>,
    /// Empty between runs; kept for its memory.
    takers: Vec<Taker>,
    /// Subscriptions that took nothing more: too much waited, or the subscriber has just left.
    gone: Vec<u64>,
}

/// Whether reading can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It can.
    Free,
    /// A `block` subscription has no room.
    Blocked,
}

impl Inbound {
    pub(crate) fn new(max_frame: u32) -> Self {
        Inbound {
            run: None,
            shares: Vec::new(),
            blocked: VecDeque::new(),
            limits: Limits { frame: max_frame, depth: Limits::MAX_DEPTH, elements: u32::MAX },
            topic: None,
            publisher: "".into(),
            takers: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// The limits with which frames from the hub are read.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether deliveries wait for room.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Resolves when [`Inbound::unblock`] can get on.
    pub(crate) async fn room(&self) {
        match self.blocked.front() {
            Some((Sink::Feed(feed), _)) => feed.room().await,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }

    /// Hands over what waited for room.
    pub(crate) fn unblock(&mut self) {
        while let Some((sink, delivery)) = self.blocked.pop_front() {
            if let Handed::Full(message) = sink.hand(delivery) {
                return self.blocked.push_front((sink, Delivery::Message(message)));
            }
        }
    }

    /// The subscriptions that have ended by themselves since this was last asked.
    pub(crate) fn take_gone(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.gone)
    }

    /// A RUN came.
    pub(crate) fn run(
        &mut self,
        subs: &mut Subscriptions,
        run: &RunFrame<'_>,
        events: &EventSender,
    ) -> Result<(), String> {
        if let Some(open) = &self.run {
            return Err(format!("a RUN while {} events of the last are due", open.left));
        }
        let bad_topic = |error| format!("a RUN on no topic: {error}");
        if let Some(entry) = run.subscription.and_then(|id| subs.entries.get_mut(&id)) {
            entry.held.drop_topic(run.topic);
        }
        if run.count == 0 {
            if let Some((id, gap)) = subs.routes.stands(run).map_err(bad_topic)? {
                let sink = subs.entries.get(&id).map(|entry| &entry.sink);
                sink.into_iter().for_each(|sink| drop(sink.hand(Delivery::Gap(gap.clone()))));
                events.send(ConnectionEvent::Gap(gap));
            }
            return Ok(());
        }
        if run.first.checked_add(run.count.into()).is_none() {
            return Err("a RUN with numbers beyond the last".to_owned());
        }
        let known = self.topic.take().filter(|last| last.name.as_str() == run.topic);
        let topic = match known {
            Some(topic) => topic,
            None => RunTopic::new(TopicName::parse(run.topic).map_err(bad_topic)?),
        };
        if *self.publisher != *run.publisher {
            self.publisher = run.publisher.into();
        }
        let mut takers = std::mem::take(&mut self.takers);
        let group = run.subscription.and_then(|id| subs.entries.get(&id).map(|e| (id, e)));
        match group {
            Some((id, entry)) if entry.options.group.is_some() => {
                takers.push(Taker::new(id, run.first, entry.sink.clone()));
            }
            _ => {
                subs.routes.run(run, &mut self.shares).map_err(bad_topic)?;
                for share in &self.shares {
                    let Some(entry) = subs.entries.get_mut(&share.id) else { continue };
                    if share.held && matches!(share.new.untold, Some(Untold::Jump(_))) {
                        entry.held.drop_topic(run.topic);
                        continue;
                    }
                    let mut taker = Taker::new(share.id, share.new.from, entry.sink.clone());
                    taker.held = share.held;
                    taker.gap = share
                        .new
                        .untold
                        .map(|untold| tell(untold, run.topic, run.epoch, share.new.from, events));
                    takers.push(taker);
                }
            }
        }
        self.topic = Some(topic.clone());
        self.run = Some(Run::new(run, topic, self.publisher.clone(), takers));
        Ok(())
    }

    /// An EVENT came; `body` is its frame without the length.
    pub(crate) fn event(
        &mut self,
        subs: &mut Subscriptions,
        body: &Bytes,
        events: &EventSender,
    ) -> Result<Progress, String> {
        let Some(run) = &mut self.run else { return Err("an EVENT without a RUN".to_owned()) };
        let Some((message, last)) = run.next(body, &self.limits, events)? else {
            self.finish_if_done(subs, events);
            return Ok(Progress::Free);
        };
        let mut message = Some(message);
        for at in 0..=last {
            let taker = &mut run.takers[at];
            if message.as_ref().is_none_or(|message| message.seq < taker.from) {
                continue;
            }
            // Most runs have one taker, which then costs no clone.
            let message = if at == last { message.take() } else { message.clone() };
            let gap = taker.gap.take().map(Delivery::Gap);
            for delivery in gap.into_iter().chain(message.map(Delivery::Message)) {
                if taker.held {
                    let entry = subs.entries.get_mut(&taker.id);
                    entry.into_iter().for_each(|entry| entry.held.push(delivery.clone()));
                } else {
                    match taker.sink.hand(delivery) {
                        Handed::Done => {}
                        Handed::Full(message) => {
                            let delivery = Delivery::Message(message);
                            self.blocked.push_back((taker.sink.clone(), delivery));
                        }
                        Handed::Gone => {
                            taker.from = u64::MAX;
                            self.gone.push(taker.id);
                        }
                    }
                }
            }
        }
        self.finish_if_done(subs, events);
        Ok(if self.is_blocked() { Progress::Blocked } else { Progress::Free })
    }

    fn finish_if_done(&mut self, subs: &mut Subscriptions, events: &EventSender) {
        if self.run.as_ref().is_some_and(|run| run.left == 0) {
            self.finish(subs, events);
        }
    }

    /// Writes down how far the run was handed over; at its end, or when the connection is lost
    /// in the middle of it.
    pub(crate) fn finish(&mut self, subs: &mut Subscriptions, events: &EventSender) {
        let Some(mut run) = self.run.take() else { return };
        let seq = run.next - 1;
        for taker in &run.takers {
            if seq >= taker.from {
                subs.routes.handed_over(run.topic.name.as_str(), run.epoch, seq, taker.id);
            }
            if let Some(filter) = subs.became_slow(taker.id) {
                events.send(ConnectionEvent::Slow { filter: filter.to_string() });
            }
        }
        run.takers.clear();
        self.takers = run.takers;
    }

    /// SUBSCRIBED came: what was held is due.
    pub(crate) fn confirmed(&mut self, subs: &mut Subscriptions, id: u64) {
        let Some((sink, held)) = subs.confirmed(id) else { return };
        for delivery in held.into_deliveries() {
            if self.is_blocked() {
                // Order: behind what waits already.
                self.blocked.push_back((sink.clone(), delivery));
            } else if let Handed::Full(message) = sink.hand(delivery) {
                self.blocked.push_back((sink.clone(), Delivery::Message(message)));
            }
        }
    }

    /// A GAP came.
    pub(crate) fn gap(
        &mut self,
        subs: &mut Subscriptions,
        gap: Gap,
        events: &EventSender,
    ) -> Result<(), String> {
        if self.run.is_some() {
            return Err("a GAP in the middle of a run".to_owned());
        }
        let Subscriptions { entries, routes, .. } = subs;
        if let Some(entry) = gap.subscription.and_then(|id| entries.get_mut(&id)) {
            entry.held.drop_topic(&gap.topic);
        }
        let group = gap.subscription.and_then(|id| entries.get(&id));
        if let Some(entry) = group.filter(|entry| entry.options.group.is_some()) {
            entry.sink.hand(Delivery::Gap(gap.clone()));
        } else {
            let mut news = false;
            let told = |id, missing: Gap, untold: Option<Untold>, held: bool| {
                news = true;
                let Some(entry) = entries.get_mut(&id) else { return };
                if held && matches!(untold, Some(Untold::Jump(_))) {
                    return entry.held.drop_topic(&missing.topic);
                }
                let before = untold.map(|untold| {
                    tell(untold, &missing.topic, missing.epoch, missing.from, events)
                });
                for gap in before.into_iter().chain([missing]) {
                    if held {
                        entry.held.push(Delivery::Gap(gap));
                    } else {
                        entry.sink.hand(Delivery::Gap(gap));
                    }
                }
            };
            routes.gap(&gap, told).map_err(|error| format!("a GAP on no topic: {error}"))?;
            if !news {
                return Ok(());
            }
        }
        events.send(ConnectionEvent::Gap(gap));
        Ok(())
    }
}

/// Says what the hub did not: to the connection's events, and returns it for the subscription.
fn tell(untold: Untold, topic: &str, epoch: u64, next: u64, events: &EventSender) -> Gap {
    let gap = untold.gap(topic, epoch, next);
    events.send(match untold {
        Untold::Renewal(_) => ConnectionEvent::Gap(gap.clone()),
        Untold::Jump(due) => ConnectionEvent::Violation(format!(
            "numbers of {topic} went on with {next} where {due} was due"
        )),
    });
    gap
}
