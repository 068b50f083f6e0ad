//! What a frame of Hub says, in one line, and what it has to do with other frames.
//!
//! Both the text and the JSON take these words from here, so a reader finds the same ones in both.
//! Values that people wrote are masked: payloads become shapes, and credentials only show their kind.

use crate::stream::{FrameSeen, Relation, Shape};
use hub_wire::{Frame, FrameType, Refused, RefusedWhat};
use std::fmt;

/// Returns the name of a frame's type.
pub(super) fn type_name(frame: &FrameSeen<'_>) -> &'static str {
    match FrameType::of(frame.raw.body) {
        Ok(FrameType::Hello) => "HELLO",
        Ok(FrameType::Welcome) => "WELCOME",
        Ok(FrameType::Event) => "EVENT",
        Ok(FrameType::Run) => "RUN",
        Ok(FrameType::Subscribe) => "SUBSCRIBE",
        Ok(FrameType::Subscribed) => "SUBSCRIBED",
        Ok(FrameType::Unsubscribe) => "UNSUBSCRIBE",
        Ok(FrameType::Receipt) => "RECEIPT",
        Ok(FrameType::Refused) => "REFUSED",
        Ok(FrameType::Gap) => "GAP",
        Ok(FrameType::Ping) => "PING",
        Ok(FrameType::Pong) => "PONG",
        Ok(FrameType::Close) => "CLOSE",
        Err(_) => "UNKNOWN",
    }
}

/// The content of a frame for people.
pub(super) struct Content<'a> {
    pub(super) frame: &'a FrameSeen<'a>,
    pub(super) reveal: bool,
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = match &self.frame.frame {
            Ok(frame) => frame,
            Err(error) => return write!(f, "cannot be read: {error}"),
        };
        match frame {
            Frame::Hello(hello) => {
                let name = hello.name.as_deref().unwrap_or("no name");
                write!(f, "version {}, {}", hello.version, name.escape_debug())?;
                if hello.receipts {
                    f.write_str(", wants receipts")?;
                }
                match &hello.credentials {
                    Some(credentials) => write!(f, ", credentials {credentials:?}"),
                    None => Ok(()),
                }
            }
            Frame::Welcome(welcome) => {
                let (connection, received) = (welcome.connection, welcome.received);
                let publisher = welcome.publisher.escape_debug();
                write!(f, "connection {connection}, publisher {publisher}, next event {received}")
            }
            Frame::Event(event) => {
                let reveal = self.reveal;
                write!(f, "{} ", event.topic.escape_debug())?;
                Shape { value: event.payload, reveal }.fmt(f)?;
                match event.headers {
                    Some(value) => write!(f, " headers {}", Shape { value, reveal }),
                    None => Ok(()),
                }
            }
            Frame::Run(run) => {
                let (topic, first, count) = (run.topic.escape_debug(), run.first, run.count);
                let publisher = run.publisher.escape_debug();
                match count {
                    0 => write!(f, "{topic}, the next event is #{first}"),
                    _ => write!(f, "{topic}, {count} from #{first} on, published by {publisher}"),
                }
            }
            Frame::Subscribe(it) => write!(f, "{} to {}", it.id, it.filter.escape_debug()),
            Frame::Subscribed { id } | Frame::Unsubscribe { id } => write!(f, "{id}"),
            Frame::Receipt { next } => write!(f, "up to {next}"),
            Frame::Refused(it) => refused(f, it),
            Frame::Gap(gap) => {
                let topic = gap.topic.escape_debug();
                match gap.to {
                    Some(to) => write!(f, "{topic} #{} to #{to} missing: {}", gap.from, gap.reason),
                    None => write!(f, "{topic} from #{} on missing: {}", gap.from, gap.reason),
                }
            }
            Frame::Ping { token } | Frame::Pong { token } => write!(f, "{token}"),
            Frame::Close(close) => {
                write!(f, "{} {}, {}", close.code.number(), close.code, close.reason.escape_debug())
            }
        }
    }
}

fn refused(f: &mut fmt::Formatter<'_>, refused: &Refused) -> fmt::Result {
    match refused.what {
        RefusedWhat::Event => write!(f, "event {}", refused.number)?,
        RefusedWhat::Subscribe => write!(f, "subscribe {}", refused.number)?,
        RefusedWhat::Unsubscribe => write!(f, "unsubscribe {}", refused.number)?,
        RefusedWhat::Frame => f.write_str("frame")?,
    }
    write!(f, ": {}, {}", refused.code, refused.message.escape_debug())
}

/// What a frame has to do with other frames, for people. It is empty if nothing is known.
pub(super) struct Related<'a>(pub(super) &'a Relation);

impl fmt::Display for Related<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |ns: &i64| *ns as f64 / 1e6;
        match self.0 {
            Relation::None => Ok(()),
            Relation::Answers { packet, after_ns } => {
                write!(f, "answers packet {packet} after {:.3} ms", ms(after_ns))
            }
            Relation::Publishes { number } => write!(f, "publish number {number}"),
            Relation::Delivers { number } => write!(f, "event number {number}"),
            Relation::Covers { numbers, refused, last } => {
                let count = numbers.end - numbers.start;
                write!(f, "covers {count} events, {refused} of them refused")?;
                match last {
                    Some((packet, ns)) => {
                        write!(f, ", the last in packet {packet} {:.3} ms before", ms(ns))
                    }
                    None => Ok(()),
                }
            }
            Relation::Refuses { event: Some((packet, ns)), .. } => {
                write!(f, "refuses the event in packet {packet} {:.3} ms before", ms(ns))
            }
            Relation::Refuses { number, .. } => write!(f, "refuses event {number}"),
            Relation::Unannounced => f.write_str("no RUN announced it"),
        }
    }
}
