//! `hub scrub explain`: the plan that a rule file makes for a topic.

use super::file::{Planned, RuleFile};
use super::{Stopped, file_arg, json_arg, path, stdout};
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_core::topic::TopicName;
use serde_json::json;
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
            json_arg("Prints the rules of the plan and its explanation as one JSON object"),
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
    let planned = Planned::new(&file, topic);
    let plan = &planned.plan;
    let mut out = stdout();
    if args.get_flag("json") {
        let rule = |(rule, label): (usize, &String)| {
            json!({
                "rule": plan.rule_name(rule),
                "action": plan.action_name(rule),
                "label": label,
            })
        };
        let rules: Vec<_> = planned.labels.iter().enumerate().map(rule).collect();
        let explanation = plan.explain();
        writeln!(
            out,
            "{}",
            json!({ "topic": topic.as_str(), "rules": rules, "plan": explanation })
        )?;
    } else {
        write!(out, "{}", plan.explain())?;
    }
    out.flush()?;
    Ok(Exit::Ok)
}
