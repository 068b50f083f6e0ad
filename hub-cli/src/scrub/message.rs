//! Holds one message on which rules are tried. A message is a payload of the user, or an event as
//! `hub on --json` prints it.
//!
//! Without this module, rules could not be tried on recorded events with the topic and the headers of
//! each event.

use bytes::Bytes;
use hub_wire::{FrameError, Limits, Reader, TopicName, check_headers};

/// Holds a message on which rules are tried.
pub(super) struct Message {
    /// The message has this number in the input. The first message has number 1.
    pub(super) number: u64,
    pub(super) topic: TopicName,
    pub(super) payload: Bytes,
    /// Holds the headers as MessagePack. It is `None` if the message has no headers.
    pub(super) headers: Option<Bytes>,
}

impl Message {
    /// Reads an event as `hub on --json` prints it. Returns `None` if the value is a gap between
    /// events. If `topic` is given, it takes the place of the event's own topic.
    ///
    /// # Errors
    /// Returns the reason if the value is not an event.
    pub(super) fn of_event(
        number: u64,
        value: &Bytes,
        topic: Option<TopicName>,
    ) -> Result<Option<Message>, String> {
        let parts = Parts::read(value).map_err(|_| not_an_event("it is no object"))?;
        let slice = |part: &[u8]| value.slice_ref(part);
        let (own, payload) = match (parts.topic, parts.payload) {
            (Some(topic), Some(payload)) => (topic, slice(payload)),
            _ if parts.gap => return Ok(None),
            (None, _) => return Err(not_an_event("it has no `topic`")),
            (_, None) => return Err(not_an_event("it has no `payload`")),
        };
        let own = Reader::new(own, &Limits::NONE)
            .str("topic")
            .map_err(|_| not_an_event("its `topic` is no string"))?;
        let topic = match topic {
            Some(topic) => topic,
            None => TopicName::parse(own).map_err(|error| format!("its topic: {error}"))?,
        };
        if let Some(map) = parts.headers {
            check_headers(map, &Limits::NONE).map_err(|error| error.to_string())?;
        }
        // `hub on --json` prints an empty map for an event without headers.
        let headers = parts.headers.filter(|map| **map != [0x80]).map(slice);
        Ok(Some(Message { number, topic, payload, headers }))
    }
}

/// Makes the error for a value that is not an event.
fn not_an_event(why: &str) -> String {
    format!("not an event as `hub on --json` prints it: {why}")
}

/// Holds the fields of an event that the scrub needs, as MessagePack.
#[derive(Default)]
struct Parts<'a> {
    topic: Option<&'a [u8]>,
    payload: Option<&'a [u8]>,
    headers: Option<&'a [u8]>,
    gap: bool,
}

impl<'a> Parts<'a> {
    /// Reads the fields of a value that may be an event.
    fn read(value: &'a [u8]) -> Result<Self, FrameError> {
        let mut read = Reader::new(value, &Limits::NONE);
        let mut parts = Parts::default();
        for _ in 0..read.map("event")? {
            let key = read.str("key")?;
            let value = read.value("value")?;
            match key {
                "topic" => parts.topic = Some(value),
                "payload" => parts.payload = Some(value),
                "headers" => parts.headers = Some(value),
                "gap" => parts.gap = true,
                _ => {}
            }
        }
        Ok(parts)
    }
}
