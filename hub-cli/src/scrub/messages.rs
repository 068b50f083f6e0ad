//! Reads the messages on stdin on which rules are tried, in each of the formats.
//!
//! Without this module, `hub scrub run` and `hub scrub diff` would each have to split stdin, flush
//! their output while no input comes, and stop in good order.

use super::message::Message;
use super::rule_file::RuleFile;
use super::stdout::{Out, Stopped};
use crate::connect::{headers, stop_signal};
use crate::exit::{Exit, Failure};
use crate::input::{Format, Input};
use bytes::Bytes;
use clap::ArgMatches;
use futures_util::FutureExt;
use hub_wire::{Limits, TopicName, walk_all};
use std::io::{self, Write};
use std::pin::pin;

/// Messages have this topic if the user names none, which is possible only if every rule is for all
/// topics. The tests in a rule file use this topic too.
const ANY_TOPIC: &str = "test";

/// Reads the messages on stdin.
pub(super) struct Messages {
    input: Input<tokio::io::Stdin>,
    /// It is true if each value of the input is an event, and false if each is a payload.
    events: bool,
    topic: Option<TopicName>,
    headers: Option<Bytes>,
    taken: u64,
}

impl Messages {
    /// Opens stdin, in the format that the options select.
    ///
    /// # Errors
    /// Returns an error if the options name no topic and a rule of `files` is for certain topics,
    /// because that rule would be left out in silence.
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
                    "{rules} for certain topics, so the command needs the topic of the messages (--topic)"
                )));
            }
            topic = Some(any);
        }
        let headers = headers(args)?.encode().map(Bytes::from);
        if events && headers.is_some() {
            return Err(usage(
                "events have headers of their own, so --header cannot be used with --format events"
                    .into(),
            ));
        }
        let split = if format == "msgpack" { Format::Msgpack } else { Format::Json };
        let input = Input::new(tokio::io::stdin(), split);
        Ok(Messages { input, events, topic, headers, taken: 0 })
    }

    /// Calls `hand_on` with each message, until the input ends or a signal stops the command.
    pub(super) async fn each(
        mut self,
        out: &mut Out,
        mut hand_on: impl FnMut(&Message, &mut Out) -> io::Result<()>,
    ) -> Result<(), Stopped> {
        let mut stop = pin!(stop_signal()?);
        loop {
            // While no input comes, the whole output is flushed, so that a user who watches a pipe
            // sees it.
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

    /// Returns the next message. The call is cancel-safe.
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

    /// Turns a value of the input into a message. Returns `None` if the value is a gap between
    /// events.
    fn message(&self, value: Bytes) -> Result<Option<Message>, String> {
        // The depth of a JSON line may be greater than the scrub can read.
        walk_all(&value, &Limits::NONE).map_err(|error| error.to_string())?;
        let (number, topic) = (self.taken, self.topic.clone());
        if self.events {
            return Message::of_event(number, &value, topic);
        }
        let topic = topic.ok_or("the message has no topic")?;
        let headers = self.headers.clone();
        Ok(Some(Message { number, topic, payload: value, headers }))
    }
}
