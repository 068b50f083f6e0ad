//! `hub scrub explain`: the plan that a rule file makes for a topic.

use super::file::RuleFile;
use super::{Stopped, file_arg, json_arg, path, stdout};
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_wire::TopicName;
use std::io::Write;

pub(super) fn command() -> Command {
    Command::new("explain")
        .about("Shows what a rule file does with a topic, in its order")
        .long_about(
            "Shows the plan that a rule file makes for a topic: the rules that apply there, in \
             the order in which they are asked, and what each view has done to it instead.",
        )
        .args([
            file_arg("file", "FILE", "The rule file"),
            Arg::new("topic")
                .required(true)
                .value_name("TOPIC")
                .value_parser(TopicName::parse)
                .help("The topic"),
            json_arg("Prints the plan as one JSON object; docs/scrub.md names its fields"),
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
    let topic = topic.ok_or_else(|| Failure::new(Exit::Usage, "no topic"))?;
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
