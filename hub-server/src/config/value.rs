//! Defines the types of the keys' values, states which values are allowed, and checks a raw value.
//! Without this module, the file, the environment and the flags would each check values in their own
//! way.

use std::fmt;
use std::net::SocketAddr;

/// Says which clients may connect without credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymous {
    /// Only clients on the machine of the hub may connect.
    Loopback,
    /// Clients of all machines that can reach the hub may connect.
    Everywhere,
}

impl Anonymous {
    /// Lists the words in the order of the variants, because the number of a variant is the index of
    /// its word.
    pub const NAMES: &'static [&'static str] = &["loopback", "everywhere"];
}

/// States the unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The number counts things, for example connections.
    Count,
    /// The number is in bytes.
    Bytes,
    /// The number is in milliseconds.
    Milliseconds,
}

/// States which values a key accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The key accepts an IP address and a port.
    Address,
    /// The key accepts a whole number.
    Number {
        /// The key accepts no number below this one.
        min: u64,
        /// The key accepts no number above this one.
        max: u64,
        /// The number has this unit.
        unit: Unit,
    },
    /// The key accepts one of these words.
    OneOf(&'static [&'static str]),
    /// The key accepts the path of a file, or an empty text for no file.
    File,
    /// The key accepts levels and targets in the syntax of tracing's filter, without spans and
    /// fields.
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

/// Holds a checked value of any key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A key with [`Allowed::Address`] has such a value.
    Address(SocketAddr),
    /// A key with [`Allowed::Number`] has such a value.
    Number(u64),
    /// A key with [`Allowed::OneOf`], [`Allowed::File`] or [`Allowed::LogFilter`] has such a value.
    Text(String),
}

/// Writes the value without quotes, as in the environment and in flags. `{:#}` writes the value as
/// TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Address(address) if f.alternate() => write!(f, "\"{address}\""),
            // The path of a file can contain any character, so the TOML library quotes and escapes
            // the text.
            Value::Text(text) if f.alternate() => {
                write!(f, "{}", toml::Value::String(text.clone()))
            }
            Value::Address(address) => write!(f, "{address}"),
            Value::Text(text) => f.write_str(text),
        }
    }
}

/// Holds a value as it was found, before it is checked.
pub(super) enum Raw<'a> {
    /// The value comes from the environment or from a flag. It is a text, whatever type the key
    /// has.
    Plain(&'a str),
    /// The value is a string in the file.
    Quoted(&'a str),
    /// The value is a whole number in the file. `None` stands for a number that is negative or has
    /// more than 64 bits.
    Number(Option<u64>),
    /// The value in the file has any other type.
    Other,
}

impl Allowed {
    /// Checks a raw value, and returns `None` if the key does not allow it.
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

/// Reads a number in decimal digits, which may have underscores between them as in TOML.
fn number(text: &str) -> Option<u64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !text.split('_').all(digits) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Returns whether a text is `level` or `target=level`. Filters on spans and fields are not
/// allowed, because the filter would compare them with what clients send.
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

/// Converts a field of [`Config`](super::Config) to and from a checked value. Each type of these
/// fields implements this trait.
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
                // No target has a usize of more than 64 bits, so the conversion always succeeds.
                Value::Number(u64::try_from(*self).unwrap_or(u64::MAX))
            }

            fn from_value(value: Value) -> Option<$type> {
                if let Value::Number(number) = value { number.try_into().ok() } else { None }
            }
        }
    )*};
}

number_settings!(u8 u32 u64 usize);
