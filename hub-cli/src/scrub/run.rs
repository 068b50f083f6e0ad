//! `hub scrub run`: what a rule file makes of messages.

use super::file::{RuleFile, Scrub};
use super::outcome::{Kind, Outcome, Seen};
use super::source::{Message, Messages};
use super::text::{Lines, Table};
use super::{Out, Stopped, file_arg, json_arg, message_args, path, stdout};
use crate::exit::Exit;
use clap::{Arg, ArgAction, ArgMatches, Command};
use hub_scrub::ViewId;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

pub(super) fn command() -> Command {
    Command::new("run")
        .about("Tries a rule file on the messages on stdin")
        .long_about(
            "Tries a rule file on the messages on stdin, and shows each on which a rule applied: \
             what became of it, which rules did it, how it came and what each view gets. Messages \
             on which none applied are only counted. A summary by rule ends the output. Nothing \
             is sent anywhere.",
        )
        .arg(file_arg("file", "FILE", "The rule file"))
        .args(message_args())
        .args([
            Arg::new("quiet")
                .long("quiet")
                .short('q')
                .action(ArgAction::SetTrue)
                .help("Prints the summary only"),
            json_arg("Prints one JSON object for each message, and one with the summary at the end"),
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
            match (quiet, json) {
                (true, _) => Ok(()),
                (_, true) => writeln!(out, "{}", object(message, &outcome, &views)),
                (_, false) => show(message, &outcome, &views, out),
            }
        })
        .await;
    // Bad input ends the run, but what came before it counts.
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

fn object(message: &Message, outcome: &Outcome, views: &[(String, ViewId)]) -> Value {
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
    let seen = views
        .iter()
        .filter_map(|(name, view)| Some((name.clone(), outcome.seen(message, *view)?.object())));
    let seen: Map<_, _> = seen.collect();
    if outcome.passes() {
        object.insert("views".into(), seen.into());
    }
    object.into()
}

fn show(
    message: &Message,
    outcome: &Outcome,
    views: &[(String, ViewId)],
    out: &mut Out,
) -> io::Result<()> {
    if outcome.ending.kind == Kind::Accepted && outcome.applied.is_empty() {
        return Ok(());
    }
    writeln!(out, "message {} on {}: {}", message.number, message.topic, outcome.ending)?;
    let mut lines = Lines::default();
    let mut name = "rules";
    for applied in &outcome.applied {
        lines.add(std::mem::take(&mut name), applied);
    }
    lines.add("came", Seen::came(message));
    // Views that get the same share a line.
    let mut shown: Vec<(String, Seen)> = Vec::new();
    if outcome.ending.kind == Kind::Fixed {
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

/// What was counted.
#[derive(Default)]
struct Summary {
    messages: u64,
    kinds: BTreeMap<Kind, u64>,
    rules: HashMap<String, RuleSum>,
}

#[derive(Default)]
struct RuleSum {
    action: &'static str,
    messages: u64,
    finds: u64,
    shadow: u64,
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
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

    fn count(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// The rules that applied, in the order of the file.
    fn applied<'a>(
        &'a self,
        file: &'a RuleFile,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a RuleSum)> {
        file.rules.rules().filter_map(|(rule, label)| Some((rule, label, self.rules.get(rule)?)))
    }

    fn not_applied<'a>(&self, file: &'a RuleFile) -> Vec<&'a str> {
        let rules = file.rules.rules().map(|(rule, _)| rule);
        rules.filter(|rule| !self.rules.contains_key(*rule)).collect()
    }

    fn object(&self, file: &RuleFile) -> Value {
        let mut object = Map::new();
        object.insert("messages".into(), self.messages.into());
        for kind in Kind::ALL {
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

    fn write(&self, file: &RuleFile, out: &mut Out) -> io::Result<()> {
        let kinds = Kind::ALL.into_iter().filter(|kind| self.count(*kind) > 0);
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
