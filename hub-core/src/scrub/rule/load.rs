use super::super::condition::Condition;
use super::super::find::DetectorSpec;
use super::super::keys::{KeyOrigin, KeySource, KeyVersion, Keyring, Keys};
use super::super::path::PathPattern;
use super::super::schema::Schema;
use super::super::scrubber::Scrubber;
use super::error::{Faults, RuleErrors};
use super::raw::{self, Place};
use super::view::{View, Views};
use super::{
    Action, Budget, Find, MAX_KEY_NAME, Mode, Rule, RuleKind, RuleSet, Shared, action, check,
    fold_key,
};
use crate::topic::TopicFilter;
use std::collections::BTreeSet;
use std::sync::Arc;
use toml::Spanned;

pub(super) fn load(
    text: &str,
    source: &str,
    secrets: &dyn KeySource,
    scrubbers: &[Arc<dyn Scrubber>],
) -> Result<RuleSet, RuleErrors> {
    let mut faults = Faults::new(source, text);
    let file: raw::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            faults.syntax(&error);
            return Err(faults.take());
        }
    };
    let keys = keys(file.keys, secrets, &mut faults);
    let mut detectors = Vec::new();
    for (name, spec) in file.detectors {
        let at = name.span().start;
        let key = format!("detectors.{}", name.get_ref());
        match DetectorSpec::of_user(name.get_ref(), spec.into_inner()) {
            Ok(spec) => detectors.push(spec),
            Err(error) => faults.add(at, key, error),
        }
    }
    for pack in &file.packs {
        let name = pack.name.get_ref();
        faults.add(pack.name.span().start, "pack.name", format!("there is no pack `{name}`"));
        let _ = (&pack.topics, &pack.mode);
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
    let detectors = loader.detectors;
    let views = views(file.views, &rules, &keys, &mut faults);
    let default = Budget::default();
    let budget = Budget {
        steps: file.budget.steps.unwrap_or(default.steps),
        bytes: file.budget.bytes.unwrap_or(default.bytes),
        matches: file.budget.matches.unwrap_or(default.matches),
    };
    if rules.len() > super::super::bits::Bits::MAX {
        faults.add(0, "rule", "a file has at most 256 rules");
    }
    let shared = Arc::new(Shared { detectors, keys, views, budget });
    if faults.is_empty() {
        for (rule, (tests, at)) in rules.iter().zip(&tests) {
            check::run(rule, tests, &shared, &mut faults, *at);
        }
    }
    if !faults.is_empty() {
        return Err(faults.take());
    }
    Ok(RuleSet { rules, shared })
}

fn keys(
    raw: std::collections::BTreeMap<Spanned<String>, Vec<Spanned<raw::Key>>>,
    secrets: &dyn KeySource,
    faults: &mut Faults<'_>,
) -> Keys {
    let mut keys = Keys::default();
    for (name, raw) in raw {
        let (at, name) = (name.span().start, name.into_inner());
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
            faults.add(at, format!("keys.{name}"), "a key's name is 1 to 32 of a-z, 0-9 and -");
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
        if versions.is_empty() {
            faults.add(at, format!("keys.{name}"), "a key has at least one version");
        }
        let versions = versions.into_iter().map(|(_, version)| version).collect();
        keys.0.push(Keyring { name, versions });
    }
    keys
}

fn views(
    raw: std::collections::BTreeMap<Spanned<String>, raw::View>,
    rules: &[Arc<Rule>],
    keys: &Keys,
    faults: &mut Faults<'_>,
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
                faults.add(at, key.clone(), "no rule has this label");
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

struct Loader<'a> {
    keys: &'a Keys,
    detectors: Vec<DetectorSpec>,
    scrubbers: &'a [Arc<dyn Scrubber>],
    names: BTreeSet<String>,
}

impl Loader<'_> {
    /// The rule with its tests and where they stand; `None` if it was at fault.
    fn rule(
        &mut self,
        raw: raw::Rule,
        at: usize,
        faults: &mut Faults<'_>,
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
            if raw.topics.is_some() {
                faults.add(at, key("topics"), "an empty list is no topic; leave it out for all");
            }
            topics.extend(TopicFilter::parse("**"));
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
            let find = self.find(find.into_inner(), &name, faults)?;
            if let Some(message) = misfit(&find, &action) {
                faults.add(at, key("action"), message);
                return None;
            }
            RuleKind::Find(find)
        } else {
            if !action.ends_message() {
                faults.add(at, key("action"), "can only reject, quarantine or disconnect");
                return None;
            }
            if let Some(structure) = raw.structure {
                RuleKind::Structure(structure.into_inner())
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

    fn find(&mut self, raw: raw::Find, name: &str, faults: &mut Faults<'_>) -> Option<Find> {
        let key = |key: &str| format!("rule.{name}.find.{key}");
        let places = raw.places.unwrap_or_else(|| vec![Place::Values, Place::Keys, Place::Headers]);
        let mut find = Find {
            types: raw.types,
            in_values: places.contains(&Place::Values),
            in_keys: places.contains(&Place::Keys),
            in_headers: places.contains(&Place::Headers),
            in_topic: places.contains(&Place::Topic),
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
        for name in &raw.detectors {
            let known = self.detectors.iter().position(|spec| spec.name() == name.get_ref());
            match known
                .map_or_else(|| DetectorSpec::named(name.get_ref()).map(Err), |at| Some(Ok(at)))
            {
                Some(Ok(at)) => find.detectors.push(at),
                Some(Err(spec)) => {
                    find.detectors.push(self.detectors.len());
                    self.detectors.push(spec);
                }
                None => {
                    let message = format!("there is no detector `{}`", name.get_ref());
                    faults.add(name.span().start, key("detectors"), message);
                }
            }
        }
        Some(find)
    }
}

/// Why an action does not fit to what is found.
fn misfit(find: &Find, action: &Action) -> Option<String> {
    let everything = find.paths.is_empty()
        && find.keys.is_empty()
        && find.types.is_empty()
        && find.detectors.is_empty();
    if everything {
        return Some("`find` says nothing: no path, key, type or detector".into());
    }
    if !find.detectors.is_empty() && !action.works_on_spans() {
        return Some(format!(
            "`{}` is for whole values, not for what a detector finds",
            action.name()
        ));
    }
    (*action == Action::Keep).then(|| "`keep` is for views; a rule does something".into())
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
