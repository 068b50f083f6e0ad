//! Holds the only table of MessagePack markers. It states what the first byte of a value says about
//! the rest of the value.
//!
//! Every reader of MessagePack in Hub uses this table. With a table of its own in each reader, two
//! readers could disagree about where a value ends. Then the scrub could look at something else
//! than a subscriber decodes.
//!
//! The MessagePack specification (github.com/msgpack/msgpack, `spec.md`) defines the format.

/// States which kind of value a marker begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The marker is 0xc1, which the format never uses.
    Reserved,
    /// The value is nil.
    Nil,
    /// The value is `false` or `true`.
    Bool,
    /// The value is an integer in an unsigned form. The marker itself may hold the integer.
    UInt,
    /// The value is an integer in a signed form. The marker itself may hold the integer if it is
    /// below 0.
    Int,
    /// The value is a floating-point number of 32 or 64 bits.
    Float,
    /// The value is a string, whose bytes have to be UTF-8.
    Str,
    /// The value is a byte string.
    Bin,
    /// The value is an extension, which consists of a type byte and further bytes.
    Ext,
    /// The value is an array. Its values follow the marker and the count.
    Array,
    /// The value is a map. Its keys and values follow the marker and the count, in turns.
    Map,
}

/// States what a marker says about the value that it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The value is of this kind.
    pub family: Family,
    /// Behind the marker, this many bytes hold a length or a count, with the highest byte first.
    /// The number is 0, 1, 2 or 4.
    pub field: u8,
    /// The value has this many bytes, without the bytes that the length field counts. The marker
    /// and the length field are included. For an array or a map, these are the bytes in front of
    /// its first value.
    pub size: u8,
    /// If the marker itself states the count, an array has this many values, or a map has this many
    /// entries. Otherwise the field is 0.
    pub count: u8,
}

impl Marker {
    /// Returns what `byte` says as a marker.
    #[inline]
    #[must_use]
    pub const fn of(byte: u8) -> Marker {
        MARKERS[byte as usize]
    }

    /// Returns how many bytes stand in front of the first byte of a string or a byte string.
    #[inline]
    #[must_use]
    pub const fn head(self) -> usize {
        1 + self.field as usize
    }

    /// Returns what the length field says in the value at the start of `bytes`. Returns 0 if the
    /// value has no length field, and `None` if the bytes end before the field does.
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

/// This marker begins the empty map. The next 15 markers begin maps of 1 to 15 entries.
pub const FIXMAP: u8 = 0x80;
/// This marker begins the empty array. The next 15 markers begin arrays of 1 to 15 values.
pub const FIXARRAY: u8 = 0x90;
/// This marker begins the empty string. The next 31 markers begin strings of 1 to 31 bytes.
pub const FIXSTR: u8 = 0xa0;
/// This marker is nil.
pub const NIL: u8 = 0xc0;
/// This marker is `false`. The next marker is `true`.
pub const FALSE: u8 = 0xc2;
/// This marker is `true`.
pub const TRUE: u8 = 0xc3;
/// This marker begins a byte string whose length has 8 bits. There is no shorter form for a byte
/// string.
pub const BIN_8: u8 = 0xc4;
/// This marker begins a byte string whose length has 16 bits.
pub const BIN_16: u8 = 0xc5;
/// This marker begins a byte string whose length has 32 bits.
pub const BIN_32: u8 = 0xc6;
/// This marker begins an extension whose length has 8 bits.
pub const EXT_8: u8 = 0xc7;
/// This marker begins an extension whose length has 16 bits.
pub const EXT_16: u8 = 0xc8;
/// This marker begins an extension whose length has 32 bits.
pub const EXT_32: u8 = 0xc9;
/// This marker begins a floating-point number of 32 bits.
pub const FLOAT_32: u8 = 0xca;
/// This marker begins a floating-point number of 64 bits.
pub const FLOAT_64: u8 = 0xcb;
/// This marker begins an unsigned integer of 8 bits.
pub const UINT_8: u8 = 0xcc;
/// This marker begins an unsigned integer of 16 bits.
pub const UINT_16: u8 = 0xcd;
/// This marker begins an unsigned integer of 32 bits.
pub const UINT_32: u8 = 0xce;
/// This marker begins an unsigned integer of 64 bits.
pub const UINT_64: u8 = 0xcf;
/// This marker begins a signed integer of 8 bits.
pub const INT_8: u8 = 0xd0;
/// This marker begins a signed integer of 16 bits.
pub const INT_16: u8 = 0xd1;
/// This marker begins a signed integer of 32 bits.
pub const INT_32: u8 = 0xd2;
/// This marker begins a signed integer of 64 bits.
pub const INT_64: u8 = 0xd3;
/// This marker begins an extension of 1 byte. The next 4 markers begin extensions of 2, 4, 8 and 16
/// bytes.
pub const FIXEXT_1: u8 = 0xd4;
/// This marker begins a string whose length has 8 bits. It is the shortest form for 32 to 255
/// bytes.
pub const STR_8: u8 = 0xd9;
/// This marker begins a string whose length has 16 bits.
pub const STR_16: u8 = 0xda;
/// This marker begins a string whose length has 32 bits.
pub const STR_32: u8 = 0xdb;
/// This marker begins an array whose count has 16 bits.
pub const ARRAY_16: u8 = 0xdc;
/// This marker begins an array whose count has 32 bits.
pub const ARRAY_32: u8 = 0xdd;
/// This marker begins a map whose count has 16 bits.
pub const MAP_16: u8 = 0xde;
/// This marker begins a map whose count has 32 bits.
pub const MAP_32: u8 = 0xdf;
/// This marker holds -32, the lowest integer that a marker can hold. The next 31 markers hold the
/// integers from -31 to -1.
pub const NEGATIVE_FIXINT: u8 = 0xe0;

/// Returns whether `byte` begins a string of up to 31 bytes. The low five bits of the byte are the
/// length.
#[inline]
#[must_use]
pub const fn is_fixstr(byte: u8) -> bool {
    byte & 0xe0 == FIXSTR
}

/// This table states what each byte says as a marker.
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
        // The length of an extension does not count its type byte.
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
            // These are the bytes of the shortest value with this marker, because every length,
            // count and fixed byte behind the marker is 0.
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
            // The values of the container are the zeros behind it, which are integers of one byte
            // each.
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
