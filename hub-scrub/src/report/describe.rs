//! A plan as JSON for programs. `docs/scrub.md` is the reference of its fields.
//!
//! Without it, programs would have to parse the text of `explain`, which may change.

use crate::detect::{Check, DetectorSpec, Find as Looks, Near};
use crate::model::{
    Action, Case, DuplicateKeys, Nonfinite, Number, Outside, Structure, Type, Unknown,
};
use crate::plan::{Find, Plan, Planned, RuleKind};
use serde_json::{Map, Value, json};

impl Plan {
    /// What the plan does, in the order in which it is done: topic, budget, rules, detectors with
    /// the trigger that a text needs to be scanned, and views. The text of [`Plan::explain`] may
    /// change; these fields stay.
    #[must_use]
    pub fn describe(&self) -> Value {
        let budget = self.shared.budget;
        let rules = self.stages().into_iter().flat_map(|(stage, rules)| {
            rules.iter().map(move |number| (stage, number)).collect::<Vec<_>>()
        });
        let rules: Vec<Value> =
            rules.map(|(stage, number)| self.describe_rule(stage, number)).collect();
        let views = self.shared.views.all().iter().zip(&self.actions);
        let views: Vec<Value> = views
            .map(|(view, actions)| {
                let action = |(planned, action): (&Planned, &Action)| {
                    (planned.rule.name.to_string(), self.describe_action(action))
                };
                let actions: Map<String, Value> =
                    self.rules.iter().zip(actions).map(action).collect();
                json!({ "view": &*view.name, "roles": view.roles, "actions": actions })
            })
            .collect();
        json!({
            "topic": self.topic.as_str(),
            "refused_by": self.topic_hit.map(|rule| self.rule_name(rule)),
            "budget": {
                "steps": budget.steps, "bytes": budget.bytes, "matches": budget.matches,
            },
            "rules": rules,
            "detectors": self.describe_detectors(),
            "views": views,
        })
    }

    fn describe_rule(&self, stage: &str, number: usize) -> Value {
        let Planned { rule, mode } = &self.rules[number];
        let mut out = Map::new();
        out.insert("number".into(), number.into());
        out.insert("rule".into(), (&*rule.name).into());
        out.insert("label".into(), (&*rule.label).into());
        out.insert("mode".into(), mode.to_string().into());
        out.insert("stage".into(), stage.into());
        out.insert("condition".into(), rule.condition.is_some().into());
        match &rule.kind {
            RuleKind::Find(find) => out.insert("find".into(), self.describe_find(find)),
            RuleKind::Structure(limits) => out.insert("structure".into(), structure(limits)),
            RuleKind::Schema(_) => out.insert("schema".into(), true.into()),
            RuleKind::Scrubber(own) => out.insert("scrubber".into(), own.name().into()),
            RuleKind::Condition => None,
        };
        out.insert("action".into(), self.describe_action(&rule.action));
        out.into()
    }

    fn describe_find(&self, find: &Find) -> Value {
        let places = [
            ("values", find.in_values),
            ("keys", find.in_keys),
            ("headers", find.in_headers),
            ("topic", find.in_topic),
        ];
        let places = places.into_iter().filter(|(_, there)| *there).map(|(place, _)| place);
        let detectors = find.detectors.iter().map(|at| self.shared.detectors.name(*at));
        json!({
            "paths": find.paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "keys": find.keys,
            "named": find.named.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
            "types": types(&find.types),
            "detectors": detectors.collect::<Vec<_>>(),
            "in": places.collect::<Vec<_>>(),
        })
    }

    fn describe_detectors(&self) -> Vec<Value> {
        let used = self.detectors.iter().zip(&self.wanted);
        used.filter_map(|(at, rules)| {
            let spec = self.shared.detectors.spec(*at)?;
            let rules: Vec<&str> = rules.iter().map(|rule| self.rule_name(rule)).collect();
            let mut out = Map::new();
            out.insert("detector".into(), self.shared.detectors.name(*at).into());
            out.insert("rules".into(), rules.into());
            out.extend(detector(spec));
            Some(out.into())
        })
        .collect()
    }

    /// Describes an action in the words of a rule file.
    fn describe_action(&self, action: &Action) -> Value {
        let key = |at: &usize| self.shared.keys.0.get(*at).map_or("", |ring| &ring.name);
        let mut out = Map::new();
        out.insert("do".into(), action.name().into());
        let settings = match action {
            Action::Mask { with, length } => json!({ "with": with, "length": length }),
            Action::KeepFirst(n) | Action::KeepLast(n) => json!({ "n": n }),
            Action::Replace { text, .. } => json!({ "with": text }),
            Action::Hash { key: at } | Action::Token { key: at } | Action::Encrypt { key: at } => {
                json!({ "key": key(at) })
            }
            Action::TruncateIp { v4, v6 } => json!({ "v4": v4, "v6": v6 }),
            Action::Bucket(size) => json!({ "size": size }),
            Action::ShiftDate { key: at, days } => json!({ "key": key(at), "days": days }),
            Action::Normalise(how) => {
                let case = how.case.map(|case| match case {
                    Case::Lower => "lower",
                    Case::Upper => "upper",
                });
                json!({
                    "trim": how.trim, "nfc": how.nfc, "case": case, "timestamps": how.timestamps,
                })
            }
            Action::Range { min, max, outside } => {
                let outside = match outside {
                    Outside::Clamp => "clamp",
                    Outside::Reject => "reject",
                };
                json!({ "min": min.map(number), "max": max.map(number), "outside": outside })
            }
            Action::AllowKeys { keys, unknown } => {
                let unknown = match unknown {
                    Unknown::Drop => "drop",
                    Unknown::Reject => "reject",
                };
                json!({ "keys": keys, "unknown": unknown })
            }
            Action::Reject
            | Action::Quarantine
            | Action::Disconnect
            | Action::Keep
            | Action::Drop => Value::Null,
        };
        if let Value::Object(settings) = settings {
            out.extend(settings.into_iter().filter(|(_, value)| !value.is_null()));
        }
        out.into()
    }
}

fn number(number: Number) -> Value {
    match number {
        // A rule file has only integers of 64 bits, so the other case does not occur.
        Number::Int(n) => i64::try_from(n).map_or_else(|_| n.to_string().into(), Value::from),
        Number::Float(n) => n.into(),
    }
}

fn types(types: &[Type]) -> Vec<&'static str> {
    types.iter().map(|kind| kind.name()).collect()
}

/// Describes the limits that are set.
fn structure(limits: &Structure) -> Value {
    let duplicate_keys = match limits.duplicate_keys {
        DuplicateKeys::Allow => None,
        DuplicateKeys::Reject => Some("reject"),
        DuplicateKeys::KeepFirst => Some("keep_first"),
        DuplicateKeys::KeepLast => Some("keep_last"),
    };
    let nonfinite = match limits.nonfinite {
        Nonfinite::Allow => None,
        Nonfinite::Reject => Some("reject"),
        Nonfinite::Nil => Some("nil"),
    };
    let all = json!({
        "max_bytes": limits.max_bytes,
        "max_depth": limits.max_depth,
        "max_elements": limits.max_elements,
        "max_keys": limits.max_keys,
        "max_key_bytes": limits.max_key_bytes,
        "max_string_bytes": limits.max_string_bytes,
        "types": limits.types.as_deref().map(types),
        "ext": limits.ext,
        "duplicate_keys": duplicate_keys,
        "nonfinite": nonfinite,
    });
    let Value::Object(all) = all else { return Value::Null };
    all.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>().into()
}

/// Describes what a detector searches for, and what a text needs to be scanned for it.
fn detector(spec: &DetectorSpec) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("confidence".into(), spec.from.name().into());
    let near = match &spec.near {
        Some(Near { words, within, required }) => {
            json!({ "words": words, "within": within, "required": required })
        }
        None => match &spec.find {
            Looks::BuiltIn(kind) if !kind.words().is_empty() => {
                let (words, within) = (kind.words(), Near::BUILT_IN);
                json!({ "words": words, "within": within, "required": false })
            }
            _ => Value::Null,
        },
    };
    match &spec.find {
        Looks::BuiltIn(kind) => {
            out.insert("built_in".into(), kind.name().into());
            out.insert("prefilter".into(), kind.prefilter().into());
        }
        Looks::Pattern { pattern, literals, check } => {
            out.insert("pattern".into(), (&**pattern).into());
            let prefilter = if literals.is_empty() { "none" } else { "literals" };
            out.insert("prefilter".into(), prefilter.into());
            out.insert("literals".into(), literals.clone().into());
            let name = |check: &Check| {
                Check::ALL.iter().find(|(_, known)| known == check).map(|(name, _)| *name)
            };
            out.insert("check".into(), check.as_ref().and_then(name).into());
        }
    }
    out.insert("near".into(), near);
    out
}

#[cfg(test)]
mod tests {
    use crate::{RuleSet, SystemKeys};
    use hub_wire::TopicName;
    use serde_json::{Value, json};

    /// The description of the action of a rule file with one rule.
    fn action(text: &str) -> Value {
        let file = format!(
            "[[rule]]\nname = \"a\"\nfind = {{ keys = [\"x\"], types = [\"int\", \"map\"] }}\n\
             action = {text}\ntests = {{ hits = [{{ x = 90000 }}, {{ x = {{ z = 1 }} }}], \
             misses = [{{ y = 1 }}] }}"
        );
        let rules = RuleSet::load(&file, "rules.toml", &SystemKeys).expect("a rule file");
        let topic = TopicName::parse("t").expect("a topic");
        rules.plan(&topic).describe()["rules"][0]["action"].take()
    }

    #[test]
    fn an_action_is_described_as_a_rule_file_says_it() {
        for (text, described) in [
            ("\"reject\"", json!({ "do": "reject" })),
            ("\"mask\"", json!({ "do": "mask", "with": "*" })),
            ("{ do = \"mask\", length = 3 }", json!({ "do": "mask", "with": "*", "length": 3 })),
            ("{ do = \"keep_last\", n = 4 }", json!({ "do": "keep_last", "n": 4 })),
            ("{ do = \"replace\", with = \"no\" }", json!({ "do": "replace", "with": "no" })),
            ("{ do = \"truncate_ip\", v4 = 8 }", json!({ "do": "truncate_ip", "v4": 8, "v6": 48 })),
            ("{ do = \"bucket\", size = 7 }", json!({ "do": "bucket", "size": 7 })),
        ] {
            assert_eq!(action(text), described);
        }
    }
}
