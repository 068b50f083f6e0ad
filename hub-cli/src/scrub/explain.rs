//! Implements `hub scrub explain`, which shows the plan that a rule file makes for a topic.
//!
//! Without this command, a user would have to work out alone which rules apply to a topic and in
//! which order.

use super::args::{file_arg, json_arg, path};
use super::rule_file::RuleFile;
use super::stdout::{Stopped, stdout};
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_wire::TopicName;
use std::io::Write;

pub(super) fn command() -> Command {
    Command::new("explain")
        .about("Show which rules of a rule file apply to a topic, and in which order")
        .long_about(
            "Show the plan that a rule file makes for a topic: the rules that apply to the topic, in \
             the order in which the hub checks them, and the actions that each view has instead.",
        )
        .args([
            file_arg("file", "FILE", "The rule file"),
            Arg::new("topic")
                .required(true)
                .value_name("TOPIC")
                .value_parser(TopicName::parse)
                .help("The topic"),
            json_arg("Print the plan as one JSON object. docs/scrub.md describes its fields"),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub explain rules.toml orders.placed\n  \
             hub scrub explain rules.toml orders.placed --json",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Stopped> {
    let file = match RuleFile::load(path(args, "file")?) {
        Ok(file) => file,
        Err(bad) => return Ok(bad.tell()),
    };
    let topic = args.get_one::<TopicName>("topic");
    let topic = topic.ok_or_else(|| Failure::new(Exit::Usage, "the topic is missing"))?;
    let plan = file.rules.plan(topic);
    let mut out = stdout();
    if args.get_flag("json") {
        writeln!(out, "{}", plan.describe())?;
    } else {
        write!(out, "{}", plan.explain())?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}
