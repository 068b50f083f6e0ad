//! Implements `hub request`, which sends one request and prints its answer.
//!
//! Without this command, a user would need a program of their own to ask a service something.

use crate::connect::{connect, header_arg, headers};
use crate::exit::{Exit, Failure};
use crate::input::from_json;
use crate::json::from_msgpack;
use clap::{Arg, ArgMatches, Command};
use hub_client::{ERROR_REPLY, Emitter, TopicName};
use std::io::Write;
use std::time::Duration;

pub(crate) fn command() -> Command {
    Command::new("request")
        .about("Send a request and print the answer")
        .long_about(
            "Send a request and print the payload of the first answer as one line of JSON. If \
             nobody is subscribed to the topic, the command fails at once, without waiting for the \
             time-out.",
        )
        .args([
            Arg::new("topic")
                .required(true)
                .value_name("TOPIC")
                .value_parser(TopicName::parse)
                .help("The topic of the request"),
            Arg::new("json")
                .value_name("JSON")
                .allow_negative_numbers(true)
                .default_value("null")
                .help("The payload of the request"),
            Arg::new("timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(seconds)
                .default_value("5")
                .help("How many seconds to wait for the answer"),
            header_arg(),
        ])
        .after_help(
            "Examples:\n  \
             hub request payments.charge '{\"cents\": 1999}'\n  \
             hub request time.now --timeout 0.5",
        )
}

/// Reads the value of `--timeout`.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().map_err(|_| "it is not a number of seconds")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration <= Duration::from_secs(86_400) => Ok(duration),
        _ => Err("it is not between 0 and 86400 seconds"),
    }
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let missing = || Failure::new(Exit::Usage, "an argument is missing");
    let topic = args.get_one::<TopicName>("topic").ok_or_else(missing)?;
    let payload = from_json(args.get_one::<String>("json").ok_or_else(missing)?.as_bytes())?;
    let timeout = *args.get_one::<Duration>("timeout").ok_or_else(missing)?;
    let headers = headers(args)?;
    let client = connect(args).await?;
    let answer = client.request_raw(topic, payload, headers, timeout).await;
    client.close().await;
    let answer = answer.map_err(|error| {
        let failure = Failure::from(error);
        Failure::new(failure.exit, format!("{topic}: {}", failure.message))
    })?;
    let reply = from_msgpack(&answer.payload);
    if answer.headers.kind() == Some(ERROR_REPLY) {
        let message = reply["message"].as_str().unwrap_or("the answer does not say why");
        return Err(Failure::new(Exit::Error, format!("the request failed: {message}")));
    }
    writeln!(std::io::stdout().lock(), "{reply}")?;
    Ok(Exit::Ok)
}
