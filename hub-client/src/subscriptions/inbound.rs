//! Takes RUN, EVENT and GAP frames to the queues of subscriptions. Without the checks in this
//! module, a hub that breaks the protocol could lose events unseen.

use super::cursor::UnannouncedLoss;
use super::incoming_run::{IncomingRun, RunRecipient, RunTopic};
use super::positions::NewPart;
use super::taken::WindowState;
use super::{HandOver, Sink, Subscriptions};
use crate::event_sender::EventSender;
use crate::events::ConnectionEvent;
use bytes::Bytes;
use hub_core::emitter::Delivery;
use hub_wire::{Gap, Limits, RunFrame, TopicName};
use std::collections::VecDeque;
use std::sync::Arc;

/// Holds the deliveries of a connection on their way to subscriptions.
#[derive(Debug)]
pub(crate) struct Inbound {
    run: Option<IncomingRun>,
    parts: Vec<NewPart>,
    /// These deliveries wait for room in `block` subscriptions. While there are any, the client
    /// does not read on, so there are few: the deliveries of one event.
    blocked: VecDeque<(Sink, Delivery)>,
    limits: Limits,
    /// The last run had this topic and this publisher. Most often, the next run has them as well.
    topic: Option<RunTopic>,
    publisher: Arc<str>,
    /// Between runs, this list is empty, and is kept only for its memory.
    recipients: Vec<RunRecipient>,
    /// The subscriptions with these ids accept nothing more, because too much waited or because the
    /// subscriber has just left.
    gone: Vec<u64>,
}

/// States whether the client can go on reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboundProgress {
    /// The client can go on reading.
    Free,
    /// The client cannot go on, because a `block` subscription has no room.
    Blocked,
}

impl Inbound {
    pub(crate) fn new(max_frame: u32) -> Self {
        Inbound {
            run: None,
            parts: Vec::new(),
            blocked: VecDeque::new(),
            limits: Limits { frame: max_frame, depth: Limits::MAX_DEPTH, elements: u32::MAX },
            topic: None,
            publisher: "".into(),
            recipients: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// Returns the limits with which frames from the hub are read.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns whether deliveries wait for room.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Resolves when [`Inbound::unblock`] can hand a delivery over.
    pub(crate) async fn room(&self) {
        match self.blocked.front() {
            Some((Sink::Feed(feed), _)) => feed.room().await,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }

    /// Hands over the deliveries that waited for room.
    pub(crate) fn unblock(&mut self) {
        while let Some((sink, delivery)) = self.blocked.pop_front() {
            if let HandOver::Full(message) = sink.hand_over(delivery) {
                return self.blocked.push_front((sink, Delivery::Message(message)));
            }
        }
    }

    /// Returns the ids of the subscriptions that have ended on their own since the last call.
    pub(crate) fn take_gone(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.gone)
    }

    /// Handles a RUN frame.
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
        if run.count == 0 {
            if let Some((id, gap)) = subs.positions.stands(run).map_err(bad_topic)? {
                let sink = subs.entries.get(&id).map(|entry| &entry.sink);
                sink.into_iter().for_each(|sink| drop(sink.hand_over(Delivery::Gap(gap.clone()))));
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
        let mut recipients = std::mem::take(&mut self.recipients);
        // A run for a member of a queue group, or one that is given again, names one subscription.
        let first = run.subscriptions.as_slice().first();
        let single = first.and_then(|id| subs.entries.get(id).map(|entry| (*id, entry)));
        match single {
            // The numbers of a share are not contiguous, and events that are given again are old.
            Some((id, entry)) if entry.options.group.is_some() || run.attempt > 1 => {
                recipients.push(RunRecipient::new(id, run.first, entry.sink.clone()));
            }
            _ => {
                subs.positions.run(run, &mut self.parts).map_err(bad_topic)?;
                for NewPart { id, new } in &self.parts {
                    let Some(entry) = subs.entries.get_mut(id) else { continue };
                    let mut recipient = RunRecipient::new(*id, new.from, entry.sink.clone());
                    recipient.gap = new.unannounced.map(|unannounced| {
                        tell(unannounced, run.topic, run.epoch, new.from, events)
                    });
                    recipients.push(recipient);
                }
            }
        }
        self.topic = Some(topic.clone());
        self.run = Some(IncomingRun::new(run, topic, self.publisher.clone(), recipients));
        Ok(())
    }

    /// Handles an EVENT frame. `body` is the frame without its length.
    pub(crate) fn event(
        &mut self,
        subs: &mut Subscriptions,
        body: &Bytes,
        events: &EventSender,
    ) -> Result<InboundProgress, String> {
        let Some(run) = &mut self.run else { return Err("an EVENT without a RUN".to_owned()) };
        let Some((message, last)) = run.next(body, &self.limits, events)? else {
            self.finish_if_done(subs, events);
            return Ok(InboundProgress::Free);
        };
        let mut message = Some(message);
        for at in 0..=last {
            let recipient = &mut run.recipients[at];
            if message.as_ref().is_none_or(|message| message.seq < recipient.from) {
                continue;
            }
            // Most runs have one recipient. In this case the message is not cloned.
            let message = if at == last { message.take() } else { message.clone() };
            let gap = recipient.gap.take().map(Delivery::Gap);
            for delivery in gap.into_iter().chain(message.map(Delivery::Message)) {
                match recipient.sink.hand_over(delivery) {
                    HandOver::Done => {}
                    HandOver::Full(message) => {
                        let delivery = Delivery::Message(message);
                        self.blocked.push_back((recipient.sink.clone(), delivery));
                    }
                    HandOver::Gone => {
                        recipient.from = u64::MAX;
                        self.gone.push(recipient.id);
                    }
                }
            }
        }
        self.finish_if_done(subs, events);
        Ok(if self.is_blocked() { InboundProgress::Blocked } else { InboundProgress::Free })
    }

    /// Finishes the run after its last event.
    fn finish_if_done(&mut self, subs: &mut Subscriptions, events: &EventSender) {
        if self.run.as_ref().is_some_and(|run| run.left == 0) {
            self.finish(subs, events);
        }
    }

    /// Notes how far the run was handed over. That happens at the end of the run, or when the
    /// connection is lost in the middle of it.
    pub(crate) fn finish(&mut self, subs: &mut Subscriptions, events: &EventSender) {
        let Some(mut run) = self.run.take() else { return };
        let seq = run.next - 1;
        for id in run.subscriptions.as_slice() {
            let recipient = run.recipients.iter().find(|recipient| recipient.id == *id);
            let handed = recipient.map_or(0, |recipient| run.next.saturating_sub(recipient.from));
            subs.came(*id, handed, run.came - handed);
        }
        for recipient in &run.recipients {
            if seq >= recipient.from && run.attempt == 1 {
                subs.positions.handed_over(run.topic.name.as_str(), run.epoch, seq, recipient.id);
            }
            if let Some(filter) = subs.became_slow(recipient.id) {
                events.send(ConnectionEvent::Slow { filter: filter.to_string() });
            }
        }
        run.recipients.clear();
        self.recipients = run.recipients;
    }

    /// Handles a GAP frame.
    pub(crate) fn gap(
        &mut self,
        subs: &mut Subscriptions,
        gap: Gap,
        events: &EventSender,
    ) -> Result<(), String> {
        if self.run.is_some() {
            return Err("a GAP in the middle of a run".to_owned());
        }
        let Subscriptions { entries, positions, .. } = subs;
        for id in gap.subscriptions.as_slice() {
            let window = entries.get_mut(id).and_then(|entry| entry.window.as_mut());
            window.into_iter().for_each(WindowState::gap_came);
        }
        let group = gap.subscriptions.as_slice().first().and_then(|id| entries.get(id));
        if let Some(entry) = group.filter(|entry| entry.options.group.is_some()) {
            entry.sink.hand_over(Delivery::Gap(gap.clone()));
        } else {
            let mut news = false;
            let told = |id, missing: Gap, unannounced: Option<UnannouncedLoss>| {
                news = true;
                let Some(entry) = entries.get_mut(&id) else { return };
                let before = unannounced.map(|unannounced| {
                    tell(unannounced, &missing.topic, missing.epoch, missing.from, events)
                });
                for gap in before.into_iter().chain([missing]) {
                    entry.sink.hand_over(Delivery::Gap(gap));
                }
            };
            positions.gap(&gap, told).map_err(|error| format!("a GAP on no topic: {error}"))?;
            if !news {
                return Ok(());
            }
        }
        events.send(ConnectionEvent::Gap(gap));
        Ok(())
    }
}

/// Reports a loss that the hub did not announce as a connection event, and returns its gap for the
/// subscription.
fn tell(
    unannounced: UnannouncedLoss,
    topic: &str,
    epoch: u64,
    next: u64,
    events: &EventSender,
) -> Gap {
    let gap = unannounced.gap(topic, epoch, next);
    events.send(match unannounced {
        UnannouncedLoss::Renewal(_) | UnannouncedLoss::Skipped(_) => {
            ConnectionEvent::Gap(gap.clone())
        }
        UnannouncedLoss::Jump(due) => ConnectionEvent::Violation(format!(
            "numbers of {topic} went on with {next} where {due} was due"
        )),
    });
    gap
}
