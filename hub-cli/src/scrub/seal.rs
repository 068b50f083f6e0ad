//! Sealed values (`encrypt`) differ each time they are made; here they are compared by content.

use super::outcome::Seen;
use hub_scrub::{Revealed, RuleSet};
use serde_json::Value;

/// Whether two events are the same but for the nonces of sealed values in them.
pub(super) fn same_but_for_seals(old: (&Seen, &RuleSet), new: (&Seen, &RuleSet)) -> bool {
    let opened = |(seen, rules): (&Seen, &RuleSet)| {
        let mut sealed = false;
        let parts = [&seen.payload, &seen.headers].map(|part| open(part, rules, &mut sealed));
        sealed.then_some(parts)
    };
    // Without a seal in them, what JSON shows alike may yet be different bytes.
    matches!((opened(old), opened(new)), (Some(old), Some(new)) if old == new)
}

/// A value with what is in its sealed values in their place.
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
