use super::file::RuleFile;
use super::{Out, Stopped};
use crate::connect::{headers, stop_signal};
use crate::exit::{Exit, Failure};
use crate::input::{Format, Input};
use bytes::Bytes;
use clap::ArgMatches;
use futures_util::FutureExt;
use hub_wire::{FrameError, Limits, Reader, TopicName, check_headers, walk_all};
use std::io::{self, Write};
use std::pin::pin;

/// The topic of messages of which nobody says it; the same as in the tests of rules for all
/// topics.
const ANY_TOPIC: &str = "test";

/// One message to try rules on.
pub(super) struct Message {
    /// Which one it is, counted from 1.
    pub(super) number: u64,
    pub(super) topic: TopicName,
    pub(super) payload: Bytes,
    pub(super) headers: Option<Bytes>,
}

/// The messages on stdin.
pub(super) struct Messages {
    input: Input<tokio::io::Stdin>,
    /// Whether each value is an event rather than a payload.
    events: bool,
    topic: Option<TopicName>,
    headers: Option<Bytes>,
    taken: u64,
}

impl Messages {
    /// As the options say. Without a topic, no rule of `files` may be for certain topics: it would
    /// be left out, and nobody would know.
    pub(super) fn new(args: &ArgMatches, files: &[&RuleFile]) -> Result<Messages, Failure> {
        let usage = |message: String| Failure::new(Exit::Usage, message);
        let format = args.get_one::<String>("format").map_or("", String::as_str);
        let events = format == "events";
        let mut topic = args.get_one::<TopicName>("topic").cloned();
        if topic.is_none() && !events {
            let any = TopicName::parse(ANY_TOPIC).map_err(|error| usage(error.to_string()))?;
            let left_out: usize = files.iter().map(|file| file.not_for(&any)).sum();
            if left_out > 0 {
                let rules =
                    if left_out == 1 { "1 rule is" } else { &format!("{left_out} rules are") };
                return Err(usage(format!(
                    "{rules} for certain topics: say with --topic on which the messages are"
                )));
            }
            topic = Some(any);
        }
        let headers = headers(args)?.encode().map(Bytes::from);
        if events && headers.is_some() {
            return Err(usage("events have headers of their own: --header does not fit".into()));
        }
        let split = if format == "msgpack" { Format::Msgpack } else { Format::Json };
        let input = Input::new(tokio::io::stdin(), split);
        Ok(Messages { input, events, topic, headers, taken: 0 })
    }

    /// Hands each message on, until the input ends or somebody says stop (then what was done so
    /// far counts).
    pub(super) async fn each(
        mut self,
        out: &mut Out,
        mut hand_on: impl FnMut(&Message, &mut Out) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let mut stop = pin!(stop_signal()?);
        loop {
            // What is written goes out when the input is silent, so that a pipe can be watched.
            let next = match self.next().now_or_never() {
                Some(next) => next,
                None => {
                    out.flush()?;
                    tokio::select! {
                        biased;
                        () = &mut stop => return Ok(()),
                        next = self.next() => next,
                    }
                }
            };
            match next? {
                Some(message) => hand_on(&message, out)?,
                None => return Ok(()),
            }
        }
    }

    /// The next message. Cancel-safe.
    async fn next(&mut self) -> Result<Option<Message>, Failure> {
        loop {
            let Some(value) = self.input.next().await? else { return Ok(None) };
            self.taken += 1;
            match self.message(value) {
                Ok(None) => self.taken -= 1,
                Ok(some) => return Ok(some),
                Err(why) => {
                    let message = format!("stdin, message {}: {why}", self.taken);
                    return Err(Failure::new(Exit::Usage, message));
                }
            }
        }
    }

    /// What a value stands for; nothing if it is a gap between events.
    fn message(&self, value: Bytes) -> Result<Option<Message>, String> {
        // Lines of JSON may be nested more deeply than any hub takes.
        walk_all(&value, &Limits::NONE).map_err(|error| error.to_string())?;
        let (number, topic) = (self.taken, self.topic.clone());
        if !self.events {
            let topic = topic.ok_or("no topic")?;
            let headers = self.headers.clone();
            return Ok(Some(Message { number, topic, payload: value, headers }));
        }
        let parts = Parts::read(&value).map_err(|_| not_an_event("it is no object"))?;
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
        // An empty map is how an event without headers is printed.
        let headers = parts.headers.filter(|map| **map != [0x80]).map(slice);
        Ok(Some(Message { number, topic, payload, headers }))
    }
}

fn not_an_event(why: &str) -> String {
    format!("not an event as `hub on --json` prints it: {why}")
}

/// What matters of an event as `hub on --json` prints it, as MessagePack.
#[derive(Default)]
struct Parts<'a> {
    topic: Option<&'a [u8]>,
    payload: Option<&'a [u8]>,
    headers: Option<&'a [u8]>,
    gap: bool,
}

impl<'a> Parts<'a> {
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
