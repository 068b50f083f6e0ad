//! Compares the reports of two rule files about one message, and says in which views the message differs
//! and which rules applied.
//!
//! Without this module, `hub scrub diff` could only say that two files differ.

use super::message::Message;
use super::message_report::{Applied, MessageReport, ViewOutput};
use super::seal::same_but_for_seals;
use super::stdout::Out;
use super::text::Lines;
use hub_scrub::{RuleSet, ViewId};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Describes subscribers who get the same view under the old file, and the same view under the new one.
pub(super) struct Audience {
    pub(super) name: String,
    pub(super) old: ViewId,
    pub(super) new: ViewId,
}

/// Holds one message with its reports under both rule files.
pub(super) struct Pair<'a> {
    pub(super) message: &'a Message,
    pub(super) old: MessageReport,
    pub(super) new: MessageReport,
    pub(super) files: (&'a RuleSet, &'a RuleSet),
}

/// Says how one rule applied under the old file and under the new file.
pub(super) struct RulePair {
    pub(super) rule: String,
    pub(super) old: Option<Applied>,
    pub(super) new: Option<Applied>,
}

/// Holds a message as an audience gets it under the old file and under the new file.
pub(super) struct Change {
    audience: String,
    old: ViewOutput,
    new: ViewOutput,
}

impl Pair<'_> {
    /// Returns how each audience gets the message, for the audiences for which the message differs.
    /// The list is empty if the message does not pass under both files.
    pub(super) fn differing(&self, audiences: &[Audience]) -> Vec<Change> {
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

    /// Returns the rules that applied under at least one of the files. A rule is left out if it had
    /// finds in shadow mode only, and as many under both files, because it has no part in the
    /// difference.
    pub(super) fn rules(&self) -> Vec<RulePair> {
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

    /// Returns the difference as a JSON object.
    pub(super) fn object(&self, rules: &[RulePair], views: Vec<Change>) -> Value {
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

    /// Writes the difference for people.
    pub(super) fn show(
        &self,
        rules: &[RulePair],
        views: Vec<Change>,
        out: &mut Out,
    ) -> io::Result<()> {
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
        lines.add("came", format_args!("  {}", ViewOutput::came(self.message)));
        // Audiences that get equal messages share the lines.
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
