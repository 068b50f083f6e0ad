//! The one table of MessagePack markers: what the first byte of a value says about the rest of it.
//!
//! Every reader of MessagePack in Hub takes its knowledge from here. With a table of its own in each,
//! two readers could disagree about where a value ends, and what the scrub looks at would not be what
//! a subscriber decodes.
//!
//! The format is the one of the MessagePack specification (github.com/msgpack/msgpack, `spec.md`).

/// The kind of value that a marker begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The marker 0xc1, which the format never uses.
    Reserved,
    /// Nil.
    Nil,
    /// `false` or `true`.
    Bool,
    /// An integer in an unsigned form, also one that the marker itself holds.
    UInt,
    /// An integer in a signed form, also one below 0 that the marker itself holds.
    Int,
    /// A floating-point number of 32 or 64 bits.
    Float,
    /// A string, which has to be UTF-8.
    Str,
    /// A byte string.
    Bin,
    /// An extension: a type byte, and bytes.
    Ext,
    /// An array; its values follow.
    Array,
    /// A map; its keys and values follow, in turns.
    Map,
}

/// What a marker says about the value that it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The kind of value.
    pub family: Family,
    /// How many bytes behind the marker hold a length or a count, with the highest byte first: 0, 1, 2
    /// or 4.
    pub field: u8,
    /// How many bytes the value has, the marker and the length field included, and without what the
    /// length field counts. For an array or a map: the bytes in front of its first value.
    pub size: u8,
    /// How many entries a map, or how many values an array has if the marker itself says so; else 0.
    pub count: u8,
}

impl Marker {
    /// What `byte` says as a marker.
    #[inline]
    #[must_use]
    pub const fn of(byte: u8) -> Marker {
        MARKERS[byte as usize]
    }

    /// How many bytes there are before a string's or a byte string's first one.
    #[inline]
    #[must_use]
    pub const fn head(self) -> usize {
        1 + self.field as usize
    }

    /// What the length field says of the value that begins `bytes`: 0 if it has none, `None` if the
    /// bytes end before it does.
    #[inline]
    #[must_use]
    pub fn length(self, bytes: &[u8]) -> Option<usize> {
        match self.field {
            0 => Some(0),
            1 => bytes.get(1).map(|length| usize::from(*length)),
            2 => field(bytes).map(|length| usize::from(u16::from_be_bytes(length))),
            _ => field(bytes).map(|length| u32::from_be_bytes(length) as usize),
        }
    }
}

fn field<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.get(1..)?.first_chunk().copied()
}

/// The empty map. The markers behind it are those of maps of 1 to 15 entries.
pub const FIXMAP: u8 = 0x80;
/// The empty array. The markers behind it are those of arrays of 1 to 15 values.
pub const FIXARRAY: u8 = 0x90;
/// The empty string. The markers behind it are those of strings of 1 to 31 bytes.
pub const FIXSTR: u8 = 0xa0;
/// Nil.
pub const NIL: u8 = 0xc0;
/// `false`; `true` is the marker behind it.
pub const FALSE: u8 = 0xc2;
/// `true`.
pub const TRUE: u8 = 0xc3;
/// A byte string of up to 255 bytes, the shortest form there is.
pub const BIN_8: u8 = 0xc4;
/// A byte string whose length has 16 bits.
pub const BIN_16: u8 = 0xc5;
/// A byte string whose length has 32 bits.
pub const BIN_32: u8 = 0xc6;
/// An extension whose length has 8 bits.
pub const EXT_8: u8 = 0xc7;
/// An extension whose length has 16 bits.
pub const EXT_16: u8 = 0xc8;
/// An extension whose length has 32 bits.
pub const EXT_32: u8 = 0xc9;
/// A floating-point number of 32 bits.
pub const FLOAT_32: u8 = 0xca;
/// A floating-point number of 64 bits.
pub const FLOAT_64: u8 = 0xcb;
/// An unsigned integer of 8 bits.
pub const UINT_8: u8 = 0xcc;
/// An unsigned integer of 16 bits.
pub const UINT_16: u8 = 0xcd;
/// An unsigned integer of 32 bits.
pub const UINT_32: u8 = 0xce;
/// An unsigned integer of 64 bits.
pub const UINT_64: u8 = 0xcf;
/// A signed integer of 8 bits.
pub const INT_8: u8 = 0xd0;
/// A signed integer of 16 bits.
pub const INT_16: u8 = 0xd1;
/// A signed integer of 32 bits.
pub const INT_32: u8 = 0xd2;
/// A signed integer of 64 bits.
pub const INT_64: u8 = 0xd3;
/// An extension of 1 byte. The markers behind it are those of extensions of 2, 4, 8 and 16 bytes.
pub const FIXEXT_1: u8 = 0xd4;
/// A string of up to 255 bytes, the shortest form for 32 bytes and more.
pub const STR_8: u8 = 0xd9;
/// A string whose length has 16 bits.
pub const STR_16: u8 = 0xda;
/// A string whose length has 32 bits.
pub const STR_32: u8 = 0xdb;
/// An array whose count has 16 bits.
pub const ARRAY_16: u8 = 0xdc;
/// An array whose count has 32 bits.
pub const ARRAY_32: u8 = 0xdd;
/// A map whose count has 16 bits.
pub const MAP_16: u8 = 0xde;
/// A map whose count has 32 bits.
pub const MAP_32: u8 = 0xdf;
/// The lowest integer that the marker itself holds, -32. The markers behind it are those of -31 to -1.
pub const NEGATIVE_FIXINT: u8 = 0xe0;

/// Whether `byte` begins a string of up to 31 bytes; its low five bits are the length.
#[inline]
#[must_use]
pub const fn is_fixstr(byte: u8) -> bool {
    byte & 0xe0 == FIXSTR
}

/// What each byte says as a marker.
static MARKERS: [Marker; 256] = markers();

const fn markers() -> [Marker; 256] {
    let mut markers = [Marker { family: Family::Reserved, field: 0, size: 0, count: 0 }; 256];
    let mut byte = 0;
    while byte < 256 {
        markers[byte] = marker(byte as u8);
        byte += 1;
    }
    markers
}

const fn marker(byte: u8) -> Marker {
    use Family::{Array, Bin, Bool, Ext, Float, Int, Map, Nil, Reserved, Str, UInt};
    match byte {
        ..FIXMAP => one(UInt, 0, 1, 0),
        FIXMAP..FIXARRAY => one(Map, 0, 1, byte & 0x0f),
        FIXARRAY..FIXSTR => one(Array, 0, 1, byte & 0x0f),
        FIXSTR..NIL => one(Str, 0, 1 + (byte & 0x1f), 0),
        NIL => one(Nil, 0, 1, 0),
        0xc1 => one(Reserved, 0, 0, 0),
        FALSE | TRUE => one(Bool, 0, 1, 0),
        BIN_8 => one(Bin, 1, 2, 0),
        BIN_16 => one(Bin, 2, 3, 0),
        BIN_32 => one(Bin, 4, 5, 0),
        // The type byte of an extension is not counted by its length.
        EXT_8 => one(Ext, 1, 3, 0),
        EXT_16 => one(Ext, 2, 4, 0),
        EXT_32 => one(Ext, 4, 6, 0),
        FLOAT_32 => one(Float, 0, 5, 0),
        FLOAT_64 => one(Float, 0, 9, 0),
        UINT_8..=UINT_64 => one(UInt, 0, 1 + (1 << (byte - UINT_8)), 0),
        INT_8..=INT_64 => one(Int, 0, 1 + (1 << (byte - INT_8)), 0),
        FIXEXT_1..STR_8 => one(Ext, 0, 2 + (1 << (byte - FIXEXT_1)), 0),
        STR_8 => one(Str, 1, 2, 0),
        STR_16 => one(Str, 2, 3, 0),
        STR_32 => one(Str, 4, 5, 0),
        ARRAY_16 => one(Array, 2, 3, 0),
        ARRAY_32 => one(Array, 4, 5, 0),
        MAP_16 => one(Map, 2, 3, 0),
        MAP_32 => one(Map, 4, 5, 0),
        NEGATIVE_FIXINT.. => one(Int, 0, 1, 0),
    }
}

const fn one(family: Family, field: u8, size: u8, count: u8) -> Marker {
    Marker { family, field, size, count }
}

#[cfg(test)]
mod tests {
    use super::{Family, Marker};

    #[test]
    fn every_marker_is_what_a_second_reader_of_the_format_takes_it_for() {
        for byte in 0..=u8::MAX {
            let marker = Marker::of(byte);
            // The shortest value with this marker: whatever it counts is 0, whatever is fixed is 0.
            let mut bytes = vec![byte];
            bytes.extend([0; 80]);
            let mut rest = &bytes[..];
            let value = rmpv::decode::read_value(&mut rest);
            let family = match &value {
                _ if byte == 0xc1 => Family::Reserved,
                Ok(rmpv::Value::Nil) => Family::Nil,
                Ok(rmpv::Value::Boolean(_)) => Family::Bool,
                Ok(rmpv::Value::Integer(_)) if (0xd0..=0xd3).contains(&byte) => Family::Int,
                Ok(rmpv::Value::Integer(n)) if n.is_u64() => Family::UInt,
                Ok(rmpv::Value::Integer(_)) => Family::Int,
                Ok(rmpv::Value::F32(_) | rmpv::Value::F64(_)) => Family::Float,
                Ok(rmpv::Value::String(_)) => Family::Str,
                Ok(rmpv::Value::Binary(_)) => Family::Bin,
                Ok(rmpv::Value::Ext(..)) => Family::Ext,
                Ok(rmpv::Value::Array(_)) => Family::Array,
                Ok(rmpv::Value::Map(_)) => Family::Map,
                Err(error) => panic!("{byte:#x}: {error}"),
            };
            assert_eq!(marker.family, family, "{byte:#x}");
            assert_eq!(marker.length(&bytes), Some(0), "{byte:#x}");
            // Its values are fixints of one byte each.
            let values = match family {
                Family::Map => 2 * usize::from(marker.count),
                _ => usize::from(marker.count),
            };
            if family != Family::Reserved {
                let size = usize::from(marker.size) + values;
                assert_eq!(size, bytes.len() - rest.len(), "{byte:#x}");
            }
        }
    }

    #[test]
    fn a_length_is_read_from_its_field_or_not_at_all() {
        for (bytes, expected) in [
            (&[0xc4, 7][..], Some(7)),
            (&[0xda, 1, 2], Some(0x102)),
            (&[0xdf, 1, 2, 3, 4], Some(0x102_0304)),
            (&[0xc4], None),
            (&[0xda, 1], None),
            (&[0xdf, 1, 2, 3], None),
            (&[0xa1], Some(0)),
        ] {
            assert_eq!(Marker::of(bytes[0]).length(bytes), expected, "{bytes:x?}");
        }
    }
}
