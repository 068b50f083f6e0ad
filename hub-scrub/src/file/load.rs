//! Reads a rule file, checks it once, and runs the tests in it.
//!
//! The other floors rely on what is loaded here. Without these checks, an error in a rule would show only
//! on the first message that the rule applies to.

use super::error::{ErrorCollector, RuleErrors};
use super::load_rule::Loader;
use super::near_names::unknown;
use super::{action, check, detector, pack, raw};
use crate::matching::Detectors;
use crate::model::{
    Action, Budget, KeyOrigin, KeySource, KeyVersion, Keyring, Keys, RuleBits, Scrubber, View,
    Views,
};
use crate::plan::{Rule, RuleSet, SharedParts};
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Spanned;

impl RuleSet {
    /// Reads and checks a rule file, and runs the tests in it.
    ///
    /// `source` is the name of the file in errors. `keys` provides the secrets that the file names.
    ///
    /// # Errors
    /// All errors in the file, each with its line and its key. A rule without tests is an error,
    /// and so is a test that fails.
    pub fn load(text: &str, source: &str, keys: &dyn KeySource) -> Result<RuleSet, RuleErrors> {
        Self::load_with(text, source, keys, &[])
    }

    /// Like [`RuleSet::load`], for a file with rules that call a user's own scrubbers.
    ///
    /// # Errors
    /// The errors are those of [`RuleSet::load`], and a scrubber that a rule calls and that is not
    /// in `scrubbers`.
    pub fn load_with(
        text: &str,
        source: &str,
        keys: &dyn KeySource,
        scrubbers: &[Arc<dyn Scrubber>],
    ) -> Result<RuleSet, RuleErrors> {
        load(text, source, keys, scrubbers)
    }
}

fn load(
    text: &str,
    source: &str,
    secrets: &dyn KeySource,
    scrubbers: &[Arc<dyn Scrubber>],
) -> Result<RuleSet, RuleErrors> {
    let mut faults = ErrorCollector::new(source, text);
    let file: raw::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            faults.syntax(&error);
            return Err(faults.take());
        }
    };
    let keys = keys(file.keys, secrets, &mut faults);
    let mut detectors = Detectors::default();
    for (name, spec) in file.detectors {
        let at = name.span().start;
        let key = format!("detectors.{}", name.get_ref());
        let added = detector::check(spec.into_inner()).and_then(|spec| {
            detectors.add(name.get_ref(), spec).map_err(|error| error.kind.to_string())
        });
        if let Err(error) = added {
            faults.add(at, key, error);
        }
    }
    let mut loader = Loader { keys: &keys, detectors, scrubbers, names: BTreeSet::new() };
    let (mut rules, mut tests) = (Vec::new(), Vec::new());
    for rule in file.rules {
        let at = rule.span().start;
        if let Some((rule, test)) = loader.rule(rule.into_inner(), at, &mut faults) {
            rules.push(Arc::new(rule));
            tests.push(test);
        }
    }
    for pack in file.packs {
        let at = pack.name.span().start;
        for rule in pack::rules(pack, &mut faults) {
            if let Some((rule, (test, _))) = loader.rule(rule, at, &mut faults) {
                rules.push(Arc::new(rule));
                tests.push((test, at));
            }
        }
    }
    let detectors = loader.detectors;
    let views = views(file.views, &rules, &keys, &mut faults);
    let default = Budget::default();
    let budget = Budget {
        steps: file.budget.steps.unwrap_or(default.steps),
        bytes: file.budget.bytes.unwrap_or(default.bytes),
        matches: file.budget.matches.unwrap_or(default.matches),
    };
    if rules.len() > RuleBits::MAX {
        faults.add(0, "rule", "a file has at most 256 rules");
    }
    // A file that was cut off must not turn the scrub off.
    if rules.is_empty() && faults.is_empty() {
        faults.add(
            0,
            "rule",
            "there is no rule and no pack; a hub without rules names no rule file",
        );
    }
    let shared = Arc::new(SharedParts { detectors, keys, views, budget });
    if faults.is_empty() {
        for (rule, (tests, at)) in rules.iter().zip(&tests) {
            check::run(rule, &rules, tests, &shared, &mut faults, *at);
        }
    }
    if !faults.is_empty() {
        return Err(faults.take());
    }
    Ok(RuleSet::new(rules, shared))
}

fn keys(
    raw: std::collections::BTreeMap<Spanned<String>, Vec<Spanned<raw::Key>>>,
    secrets: &dyn KeySource,
    faults: &mut ErrorCollector<'_>,
) -> Keys {
    let mut keys = Keys::default();
    for (name, raw) in raw {
        let (at, name) = (name.span().start, name.into_inner());
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
            faults.add(at, format!("keys.{name}"), "a key's name is 1 to 32 of a-z, 0-9 and -");
        }
        if raw.is_empty() {
            faults.add(at, format!("keys.{name}"), "a key has at least one version");
        }
        let mut versions: Vec<(u32, KeyVersion)> = Vec::new();
        for key in raw {
            let (at, key) = (key.span().start, key.into_inner());
            let place = format!("keys.{name}");
            let origin = match (&key.env, &key.file) {
                (Some(env), None) => KeyOrigin::Env(env),
                (None, Some(file)) => KeyOrigin::File(file),
                _ => {
                    faults.add(at, place, "say either `env` or `file`");
                    continue;
                }
            };
            if versions.iter().any(|(version, _)| *version == key.version) {
                faults.add(at, place, format!("version {} stands there twice", key.version));
                continue;
            }
            let derived = secrets
                .secret(origin)
                .and_then(|secret| KeyVersion::derive(&name, key.version, &secret));
            match derived {
                Ok(derived) => versions.push((key.version, derived)),
                Err(error) => faults.add(at, place, error),
            }
        }
        versions.sort_by_key(|(version, _)| *version);
        let versions = versions.into_iter().map(|(_, version)| version).collect();
        keys.0.push(Keyring { name, versions });
    }
    keys
}

fn views(
    raw: std::collections::BTreeMap<Spanned<String>, raw::View>,
    rules: &[Arc<Rule>],
    keys: &Keys,
    faults: &mut ErrorCollector<'_>,
) -> Views {
    let mut views = Views::default();
    let mut roles = BTreeSet::new();
    for (name, raw) in raw {
        let (at, name) = (name.span().start, name.into_inner());
        if views.named(&name).is_some() {
            faults.add(at, format!("views.{name}"), "the default view is what the rules say");
        }
        for role in &raw.roles {
            if !roles.insert(role.get_ref().clone()) {
                let message = format!("the role `{}` has another view already", role.get_ref());
                faults.add(role.span().start, format!("views.{name}.roles"), message);
            }
        }
        let mut labels = std::collections::HashMap::new();
        for (label, raw) in raw.labels {
            let (at, label) = (label.span().start, label.into_inner());
            let key = format!("views.{name}.labels.{label}");
            let mut labelled = rules.iter().filter(|rule| *rule.label == *label).peekable();
            if labelled.peek().is_none() {
                let labels = rules.iter().map(|rule| &*rule.label);
                faults.add(at, key.clone(), unknown("label", &label, labels));
            }
            if let Some(rule) = labelled.find(|rule| !rule.action.is_redaction()) {
                let message = format!(
                    "the rule `{}` does `{}`, which is the same for all views",
                    rule.name,
                    rule.action.name()
                );
                faults.add(at, key.clone(), message);
            }
            match action::check(raw.into_inner().0, keys) {
                Ok(action) if action.is_redaction() || action == Action::Keep => {
                    labels.insert(label, action);
                }
                Ok(action) => {
                    faults.add(at, key, format!("a view cannot do `{}`", action.name()));
                }
                Err(error) => faults.add(at, key, error),
            }
        }
        let roles = raw.roles.into_iter().map(Spanned::into_inner).collect();
        views.add(View { name: name.into(), roles, labels });
    }
    views
}
