//! Implements `hub emit`, which publishes the event in its argument, or the events on stdin.
//!
//! Without this command, a script would need a program of its own to publish an event. The command
//! ends only when the hub has accepted or refused every event, so its exit code can be trusted.

mod tally;

use crate::connect::{connect, given_up, header_arg, headers, note, stop_signal};
use crate::exit::{Exit, Failure};
use crate::input::{Format, Input, from_json};
use bytes::Bytes;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hub_client::{Client, EmitError, Headers, TopicName};
use std::io::IsTerminal;
use std::time::Duration;
use tally::Tally;
use tokio::time::Instant;

pub(crate) fn command() -> Command {
    Command::new("emit")
        .visible_alias("pub")
        .about("Publish events")
        .long_about(
            "Publish events: either the one in the argument, or all that come on stdin. The command \
             ends when the hub has accepted or refused every event. Its messages number the events from \
             1, in the order in which they came. JSON that MessagePack cannot hold exactly is an error, for \
             example an integer of more than 64 bits, or an object that has a key twice.",
        )
        .args([
            Arg::new("topic").required(true).value_name("TOPIC").value_parser(TopicName::parse).help("The topic of the events"),
            Arg::new("json").value_name("JSON").allow_negative_numbers(true).help("The payload. Without it, the command reads payloads from stdin"),
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(["json", "msgpack"])
                .default_value("json")
                .conflicts_with("json")
                .help("The format of stdin: json is one JSON value a line, and msgpack is MessagePack values one after another"),
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .requires("json")
                .help("Publish the argument N times"),
            Arg::new("rate").long("rate").value_name("N").value_parser(rate).help(
                "Publish at most N events a second",
            ),
            header_arg(),
            Arg::new("patience")
                .long("patience")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64))
                .default_value("10")
                .help("Give up when the connection is lost for this long"),
            Arg::new("summary")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print a summary as one JSON object on stdout"),
        ])
        .after_help(
            "Examples:\n  \
             hub emit orders.placed '{\"number\": 7}'\n  \
             hub emit orders.placed '{\"number\": 7}' --count 1000 --rate 100 --header key=cart-7\n  \
             tail -f access.jsonl | hub emit logs.access\n  \
             hub emit logs.access --format msgpack < records.mp",
        )
}

/// Reads the value of `--rate`.
fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().map_err(|_| "it is not a number")?;
    if (1e-6..=1e9).contains(&rate) { Ok(rate) } else { Err("it is not between 0.000001 and 10^9") }
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let source = payload_input(args)?;
    let headers = headers(args)?;
    let topic = args.get_one::<TopicName>("topic").ok_or_else(missing)?;
    let pace = args.get_one::<f64>("rate").map(|rate| Pace::new(*rate));
    let patience = Duration::from_secs(args.get_one("patience").copied().unwrap_or(10));
    let stop = stop_signal()?;
    let client = connect(args).await?;
    let mut tally = Tally::default();
    let mut emitter =
        Emission { client: &client, topic, headers, pace, tally: &mut tally, settled: true };
    let work = async {
        let sent = tokio::select! {
            sent = emitter.all(source) => sent,
            () = stop => Err(Failure::new(Exit::Error, "the command was stopped before the end of the input")),
        };
        emitter.settle().await;
        sent
    };
    let mut outcome = tokio::select! {
        outcome = work => outcome,
        failure = given_up(&client, patience) => Err(failure),
    };
    if outcome.is_err() {
        tally.unknown += client.pending();
    }
    client.close().await;
    tally.report(args.get_flag("summary"))?;
    // An error that ended the input early is already the outcome, and it matters more.
    if tally.unknown > 0 && outcome.is_ok() {
        outcome = Err(Failure::new(
            Exit::Lost,
            format!("the outcome of {} events is unknown", tally.unknown),
        ));
    } else if tally.refused > 0 {
        outcome = outcome.map(|_| Exit::Refused);
    }
    outcome
}

/// Makes the failure of a command line without a topic.
fn missing() -> Failure {
    Failure::new(Exit::Usage, "the topic is missing")
}

/// Says where the payloads come from.
enum PayloadInput {
    Repeat(Bytes, u64),
    Stdin(Format),
}

/// Returns the input that the options select.
fn payload_input(args: &ArgMatches) -> Result<PayloadInput, Failure> {
    Ok(match args.get_one::<String>("json") {
        Some(text) => {
            let count = args.get_one("count").copied().unwrap_or(1);
            PayloadInput::Repeat(from_json(text.as_bytes())?, count)
        }
        None if args.get_one::<String>("format").is_some_and(|format| format == "msgpack") => {
            PayloadInput::Stdin(Format::Msgpack)
        }
        None => PayloadInput::Stdin(Format::Json),
    })
}

/// Holds the state of a running `hub emit`.
struct Emission<'a> {
    client: &'a Client,
    topic: &'a TopicName,
    headers: Headers,
    pace: Option<Pace>,
    tally: &'a mut Tally,
    /// It is true if the hub has accepted or refused every event that was published.
    settled: bool,
}

impl Emission<'_> {
    /// Publishes all payloads of the input.
    async fn all(&mut self, source: PayloadInput) -> Result<Exit, Failure> {
        match source {
            PayloadInput::Repeat(payload, count) => {
                for _ in 0..count {
                    self.publish(&payload).await?;
                }
            }
            PayloadInput::Stdin(format) => {
                // Without this line, the command would seem to hang.
                if std::io::stdin().is_terminal() {
                    note("reading payloads from the terminal, one a line; Ctrl-D ends them");
                }
                let mut input = Input::new(tokio::io::stdin(), format);
                while let Some(payload) = self.next(&mut input).await? {
                    self.publish(&payload).await?;
                }
            }
        }
        Ok(Exit::Ok)
    }

    /// Returns the next payload. While stdin is silent, this prints the hub's refusals, so that a pipe
    /// that never ends does not hide them.
    async fn next(
        &mut self,
        input: &mut Input<tokio::io::Stdin>,
    ) -> Result<Option<Bytes>, Failure> {
        let client = self.client;
        loop {
            tokio::select! {
                biased;
                payload = input.next() => return payload,
                said = client.flush(), if !self.settled => {
                    self.settled = true;
                    self.tally.heard(said);
                }
            }
        }
    }

    /// Publishes one payload.
    async fn publish(&mut self, payload: &[u8]) -> Result<(), Failure> {
        if let Some(pace) = &mut self.pace {
            pace.wait().await;
        }
        let sent = self.client.publish_raw(self.topic, payload, &self.headers).await;
        self.tally.published += 1;
        self.settled = false;
        match sent {
            Ok(()) => Ok(()),
            Err(error @ EmitError::TooLarge { .. }) => {
                self.tally.too_large(&error);
                Ok(())
            }
            Err(error) => {
                self.tally.published -= 1;
                Err(error.into())
            }
        }
    }

    /// Waits until the hub has accepted or refused every event that was published.
    async fn settle(&mut self) {
        let said = self.client.flush().await;
        self.tally.heard(said);
    }
}

/// Spreads events evenly over time. It makes up for late events, so the rate holds on average.
struct Pace {
    gap: Duration,
    next: Instant,
}

impl Pace {
    fn new(rate: f64) -> Self {
        Pace { gap: Duration::from_secs_f64(1.0 / rate), next: Instant::now() }
    }

    async fn wait(&mut self) {
        // Timers have a resolution of one millisecond. Above 1000 events a second, several events are
        // sent at once.
        if self.next > Instant::now() + Duration::from_millis(1) {
            tokio::time::sleep_until(self.next).await;
        }
        // After a long pause, at most the events of one second are made up for. Otherwise a burst would
        // follow.
        let floor = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or(self.next);
        self.next = self.next.max(floor) + self.gap;
    }
}
