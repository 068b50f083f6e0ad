//! What a frame of Hub says, in one line, and what it has to do with other frames.
//!
//! Both the text and the JSON take these words from here, so a reader finds the same ones in both.
//! Values that people wrote are masked: payloads become shapes, and credentials only show their kind.

use super::escaped::Escaped;
use super::subscription_text::{Asked, For, acknowledged, taken};
use crate::stream::{Earlier, FrameSeen, Relation, Shape};
use hub_wire::{Frame, FrameError, FrameType, Refused, RefusedWhat, VersionRange};
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
        Ok(FrameType::Taken) => "TAKEN",
        Ok(FrameType::Ack) => "ACK",
        Ok(FrameType::Resume) => "RESUME",
        Err(_) => "UNKNOWN",
    }
}

/// The content of a frame for people.
pub(super) struct Content<'a> {
    pub(super) frame: &'a Result<Frame<'a>, FrameError>,
    pub(super) reveal: bool,
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = match self.frame {
            Ok(frame) => frame,
            Err(error) => return write!(f, "cannot be read: {error}"),
        };
        match frame {
            Frame::Hello(hello) => {
                let name = hello.name.as_deref().unwrap_or("no name");
                let VersionRange { oldest, newest } = hello.versions;
                if oldest == newest {
                    write!(f, "version {newest}, {}", Escaped(name))?;
                } else {
                    write!(f, "versions {oldest} to {newest}, {}", Escaped(name))?;
                }
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
                let publisher = Escaped(&welcome.publisher);
                write!(f, "connection {connection}, publisher {publisher}, next event {received}")?;
                if welcome.resumed {
                    f.write_str(", resumed")?;
                }
                match welcome.kept {
                    true => f.write_str(", subscriptions kept"),
                    false => Ok(()),
                }
            }
            Frame::Event(event) => {
                let reveal = self.reveal;
                write!(f, "{} ", Escaped(event.topic))?;
                Shape { value: event.payload, reveal }.fmt(f)?;
                match event.headers {
                    Some(value) => write!(f, " headers {}", Shape { value, reveal }),
                    None => Ok(()),
                }
            }
            Frame::Run(run) => {
                let (topic, first, count) = (Escaped(run.topic), run.first, run.count);
                let publisher = Escaped(run.publisher);
                match count {
                    0 => write!(f, "{topic}, the next event is #{first}")?,
                    _ => write!(f, "{topic}, {count} from #{first} on, published by {publisher}")?,
                }
                write!(f, ", {}", For(&run.subscriptions))?;
                match run.attempt {
                    0 | 1 => Ok(()),
                    attempt => write!(f, ", attempt {attempt}"),
                }
            }
            Frame::Subscribe(it) => write!(f, "{}", Asked(it)),
            Frame::Subscribed { id } | Frame::Unsubscribe { id, drain: false } => write!(f, "{id}"),
            Frame::Unsubscribe { id, drain: true } => write!(f, "{id}, wants what waits"),
            Frame::Taken(it) => taken(f, it),
            Frame::Ack(it) => acknowledged(f, it),
            Frame::Resume(it) => {
                write!(f, "{} behind {} events and {} gaps", it.subscription, it.events, it.gaps)
            }
            Frame::Receipt { next } => write!(f, "up to {next}"),
            Frame::Refused(it) => refused(f, it),
            Frame::Gap(gap) => {
                let topic = Escaped(&gap.topic);
                match gap.to {
                    Some(to) => write!(f, "{topic} #{} to #{to} missing: {}", gap.from, gap.reason),
                    None => write!(f, "{topic} from #{} on missing: {}", gap.from, gap.reason),
                }?;
                write!(f, ", {}", For(&gap.subscriptions))
            }
            Frame::Ping { token } | Frame::Pong { token } => write!(f, "{token}"),
            Frame::Close(close) => {
                write!(f, "{} {}, {}", close.code.number(), close.code, Escaped(&close.reason))
            }
        }
    }
}

fn refused(f: &mut fmt::Formatter<'_>, refused: &Refused) -> fmt::Result {
    match refused.what {
        RefusedWhat::Event => write!(f, "event {}", refused.number)?,
        RefusedWhat::Subscribe => write!(f, "subscription {}", refused.number)?,
        RefusedWhat::Unsubscribe => write!(f, "unsubscribe {}", refused.number)?,
        RefusedWhat::Ack => write!(f, "acknowledgement of subscription {}", refused.number)?,
        RefusedWhat::Frame => f.write_str("frame")?,
    }
    if let Some(id) = &refused.id {
        write!(f, " with id {}", Escaped(id))?;
    }
    write!(f, ": {}, {}", refused.code, Escaped(&refused.message))
}

/// What a frame has to do with other frames, for people. It is empty if nothing is known.
pub(super) struct Related<'a>(pub(super) &'a Relation);

impl fmt::Display for Related<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Relation::None => Ok(()),
            Relation::Answers(Earlier { packet, before_ns }) => {
                write!(f, "answers packet {packet} after {}", Milliseconds(*before_ns))
            }
            Relation::Publishes { number, request } => {
                match number {
                    Some(number) => write!(f, "publish number {number}")?,
                    None => f.write_str("unknown publish number")?,
                }
                replies(f, request)
            }
            Relation::Delivers { number, request } => {
                write!(f, "event number {number}")?;
                replies(f, request)
            }
            Relation::Covers { numbers, refused, last } => {
                let count = numbers.end - numbers.start;
                write!(f, "covers {count} events, {refused} of them refused")?;
                named(f, ", the last", last)
            }
            Relation::Refuses { event: Some(event), .. } => {
                f.write_str("refuses")?;
                named(f, " the event", &Some(*event))
            }
            Relation::Refuses { number, .. } => write!(f, "refuses event {number}"),
            Relation::Misses { behind, subscribes } => {
                f.write_str("stands in the place of the missing events")?;
                named(f, ", behind the run", behind)?;
                for subscribe in subscribes {
                    named(f, ", for the subscription", &Some(*subscribe))?;
                }
                Ok(())
            }
            Relation::Unannounced => f.write_str("no RUN announced it"),
        }
    }
}

/// Writes that an event replies to a request.
fn replies(f: &mut fmt::Formatter<'_>, request: &Option<Earlier>) -> fmt::Result {
    named(f, ", replies to the request", request)
}

/// Writes where an earlier frame is, with its name in front.
fn named(f: &mut fmt::Formatter<'_>, name: &str, earlier: &Option<Earlier>) -> fmt::Result {
    match earlier {
        Some(Earlier { packet, before_ns }) => {
            write!(f, "{name} in packet {packet} {} before", Milliseconds(*before_ns))
        }
        None => Ok(()),
    }
}

/// Nanoseconds that are shown as milliseconds.
struct Milliseconds(i64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ms", self.0 as f64 / 1e6)
    }
}
