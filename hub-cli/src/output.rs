//! Writes events and gaps to stdout in the format that the user chose.
//!
//! Without this module, control characters in an event could take over the terminal of a user who
//! looks at it.

use crate::json::from_msgpack;
use hub_client::{Gap, Message};
use serde_json::{Value, json};
use std::io::{self, BufWriter, StdoutLock, Write};

/// Says in which format `hub on` prints events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// Each event is a line for people.
    Line,
    /// Each event is a JSON object on a line of its own.
    Json,
    /// The bytes of the payloads follow one another, with nothing between them.
    Raw,
}

/// Writes to stdout through a buffer. The caller flushes it whenever it has nothing more to write for
/// now, so that a user sees each event at once.
pub(crate) struct Output {
    to: BufWriter<StdoutLock<'static>>,
    form: OutputFormat,
}

impl Output {
    pub(crate) fn new(form: OutputFormat) -> Self {
        Output { to: BufWriter::with_capacity(64 << 10, io::stdout().lock()), form }
    }

    /// Writes an event.
    pub(crate) fn message(&mut self, message: &Message) -> io::Result<()> {
        match self.form {
            OutputFormat::Raw => self.to.write_all(&message.payload),
            OutputFormat::Json => writeln!(self.to, "{}", object(message)),
            OutputFormat::Line => writeln!(self.to, "{}", line(message)),
        }
    }

    /// Writes a gap. With JSON, the gap is a line in its place among the events. Otherwise it goes to
    /// stderr, because stdout holds events only.
    pub(crate) fn gap(&mut self, gap: &Gap) -> io::Result<()> {
        if self.form == OutputFormat::Json {
            return writeln!(self.to, "{}", gap_object(gap));
        }
        self.flush()?;
        crate::connect::note(gap_line(gap));
        Ok(())
    }

    /// Writes the contents of the buffer to stdout.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Returns an event as one JSON object.
pub(crate) fn object(message: &Message) -> Value {
    json!({
        "topic": message.topic.as_str(),
        "seq": message.seq,
        "publisher": &*message.publisher,
        "time_ms": message.time_ms,
        "headers": message.headers.encode().map_or_else(|| json!({}), |map| from_msgpack(&map)),
        "payload": from_msgpack(&message.payload),
    })
}

/// Returns a gap as one JSON object.
fn gap_object(gap: &Gap) -> Value {
    json!({ "gap": {
        "topic": gap.topic,
        "epoch": gap.epoch,
        "from": gap.from,
        "to": gap.to,
        "reason": gap.reason.name(),
    } })
}

/// Returns a gap as a line for people.
fn gap_line(gap: &Gap) -> String {
    let (topic, from, reason) = (&gap.topic, gap.from, gap.reason);
    match gap.to {
        Some(to) => format!("gap: {topic} #{from} to #{to} missing: {reason}"),
        None => format!("gap: {topic} from #{from} missing, unknown how many: {reason}"),
    }
}

/// Returns an event as a line for people.
fn line(message: &Message) -> String {
    let payload = printable(&from_msgpack(&message.payload).to_string());
    let (time, topic, seq) = (clock(message.time_ms), &message.topic, message.seq);
    format!("{time} {topic} #{seq} {} {payload}", printable(&message.publisher))
}

/// Returns the time of day in UTC, for a time in milliseconds since 1970.
fn clock(time_ms: u64) -> String {
    let (seconds, millis) = (time_ms / 1000 % 86_400, time_ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Returns the text with all control characters escaped, because a terminal would obey them. JSON
/// escapes only the control characters up to 0x1f.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            control if control.is_control() => shown += &format!("\\u{:04x}", control as u32),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_client::{GapReason, Headers, TopicName};

    fn message() -> Message {
        let topic = TopicName::parse("logs.access").unwrap();
        let mut message = Message::new(topic, hub_client::encode("a\u{9b}31m").unwrap());
        (message.seq, message.publisher) = (7, "web#3".into());
        message.time_ms = 86_400_000 + 3_723_004;
        message.headers = Headers::new().with_key("k");
        message
    }

    #[test]
    fn a_line_for_people_cannot_command_their_terminal() {
        assert_eq!(line(&message()), r#"01:02:03.004 logs.access #7 web#3 "a\u009b31m""#);
    }

    #[test]
    fn an_object_has_its_six_fields() {
        let text = object(&message()).to_string();
        assert_eq!(
            text,
            "{\"topic\":\"logs.access\",\"seq\":7,\"publisher\":\"web#3\",\"time_ms\":90123004,\
             \"headers\":{\"key\":\"k\"},\"payload\":\"a\u{9b}31m\"}"
        );
    }

    #[test]
    fn a_gap_says_what_is_missing() {
        let gap = Gap {
            topic: "t".into(),
            epoch: 9,
            from: 2,
            to: None,
            reason: GapReason::NewEpoch,
            subscriptions: hub_wire::SubscriptionIds::NONE,
        };
        assert_eq!(
            gap_object(&gap).to_string(),
            r#"{"gap":{"topic":"t","epoch":9,"from":2,"to":null,"reason":"new_epoch"}}"#
        );
        assert_eq!(gap_line(&gap), "gap: t from #2 missing, unknown how many: new_epoch");
        let known = Gap { to: Some(4), reason: GapReason::Overflow, ..gap };
        assert_eq!(gap_line(&known), "gap: t #2 to #4 missing: overflow");
    }
}
