//! One value's head, read from bytes that the walker has validated.
//!
//! Every floor that looks into a message reads it with this module. Reader and walker have to agree
//! on where a value ends; otherwise a rule would look at other bytes than a subscriber reads.

use super::value_type::Type;
use hub_wire::marker::{
    ARRAY_16, ARRAY_32, BIN_8, BIN_16, BIN_32, EXT_8, EXT_16, EXT_32, FALSE, FIXARRAY, FIXEXT_1,
    FIXMAP, FIXSTR, FLOAT_32, FLOAT_64, INT_8, INT_16, INT_32, INT_64, MAP_16, MAP_32,
    NEGATIVE_FIXINT, NIL, STR_8, STR_16, STR_32, TRUE, UINT_8, UINT_16, UINT_32, UINT_64,
    is_fixstr,
};

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
    if is_fixstr(marker) {
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
        ..FIXMAP => (Token::UInt(u64::from(marker)), at + 1),
        NEGATIVE_FIXINT.. => (Token::Int(i64::from(marker as i8)), at + 1),
        FIXSTR..NIL => text(1, usize::from(marker & 0x1f))?,
        FIXMAP..FIXARRAY => (Token::Map(usize::from(marker & 0x0f)), at + 1),
        FIXARRAY..FIXSTR => (Token::Array(usize::from(marker & 0x0f)), at + 1),
        NIL => (Token::Nil, at + 1),
        FALSE => (Token::Bool(false), at + 1),
        TRUE => (Token::Bool(true), at + 1),
        BIN_8 => bin(2, len8(bytes, at + 1)?)?,
        BIN_16 => bin(3, len16(bytes, at + 1)?)?,
        BIN_32 => bin(5, len32(bytes, at + 1)?)?,
        EXT_8 => ext(2, len8(bytes, at + 1)?)?,
        EXT_16 => ext(3, len16(bytes, at + 1)?)?,
        EXT_32 => ext(5, len32(bytes, at + 1)?)?,
        FLOAT_32 => (Token::Float(f64::from(f32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        FLOAT_64 => (Token::Float(f64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        UINT_8 => (Token::UInt(u64::from(*bytes.get(at + 1)?)), at + 2),
        UINT_16 => (Token::UInt(u64::from(u16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        UINT_32 => (Token::UInt(u64::from(u32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        UINT_64 => (Token::UInt(u64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        INT_8 => (Token::Int(i64::from(*bytes.get(at + 1)? as i8)), at + 2),
        INT_16 => (Token::Int(i64::from(i16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        INT_32 => (Token::Int(i64::from(i32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        INT_64 => (Token::Int(i64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        FIXEXT_1..STR_8 => ext(1, 1 << (marker - FIXEXT_1))?,
        STR_8 => text(2, len8(bytes, at + 1)?)?,
        STR_16 => text(3, len16(bytes, at + 1)?)?,
        STR_32 => text(5, len32(bytes, at + 1)?)?,
        ARRAY_16 => (Token::Array(len16(bytes, at + 1)?), at + 3),
        ARRAY_32 => (Token::Array(len32(bytes, at + 1)?), at + 5),
        MAP_16 => (Token::Map(len16(bytes, at + 1)?), at + 3),
        MAP_32 => (Token::Map(len32(bytes, at + 1)?), at + 5),
        // The format never uses this marker.
        0xc1 => return None,
    })
}

/// The offset behind the value at `at`.
pub(crate) fn end(bytes: &[u8], at: usize) -> Option<usize> {
    hub_wire::walk(bytes, at, &hub_wire::Limits::NONE).ok()
}

#[cfg(test)]
mod tests {
    use super::{Token, read};
    use hub_wire::marker::{Family, Marker};

    #[test]
    fn every_marker_is_read_as_the_table_has_it() {
        for byte in 0..=u8::MAX {
            // Whatever the marker counts is 0, unless the marker itself says how many there are.
            let mut bytes = vec![byte];
            bytes.extend([0; 40]);
            let marker = Marker::of(byte);
            let Some((token, end)) = read(&bytes, 0) else {
                assert_eq!(marker.family, Family::Reserved, "{byte:#x}");
                continue;
            };
            let count = usize::from(marker.count);
            let family = match token {
                Token::Nil => Family::Nil,
                Token::Bool(_) => Family::Bool,
                Token::UInt(_) => Family::UInt,
                Token::Int(_) => Family::Int,
                Token::Float(_) => Family::Float,
                Token::Str(_) => Family::Str,
                Token::Bin(_) => Family::Bin,
                Token::Ext(..) => Family::Ext,
                Token::Array(values) => {
                    assert_eq!(values, count, "{byte:#x}");
                    Family::Array
                }
                Token::Map(entries) => {
                    assert_eq!(entries, count, "{byte:#x}");
                    Family::Map
                }
            };
            assert_eq!((family, end), (marker.family, usize::from(marker.size)), "{byte:#x}");
            if let Token::Str(body) | Token::Bin(body) | Token::Ext(_, body) = token {
                let head = end - body.len();
                let kind = usize::from(family == Family::Ext);
                assert_eq!(head, marker.head() + kind, "{byte:#x}");
            }
        }
    }

    #[test]
    fn a_length_is_where_the_table_says() {
        for byte in (0..=u8::MAX).filter(|byte| Marker::of(*byte).field != 0) {
            let marker = Marker::of(byte);
            // The length is 1 in the lowest byte of its field, behind zeros.
            let mut bytes = vec![0; 10];
            bytes[0] = byte;
            bytes[usize::from(marker.field)] = 1;
            let (token, end) = read(&bytes, 0).expect("enough bytes for one more");
            assert_eq!(marker.length(&bytes), Some(1), "{byte:#x}");
            let (counted, size) = match token {
                Token::Array(count) | Token::Map(count) => (count, end),
                Token::Str(body) | Token::Bin(body) | Token::Ext(_, body) => (body.len(), end - 1),
                _ => panic!("{byte:#x} has no length"),
            };
            assert_eq!((counted, size), (1, usize::from(marker.size)), "{byte:#x}");
        }
    }
}
