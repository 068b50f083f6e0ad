//! Reads an action from the words of a rule file.
//!
//! Every bound of an action is checked here. Otherwise a mask of letters or an empty range would be noticed
//! only on the first message.

use super::message::encode;
use super::raw;
use crate::model::{Action, Keys, Normal, Number, Outside, Unknown};

/// Checks an action. The error says what is wrong with it.
pub(super) fn check(raw: raw::Action, keys: &Keys) -> Result<Action, String> {
    let key = |name: String| {
        keys.find(&name).ok_or_else(|| format!("there is no key `{name}` under `[keys]`"))
    };
    Ok(match raw {
        raw::Action::Reject {} => Action::Reject,
        raw::Action::Quarantine {} => Action::Quarantine,
        raw::Action::Disconnect {} => Action::Disconnect,
        raw::Action::Keep {} => Action::Keep,
        raw::Action::Drop {} => Action::Drop,
        raw::Action::Mask { with, length } => {
            let with = with.unwrap_or('*');
            if with.is_alphanumeric() {
                return Err("a mask is no letter and no digit".into());
            }
            let length = length.map(|length| within(length, 1..=256, "length")).transpose()?;
            Action::Mask { with, length }
        }
        raw::Action::KeepFirst { n } => Action::KeepFirst(within(n, 1..=256, "n")?),
        raw::Action::KeepLast { n } => Action::KeepLast(within(n, 1..=256, "n")?),
        raw::Action::Replace { with } => {
            let mut encoded = Vec::new();
            encode(&with, &mut encoded)?;
            let text = with.as_str().map_or_else(|| with.to_string(), str::to_owned);
            Action::Replace { text, encoded }
        }
        raw::Action::Hash { key: name } => Action::Hash { key: key(name)? },
        raw::Action::Token { key: name } => Action::Token { key: key(name)? },
        raw::Action::Encrypt { key: name } => Action::Encrypt { key: key(name)? },
        raw::Action::TruncateIp { v4, v6 } => Action::TruncateIp {
            v4: within(v4.unwrap_or(24), 0..=31, "v4")?,
            v6: within(v6.unwrap_or(48), 0..=127, "v6")?,
        },
        raw::Action::Bucket { size } => Action::Bucket(within(size, 2..=1 << 53, "size")?),
        raw::Action::ShiftDate { key: name, days } => {
            Action::ShiftDate { key: key(name)?, days: within(days, 1..=36_500, "days")? }
        }
        raw::Action::Normalise { trim, nfc, case, timestamps } => {
            let (trim, nfc) = (trim.unwrap_or(false), nfc.unwrap_or(false));
            let case = case.map(Into::into);
            let normal = Normal { trim, nfc, case, timestamps: timestamps.unwrap_or(false) };
            if normal == Normal::default() {
                return Err("say what to normalise: trim, nfc, case or timestamps".into());
            }
            Action::Normalise(normal)
        }
        raw::Action::Range { min, max, outside } => {
            let (min, max) = (bound(min, "min")?, bound(max, "max")?);
            match (min, max) {
                (None, None) => return Err("say min or max".into()),
                (Some(low), Some(high)) if low.compare(high).is_none_or(|order| order.is_gt()) => {
                    return Err("min is greater than max".into());
                }
                _ => {}
            }
            Action::Range { min, max, outside: outside.map_or(Outside::Reject, Into::into) }
        }
        raw::Action::AllowKeys { keys, unknown } => Action::AllowKeys {
            keys: keys.into_iter().map(String::into_boxed_str).collect(),
            unknown: unknown.map_or(Unknown::Reject, Into::into),
        },
    })
}

fn within<N: PartialOrd + std::fmt::Display>(
    value: N,
    range: std::ops::RangeInclusive<N>,
    key: &str,
) -> Result<N, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(format!("`{key}` is {value}, it must be from {} to {}", range.start(), range.end()))
}

fn bound(value: Option<toml::Value>, key: &str) -> Result<Option<Number>, String> {
    match value {
        None => Ok(None),
        Some(toml::Value::Integer(n)) => Ok(Some(Number::Int(i128::from(n)))),
        Some(toml::Value::Float(n)) if n.is_finite() => Ok(Some(Number::Float(n))),
        Some(_) => Err(format!("`{key}` must be a number")),
    }
}
