//! This module compares the numbers of messages with the numbers of rules. Two integers are compared
//! exactly.
//!
//! Without this module, a range or a bucket would treat large integers as floats and change their last
//! digits.

use super::value_head::ValueHead;
use std::cmp::Ordering;

/// A `Number` comes from a message or from a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    /// Returns the number that a value is. Returns `None` for other values.
    pub(crate) fn of(head: &ValueHead<'_>) -> Option<Number> {
        match head {
            ValueHead::UInt(n) => Some(Number::Int(i128::from(*n))),
            ValueHead::Int(n) => Some(Number::Int(i128::from(*n))),
            ValueHead::Float(n) => Some(Number::Float(*n)),
            _ => None,
        }
    }

    fn as_float(self) -> f64 {
        match self {
            Number::Int(n) => n as f64,
            Number::Float(n) => n,
        }
    }

    /// Compares two numbers. Returns `None` if one of them is NaN.
    pub(crate) fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (a, b) => a.as_float().partial_cmp(&b.as_float()),
        }
    }

    /// Returns the greatest multiple of `size` that is not greater than the number.
    pub(crate) fn bucket(self, size: u64) -> Number {
        match self {
            Number::Int(n) => Number::Int(n - n.rem_euclid(i128::from(size))),
            Number::Float(n) => Number::Float((n / size as f64).floor() * size as f64),
        }
    }

    /// Appends the MessagePack of the number. An integer outside the range of MessagePack becomes
    /// the nearest integer in that range.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        match self {
            Number::Float(n) => {
                out.push(0xcb);
                out.extend_from_slice(&n.to_be_bytes());
            }
            Number::Int(n) => match (u64::try_from(n), i8::try_from(n)) {
                (Ok(n), _) => {
                    hub_wire::Packer(out).uint(n);
                }
                (_, Ok(n @ -32..)) => out.push(n as u8),
                _ => {
                    let n = i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX });
                    out.push(0xd3);
                    out.extend_from_slice(&n.to_be_bytes());
                }
            },
        }
    }
}
