//! Implements `hub scrub diff`, which shows the messages on which two rule files differ.
//!
//! Without this command, nobody could see what a change of the rules does before the change is in
//! force.

use super::args::{file_arg, json_arg, message_args, path};
use super::message_report::Applied;
use super::messages::Messages;
use super::pair::{Audience, Pair, RulePair};
use super::rule_file::RuleFile;
use super::scrubber::Scrub;
use super::stdout::{Out, Stopped, stdout};
use super::text::Table;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};

/// The command shows this many messages as text if `--show` is not given.
const SHOW: u64 = 10;

pub(super) fn command() -> Command {
    Command::new("diff")
        .about("Show the messages on which two rule files differ")
        .long_about(
            "Try two rule files on the messages on stdin, and show the messages on which the files \
             differ: they decide differently about the message, or a view gets it differently. A \
             summary says how many messages differ, and under which rules. If only one of the files \
             has a certain view, the command compares this view with the default view of the other \
             file. Sealed values (`encrypt`) differ each time, so the command compares their contents.",
        )
        .args([
            file_arg("old", "OLD", "The rule file that is in force now"),
            file_arg("new", "NEW", "The rule file that would take its place"),
        ])
        .args(message_args())
        .args([
            Arg::new("show")
                .long("show")
                .value_name("N")
                .value_parser(value_parser!(u64))
                .help("Show the first N messages that differ [default: 10; with --json: all]"),
            json_arg("Print one JSON object for each message that differs, and one with the summary at the end"),
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
    // Bad input ends the comparison, but the messages before it count.
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

/// Returns the audiences that the options select. Without options, these are the default view, then
/// each other view, and then each role that gets a combination of views that is not in the list yet.
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

/// Counts messages for the summary.
#[derive(Default)]
struct Summary {
    messages: u64,
    differ: u64,
    /// Counts the messages that differ by their dispositions under both files.
    endings: BTreeMap<(&'static str, &'static str), u64>,
    rules: HashMap<String, RuleSum>,
}

/// Counts for one rule the differing messages to which it applied, and its finds under each file.
#[derive(Default)]
struct RuleSum {
    messages: u64,
    old: u64,
    new: u64,
}

impl Summary {
    /// Counts a message that differs.
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

    /// Returns the rules that applied to messages that differ. They stand in the order of the new file,
    /// and the rules that only the old file has follow them.
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

    /// Returns the summary as a JSON object.
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

    /// Writes the summary for people.
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
