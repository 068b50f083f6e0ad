//! Shows MessagePack as JSON, for people and scripts.
//!
//! Without this module, each command would show values that JSON does not have in its own way.
//!
//! | MessagePack | JSON |
//! |---|---|
//! | nil, bool, int, str, array | null, boolean, number, string, array |
//! | float | number, or the string `"NaN"`, `"Infinity"` or `"-Infinity"` |
//! | bin | `{"$bin": base64}` |
//! | ext, timestamps included | `{"$ext": [type, base64]}` |
//! | map | object (see below) |
//!
//! A map key that is no string becomes its JSON text. If two keys become equal, the map becomes
//! `{"$map": [[key, value], …]}`, because an object would show only one of the entries.
//!
//! JSON cannot express every MessagePack value, so this form cannot be converted back. `--raw`
//! prints the exact bytes instead.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_wire::{Limits, walk_all};
use rmpv::Value;
use serde_json::{Map, Number, Value as Json, json};

/// Explains the mapping in a few words, for the help.
pub(crate) const HELP: &str = "\
Payloads are MessagePack. JSON shows binary data as {\"$bin\": BASE64} and an extension type
as {\"$ext\": [TYPE, BASE64]}. NaN and infinities become strings, and a map key that is no string
becomes its JSON text. A map whose keys would then be equal becomes {\"$map\": [[KEY, VALUE], ...]}.
--raw prints the exact bytes.";

/// Converts one MessagePack value to JSON. Events have passed the hub's checks, so a value that is not
/// valid is a fault that users must see, and is shown as binary data.
pub(crate) fn from_msgpack(bytes: &[u8]) -> Json {
    // rmpv alone would accept bytes that are not valid MessagePack, and a value of great depth would
    // exhaust its stack.
    if walk_all(bytes, &Limits::NONE).is_err() {
        return bin(bytes);
    }
    match rmpv::decode::read_value(&mut &bytes[..]) {
        Ok(value) => from_value(value),
        Err(_) => bin(bytes),
    }
}

/// Converts a value that was decoded.
fn from_value(value: Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Boolean(value) => value.into(),
        Value::Integer(value) => match (value.as_u64(), value.as_i64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => Json::Null,
        },
        // The number is written as its shortest text and read back, so that 0.1 does not become
        // 0.10000000149.
        Value::F32(value) => float(value.to_string().parse().unwrap_or_else(|_| value.into())),
        Value::F64(value) => float(value),
        Value::String(text) => match text.into_str() {
            Some(text) => text.into(),
            None => Json::Null,
        },
        Value::Binary(bytes) => bin(&bytes),
        Value::Array(values) => values.into_iter().map(from_value).collect(),
        Value::Map(entries) => from_map(entries),
        Value::Ext(kind, bytes) => json!({ "$ext": [kind, STANDARD.encode(bytes)] }),
    }
}

/// Converts a map. No entry may get lost, so a map in which keys become equal is shown as a list.
fn from_map(entries: Vec<(Value, Value)>) -> Json {
    let entries: Vec<_> =
        entries.into_iter().map(|(key, value)| (from_value(key), from_value(value))).collect();
    let mut object = Map::with_capacity(entries.len());
    for (key, value) in &entries {
        if object.insert(text(key), value.clone()).is_some() {
            let pairs = entries.into_iter().map(|(key, value)| json!([key, value]));
            return json!({ "$map": pairs.collect::<Vec<_>>() });
        }
    }
    Json::Object(object)
}

/// Converts binary data.
fn bin(bytes: &[u8]) -> Json {
    json!({ "$bin": STANDARD.encode(bytes) })
}

/// Converts a floating-point number. JSON has no NaN and no infinities, so they become strings.
fn float(value: f64) -> Json {
    match Number::from_f64(value) {
        Some(number) => number.into(),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// Returns a map key as a string.
fn text(key: &Json) -> String {
    match key {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value) -> String {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, value).unwrap();
        from_msgpack(&bytes).to_string()
    }

    #[test]
    fn what_json_has_stays_the_same() {
        assert_eq!(shown(&Value::Nil), "null");
        assert_eq!(shown(&true.into()), "true");
        assert_eq!(shown(&u64::MAX.into()), "18446744073709551615");
        assert_eq!(shown(&i64::MIN.into()), "-9223372036854775808");
        assert_eq!(shown(&1.5.into()), "1.5");
        assert_eq!(shown(&0.1_f32.into()), "0.1");
        assert_eq!(shown(&"é\n".into()), r#""é\n""#);
        assert_eq!(shown(&Value::Array(vec![1.into(), Value::Nil])), "[1,null]");
    }

    #[test]
    fn fields_keep_their_order() {
        let map = Value::Map(vec![("b".into(), 1.into()), ("a".into(), 2.into())]);
        assert_eq!(shown(&map), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn what_json_does_not_have_is_marked() {
        assert_eq!(shown(&Value::Binary(vec![1, 2, 255])), r#"{"$bin":"AQL/"}"#);
        assert_eq!(shown(&Value::Ext(-1, vec![0, 0, 0, 1])), r#"{"$ext":[-1,"AAAAAQ=="]}"#);
        assert_eq!(shown(&f64::NAN.into()), r#""NaN""#);
        assert_eq!(shown(&f64::INFINITY.into()), r#""Infinity""#);
        assert_eq!(shown(&f32::NEG_INFINITY.into()), r#""-Infinity""#);
    }

    #[test]
    fn keys_become_strings() {
        let map = Value::Map(vec![
            (1.into(), "int".into()),
            (Value::Nil, "nil".into()),
            (Value::Array(vec![true.into()]), "array".into()),
        ]);
        assert_eq!(shown(&map), r#"{"1":"int","null":"nil","[true]":"array"}"#);
    }

    #[test]
    fn a_map_whose_keys_become_equal_loses_no_entry() {
        let map = |entries: &[(Value, u64)]| {
            shown(&Value::Map(entries.iter().map(|(k, v)| (k.clone(), (*v).into())).collect()))
        };
        assert_eq!(
            map(&[("a".into(), 1), ("b".into(), 2), ("a".into(), 3)]),
            r#"{"$map":[["a",1],["b",2],["a",3]]}"#
        );
        assert_eq!(map(&[(1.into(), 1), ("1".into(), 2)]), r#"{"$map":[[1,1],["1",2]]}"#);
        assert_eq!(
            map(&[(Value::Nil, 1), ("null".into(), 2)]),
            r#"{"$map":[[null,1],["null",2]]}"#
        );
    }

    #[test]
    fn what_is_not_one_value_is_shown_as_binary() {
        assert_eq!(from_msgpack(&[0xc1]).to_string(), r#"{"$bin":"wQ=="}"#);
        assert_eq!(from_msgpack(&[1, 2]).to_string(), r#"{"$bin":"AQI="}"#);
    }
}
