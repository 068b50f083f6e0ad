//! One value's head, read from bytes that the walker has validated.
//!
//! Every floor that looks into a message reads it with this module. Reader and walker have to agree
//! on where a value ends; otherwise a rule would look at other bytes than a subscriber reads.

use super::value_type::Type;

/// A value, or the head of a container.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    Bool(bool),
    UInt(u64),
    /// A number below 0, or one in a signed form.
    Int(i64),
    Float(f64),
    Str(&'a [u8]),
    Bin(&'a [u8]),
    Ext(i8, &'a [u8]),
    /// With its number of values.
    Array(usize),
    /// With its number of entries.
    Map(usize),
}

impl Token<'_> {
    pub(crate) fn kind(&self) -> Type {
        match self {
            Token::Nil => Type::Nil,
            Token::Bool(_) => Type::Bool,
            Token::UInt(_) | Token::Int(_) => Type::Int,
            Token::Float(_) => Type::Float,
            Token::Str(_) => Type::Str,
            Token::Bin(_) => Type::Bin,
            Token::Ext(..) => Type::Ext,
            Token::Array(_) => Type::Array,
            Token::Map(_) => Type::Map,
        }
    }

    /// The type and length, such as `str(16)`: what logs may show of a value.
    pub(crate) fn shape(&self) -> String {
        match self {
            Token::Nil => "nil".to_owned(),
            Token::Bool(_) => "bool".to_owned(),
            Token::UInt(_) | Token::Int(_) => "int".to_owned(),
            Token::Float(_) => "float".to_owned(),
            Token::Str(body) => format!("str({})", body.len()),
            Token::Bin(body) => format!("bin({})", body.len()),
            Token::Ext(kind, body) => format!("ext({kind}, {})", body.len()),
            Token::Array(count) => format!("array({count})"),
            Token::Map(count) => format!("map({count})"),
        }
    }
}

fn be<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn len8(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at).map(|len| usize::from(*len))
}

fn len16(bytes: &[u8], at: usize) -> Option<usize> {
    be(bytes, at).map(|field| usize::from(u16::from_be_bytes(field)))
}

fn len32(bytes: &[u8], at: usize) -> Option<usize> {
    be(bytes, at).map(|field| u32::from_be_bytes(field) as usize)
}

/// Reads the value at `at`; with it comes the offset behind it, of a container behind its head.
/// `None` for bytes that are no MessagePack.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], at: usize) -> Option<(Token<'_>, usize)> {
    let marker = *bytes.get(at)?;
    // Most values are short strings.
    if marker & 0xe0 == 0xa0 {
        let (start, len) = (at + 1, usize::from(marker & 0x1f));
        return Some((Token::Str(bytes.get(start..start + len)?), start + len));
    }
    read_other(bytes, at, marker)
}

fn read_other(bytes: &[u8], at: usize, marker: u8) -> Option<(Token<'_>, usize)> {
    let body = |head: usize, len: usize| {
        let start = at + head;
        bytes.get(start..start.checked_add(len)?).map(|body| (body, start + len))
    };
    let text = |head, len| body(head, len).map(|(body, end)| (Token::Str(body), end));
    let bin = |head, len| body(head, len).map(|(body, end)| (Token::Bin(body), end));
    let ext = |head: usize, len| {
        let (content, end) = body(head + 1, len)?;
        Some((Token::Ext(bytes[at + head] as i8, content), end))
    };
    Some(match marker {
        0x00..=0x7f => (Token::UInt(u64::from(marker)), at + 1),
        0xe0..=0xff => (Token::Int(i64::from(marker as i8)), at + 1),
        0xa0..=0xbf => text(1, usize::from(marker & 0x1f))?,
        0x80..=0x8f => (Token::Map(usize::from(marker & 0x0f)), at + 1),
        0x90..=0x9f => (Token::Array(usize::from(marker & 0x0f)), at + 1),
        0xc0 => (Token::Nil, at + 1),
        0xc1 => return None,
        0xc2 => (Token::Bool(false), at + 1),
        0xc3 => (Token::Bool(true), at + 1),
        0xc4 => bin(2, len8(bytes, at + 1)?)?,
        0xc5 => bin(3, len16(bytes, at + 1)?)?,
        0xc6 => bin(5, len32(bytes, at + 1)?)?,
        0xc7 => ext(2, len8(bytes, at + 1)?)?,
        0xc8 => ext(3, len16(bytes, at + 1)?)?,
        0xc9 => ext(5, len32(bytes, at + 1)?)?,
        0xca => (Token::Float(f64::from(f32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        0xcb => (Token::Float(f64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        0xcc => (Token::UInt(u64::from(*bytes.get(at + 1)?)), at + 2),
        0xcd => (Token::UInt(u64::from(u16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        0xce => (Token::UInt(u64::from(u32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        0xcf => (Token::UInt(u64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        0xd0 => (Token::Int(i64::from(*bytes.get(at + 1)? as i8)), at + 2),
        0xd1 => (Token::Int(i64::from(i16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        0xd2 => (Token::Int(i64::from(i32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        0xd3 => (Token::Int(i64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        0xd4 => ext(1, 1)?,
        0xd5 => ext(1, 2)?,
        0xd6 => ext(1, 4)?,
        0xd7 => ext(1, 8)?,
        0xd8 => ext(1, 16)?,
        0xd9 => text(2, len8(bytes, at + 1)?)?,
        0xda => text(3, len16(bytes, at + 1)?)?,
        0xdb => text(5, len32(bytes, at + 1)?)?,
        0xdc => (Token::Array(len16(bytes, at + 1)?), at + 3),
        0xdd => (Token::Array(len32(bytes, at + 1)?), at + 5),
        0xde => (Token::Map(len16(bytes, at + 1)?), at + 3),
        0xdf => (Token::Map(len32(bytes, at + 1)?), at + 5),
    })
}

/// The offset behind the value at `at`.
pub(crate) fn end(bytes: &[u8], at: usize) -> Option<usize> {
    hub_wire::walk(bytes, at, &hub_wire::Limits::NONE).ok()
}
