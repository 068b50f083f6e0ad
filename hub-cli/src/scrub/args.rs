//! Declares the arguments that several `hub scrub` commands have.
//!
//! Without this module, `--topic` or `--view` could have another meaning in each command.

use crate::connect::header_arg;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use hub_wire::TopicName;
use std::path::{Path, PathBuf};

/// Declares a required argument that is the path of a file.
pub(super) fn file_arg(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .required(true)
        .value_name(value_name)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(help)
}

/// Returns the path that an argument holds.
pub(super) fn path<'a>(args: &'a ArgMatches, name: &str) -> Result<&'a Path, Failure> {
    let path = args.get_one::<PathBuf>(name).map(PathBuf::as_path);
    path.ok_or_else(|| Failure::new(Exit::Usage, format!("no {name}")))
}

/// Declares the option `--json`.
pub(super) fn json_arg(help: &'static str) -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help(help)
}

/// Declares the arguments that say in which form the messages come, and for which view they are shown.
pub(super) fn message_args() -> [Arg; 5] {
    [
        Arg::new("topic").long("topic").value_name("TOPIC").value_parser(TopicName::parse).help(
            "The topic of the messages. It can be left out if every rule is for all topics, or if \
             the format is `events`",
        ),
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(["json-lines", "msgpack", "events"])
            .default_value("json-lines")
            .help(
                "The format of stdin. json-lines: payloads as JSON, one a line. msgpack: payloads \
                 as MessagePack, one after another. events: events as `hub on --json` prints them, \
                 with topic and headers; binary values stay in the form that JSON shows",
            ),
        header_arg(),
        Arg::new("view").long("view").value_name("VIEW").help("Show only this view"),
        Arg::new("role")
            .long("role")
            .value_name("ROLE")
            .conflicts_with("view")
            .help("Show only the view that this role gets"),
    ]
}
