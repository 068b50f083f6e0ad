//! What the three packs change in a document, and which rule changes it.

use super::wire::{as_ext, pack, unpack};
use hub_scrub::{Plan, RuleSet, Scratch, SystemKeys, Verdict, ViewId};
use hub_wire::TopicName;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// A `Step` leads from a container to one of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// A `Change` is one value of a document that a rule has changed.
#[derive(Debug, Clone)]
pub struct Change {
    /// The value is here.
    pub path: Vec<Step>,
    /// The rules with these names have a find in the value.
    pub rules: String,
    pub before: Value,
    /// The value as the rules leave it. `None` if there is no value under this key any more.
    pub after: Option<Value>,
}

impl Change {
    /// Returns the path with points between keys and indexes.
    pub fn place(&self) -> String {
        self.path.iter().map(Step::to_string).collect::<Vec<_>>().join(".")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(key) => f.write_str(key),
            Step::Index(index) => index.fmt(f),
        }
    }
}

/// A `Scrub` runs documents through the three packs.
pub struct Scrub {
    plan: Arc<Plan>,
    scratch: Scratch,
    bytes: Vec<u8>,
}

impl Scrub {
    /// Loads the packs.
    pub fn new() -> Scrub {
        let packs = ["pci", "pii", "secrets"].map(|name| format!("[[pack]]\nname = \"{name}\"\n"));
        let rules = RuleSet::load(&packs.concat(), "rules.toml", &SystemKeys);
        let topic = TopicName::parse("orders.placed").unwrap();
        let plan = rules.unwrap_or_else(|errors| panic!("{errors}")).plan(&topic);
        Scrub { plan, scratch: Scratch::default(), bytes: Vec::new() }
    }

    /// Returns what the packs change in a document. A document that does not pass has one change: all of it.
    pub fn changes(&mut self, document: &Value) -> Vec<Change> {
        let after = match self.run(document) {
            Verdict::Accept => return Vec::new(),
            verdict => verdict.render(ViewId::DEFAULT, &self.bytes, None).map(|one| unpack(one.0)),
        };
        let mut changes = Vec::new();
        match after {
            Some(after) => compare(document, Some(&after), &mut Vec::new(), &mut changes),
            None => changes.push(Change {
                path: Vec::new(),
                rules: String::new(),
                before: document.clone(),
                after: None,
            }),
        }
        for change in &mut changes {
            // A document has finds of several rules. The value with nothing but its own keys has only its own.
            self.run(&only(document, &change.path));
            let rules = self.scratch.applied().map(|count| self.plan.rule_name(count.rule));
            change.rules = rules.collect::<Vec<_>>().join(" ");
        }
        changes
    }

    fn run(&mut self, document: &Value) -> Verdict {
        self.bytes.clear();
        pack(document, &mut self.bytes);
        self.plan.scrub(&self.bytes, None, &mut self.scratch)
    }
}

/// Returns a document with only the value at a path.
fn only(document: &Value, path: &[Step]) -> Value {
    match path {
        [] => document.clone(),
        [Step::Key(key), rest @ ..] => {
            Value::Object(Map::from_iter([(key.clone(), only(&document[key], rest))]))
        }
        [Step::Index(index), rest @ ..] => Value::Array(vec![only(&document[index], rest)]),
    }
}

/// Collects the values that differ.
fn compare(before: &Value, after: Option<&Value>, path: &mut Vec<Step>, changes: &mut Vec<Change>) {
    match (before, after) {
        // An ext is one value, although its form is a map.
        (Value::Object(old), Some(Value::Object(new))) if as_ext(old).is_none() => {
            for (key, value) in old {
                path.push(Step::Key(key.clone()));
                compare(value, new.get(key), path, changes);
                path.pop();
            }
        }
        (Value::Array(old), Some(Value::Array(new))) => {
            for (index, value) in old.iter().enumerate() {
                path.push(Step::Index(index));
                compare(value, new.get(index), path, changes);
                path.pop();
            }
        }
        (before, Some(after)) if before == after => {}
        _ => changes.push(Change {
            path: path.clone(),
            rules: String::new(),
            before: before.clone(),
            after: after.cloned(),
        }),
    }
}
