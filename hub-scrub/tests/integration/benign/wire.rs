//! JSON to MessagePack and back. An ext has the form in which the command line shows it:
//! `{"$ext": [type, base64]}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub_wire::Packer;
use rmpv::decode::read_value;
use serde_json::{Map, Value, json};

/// Returns the JSON form of an ext.
pub(super) fn ext(kind: i8, bytes: &[u8]) -> Value {
    json!({ "$ext": [kind, STANDARD.encode(bytes)] })
}

/// Returns the type and the bytes of an ext, if a map is the form of one.
pub(super) fn as_ext(map: &Map<String, Value>) -> Option<(i8, Vec<u8>)> {
    let [kind, bytes] = map.get("$ext")?.as_array()?.as_slice() else { return None };
    Some((i8::try_from(kind.as_i64()?).ok()?, STANDARD.decode(bytes.as_str()?).ok()?))
}

/// Appends a value as MessagePack.
pub(super) fn pack(value: &Value, out: &mut Vec<u8>) {
    let mut packer = Packer(out);
    match value {
        Value::Null => drop(packer.nil()),
        Value::Bool(value) => drop(packer.bool(*value)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => drop(packer.uint(number)),
            (None, Some(number)) => drop(packer.raw(&[0xd3]).raw(&number.to_be_bytes())),
            (None, None) => drop(packer.raw(&[0xcb]).raw(&number.as_f64().unwrap().to_be_bytes())),
        },
        Value::String(text) => drop(packer.str(text)),
        Value::Array(values) => {
            packer.array(values.len() as u32);
            for value in values {
                pack(value, out);
            }
        }
        Value::Object(map) => match as_ext(map) {
            Some((kind, bytes)) => {
                packer.raw(&[0xc7, bytes.len() as u8, kind as u8]).raw(&bytes);
            }
            None => {
                packer.map(map.len() as u32);
                for (key, value) in map {
                    Packer(out).str(key);
                    pack(value, out);
                }
            }
        },
    }
}

/// Reads MessagePack that the scrub has written.
pub(super) fn unpack(mut bytes: &[u8]) -> Value {
    json_of(read_value(&mut bytes).unwrap())
}

fn json_of(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil => Value::Null,
        rmpv::Value::Boolean(value) => value.into(),
        rmpv::Value::Integer(number) => match number.as_u64() {
            Some(number) => number.into(),
            None => number.as_i64().into(),
        },
        rmpv::Value::F32(number) => number.into(),
        rmpv::Value::F64(number) => number.into(),
        rmpv::Value::String(text) => text.into_str().unwrap().into(),
        rmpv::Value::Binary(bytes) => json!({ "$bin": STANDARD.encode(bytes) }),
        rmpv::Value::Array(values) => values.into_iter().map(json_of).collect(),
        rmpv::Value::Map(entries) => {
            let entry = |(key, value): (rmpv::Value, _)| {
                let key = json_of(key);
                (key.as_str().map_or_else(|| key.to_string(), str::to_owned), json_of(value))
            };
            Value::Object(entries.into_iter().map(entry).collect())
        }
        rmpv::Value::Ext(kind, bytes) => ext(kind, &bytes),
    }
}
