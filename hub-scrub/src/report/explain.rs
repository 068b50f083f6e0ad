//! A plan in words for people.
//!
//! Without it, nobody could see which rules a topic has, and in which order they act.

use crate::plan::{Plan, Planned, RuleKind};
use std::fmt::{self, Write};

impl Plan {
    /// Explains what the plan does, in the order in which it is done. The text is for people, and
    /// may change.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "topic {}", self.topic)?;
        if self.is_empty() {
            return writeln!(out, "  no rule applies: events pass as they are");
        }
        if let Some(rule) = self.topic_hit {
            writeln!(out, "  refused: the topic's name falls under {}", self.rule_name(rule))?;
        }
        let budget = self.shared.budget;
        writeln!(
            out,
            "  budget: {} steps, {} bytes, {} matches",
            budget.steps, budget.bytes, budget.matches
        )?;
        for (stage, rules) in self.stages().into_iter().filter(|(_, rules)| !rules.is_empty()) {
            let title = match stage {
                "scrubbers" => "own scrubbers",
                "message" => "the message as a whole",
                _ => "in one pass over the bytes",
            };
            writeln!(out, "  {title}")?;
            for n in rules.iter() {
                self.write_rule(n, out)?;
            }
        }
        for (view, actions) in self.shared.views.all().iter().zip(&self.actions).skip(1) {
            let changed = |n: &usize| actions[*n] != self.actions[0][*n];
            let other: Vec<String> = (0..self.rules.len())
                .filter(changed)
                .map(|n| format!("{}: {}", self.rules[n].rule.label, actions[n].name()))
                .collect();
            let other =
                if other.is_empty() { "as the default view".into() } else { other.join(", ") };
            writeln!(out, "  view {} ({}): {other}", view.name, view.roles.join(", "))?;
        }
        Ok(())
    }

    fn write_rule(&self, n: usize, out: &mut String) -> fmt::Result {
        let Planned { rule, mode } = &self.rules[n];
        write!(out, "    {n} {} → {} ({mode})", rule.name, rule.action.name())?;
        if rule.condition.is_some() {
            write!(out, ", on a condition")?;
        }
        if let RuleKind::Find(find) = &rule.kind {
            for (what, count) in [("paths", find.paths.len()), ("keys", find.keys.len())] {
                if count > 0 {
                    write!(out, ", {count} {what}")?;
                }
            }
            let kinds: Vec<&str> = find.named.iter().map(|kind| kind.name()).collect();
            if !kinds.is_empty() {
                write!(out, ", what keys name: {}", kinds.join(" "))?;
            }
            let names = find.detectors.iter().map(|at| self.shared.detectors.name(*at));
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                write!(out, ", detectors {}", names.join(" "))?;
            }
        }
        writeln!(out)
    }
}
