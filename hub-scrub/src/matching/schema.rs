//! This module checks MessagePack against a JSON Schema (draft 2020-12).
//!
//! Without it, a rule could check single values, but not the form of a whole payload.
//!
//! The validator and its crates take a tenth of the time of a first build, so they are behind the cargo
//! feature `json-schema`. A build without the feature refuses rule files that have schemas.

use crate::model::{ValueHead, read};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::fmt;

/// A `Schema` is a compiled JSON Schema.
#[cfg(feature = "json-schema")]
pub(crate) struct Schema {
    validator: jsonschema::Validator,
    /// A value is looked at up to this many times.
    looks: u64,
}

/// A build without the feature cannot have a schema.
#[cfg(not(feature = "json-schema"))]
pub(crate) enum Schema {}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

#[cfg(not(feature = "json-schema"))]
impl Schema {
    /// Refuses every schema.
    pub(crate) fn compile(_: &toml::Value) -> Result<Self, String> {
        Err("this hub was built without JSON Schema (the cargo feature `json-schema`)".to_owned())
    }

    pub(crate) fn fault(&self, _: &Value) -> Option<String> {
        match *self {}
    }

    pub(crate) fn steps(&self, _: usize) -> u64 {
        match *self {}
    }
}

#[cfg(feature = "json-schema")]
impl Schema {
    /// Compiles a schema, which a rule file has as a TOML table or as a string of JSON. The error
    /// says why the value is no schema.
    pub(crate) fn compile(raw: &toml::Value) -> Result<Self, String> {
        let json = match raw {
            toml::Value::String(text) => {
                serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?
            }
            table => serde_json::to_value(table).map_err(|error| error.to_string())?,
        };
        // This regex engine never backtracks, so no pattern takes more than linear time.
        jsonschema::draft202012::options()
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .build(&json)
            .map(|validator| Schema { validator, looks: 1 + repeated_looks(&json) })
            .map_err(|error| error.to_string())
    }

    /// Returns how many steps it costs to check a payload of this many bytes.
    pub(crate) fn steps(&self, bytes: usize) -> u64 {
        self.looks.saturating_mul(bytes as u64)
    }

    /// Returns the path in the schema of the first keyword that the value violates. This text contains
    /// nothing of the value.
    pub(crate) fn fault(&self, value: &Value) -> Option<String> {
        self.validator.validate(value).err().map(|error| error.schema_path().to_string())
    }
}

/// Returns how often the keywords of a schema look at a value that has been looked at. The subschemas of other
/// keywords, such as `properties`, each look at values of their own.
#[cfg(feature = "json-schema")]
fn repeated_looks(schema: &Value) -> u64 {
    /// To compare all elements of an array with one another costs as much as this many looks at each.
    const UNIQUE: u64 = 4;
    match schema {
        Value::Array(parts) => parts.iter().map(repeated_looks).sum(),
        Value::Object(keywords) => {
            let looks = |(keyword, part): (&String, &Value)| {
                let own = match (keyword.as_str(), part) {
                    ("anyOf" | "oneOf" | "allOf", Value::Array(choices)) => choices.len() as u64,
                    ("patternProperties", Value::Object(patterns)) => patterns.len() as u64,
                    ("not" | "if" | "then" | "else" | "contains" | "propertyNames", _) => 1,
                    ("uniqueItems", Value::Bool(true)) => UNIQUE,
                    _ => 0,
                };
                own + repeated_looks(part)
            };
            keywords.iter().map(looks).sum()
        }
        _ => 0,
    }
}

/// Converts a value to JSON: bytes become base64, and integer keys become their digits. Returns `None` if
/// JSON cannot express the value: if it has an ext, NaN, an infinity, a key twice in a map, or a key that is
/// neither text nor an integer. The second result is how many steps the conversion took. It ends early if they
/// are more than `limit`.
pub(crate) fn to_json(bytes: &[u8], limit: u64) -> (Option<Value>, u64) {
    let mut steps = 0;
    let value = json(bytes, 0, limit, &mut steps).map(|(value, _)| value);
    (value, steps)
}

/// To convert a value costs this many steps, and those of its bytes.
const VALUE: u64 = 10;

fn text(body: &[u8]) -> Option<String> {
    String::from_utf8(body.to_vec()).ok()
}

/// Converts the value at the offset `at`. Returns the offset behind it too. The function recurses, which is
/// safe because the walker has limited the depth to 64.
fn json(bytes: &[u8], at: usize, limit: u64, steps: &mut u64) -> Option<(Value, usize)> {
    let (head, mut pos) = read(bytes, at)?;
    *steps += VALUE + (pos - at) as u64 / 16;
    if *steps > limit {
        return None;
    }
    let value = match head {
        ValueHead::Nil => Value::Null,
        ValueHead::Bool(b) => Value::Bool(b),
        ValueHead::UInt(n) => Value::from(n),
        ValueHead::Int(n) => Value::from(n),
        ValueHead::Float(n) => Value::Number(serde_json::Number::from_f64(n)?),
        ValueHead::Str(body) => Value::String(text(body)?),
        ValueHead::Bin(body) => Value::String(STANDARD.encode(body)),
        ValueHead::Ext(..) => return None,
        ValueHead::Array(count) => {
            let mut values = Vec::new();
            for _ in 0..count {
                let (value, end) = json(bytes, pos, limit, steps)?;
                values.push(value);
                pos = end;
            }
            Value::Array(values)
        }
        ValueHead::Map(count) => {
            let mut map = Map::new();
            for _ in 0..count {
                let (key, end) = read(bytes, pos)?;
                *steps += VALUE + (end - pos) as u64 / 16;
                let key = match key {
                    ValueHead::Str(body) => text(body)?,
                    ValueHead::UInt(n) => n.to_string(),
                    ValueHead::Int(n) => n.to_string(),
                    _ => return None,
                };
                let (value, end) = json(bytes, end, limit, steps)?;
                // Two readers could take different values of a key that occurs twice.
                if map.insert(key, value).is_some() {
                    return None;
                }
                pos = end;
            }
            Value::Object(map)
        }
    };
    Some((value, pos))
}
