//! Implements `hub scrub run`, which shows what a rule file does with messages.
//!
//! Without this command, rules could be tried only on a running hub and its real events.

use super::args::{file_arg, json_arg, message_args, path};
use super::message::Message;
use super::message_report::{Disposition, Find, MessageReport, ViewOutput};
use super::messages::Messages;
use super::rule_file::RuleFile;
use super::scrubber::Scrub;
use super::stdout::{Out, Stopped, stdout};
use super::text::{Lines, Table};
use crate::exit::Exit;
use clap::{Arg, ArgAction, ArgMatches, Command};
use hub_scrub::ViewId;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

pub(super) fn command() -> Command {
    Command::new("run")
        .about("Try a rule file on the messages on stdin")
        .long_about(
            "Try a rule file on the messages on stdin, and show each message to which a rule \
             applied: the decision, the rules, for each find of a detector its place, how sure it is and why, the \
             message as it came, and the message as each view \
             gets it. Messages to which no rule applied are only counted. At the end, the command \
             prints a summary by rule. It sends nothing to a hub.",
        )
        .arg(file_arg("file", "FILE", "The rule file"))
        .args(message_args())
        .args([
            Arg::new("quiet")
                .long("quiet")
                .short('q')
                .action(ArgAction::SetTrue)
                .help("Print only the summary"),
            json_arg("Print one JSON object for each message, and one with the summary at the end"),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub run rules.toml --topic orders.placed < messages.jsonl\n  \
             hub scrub run rules.toml --topic orders.placed --role billing < messages.jsonl\n  \
             hub scrub run rules.toml --topic orders.placed --format msgpack --quiet < messages.mp\n  \
             hub on 'orders.**' --json | hub scrub run rules.toml --format events",
        )
}

pub(super) async fn run(args: &ArgMatches) -> Result<Exit, Stopped> {
    let file = match RuleFile::load(path(args, "file")?) {
        Ok(file) => file,
        Err(bad) => return Ok(bad.tell()),
    };
    let views = file.chosen(args)?;
    let (json, quiet) = (args.get_flag("json"), args.get_flag("quiet"));
    let source = Messages::new(args, &[&file])?;
    let mut out = stdout();
    let mut scrub = Scrub::new(&file);
    let mut summary = Summary::default();
    let ended = source
        .each(&mut out, |message, out| {
            let outcome = scrub.scrub(message);
            summary.add(&outcome);
            if quiet {
                return Ok(());
            }
            let finds = if outcome.applied.is_empty() { Vec::new() } else { scrub.finds(message) };
            if json {
                writeln!(out, "{}", object(message, &outcome, &finds, &views))
            } else {
                show(message, &outcome, &finds, &views, out)
            }
        })
        .await;
    // Bad input ends the run, but the messages before it count.
    if !matches!(ended, Err(Stopped::Output(_))) {
        if json {
            writeln!(out, "{}", json!({ "summary": summary.object(&file) }))?;
        } else {
            summary.write(&file, &mut out)?;
        }
        out.flush()?;
    }
    ended.map(|()| Exit::Ok)
}

/// Returns the report of one message as a JSON object.
fn object(
    message: &Message,
    outcome: &MessageReport,
    finds: &[Find],
    views: &[(String, ViewId)],
) -> Value {
    let mut object = Map::new();
    object.insert("message".into(), message.number.into());
    object.insert("topic".into(), message.topic.as_str().into());
    object.extend(outcome.ending.object());
    let rules = outcome.applied.iter().map(|applied| {
        json!({
            "rule": applied.rule,
            "action": applied.action,
            "label": applied.label,
            "finds": applied.finds,
            "shadow": applied.shadow,
        })
    });
    object.insert("rules".into(), rules.collect());
    object.insert("finds".into(), finds.iter().map(Find::object).collect());
    let seen = views
        .iter()
        .filter_map(|(name, view)| Some((name.clone(), outcome.seen(message, *view)?.object())));
    let seen: Map<_, _> = seen.collect();
    if outcome.passes() {
        object.insert("views".into(), seen.into());
    }
    object.into()
}

/// People see at most this many finds of a message.
const SHOWN_FINDS: usize = 12;

/// Writes the report of one message for people.
fn show(
    message: &Message,
    outcome: &MessageReport,
    finds: &[Find],
    views: &[(String, ViewId)],
    out: &mut Out,
) -> io::Result<()> {
    if outcome.ending.kind == Disposition::Accepted && outcome.applied.is_empty() {
        return Ok(());
    }
    writeln!(out, "message {} on {}: {}", message.number, message.topic, outcome.ending)?;
    let mut lines = Lines::default();
    let mut name = "rules";
    for applied in &outcome.applied {
        lines.add(std::mem::take(&mut name), applied);
    }
    // A rule that names a place takes whatever is there, so nothing speaks for its find but the rule.
    let reasons: Vec<_> = finds.iter().filter(|find| find.evidence.is_some()).collect();
    let mut name = "finds";
    for find in reasons.iter().take(SHOWN_FINDS) {
        lines.add(std::mem::take(&mut name), find);
    }
    if reasons.len() > SHOWN_FINDS {
        lines.add("", format_args!("and {} more", reasons.len() - SHOWN_FINDS));
    }
    lines.add("came", ViewOutput::came(message));
    // Views that get equal messages share a line.
    let mut shown: Vec<(String, ViewOutput)> = Vec::new();
    if outcome.ending.kind == Disposition::Fixed {
        for (name, view) in views {
            let Some(seen) = outcome.seen(message, *view) else { continue };
            match shown.iter_mut().find(|(_, other)| *other == seen) {
                Some((names, _)) => *names += &format!(", {name}"),
                None => shown.push((name.clone(), seen)),
            }
        }
    }
    for (names, seen) in shown {
        lines.add(names, seen);
    }
    lines.write(out)?;
    writeln!(out)
}

/// Counts messages for the summary.
#[derive(Default)]
struct Summary {
    messages: u64,
    kinds: BTreeMap<Disposition, u64>,
    rules: HashMap<String, RuleSum>,
}

/// Counts for one rule the messages to which it applied, and its finds.
#[derive(Default)]
struct RuleSum {
    action: &'static str,
    messages: u64,
    finds: u64,
    shadow: u64,
}

impl Summary {
    /// Counts a message.
    fn add(&mut self, outcome: &MessageReport) {
        self.messages += 1;
        *self.kinds.entry(outcome.ending.kind).or_default() += 1;
        for applied in &outcome.applied {
            let sum = match self.rules.get_mut(&applied.rule) {
                Some(sum) => sum,
                None => self.rules.entry(applied.rule.clone()).or_default(),
            };
            sum.action = applied.action;
            sum.messages += 1;
            sum.finds += u64::from(applied.finds);
            sum.shadow += u64::from(applied.shadow);
        }
    }

    /// Returns how many messages had this disposition.
    fn count(&self, kind: Disposition) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// Returns the rules that applied, in the order of the file.
    fn applied<'a>(
        &'a self,
        file: &'a RuleFile,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a RuleSum)> {
        file.rules.rules().filter_map(|(rule, label)| Some((rule, label, self.rules.get(rule)?)))
    }

    /// Returns the rules that applied to no message.
    fn not_applied<'a>(&self, file: &'a RuleFile) -> Vec<&'a str> {
        let rules = file.rules.rules().map(|(rule, _)| rule);
        rules.filter(|rule| !self.rules.contains_key(*rule)).collect()
    }

    /// Returns the summary as a JSON object.
    fn object(&self, file: &RuleFile) -> Value {
        let mut object = Map::new();
        object.insert("messages".into(), self.messages.into());
        for kind in Disposition::ALL {
            object.insert(kind.name().into(), self.count(kind).into());
        }
        let rules = self.applied(file).map(|(rule, label, sum)| {
            json!({
                "rule": rule,
                "action": sum.action,
                "label": label,
                "messages": sum.messages,
                "finds": sum.finds,
                "shadow": sum.shadow,
            })
        });
        object.insert("rules".into(), rules.collect());
        object.insert("not_applied".into(), self.not_applied(file).into());
        object.into()
    }

    /// Writes the summary for people.
    fn write(&self, file: &RuleFile, out: &mut Out) -> io::Result<()> {
        let kinds = Disposition::ALL.into_iter().filter(|kind| self.count(*kind) > 0);
        let kinds: Vec<_> =
            kinds.map(|kind| format!("{} {}", self.count(kind), kind.name())).collect();
        let colon = if kinds.is_empty() { "" } else { ": " };
        let s = if self.messages == 1 { "" } else { "s" };
        writeln!(out, "{} message{s}{colon}{}", self.messages, kinds.join(", "))?;
        let mut table = Table::new(&["rule", "action", "label", "messages", "finds", "in shadow"]);
        for (rule, label, sum) in self.applied(file) {
            let counts = [sum.messages, sum.finds, sum.shadow].map(|count| count.to_string());
            let names = [rule, sum.action, label].map(str::to_owned);
            table.row(names.into_iter().chain(counts));
        }
        table.write(out)?;
        let rest = self.not_applied(file);
        if self.messages > 0 && !rest.is_empty() {
            writeln!(out, "did not apply: {}", rest.join(", "))?;
        }
        Ok(())
    }
}
