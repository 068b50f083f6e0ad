//! Reads one rule from the words of a rule file.
//!
//! It reports every error in a rule, so that the author of the rule sees all of them at once.

use super::action;
use super::error::ErrorCollector;
use super::near_names::unknown;
use super::raw::{self, SearchScope};
use crate::detect::{Confidence, KeyKind};
use crate::matching::{Condition, Detectors, MAX_KEY_NAME, PathPattern, Schema, fold_key};
use crate::model::{Action, Keys, Mode, Scrubber};
use crate::plan::{Find, Rule, RuleKind};
use hub_wire::TopicFilter;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Spanned;

/// Checks the rules one after another.
pub(super) struct Loader<'a> {
    pub(super) keys: &'a Keys,
    pub(super) detectors: Detectors,
    pub(super) scrubbers: &'a [Arc<dyn Scrubber>],
    pub(super) names: BTreeSet<String>,
}

impl Loader<'_> {
    /// Returns the rule with its tests and their offsets. `None` if the rule has an error.
    pub(super) fn rule(
        &mut self,
        raw: raw::Rule,
        at: usize,
        faults: &mut ErrorCollector<'_>,
    ) -> Option<(Rule, (raw::Tests, usize))> {
        let name = raw.name.get_ref().clone();
        let key = |key: &str| format!("rule.{name}.{key}");
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            faults.add(raw.name.span().start, "rule.name", "a name has 1 to 64 characters");
        }
        if !self.names.insert(name.clone()) {
            faults.add(raw.name.span().start, "rule.name", format!("`{name}` is there twice"));
        }
        let mut topics = Vec::new();
        for topic in raw.topics.iter().flatten() {
            match TopicFilter::parse(topic.get_ref()) {
                Ok(filter) => topics.push(filter),
                Err(error) => faults.add(topic.span().start, key("topics"), error),
            }
        }
        if topics.is_empty() {
            if raw.topics.as_ref().is_some_and(Vec::is_empty) {
                faults.add(at, key("topics"), "an empty list is no topic; leave it out for all");
            }
            topics.extend(["**", "$inbox.**"].map(TopicFilter::parse).into_iter().flatten());
        }
        let mode = raw.mode.map_or(Some(Mode::Enforce), |mode| {
            let parsed = mode_of(mode.get_ref());
            if parsed.is_none() {
                let message = "must be \"shadow\", \"enforce\", or \"1%\" to \"99%\"";
                faults.add(mode.span().start, key("mode"), message);
            }
            parsed
        });
        let condition = raw.condition.and_then(|condition| {
            Condition::compile(condition.get_ref())
                .map_err(|error| faults.add(condition.span().start, key("condition"), error))
                .ok()
        });
        let kinds = usize::from(raw.find.is_some())
            + usize::from(raw.structure.is_some())
            + usize::from(raw.schema.is_some())
            + usize::from(raw.scrubber.is_some());
        if kinds > 1 || (kinds == 0 && condition.is_none()) {
            let message = "say one of `find`, `structure`, `schema`, `scrubber`, or a `condition`";
            faults.add(at, format!("rule.{name}"), message);
            return None;
        }
        let default = raw.structure.is_some() || raw.schema.is_some() || raw.scrubber.is_some();
        let action_at = raw.action.as_ref().map_or(at, |action| action.span().start);
        let action = match raw.action {
            None if default => Some(Action::Reject),
            None => {
                faults.add(at, key("action"), "is missing");
                None
            }
            Some(raw) => action::check(raw.get_ref().0.clone(), self.keys)
                .map_err(|error| faults.add(raw.span().start, key("action"), error))
                .ok(),
        }?;
        let kind = if let Some(find) = raw.find {
            let at = find.span().start;
            let find = self.find(find.into_inner(), at, &name, faults)?;
            if let Some(message) = misfit(&find, &action) {
                faults.add(action_at, key("action"), message);
                return None;
            }
            RuleKind::Find(find)
        } else {
            if !action.ends_message() {
                faults.add(action_at, key("action"), "can only reject, quarantine or disconnect");
                return None;
            }
            if let Some(structure) = raw.structure {
                RuleKind::Structure(structure.into_inner().into())
            } else if let Some(schema) = raw.schema {
                let compiled = Schema::compile(schema.get_ref());
                let at = schema.span().start;
                RuleKind::Schema(
                    compiled.map_err(|error| faults.add(at, key("schema"), error)).ok()?,
                )
            } else if let Some(named) = raw.scrubber {
                let found = self.scrubbers.iter().find(|s| s.name() == named.get_ref());
                let Some(found) = found else {
                    let message = format!("there is no scrubber `{}`", named.get_ref());
                    faults.add(named.span().start, key("scrubber"), message);
                    return None;
                };
                RuleKind::Scrubber(found.clone())
            } else {
                RuleKind::Condition
            }
        };
        let label = raw.label.map_or_else(|| name.clone(), Spanned::into_inner).into();
        let Some(tests) = raw.tests else {
            faults.add(at, key("tests"), "a rule without tests does not load");
            return None;
        };
        let _ = raw.about;
        let at = tests.span().start;
        let rule = Rule { name: name.into(), label, topics, mode: mode?, kind, condition, action };
        Some((rule, (tests.into_inner(), at)))
    }

    fn find(
        &mut self,
        raw: raw::Find,
        at: usize,
        name: &str,
        faults: &mut ErrorCollector<'_>,
    ) -> Option<Find> {
        let key = |key: &str| format!("rule.{name}.find.{key}");
        if raw.paths.is_empty()
            && raw.keys.is_empty()
            && raw.named.is_empty()
            && raw.types.is_empty()
            && raw.detectors.is_empty()
        {
            let message = "says nothing: no path, key, kind of content, type or detector";
            faults.add(at, format!("rule.{name}.find"), message);
            return None;
        }
        let places = raw
            .places
            .unwrap_or_else(|| vec![SearchScope::Values, SearchScope::Keys, SearchScope::Headers]);
        let mut find = Find {
            types: raw.types.into_iter().map(Into::into).collect(),
            in_values: places.contains(&SearchScope::Values),
            in_keys: places.contains(&SearchScope::Keys),
            in_headers: places.contains(&SearchScope::Headers),
            in_topic: places.contains(&SearchScope::Topic),
            ..Find::default()
        };
        for path in &raw.paths {
            match PathPattern::parse(path.get_ref()) {
                Ok(path) => find.paths.push(path),
                Err(error) => faults.add(path.span().start, key("paths"), error),
            }
        }
        for name in &raw.keys {
            match fold_key(name.get_ref().as_bytes(), &mut [0; MAX_KEY_NAME]) {
                Some(folded) if !folded.is_empty() => {
                    find.keys.push(String::from_utf8_lossy(folded).into());
                }
                _ => faults.add(name.span().start, key("keys"), "a key name has 1 to 64 bytes"),
            }
        }
        for name in &raw.named {
            match name.get_ref().parse() {
                Ok(kind) => find.named.push(kind),
                Err(()) => {
                    let kinds = KeyKind::all().map(KeyKind::name);
                    let message = unknown("kind of content", name.get_ref(), kinds);
                    faults.add(name.span().start, key("named"), message);
                }
            }
        }
        let from = raw.confidence.map_or(Confidence::Likely, Confidence::from);
        if raw.confidence.is_some() && raw.detectors.is_empty() {
            let message = "is about what detectors find, and the rule names no detector";
            faults.add(at, key("confidence"), message);
        }
        for name in &raw.detectors {
            match self.detectors.find(name.get_ref(), from) {
                Some(detector) => find.detectors.push(detector),
                None => {
                    let message = unknown("detector", name.get_ref(), self.detectors.names());
                    faults.add(name.span().start, key("detectors"), message);
                }
            }
        }
        Some(find)
    }
}

/// Why an action does not fit what the rule finds, if it does not.
fn misfit(find: &Find, action: &Action) -> Option<String> {
    if *action == Action::Keep {
        return Some("`keep` is for views; a rule does something".into());
    }
    (!find.detectors.is_empty() && !action.works_on_ranges())
        .then(|| format!("`{}` is for whole values, not for what a detector finds", action.name()))
}

fn mode_of(text: &str) -> Option<Mode> {
    match text {
        "shadow" => Some(Mode::Shadow),
        "enforce" => Some(Mode::Enforce),
        percent => {
            let percent = percent.strip_suffix('%')?.parse().ok()?;
            (1..=99).contains(&percent).then_some(Mode::Percent(percent))
        }
    }
}
