//! Declares the options that the commands of `hub bench` share.
//!
//! Without this module, an option such as `--payload` could have another meaning in each command.

use super::report::OutputFormat;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use hub_bench::Payload;
use hub_client::{HubUrl, TopicName};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Declares the option for the payload of the messages.
pub(super) fn payload() -> Arg {
    Arg::new("payload")
        .long("payload")
        .value_name("KIND:BYTES")
        .default_value("bin:128")
        .value_parser(|text: &str| text.parse::<Payload>())
        .help(
            "The payload of the messages: bin:SIZE (random bytes), map:SIZE (a MessagePack map as \
             a shop would send it) or dense:SIZE (a map of many small values). SIZE is in bytes. \
             The command sends 512 different messages in turn",
        )
}

/// Declares the option for the length of the measurement.
pub(super) fn seconds() -> Arg {
    Arg::new("seconds")
        .long("seconds")
        .value_name("S")
        .default_value("5")
        .value_parser(|text: &str| {
            let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
            let positive = (0.0 < seconds && seconds <= 86_400.0).then_some(seconds);
            positive
                .map(Duration::from_secs_f64)
                .ok_or_else(|| "it is not between 0 and 86400".to_owned())
        })
        .help("How many seconds the measurement takes")
}

/// Declares an option whose value is a count from 1 to 100,000.
pub(super) fn count(name: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("N")
        .default_value(default)
        .value_parser(value_parser!(u32).range(1..=100_000))
        .help(help)
}

/// Declares the options that select the format of the result, hide the progress, and name the process
/// of the hub.
pub(super) fn common() -> [Arg; 4] {
    [
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .conflicts_with("csv")
            .help("Print the result as one JSON object"),
        Arg::new("csv")
            .long("csv")
            .action(ArgAction::SetTrue)
            .help("Print the result as CSV: a line with names and a line with values"),
        Arg::new("quiet")
            .long("quiet")
            .action(ArgAction::SetTrue)
            .help("Show no progress. Without this option, progress is shown if stderr is a terminal"),
        Arg::new("server-pid")
            .long("server-pid")
            .value_name("PID")
            .value_parser(value_parser!(u32).range(1..))
            .help("The id of the hub's process on this machine. Without it, the command looks for the process that listens on the hub's port"),
    ]
}

/// Returns the value of an option that has a default.
pub(super) fn get<T: Clone + Send + Sync + 'static>(
    args: &ArgMatches,
    name: &'static str,
) -> Result<T, Failure> {
    let missing = || Failure::new(Exit::Usage, format!("--{name} is missing"));
    args.get_one::<T>(name).cloned().ok_or_else(missing)
}

/// Returns the value of an option that is a count.
pub(super) fn number(args: &ArgMatches, name: &'static str) -> Result<usize, Failure> {
    get::<u32>(args, name).map(|number| number as usize)
}

/// Returns the output format that the options select.
pub(super) fn form(args: &ArgMatches) -> OutputFormat {
    match (args.get_flag("json"), args.get_flag("csv")) {
        (true, _) => OutputFormat::Json,
        (_, true) => OutputFormat::Csv,
        _ => OutputFormat::Text,
    }
}

/// Returns the hub's URL, and the address at which it listens.
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

/// Returns the names of `count` topics. All names have the same length.
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

/// Declares the option for the topic of the messages.
pub(super) fn topic() -> Arg {
    Arg::new("topic")
        .long("topic")
        .value_name("NAME")
        .default_value("bench")
        .help("The topic. With --topics, the beginning of the name of each topic")
}
