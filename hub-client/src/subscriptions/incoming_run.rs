//! Tracks a run while its EVENT frames arrive. The RUN frame has the numbers and the publisher of
//! all of them, so without it no EVENT frame could be understood.

use super::Sink;
use crate::event_sender::EventSender;
use crate::events::ConnectionEvent;
use bytes::Bytes;
use hub_core::emitter::{Headers, Message};
use hub_wire::{EventFrame, Gap, Limits, Packer, RunFrame, SubscriptionIds, TopicName};
use std::sync::Arc;

/// Describes the part of a run that has not arrived yet.
#[derive(Debug)]
pub(super) struct IncomingRun {
    pub(super) topic: RunTopic,
    pub(super) epoch: u64,
    /// The next event has this event number.
    pub(super) next: u64,
    /// This many events are still to come.
    pub(super) left: u32,
    /// This many events of the run came.
    pub(super) came: u64,
    /// The run is for these subscriptions.
    pub(super) subscriptions: SubscriptionIds,
    publisher: Arc<str>,
    time_ms: u64,
    pub(super) attempt: u32,
    pub(super) recipients: Vec<RunRecipient>,
}

/// Holds the name of a topic, and its bytes as they stand in each EVENT frame.
#[derive(Debug, Clone)]
pub(super) struct RunTopic {
    pub(super) name: TopicName,
    encoded: Bytes,
}

/// Describes a subscription that gets events of a run.
#[derive(Debug)]
pub(super) struct RunRecipient {
    pub(super) id: u64,
    /// The subscription gets the events from this event number on.
    pub(super) from: u64,
    pub(super) sink: Sink,
    /// This gap is handed over in front of the first event.
    pub(super) gap: Option<Gap>,
}

impl RunRecipient {
    pub(super) fn new(id: u64, from: u64, sink: Sink) -> Self {
        RunRecipient { id, from, sink, gap: None }
    }
}

impl RunTopic {
    pub(super) fn new(name: TopicName) -> Self {
        let mut encoded = Vec::new();
        Packer(&mut encoded).str(name.as_str());
        RunTopic { name, encoded: encoded.into() }
    }
}

impl IncomingRun {
    pub(super) fn new(
        run: &RunFrame<'_>,
        topic: RunTopic,
        publisher: Arc<str>,
        recipients: Vec<RunRecipient>,
    ) -> Self {
        let (next, left) = (run.first, run.count);
        IncomingRun {
            topic,
            epoch: run.epoch,
            next,
            left,
            came: 0,
            subscriptions: run.subscriptions.clone(),
            publisher,
            time_ms: run.time_ms,
            attempt: run.attempt,
            recipients,
        }
    }

    /// Reads the next EVENT frame. Returns its message and the index of the last recipient that
    /// gets it, or `None` if no recipient does.
    pub(super) fn next(
        &mut self,
        body: &Bytes,
        limits: &Limits,
        events: &EventSender,
    ) -> Result<Option<(Message, usize)>, String> {
        // The caller has checked that the frame is an EVENT. Its topic must be that of the run.
        if !body.get(2..).is_some_and(|rest| rest.starts_with(&self.topic.encoded)) {
            return Err("an EVENT on another topic than its RUN".to_owned());
        }
        let offset = 2 + self.topic.encoded.len();
        let event = EventFrame::parse_after_topic(body, offset, self.topic.name.as_str(), limits)
            .map_err(|error| error.to_string())?;
        let seq = self.next;
        (self.next, self.left, self.came) = (seq + 1, self.left - 1, self.came + 1);
        let Some(last) = self.recipients.iter().rposition(|recipient| seq >= recipient.from) else {
            return Ok(None);
        };
        let mut message = Message::new(self.topic.name.clone(), body.slice_ref(event.payload));
        (message.epoch, message.seq) = (self.epoch, seq);
        (message.time_ms, message.attempt) = (self.time_ms, self.attempt);
        message.publisher = self.publisher.clone();
        message.headers = headers(&event, limits, events);
        Ok(Some((message, last)))
    }
}

/// Reads the headers of an event. Headers that break the protocol are reported, and left out.
fn headers(event: &EventFrame<'_>, limits: &Limits, events: &EventSender) -> Headers {
    let Some(encoded) = event.headers else { return Headers::new() };
    Headers::parse(encoded, limits).unwrap_or_else(|error| {
        let topic = event.topic;
        events.send(ConnectionEvent::Violation(format!("headers of {topic}: {error}")));
        Headers::new()
    })
}
