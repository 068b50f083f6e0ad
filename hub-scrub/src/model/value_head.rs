//! This module reads the head of one value from bytes that the walker has validated.
//!
//! Every floor that reads a message uses this module. It has to agree with the walker on where a value
//! ends. Otherwise a rule would check other bytes than a subscriber reads.

use super::value_type::Type;
use hub_wire::marker::{
    ARRAY_16, ARRAY_32, BIN_8, BIN_16, BIN_32, EXT_8, EXT_16, EXT_32, FALSE, FIXARRAY, FIXEXT_1,
    FIXMAP, FIXSTR, FLOAT_32, FLOAT_64, INT_8, INT_16, INT_32, INT_64, MAP_16, MAP_32,
    NEGATIVE_FIXINT, NIL, STR_8, STR_16, STR_32, TRUE, UINT_8, UINT_16, UINT_32, UINT_64,
    is_fixstr,
};

/// A `ValueHead` is a whole scalar, or the head of an array or a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ValueHead<'a> {
    Nil,
    Bool(bool),
    UInt(u64),
    /// The integer is negative, or its marker is one of a signed integer.
    Int(i64),
    Float(f64),
    Str(&'a [u8]),
    Bin(&'a [u8]),
    /// The ext value has this ext type and this content.
    Ext(i8, &'a [u8]),
    /// The array has this number of values.
    Array(usize),
    /// The map has this number of entries.
    Map(usize),
}

impl ValueHead<'_> {
    /// Returns the type of the value, as rules name it.
    pub(crate) fn kind(&self) -> Type {
        match self {
            ValueHead::Nil => Type::Nil,
            ValueHead::Bool(_) => Type::Bool,
            ValueHead::UInt(_) | ValueHead::Int(_) => Type::Int,
            ValueHead::Float(_) => Type::Float,
            ValueHead::Str(_) => Type::Str,
            ValueHead::Bin(_) => Type::Bin,
            ValueHead::Ext(..) => Type::Ext,
            ValueHead::Array(_) => Type::Array,
            ValueHead::Map(_) => Type::Map,
        }
    }

    /// Returns the type and the length in bytes or in elements, such as `str(16)`. Logs may show this text.
    pub(crate) fn shape(&self) -> String {
        match self {
            ValueHead::Nil => "nil".to_owned(),
            ValueHead::Bool(_) => "bool".to_owned(),
            ValueHead::UInt(_) | ValueHead::Int(_) => "int".to_owned(),
            ValueHead::Float(_) => "float".to_owned(),
            ValueHead::Str(body) => format!("str({})", body.len()),
            ValueHead::Bin(body) => format!("bin({})", body.len()),
            ValueHead::Ext(kind, body) => format!("ext({kind}, {})", body.len()),
            ValueHead::Array(count) => format!("array({count})"),
            ValueHead::Map(count) => format!("map({count})"),
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

/// Reads the head at the offset `at`. The second result is the offset of the next value, which is behind a
/// scalar or inside a container. Returns `None` if the bytes are no MessagePack.
#[inline(always)]
pub(crate) fn read(bytes: &[u8], at: usize) -> Option<(ValueHead<'_>, usize)> {
    let marker = *bytes.get(at)?;
    // Most values are short strings.
    if is_fixstr(marker) {
        let (start, len) = (at + 1, usize::from(marker & 0x1f));
        return Some((ValueHead::Str(bytes.get(start..start + len)?), start + len));
    }
    read_other(bytes, at, marker)
}

fn read_other(bytes: &[u8], at: usize, marker: u8) -> Option<(ValueHead<'_>, usize)> {
    let body = |head_len: usize, len: usize| {
        let start = at + head_len;
        bytes.get(start..start.checked_add(len)?).map(|body| (body, start + len))
    };
    let text = |head_len, len| body(head_len, len).map(|(body, end)| (ValueHead::Str(body), end));
    let bin = |head_len, len| body(head_len, len).map(|(body, end)| (ValueHead::Bin(body), end));
    let ext = |head_len: usize, len| {
        let (content, end) = body(head_len + 1, len)?;
        Some((ValueHead::Ext(bytes[at + head_len] as i8, content), end))
    };
    Some(match marker {
        ..FIXMAP => (ValueHead::UInt(u64::from(marker)), at + 1),
        NEGATIVE_FIXINT.. => (ValueHead::Int(i64::from(marker as i8)), at + 1),
        FIXSTR..NIL => text(1, usize::from(marker & 0x1f))?,
        FIXMAP..FIXARRAY => (ValueHead::Map(usize::from(marker & 0x0f)), at + 1),
        FIXARRAY..FIXSTR => (ValueHead::Array(usize::from(marker & 0x0f)), at + 1),
        NIL => (ValueHead::Nil, at + 1),
        FALSE => (ValueHead::Bool(false), at + 1),
        TRUE => (ValueHead::Bool(true), at + 1),
        BIN_8 => bin(2, len8(bytes, at + 1)?)?,
        BIN_16 => bin(3, len16(bytes, at + 1)?)?,
        BIN_32 => bin(5, len32(bytes, at + 1)?)?,
        EXT_8 => ext(2, len8(bytes, at + 1)?)?,
        EXT_16 => ext(3, len16(bytes, at + 1)?)?,
        EXT_32 => ext(5, len32(bytes, at + 1)?)?,
        FLOAT_32 => (ValueHead::Float(f64::from(f32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        FLOAT_64 => (ValueHead::Float(f64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        UINT_8 => (ValueHead::UInt(u64::from(*bytes.get(at + 1)?)), at + 2),
        UINT_16 => (ValueHead::UInt(u64::from(u16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        UINT_32 => (ValueHead::UInt(u64::from(u32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        UINT_64 => (ValueHead::UInt(u64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        INT_8 => (ValueHead::Int(i64::from(*bytes.get(at + 1)? as i8)), at + 2),
        INT_16 => (ValueHead::Int(i64::from(i16::from_be_bytes(be(bytes, at + 1)?))), at + 3),
        INT_32 => (ValueHead::Int(i64::from(i32::from_be_bytes(be(bytes, at + 1)?))), at + 5),
        INT_64 => (ValueHead::Int(i64::from_be_bytes(be(bytes, at + 1)?)), at + 9),
        FIXEXT_1..STR_8 => ext(1, 1 << (marker - FIXEXT_1))?,
        STR_8 => text(2, len8(bytes, at + 1)?)?,
        STR_16 => text(3, len16(bytes, at + 1)?)?,
        STR_32 => text(5, len32(bytes, at + 1)?)?,
        ARRAY_16 => (ValueHead::Array(len16(bytes, at + 1)?), at + 3),
        ARRAY_32 => (ValueHead::Array(len32(bytes, at + 1)?), at + 5),
        MAP_16 => (ValueHead::Map(len16(bytes, at + 1)?), at + 3),
        MAP_32 => (ValueHead::Map(len32(bytes, at + 1)?), at + 5),
        // The format never uses this marker.
        0xc1 => return None,
    })
}

/// Returns the offset behind the value at the offset `at`.
pub(crate) fn end(bytes: &[u8], at: usize) -> Option<usize> {
    hub_wire::walk(bytes, at, &hub_wire::Limits::NONE).ok()
}

#[cfg(test)]
mod tests {
    use super::{ValueHead, read};
    use hub_wire::marker::{Family, Marker};

    #[test]
    fn every_marker_is_read_as_the_table_has_it() {
        for byte in 0..=u8::MAX {
            // Zeros behind the marker make every length field 0.
            let mut bytes = vec![byte];
            bytes.extend([0; 40]);
            let marker = Marker::of(byte);
            let Some((head, end)) = read(&bytes, 0) else {
                assert_eq!(marker.family, Family::Reserved, "{byte:#x}");
                continue;
            };
            let count = usize::from(marker.count);
            let family = match head {
                ValueHead::Nil => Family::Nil,
                ValueHead::Bool(_) => Family::Bool,
                ValueHead::UInt(_) => Family::UInt,
                ValueHead::Int(_) => Family::Int,
                ValueHead::Float(_) => Family::Float,
                ValueHead::Str(_) => Family::Str,
                ValueHead::Bin(_) => Family::Bin,
                ValueHead::Ext(..) => Family::Ext,
                ValueHead::Array(values) => {
                    assert_eq!(values, count, "{byte:#x}");
                    Family::Array
                }
                ValueHead::Map(entries) => {
                    assert_eq!(entries, count, "{byte:#x}");
                    Family::Map
                }
            };
            assert_eq!((family, end), (marker.family, usize::from(marker.size)), "{byte:#x}");
            if let ValueHead::Str(body) | ValueHead::Bin(body) | ValueHead::Ext(_, body) = head {
                let head_len = end - body.len();
                let kind = usize::from(family == Family::Ext);
                assert_eq!(head_len, marker.head() + kind, "{byte:#x}");
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
            let (head, end) = read(&bytes, 0).expect("enough bytes for one more");
            assert_eq!(marker.length(&bytes), Some(1), "{byte:#x}");
            let (counted, size) = match head {
                ValueHead::Array(count) | ValueHead::Map(count) => (count, end),
                ValueHead::Str(body) | ValueHead::Bin(body) | ValueHead::Ext(_, body) => {
                    (body.len(), end - 1)
                }
                _ => panic!("{byte:#x} has no length"),
            };
            assert_eq!((counted, size), (1, usize::from(marker.size)), "{byte:#x}");
        }
    }
}
