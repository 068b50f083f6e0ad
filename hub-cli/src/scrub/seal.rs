//! Compares sealed values (`encrypt`) by their contents.
//!
//! A sealed value differs each time it is made. Without this module, `hub scrub diff` would report
//! every message with a sealed value as different.

use super::message_report::ViewOutput;
use hub_scrub::{Revealed, RuleSet};
use serde_json::Value;

/// Returns whether two messages contain sealed values and are equal once these are opened.
pub(super) fn same_but_for_seals(
    old: (&ViewOutput, &RuleSet),
    new: (&ViewOutput, &RuleSet),
) -> bool {
    let opened = |(seen, rules): (&ViewOutput, &RuleSet)| {
        let mut sealed = false;
        let parts = [&seen.payload, &seen.headers].map(|part| open(part, rules, &mut sealed));
        sealed.then_some(parts)
    };
    // The bytes of the messages differ. Without sealed values, that is a difference even if the JSON is
    // equal.
    matches!((opened(old), opened(new)), (Some(old), Some(new)) if old == new)
}

/// Returns a value in which each sealed value is replaced by its content, and sets `sealed` if there is
/// one.
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

/// Replaces each sealed value in a text by its content, and sets `sealed` if there is one.
fn open_text(text: &str, rules: &RuleSet, sealed: &mut bool) -> String {
    const START: &str = "<sealed:";
    let (mut opened, mut rest) = (String::new(), text);
    while let Some(start) = rest.find(START) {
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        let mark = &rest[start..end];
        let key = mark[START.len()..].split(':').next().unwrap_or_default();
        opened += &rest[..start];
        let content = rules.reveal(mark);
        *sealed |= content.is_some();
        match content {
            Some(Revealed::Text(text)) => opened += &format!("<opened:{key}:{text:?}>"),
            Some(Revealed::Value(value)) => opened += &format!("<opened:{key}:{value:?}>"),
            None => opened += mark,
        }
        rest = &rest[end..];
    }
    opened + rest
}
