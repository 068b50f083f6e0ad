//! The options that the measurements share.

use super::outcome::Form;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use hub_bench::Payload;
use hub_client::{HubUrl, TopicName};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

pub(super) fn payload() -> Arg {
    Arg::new("payload")
        .long("payload")
        .value_name("KIND:BYTES")
        .default_value("bin:128")
        .value_parser(|text: &str| text.parse::<Payload>())
        .help(
            "bin:SIZE (random bytes), map:SIZE (a MessagePack map as a shop would send it) or \
             dense:SIZE (a map of many small values); 512 different messages are sent in turn",
        )
}

pub(super) fn seconds() -> Arg {
    Arg::new("seconds")
        .long("seconds")
        .value_name("S")
        .default_value("5")
        .value_parser(|text: &str| {
            let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
            let positive = (0.0 < seconds && seconds <= 86_400.0).then_some(seconds);
            positive.map(Duration::from_secs_f64).ok_or_else(|| "not from 0 to 86400".to_owned())
        })
        .help("How long")
}

/// A number of something, from 1 to 100,000.
pub(super) fn count(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .value_parser(value_parser!(u32).range(1..=100_000))
        .help(help)
}

/// How a measurement is shown, and where the hub's process is.
pub(super) fn common() -> [Arg; 4] {
    [
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .conflicts_with("csv")
            .help("Prints the result as one JSON object"),
        Arg::new("csv")
            .long("csv")
            .action(ArgAction::SetTrue)
            .help("Prints the result as a line of names and one of values"),
        Arg::new("quiet")
            .long("quiet")
            .action(ArgAction::SetTrue)
            .help("Shows no progress; it is never shown if stderr is no terminal"),
        Arg::new("server-pid")
            .long("server-pid")
            .value_name("PID")
            .value_parser(value_parser!(u32).range(1..))
            .help("The hub's process on this machine; left out: whoever listens on the port"),
    ]
}

pub(super) fn get<T: Clone + Send + Sync + 'static>(
    args: &ArgMatches,
    name: &'static str,
) -> Result<T, Failure> {
    let missing = || Failure::new(Exit::Usage, format!("--{name} is missing"));
    args.get_one::<T>(name).cloned().ok_or_else(missing)
}

pub(super) fn number(args: &ArgMatches, name: &'static str) -> Result<usize, Failure> {
    get::<u32>(args, name).map(|number| number as usize)
}

pub(super) fn form(args: &ArgMatches) -> Form {
    match (args.get_flag("json"), args.get_flag("csv")) {
        (true, _) => Form::Json,
        (_, true) => Form::Csv,
        _ => Form::Text,
    }
}

/// Where the hub listens, and how it is called.
pub(super) fn address(args: &ArgMatches) -> Result<(HubUrl, SocketAddr), Failure> {
    let text: String = get(args, "server")?;
    let url: HubUrl = text.parse().map_err(|error: hub_client::UrlError| {
        Failure::new(Exit::Usage, format!("{text}: {error}"))
    })?;
    let unreachable = |why: String| Failure::new(Exit::Unreachable, format!("{text}: {why}"));
    let addr = (url.host(), url.port())
        .to_socket_addrs()
        .map_err(|error| unreachable(error.to_string()))?
        .next()
        .ok_or_else(|| unreachable("the name has no address".to_owned()))?;
    Ok((url, addr))
}

/// Names of `count` topics, all of one length.
pub(super) fn topics(args: &ArgMatches, count: usize) -> Result<Vec<String>, Failure> {
    let first: String = get(args, "topic")?;
    let names = if count == 1 {
        vec![first]
    } else {
        (0..count).map(|number| format!("{first}.{number:06}")).collect()
    };
    for name in &names {
        TopicName::parse(name)
            .map_err(|error| Failure::new(Exit::Usage, format!("topic {name}: {error}")))?;
    }
    Ok(names)
}

pub(super) fn topic() -> Arg {
    Arg::new("topic")
        .long("topic")
        .value_name("NAME")
        .default_value("bench")
        .help("The topic; with --topics the name's beginning")
}
