//! Shows a MessagePack value as its shape: which types it has, and how long its texts are.
//!
//! A capture holds what people wrote to one another. The report is passed on to whoever helps, so it
//! shows no value unless someone asks for it. Keys of maps are names in most programs and are shown, but
//! a key that does not look like a name is masked too.

use hub_wire::marker::{self, Family, Marker};
use std::fmt::{self, Write};

/// A shape is cut behind this many characters.
const MAX_SHOWN: usize = 400;
/// So many values of one kind are shown as their number.
const MANY: usize = 8;
/// Containers inside one another are shown to this depth.
const MAX_DEPTH: usize = 16;

/// A value that displays as its shape, or as itself.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// The bytes of one value. Bytes that are no value are shown up to their fault.
    pub value: &'a [u8],
    /// Whether the value itself is shown.
    pub reveal: bool,
}

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Bounded { to: f, left: MAX_SHOWN };
        let mut cursor = Cursor { rest: self.value, reveal: self.reveal };
        match cursor.value(&mut out, 0) {
            Ok(_) => Ok(()),
            Err(_) if out.left == 0 => f.write_str("…"),
            Err(_) => f.write_str("?"),
        }
    }
}

/// Passes on so many characters, and then fails.
struct Bounded<'a, 'b> {
    to: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Bounded<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() <= self.left && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.left -= text.len();
            return self.to.write_str(text);
        }
        for char in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            match char {
                // A terminal would obey control characters.
                char if char.is_control() => write!(self.to, "\\u{:04x}", char as u32)?,
                char => self.to.write_char(char)?,
            }
        }
        Ok(())
    }
}

/// Reads values one after another.
struct Cursor<'a> {
    rest: &'a [u8],
    reveal: bool,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], fmt::Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(fmt::Error)?;
        self.rest = rest;
        Ok(taken)
    }

    fn value(&mut self, out: &mut Bounded<'_, '_>, depth: usize) -> fmt::Result {
        let first = *self.rest.first().ok_or(fmt::Error)?;
        let marker = Marker::of(first);
        let length = marker.length(self.rest).ok_or(fmt::Error)?;
        let size = usize::from(marker.size);
        match marker.family {
            Family::Array | Family::Map if depth == MAX_DEPTH => Err(fmt::Error),
            Family::Array => {
                self.take(size)?;
                self.array(out, usize::from(marker.count) + length, depth)
            }
            Family::Map => {
                self.take(size)?;
                self.map(out, usize::from(marker.count) + length, depth)
            }
            Family::Str => {
                let text = &self.take(size + length)?[marker.head()..];
                match self.reveal.then(|| std::str::from_utf8(text)) {
                    Some(Ok(text)) => write!(out, "{text:?}"),
                    _ => write!(out, "str({})", text.len()),
                }
            }
            Family::Bin | Family::Ext => {
                let name = if marker.family == Family::Bin { "bin" } else { "ext" };
                let bytes = self.take(size + length)?;
                write!(out, "{name}({})", bytes.len() - marker.head())
            }
            Family::Reserved => Err(fmt::Error),
            Family::Nil => self.take(size).and_then(|_| out.write_str("nil")),
            family => {
                let bytes = self.take(size)?;
                if self.reveal { scalar(out, family, bytes) } else { out.write_str(name(family)) }
            }
        }
    }

    fn array(&mut self, out: &mut Bounded<'_, '_>, count: usize, depth: usize) -> fmt::Result {
        if let Some((family, behind)) = self.alike(count) {
            self.rest = behind;
            return write!(out, "[{} × {count}]", name(family));
        }
        out.write_char('[')?;
        for n in 0..count {
            if n > 0 {
                out.write_str(", ")?;
            }
            self.value(out, depth + 1)?;
        }
        out.write_char(']')
    }

    /// Returns the kind of the next `count` values, and what stands behind them, if all of them are of one
    /// kind and a list of them would say no more.
    fn alike(&self, count: usize) -> Option<(Family, &'a [u8])> {
        if self.reveal || count < MANY {
            return None;
        }
        let family = Marker::of(*self.rest.first()?).family;
        if matches!(family, Family::Array | Family::Map | Family::Reserved) {
            return None;
        }
        let mut rest = self.rest;
        for _ in 0..count {
            let marker = Marker::of(*rest.first()?);
            if name(marker.family) != name(family) {
                return None;
            }
            rest = rest.get(usize::from(marker.size) + marker.length(rest)?..)?;
        }
        Some((family, rest))
    }

    fn map(&mut self, out: &mut Bounded<'_, '_>, count: usize, depth: usize) -> fmt::Result {
        out.write_char('{')?;
        for n in 0..count {
            if n > 0 {
                out.write_str(", ")?;
            }
            match self.name_key() {
                Some(key) => out.write_str(key)?,
                None => self.value(out, depth + 1)?,
            }
            out.write_str(": ")?;
            self.value(out, depth + 1)?;
        }
        out.write_char('}')
    }

    /// Takes the next value if it is a key that looks like a name.
    fn name_key(&mut self) -> Option<&'a str> {
        let marker = Marker::of(*self.rest.first()?);
        if marker.family != Family::Str {
            return None;
        }
        let length = marker.length(self.rest)?;
        let key = self.rest.get(marker.head()..usize::from(marker.size) + length)?;
        let digits = key.iter().filter(|byte| byte.is_ascii_digit()).count();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if key.is_empty() || key.len() > 32 || digits > 3 || !key.iter().all(plain) {
            return None;
        }
        self.take(usize::from(marker.size) + length).ok()?;
        std::str::from_utf8(key).ok()
    }
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Bool => "bool",
        Family::UInt | Family::Int => "int",
        Family::Float => "float",
        Family::Str => "str",
        Family::Bin => "bin",
        Family::Ext => "ext",
        Family::Nil => "nil",
        Family::Reserved | Family::Array | Family::Map => "?",
    }
}

/// Shows a number or a truth value.
fn scalar(out: &mut Bounded<'_, '_>, family: Family, bytes: &[u8]) -> fmt::Result {
    let (first, digits) = bytes.split_first().ok_or(fmt::Error)?;
    let unsigned = digits.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let unused = 64 - 8 * digits.len() as u32;
    match family {
        Family::Bool => write!(out, "{}", *first == marker::TRUE),
        Family::UInt if digits.is_empty() => write!(out, "{first}"),
        Family::UInt => write!(out, "{unsigned}"),
        Family::Int if digits.is_empty() => write!(out, "{}", *first as i8),
        Family::Int => write!(out, "{}", (unsigned << unused) as i64 >> unused),
        Family::Float if digits.len() == 4 => {
            write!(out, "{}", f32::from_bits(unsigned as u32))
        }
        _ => write!(out, "{}", f64::from_bits(unsigned)),
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use hub_wire::Packer;
    use proptest::prelude::*;

    fn order() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut pack = Packer(&mut bytes);
        pack.map(3).str("order").uint(1042).str("items").array(2).str("A7").uint(1);
        pack.str("ada@example.org").bool(true);
        bytes
    }

    #[test]
    fn a_shape_shows_no_value() {
        let shape = Shape { value: &order(), reveal: false }.to_string();
        assert_eq!(shape, "{order: int, items: [str(2), int], str(15): bool}");
        let shown = Shape { value: &order(), reveal: true }.to_string();
        assert_eq!(shown, r#"{order: 1042, items: ["A7", 1], "ada@example.org": true}"#);
    }

    #[test]
    fn many_values_of_one_kind_are_counted() {
        let mut bytes = vec![0x82, 0xa1, b'a', 0xdc, 0, 9];
        bytes.extend([1; 9]);
        bytes.extend([0xa1, b'b', 0x98]);
        bytes.extend([0xa1, b'x'].repeat(7));
        bytes.push(0xc0);
        let shape = Shape { value: &bytes, reveal: false }.to_string();
        let list = ["str(1)"; 7].join(", ");
        assert_eq!(shape, format!("{{a: [int × 9], b: [{list}, nil]}}"));
    }

    #[test]
    fn numbers_of_every_width_are_shown() {
        for (bytes, shown) in [
            (&[0xff][..], "-1"),
            (&[0xd0, 0x80], "-128"),
            (&[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], "-2"),
            (&[0xcd, 1, 0], "256"),
            (&[0xca, 0x3f, 0x80, 0, 0], "1"),
            (&[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], "0.5"),
            (&[0xc4, 1, 9], "bin(1)"),
            (&[0xc0], "nil"),
            (&[0xc1], "?"),
            (&[0xa5, b'a'], "?"),
        ] {
            assert_eq!(Shape { value: bytes, reveal: true }.to_string(), shown, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_short_shape(bytes in prop::collection::vec(any::<u8>(), 0..500), reveal: bool) {
            let shown = Shape { value: &bytes, reveal }.to_string();
            prop_assert!(shown.chars().count() <= 6 * super::MAX_SHOWN + 1);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
