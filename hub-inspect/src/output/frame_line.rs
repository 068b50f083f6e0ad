//! The line of JSON for a frame of Hub.

use super::frame_text::{Content, Related, type_name};
use super::subscription_text::outcome_name;
use crate::inspector::Seen;
use crate::stream::{FrameSeen, Relation, Shape};
use hub_wire::{Frame, RefusedWhat};
use serde::Serialize;

/// One frame of Hub.
#[derive(Serialize)]
pub(super) struct FrameLine {
    kind: &'static str,
    /// The packets that carried the first and the last byte.
    frame: u64,
    first_frame: u64,
    time_ns: i64,
    stream: u64,
    from: &'static str,
    #[serde(rename = "type")]
    type_name: &'static str,
    /// The offset of the length field in the stream, and the bytes of the frame with its length.
    offset: u64,
    len: usize,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(flatten)]
    terms: Terms,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    related: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answers_frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
}

impl FrameLine {
    pub(super) fn of(seen: &Seen<'_>, frame: &FrameSeen<'_>, reveal: bool) -> Self {
        let read = frame.read();
        let (topic, payload) = match &read {
            Ok(Frame::Event(event)) => {
                let shape = Shape { value: event.payload, reveal };
                (Some(event.topic.to_owned()), Some(shape.to_string()))
            }
            Ok(Frame::Run(run)) => (Some(run.topic.to_owned()), None),
            Ok(Frame::Gap(gap)) => (Some(gap.topic.clone()), None),
            _ => (None, None),
        };
        let (answers_frame, number) = match &frame.relation {
            Relation::Answers(asked) => (Some(*asked), None),
            Relation::Refuses { number, event } => (*event, Some(*number)),
            Relation::Covers { numbers, last, .. } => (*last, Some(numbers.end)),
            Relation::Publishes { number, request } => (*request, *number),
            Relation::Delivers { number, request } => (*request, Some(*number)),
            Relation::Misses { behind, subscribes } => {
                (subscribes.first().copied().or(*behind), None)
            }
            Relation::None | Relation::Unannounced => (None, None),
        };
        FrameLine {
            kind: "frame",
            frame: frame.raw.last_packet,
            first_frame: frame.raw.first_packet,
            time_ns: seen.packet.time_ns,
            stream: seen.connection.id,
            from: if frame.sender == seen.connection.client { "client" } else { "server" },
            type_name: type_name(frame),
            offset: frame.raw.offset,
            len: frame.raw.body.len() + 4,
            text: Content { frame: &read, reveal }.to_string(),
            topic,
            payload,
            terms: read.as_ref().map(Terms::of).unwrap_or_default(),
            error: read.as_ref().err().map(ToString::to_string),
            related: Related(&frame.relation).to_string(),
            answers_frame: answers_frame.map(|it| it.packet),
            number,
        }
    }
}

/// What a frame says of subscriptions, and of events by their numbers.
#[derive(Default, Serialize)]
struct Terms {
    /// The subscriptions that the frame is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions: Vec<u64>,
    /// How often the events of a run have been given to somebody.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// How many events a listener has finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<u64>,
    /// The first and the last delivery of an acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<[u64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// The header `id` of a refused event.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Terms {
    fn of(frame: &Frame<'_>) -> Self {
        let of = |id: u64| Terms { subscriptions: vec![id], ..Terms::default() };
        match frame {
            Frame::Run(run) => Terms {
                subscriptions: run.subscriptions.as_slice().to_vec(),
                attempt: Some(run.attempt),
                ..Terms::default()
            },
            Frame::Gap(gap) => {
                Terms { subscriptions: gap.subscriptions.as_slice().to_vec(), ..Terms::default() }
            }
            Frame::Subscribe(it) => of(it.id),
            Frame::Subscribed { id } | Frame::Unsubscribe { id, .. } => of(*id),
            Frame::Resume(it) => of(it.subscription),
            Frame::Taken(it) => Terms { taken: Some(it.taken), ..of(it.subscription) },
            Frame::Ack(it) => Terms {
                deliveries: Some([it.first, it.last]),
                outcome: Some(outcome_name(it.outcome)),
                ..of(it.subscription)
            },
            Frame::Refused(it) => match it.what {
                RefusedWhat::Event => Terms { id: it.id.clone(), ..Terms::default() },
                RefusedWhat::Subscribe | RefusedWhat::Unsubscribe | RefusedWhat::Ack => {
                    of(it.number)
                }
                RefusedWhat::Frame => Terms::default(),
            },
            _ => Terms::default(),
        }
    }
}
