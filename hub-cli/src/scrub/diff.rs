//! `hub scrub diff`: messages of which two rule files make different things.

use super::file::{RuleFile, Scrub};
use super::outcome::{Applied, Outcome, Seen};
use super::source::{Message, Messages};
use super::text::{Lines, Table};
use super::{Out, Stopped, file_arg, json_arg, message_args, path, stdout};
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command, value_parser};
use hub_core::scrub::{Revealed, RuleSet, ViewId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

/// How many messages are shown to people who do not say.
const SHOW: u64 = 10;

pub(super) fn command() -> Command {
    Command::new("diff")
        .about("Shows the messages of which two rule files make different things")
        .long_about(
            "Tries two rule files on the messages on stdin, and shows those that end differently \
             or that a view gets differently: how many, under which rules, and the first of them. \
             Views are compared by what roles see; a view that one file lacks is the default view \
             there. Sealed values (`encrypt`), which differ each time, count as what is in them.",
        )
        .args([
            file_arg("old", "OLD", "The rule file as it is"),
            file_arg("new", "NEW", "The rule file as it would be"),
        ])
        .args(message_args())
        .args([
            Arg::new("show")
                .long("show")
                .value_name("N")
                .value_parser(value_parser!(u64))
                .help("Shows the first N messages that differ [default: 10; with --json all]"),
            json_arg("Prints one JSON object for each message that differs, and one with the summary at the end"),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub diff rules.toml new.toml --topic orders.placed < messages.jsonl\n  \
             hub scrub diff rules.toml new.toml --topic orders.placed --view billing --show 1 < messages.jsonl\n  \
             hub on '**' --json --count 10000 | hub scrub diff rules.toml new.toml --format events --json",
        )
}

pub(super) async fn run(args: &ArgMatches) -> Result<Exit, Stopped> {
    let load = |name| -> Result<_, Stopped> { Ok(RuleFile::load(path(args, name)?)) };
    let (old, new) = match (load("old")?, load("new")?) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            for bad in [old.err(), new.err()].into_iter().flatten() {
                bad.tell();
            }
            return Ok(Exit::Usage);
        }
    };
    let audiences = audiences(args, &old, &new)?;
    let json = args.get_flag("json");
    let show = args.get_one("show").copied().unwrap_or(if json { u64::MAX } else { SHOW });
    let source = Messages::new(args, &[&old, &new])?;
    let mut out = stdout();
    let (mut scrub_old, mut scrub_new) = (Scrub::new(&old), Scrub::new(&new));
    let mut summary = Summary::default();
    let ended = source
        .each(&mut out, |message, out| {
            let pair = Pair {
                message,
                old: scrub_old.scrub(message),
                new: scrub_new.scrub(message),
                files: (&old.rules, &new.rules),
            };
            summary.messages += 1;
            let views = pair.differing(&audiences);
            if views.is_empty() && pair.old.ending == pair.new.ending {
                return Ok(());
            }
            let rules = pair.rules();
            summary.add(&pair, &rules);
            match (summary.differ <= show, json) {
                (false, _) => Ok(()),
                (_, true) => writeln!(out, "{}", pair.object(&rules, views)),
                (_, false) => pair.show(&rules, views, out),
            }
        })
        .await;
    // Bad input ends the comparison, but what came before it counts.
    if !matches!(ended, Err(Stopped::Output(_))) {
        if json {
            writeln!(out, "{}", json!({ "summary": summary.object(&old, &new) }))?;
        } else {
            summary.write(&old, &new, show, &mut out)?;
        }
        out.flush()?;
    }
    ended.map(|()| Exit::Ok)
}

/// People who see the same: their view in each of the files.
struct Audience {
    name: String,
    old: ViewId,
    new: ViewId,
}

/// Everyone the options ask for: first those without a view of their own, then each view, then
/// roles that have another view in the other file.
fn audiences(args: &ArgMatches, old: &RuleFile, new: &RuleFile) -> Result<Vec<Audience>, Failure> {
    let of_role = |role: &String| {
        let views = (old.rules.view_of_role(role), new.rules.view_of_role(role));
        let names = (old.view_name(views.0), new.view_name(views.1));
        let moved = || format!("role {role} ({} → {})", names.0, names.1);
        let name = if names.0 == names.1 { names.0.to_owned() } else { moved() };
        Audience { name, old: views.0, new: views.1 }
    };
    let of_view = |name: &String| {
        let view = |file: &RuleFile| file.rules.view(name).unwrap_or_default();
        Audience { name: name.clone(), old: view(old), new: view(new) }
    };
    if let Some(role) = args.get_one::<String>("role") {
        if !old.roles.contains(role) {
            new.tell_unnamed(role);
        }
        return Ok(vec![of_role(role)]);
    }
    if let Some(name) = args.get_one::<String>("view") {
        if old.rules.view(name).is_none() && new.rules.view(name).is_none() {
            return Err(new.no_view(name));
        }
        return Ok(vec![of_view(name)]);
    }
    let views = old.views.iter().chain(&new.views).map(|(name, _)| of_view(name));
    let roles = old.roles.iter().chain(&new.roles).map(of_role);
    let mut known = BTreeSet::new();
    Ok(views.chain(roles).filter(|audience| known.insert((audience.old, audience.new))).collect())
}

/// One message under both files.
struct Pair<'a> {
    message: &'a Message,
    old: Outcome,
    new: Outcome,
    files: (&'a RuleSet, &'a RuleSet),
}

/// A rule, as it applied under the old file and under the new one.
struct RulePair {
    rule: String,
    old: Option<Applied>,
    new: Option<Applied>,
}

/// What an audience saw and would see.
struct Change {
    audience: String,
    old: Seen,
    new: Seen,
}

impl Pair<'_> {
    /// What changes for whom. Nothing if the message does not pass under both files.
    fn differing(&self, audiences: &[Audience]) -> Vec<Change> {
        let mut changes = Vec::new();
        for audience in audiences {
            let old = self.old.render(self.message, audience.old);
            let new = self.new.render(self.message, audience.new);
            if old == new {
                continue;
            }
            let old = self.old.seen(self.message, audience.old);
            let new = self.new.seen(self.message, audience.new);
            let (Some(old), Some(new)) = (old, new) else { continue };
            if !same_but_for_seals((&old, self.files.0), (&new, self.files.1)) {
                changes.push(Change { audience: audience.name.clone(), old, new });
            }
        }
        changes
    }

    /// The rules that applied under one of the files at least. Those that only counted, and alike
    /// under both, have no part in the difference.
    fn rules(&self) -> Vec<RulePair> {
        let find = |list: &[Applied], rule: &str| list.iter().find(|a| a.rule == rule).cloned();
        let (old, new) = (&self.old.applied, &self.new.applied);
        let only_new = new.iter().filter(|b| !old.iter().any(|a| a.rule == b.rule));
        let pair = |applied: &Applied| {
            let rule = applied.rule.clone();
            RulePair { old: find(old, &rule), new: find(new, &rule), rule }
        };
        let acted = |applied: &Option<Applied>| applied.as_ref().is_some_and(|a| a.finds > 0);
        let pairs = old.iter().chain(only_new).map(pair);
        pairs.filter(|pair| pair.old != pair.new || acted(&pair.old)).collect()
    }

    fn object(&self, rules: &[RulePair], views: Vec<Change>) -> Value {
        let applied = |applied: &Option<Applied>| match applied {
            None => Value::Null,
            Some(applied) => json!({
                "action": applied.action,
                "label": applied.label,
                "finds": applied.finds,
                "shadow": applied.shadow,
            }),
        };
        let rule = |pair: &RulePair| json!({ "rule": pair.rule, "old": applied(&pair.old), "new": applied(&pair.new) });
        let view = |change: Change| {
            let seen = json!({ "old": change.old.object(), "new": change.new.object() });
            (change.audience, seen)
        };
        json!({
            "message": self.message.number,
            "topic": self.message.topic.as_str(),
            "old": self.old.ending.object(),
            "new": self.new.ending.object(),
            "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            "views": views.into_iter().map(view).collect::<Map<_, _>>(),
        })
    }

    fn show(&self, rules: &[RulePair], views: Vec<Change>, out: &mut Out) -> io::Result<()> {
        let (number, topic) = (self.message.number, &self.message.topic);
        let (old, new) = (&self.old.ending, &self.new.ending);
        if old == new {
            writeln!(out, "message {number} on {topic}: {old}, differently")?;
        } else {
            writeln!(out, "message {number} on {topic}: {old} → {new}")?;
        }
        let mut lines = Lines::default();
        let mut name = "rules";
        for pair in rules {
            match (&pair.old, &pair.new) {
                (Some(old), Some(new)) if old == new => {
                    lines.add(std::mem::take(&mut name), format_args!("  {old}"));
                }
                (old, new) => {
                    for (sign, applied) in [("-", old), ("+", new)] {
                        if let Some(applied) = applied {
                            lines.add(std::mem::take(&mut name), format_args!("{sign} {applied}"));
                        }
                    }
                }
            }
        }
        lines.add("came", format_args!("  {}", Seen::came(self.message)));
        // Whoever gets the same shares its lines.
        let mut shown: Vec<Change> = Vec::new();
        for change in views {
            let same = |other: &&mut Change| other.old == change.old && other.new == change.new;
            match shown.iter_mut().find(same) {
                Some(other) => other.audience += &format!(", {}", change.audience),
                None => shown.push(change),
            }
        }
        for change in shown {
            lines.add(change.audience, format_args!("- {}", change.old));
            lines.add("", format_args!("+ {}", change.new));
        }
        lines.write(out)?;
        writeln!(out)
    }
}

/// Whether two events are the same but for the nonces of sealed values in them.
fn same_but_for_seals(old: (&Seen, &RuleSet), new: (&Seen, &RuleSet)) -> bool {
    let opened = |(seen, rules): (&Seen, &RuleSet)| {
        let mut sealed = false;
        let parts = [&seen.payload, &seen.headers].map(|part| open(part, rules, &mut sealed));
        sealed.then_some(parts)
    };
    // Without a seal in them, what JSON shows alike may yet be different bytes.
    matches!((opened(old), opened(new)), (Some(old), Some(new)) if old == new)
}

/// A value with what is in its sealed values in their place.
fn open(value: &Value, rules: &RuleSet, sealed: &mut bool) -> Value {
    match value {
        Value::String(text) => open_text(text, rules, sealed).into(),
        Value::Array(values) => values.iter().map(|value| open(value, rules, sealed)).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                (open_text(key, rules, sealed), open(value, rules, sealed))
            };
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

fn open_text(text: &str, rules: &RuleSet, sealed: &mut bool) -> String {
    const START: &str = "<sealed:";
    let (mut opened, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(START) {
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        let mark = &rest[start..end];
        let key = mark[START.len()..].split(':').next().unwrap_or_default();
        opened += &rest[..start];
        match rules.reveal(mark) {
            Some(Revealed::Text(text)) => opened += &format!("<opened:{key}:{text:?}>"),
            Some(Revealed::Value(value)) => opened += &format!("<opened:{key}:{value:?}>"),
            None => opened += mark,
        }
        *sealed |= !opened.ends_with(mark);
        rest = &rest[end..];
    }
    opened + rest
}

/// What was counted.
#[derive(Default)]
struct Summary {
    messages: u64,
    differ: u64,
    /// By how they ended under each file.
    endings: BTreeMap<(&'static str, &'static str), u64>,
    rules: HashMap<String, RuleSum>,
}

#[derive(Default)]
struct RuleSum {
    messages: u64,
    old: u64,
    new: u64,
}

impl Summary {
    fn add(&mut self, pair: &Pair<'_>, rules: &[RulePair]) {
        self.differ += 1;
        let endings = (pair.old.ending.kind.name(), pair.new.ending.kind.name());
        *self.endings.entry(endings).or_default() += 1;
        let finds = |applied: &Option<Applied>| applied.as_ref().map_or(0, |a| u64::from(a.finds));
        for rule in rules {
            let sum = self.rules.entry(rule.rule.clone()).or_default();
            sum.messages += 1;
            sum.old += finds(&rule.old);
            sum.new += finds(&rule.new);
        }
    }

    /// The rules that applied where there is a difference, in the order of the new file; then those it lacks.
    fn rules<'a>(
        &'a self,
        old: &'a RuleFile,
        new: &'a RuleFile,
    ) -> impl Iterator<Item = (&'a str, &'a RuleSum)> {
        let mut known = BTreeSet::new();
        let names = new.rules.rules().chain(old.rules.rules()).map(|(rule, _)| rule);
        names
            .filter(move |rule| known.insert(*rule))
            .filter_map(|rule| Some((rule, self.rules.get(rule)?)))
    }

    fn object(&self, old: &RuleFile, new: &RuleFile) -> Value {
        let endings = self
            .endings
            .iter()
            .map(|((old, new), count)| json!({ "old": old, "new": new, "messages": count }));
        let rules = self.rules(old, new).map(|(rule, sum)| {
            json!({
                "rule": rule,
                "messages": sum.messages,
                "old_finds": sum.old,
                "new_finds": sum.new,
            })
        });
        json!({
            "messages": self.messages,
            "differ": self.differ,
            "outcomes": endings.collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        })
    }

    fn write(&self, old: &RuleFile, new: &RuleFile, show: u64, out: &mut Out) -> io::Result<()> {
        let hidden = self.differ.saturating_sub(show);
        if hidden > 0 && show > 0 {
            writeln!(out, "{hidden} more not shown (--show N shows the first N)\n")?;
        }
        let (s, verb) = (
            if self.messages == 1 { "" } else { "s" },
            if self.differ == 1 { "differs" } else { "differ" },
        );
        writeln!(out, "{} of {} message{s} {verb}", self.differ, self.messages)?;
        let mut table = Table::new(&["old", "new", "messages"]);
        for ((old, new), count) in &self.endings {
            table.row([(*old).to_owned(), (*new).to_owned(), count.to_string()]);
        }
        table.write(out)?;
        if self.differ > 0 {
            writeln!(out)?;
        }
        let mut table = Table::new(&["rule", "messages", "finds in OLD", "finds in NEW"]);
        for (rule, sum) in self.rules(old, new) {
            let counts = [sum.messages, sum.old, sum.new].map(|count| count.to_string());
            table.row(std::iter::once(rule.to_owned()).chain(counts));
        }
        table.write(out)
    }
}
