//! Reads the rules of a pack, with what the rule file changes about them.
//!
//! Without these changes, one rule of a pack that does not suit a stream of events would cost its owner the
//! whole pack.

use super::error::ErrorCollector;
use super::near_names::unknown;
use super::{packs, raw};
use hub_wire::TopicFilter;
use toml::Spanned;

/// Returns the rules of a pack, with the topics, the modes and the actions that the rule file sets for them.
pub(super) fn rules(mut pack: raw::Pack, faults: &mut ErrorCollector<'_>) -> Vec<raw::Rule> {
    let (at, name) = (pack.name.span().start, pack.name.into_inner());
    let Some(text) = packs::text(&name) else {
        faults.add(at, "pack.name", unknown("pack", &name, packs::names()));
        return Vec::new();
    };
    let file: raw::File = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            faults.add(at, "pack.name", error);
            return Vec::new();
        }
    };
    // Each rule of the pack would report a bad topic again.
    let lists = [&pack.topics].into_iter().chain(pack.rules.values().map(|rule| &rule.topics));
    let topics = lists.flatten().flatten();
    let bad: Vec<_> = topics
        .filter_map(|topic| {
            let error = TopicFilter::parse(topic.get_ref()).err()?;
            Some((topic.span().start, error))
        })
        .collect();
    if !bad.is_empty() {
        for (at, error) in bad {
            faults.add(at, format!("pack.{name}.topics"), error);
        }
        return Vec::new();
    }
    let mut rules = Vec::new();
    for rule in file.rules {
        let mut rule = rule.into_inner();
        let own_name = rule.name.get_ref().clone();
        let changes = pack.rules.remove(own_name.as_str());
        let (mut topics, mut mode) = (pack.topics.clone(), pack.mode.clone());
        let mut confidence = pack.strict.then_some(raw::Confidence::Possible);
        if let Some(changes) = changes {
            if changes.off {
                continue;
            }
            (topics, mode) = (changes.topics.or(topics), changes.mode.or(mode));
            confidence = changes.confidence.or(confidence);
            rule.action = changes.action.or(rule.action);
        }
        rule.label.get_or_insert_with(|| rule.name.clone());
        rule.name = Spanned::new(at..at, format!("{name}/{own_name}"));
        rule.topics = topics.or(rule.topics);
        rule.mode = mode.or(rule.mode);
        let find = rule.find.as_mut().map(Spanned::get_mut);
        if let Some(find) = find.filter(|find| !find.detectors.is_empty()) {
            if let (Some(_), Some(tests)) = (confidence, &mut rule.tests) {
                tests.get_mut().skipped = true;
            }
            find.confidence = confidence.or(find.confidence);
        }
        rules.push((own_name, rule));
    }
    // What is left names no rule of the pack.
    for other in pack.rules.into_keys() {
        let all = rules.iter().map(|(name, _)| name.as_str());
        let message = unknown("rule of this pack", other.get_ref(), all);
        faults.add(other.span().start, format!("pack.{name}.rules"), message);
    }
    rules.into_iter().map(|(_, rule)| rule).collect()
}
