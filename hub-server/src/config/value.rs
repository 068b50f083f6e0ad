//! Values: their types, what is allowed, and the step from raw to checked.

use std::fmt;
use std::net::SocketAddr;

/// From where clients may connect without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Only from the machine the hub runs on.
    Loopback,
    /// From any address that reaches the hub.
    Everywhere,
}

impl Anonymous {
    /// The spellings, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &["loopback", "everywhere"];
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

/// What a key may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// An IP address and a port.
    Address,
    /// A whole number.
    Number {
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
        /// What it counts.
        unit: Unit,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The path of a file, or nothing.
    File,
    /// Levels and targets, as tracing's filter takes them, without spans and fields.
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
    /// Of a key with [`Allowed::Address`].
    Address(SocketAddr),
    /// Of a key with [`Allowed::Number`].
    Number(u64),
    /// Of a key with [`Allowed::OneOf`] or [`Allowed::LogFilter`].
    Text(String),
}

/// Without quotes, as in the environment and in flags. `{:#}` is the value as TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Address(address) if f.alternate() => write!(f, "\"{address}\""),
            // The path of a file can hold anything.
            Value::Text(text) if f.alternate() => {
                write!(f, "{}", toml::Value::String(text.clone()))
            }
            Value::Address(address) => write!(f, "{address}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// A value as found, not yet checked.
pub(super) enum Raw<'a> {
    /// From the environment or a flag: text, whatever the key's type.
    Plain(&'a str),
    /// A string of the file.
    Quoted(&'a str),
    /// A whole number of the file; `None` if it is negative or above 64 bits.
    Number(Option<u64>),
    /// Anything else in the file.
    Other,
}

impl Allowed {
    /// The value, if it is allowed.
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

/// Digits, with underscores between them as in TOML.
fn number(text: &str) -> Option<u64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !text.split('_').all(digits) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `level` or `target=level`. Filters on spans and fields are left out: they would be matched
/// against what clients send.
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

/// A type that a field of the configuration can have.
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
                // A usize above 64 bits does not exist on any target.
                Value::Number(u64::try_from(*self).unwrap_or(u64::MAX))
            }

            fn from_value(value: Value) -> Option<$type> {
                if let Value::Number(number) = value { number.try_into().ok() } else { None }
            }
        }
    )*};
}

number_settings!(u8 u32 u64 usize);
