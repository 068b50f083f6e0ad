//! The values of keys: their types, the values that are allowed, and the check of a raw value. Without it,
//! each source would check values in its own way.

use std::fmt;
use std::net::SocketAddr;

/// Which clients may connect without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Only clients on the machine of the hub.
    Loopback,
    /// Clients of all machines that can reach the hub.
    Everywhere,
}

impl Anonymous {
    /// The words, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["loopback", "everywhere"];
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A count of things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

/// The values that a key accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// An IP address and a port.
    Address,
    /// A whole number.
    Number {
        /// The smallest number that is allowed.
        min: u64,
        /// The largest number that is allowed.
        max: u64,
        /// The unit of the number.
        unit: Unit,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The path of a file, or nothing.
    File,
    /// Levels and targets in the syntax of tracing's filter, without spans and fields.
    LogFilter,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Address => {
                f.write_str("an IP address and a port, such as 127.0.0.1:4820 or [::1]:4820")
            }
            Allowed::Number { min, max, unit } => match unit {
                Unit::Count => write!(f, "a whole number from {min} to {max}"),
                Unit::Bytes => write!(f, "a whole number of bytes from {min} to {max}"),
                Unit::Milliseconds => {
                    write!(f, "a whole number of milliseconds from {min} to {max}")
                }
            },
            Allowed::OneOf(words) => f.write_str(&words.join(" or ")),
            Allowed::File => f.write_str("the path of a file, or nothing"),
            Allowed::LogFilter => f.write_str(
                "off, error, warn, info, debug or trace, also per target, such as \
                 info,hub_server=debug",
            ),
        }
    }
}

/// A checked value of any key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The value of a key with [`Allowed::Address`].
    Address(SocketAddr),
    /// The value of a key with [`Allowed::Number`].
    Number(u64),
    /// The value of a key with [`Allowed::OneOf`], [`Allowed::File`] or [`Allowed::LogFilter`].
    Text(String),
}

/// Writes the value without quotes, as in the environment and in flags. `{:#}` writes it as TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Address(address) if f.alternate() => write!(f, "\"{address}\""),
            // The path of a file can contain any character.
            Value::Text(text) if f.alternate() => {
                write!(f, "{}", toml::Value::String(text.clone()))
            }
            Value::Address(address) => write!(f, "{address}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// A value as it was found, before it is checked.
pub(super) enum Raw<'a> {
    /// A value from the environment or from a flag. It is a text, whatever the type of the key is.
    Plain(&'a str),
    /// A string in the file.
    Quoted(&'a str),
    /// A whole number in the file. `None` if it is negative or has more than 64 bits.
    Number(Option<u64>),
    /// A value of any other type in the file.
    Other,
}

impl Allowed {
    /// Checks a raw value. `None` if the key does not allow it.
    pub(super) fn check(&self, raw: &Raw<'_>) -> Option<Value> {
        match (self, raw) {
            (Allowed::Number { min, max, .. }, raw) => {
                let number = match raw {
                    Raw::Plain(text) => number(text),
                    Raw::Number(number) => *number,
                    Raw::Quoted(_) | Raw::Other => None,
                };
                number.filter(|n| (min..=max).contains(&n)).map(Value::Number)
            }
            (_, Raw::Number(_) | Raw::Other) => None,
            (Allowed::Address, Raw::Plain(text) | Raw::Quoted(text)) => {
                text.parse().ok().map(Value::Address)
            }
            (Allowed::OneOf(words), Raw::Plain(text) | Raw::Quoted(text)) => {
                words.contains(text).then(|| Value::Text((*text).to_owned()))
            }
            (Allowed::File, Raw::Plain(text) | Raw::Quoted(text)) => {
                Some(Value::Text((*text).to_owned()))
            }
            (Allowed::LogFilter, Raw::Plain(text) | Raw::Quoted(text)) => {
                text.split(',').all(directive).then(|| Value::Text((*text).to_owned()))
            }
        }
    }
}

/// Reads digits, which may have underscores between them as in TOML.
fn number(text: &str) -> Option<u64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !text.split('_').all(digits) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Whether a text is `level` or `target=level`. Filters on spans and fields are not allowed,
/// because they would be compared with what clients send.
fn directive(text: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let (target, level) = match text.split_once('=') {
        Some((target, level)) => (Some(target), level),
        None => (None, text),
    };
    let of_target = |b: u8| b.is_ascii_alphanumeric() || b"_:-".contains(&b);
    LEVELS.contains(&level)
        && target.is_none_or(|t| !t.is_empty() && t.len() <= 255 && t.bytes().all(of_target))
}

/// A type of the fields of [`Config`](super::Config).
pub(super) trait Setting: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

impl Setting for SocketAddr {
    fn to_value(&self) -> Value {
        Value::Address(*self)
    }

    fn from_value(value: Value) -> Option<SocketAddr> {
        if let Value::Address(address) = value { Some(address) } else { None }
    }
}

impl Setting for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn from_value(value: Value) -> Option<String> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}

impl Setting for Anonymous {
    fn to_value(&self) -> Value {
        Value::Text(Anonymous::NAMES[*self as usize].to_owned())
    }

    fn from_value(value: Value) -> Option<Anonymous> {
        let Value::Text(text) = value else { return None };
        [Anonymous::Loopback, Anonymous::Everywhere]
            .into_iter()
            .find(|a| Anonymous::NAMES[*a as usize] == text)
    }
}

macro_rules! number_settings {
    ($($type:ty)*) => {$(
        impl Setting for $type {
            fn to_value(&self) -> Value {
                // No target has a usize of more than 64 bits.
                Value::Number(u64::try_from(*self).unwrap_or(u64::MAX))
            }

            fn from_value(value: Value) -> Option<$type> {
                if let Value::Number(number) = value { number.try_into().ok() } else { None }
            }
        }
    )*};
}

number_settings!(u8 u32 u64 usize);
