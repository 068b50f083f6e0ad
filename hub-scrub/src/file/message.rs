//! Converts TOML values to MessagePack, for the tests in a rule file and for replacements.
//!
//! Without it, a rule file could not contain the messages with which it is tested.

use crate::model::Number;
use hub_wire::{Limits, Packer, walk_all};

/// Writes a TOML value as MessagePack. A date becomes a string. For types that TOML does not have,
/// the table `{ msgpack = "93…" }` gives the bytes in hexadecimal. The error says what cannot be
/// converted.
pub(super) fn encode(value: &toml::Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        toml::Value::String(text) => {
            Packer(out).str(text);
        }
        toml::Value::Integer(n) => Number::Int(i128::from(*n)).encode(out),
        toml::Value::Float(n) => Number::Float(*n).encode(out),
        toml::Value::Boolean(b) => {
            Packer(out).bool(*b);
        }
        toml::Value::Datetime(time) => {
            Packer(out).str(&time.to_string());
        }
        toml::Value::Array(values) => {
            Packer(out).array(u32::try_from(values.len()).map_err(|_| "array too long")?);
            values.iter().try_for_each(|value| encode(value, out))?;
        }
        toml::Value::Table(table) => {
            if let (1, Some(toml::Value::String(hex))) = (table.len(), table.get("msgpack")) {
                let bytes = unhex(hex).ok_or("`msgpack` must be hexadecimal digits, in pairs")?;
                walk_all(&bytes, &Limits::NONE).map_err(|error| format!("`msgpack`: {error}"))?;
                out.extend_from_slice(&bytes);
                return Ok(());
            }
            Packer(out).map(u32::try_from(table.len()).map_err(|_| "table too long")?);
            for (key, value) in table {
                Packer(out).str(key);
                encode(value, out)?;
            }
        }
    }
    Ok(())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect())
}
