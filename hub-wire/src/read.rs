//! Reads MessagePack value by value. An error states which type of value was expected.
//!
//! This reader reads all control frames. A reader that did not check a count or a length first
//! would read past the end of the frame, or reserve the memory that five bytes claim.

use crate::marker::{self, Family, Marker, NIL};
use crate::{FrameError, FrameErrorKind, Limits, WalkErrorKind, walk};

/// Reads the values of a control frame one after another, and checks each value as it reads it.
///
/// Each method takes the name of the value for its error message.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// Returns a reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Reader { bytes, pos: 0, limits: *limits }
    }

    /// Returns a reader that continues behind the first `pos` bytes.
    pub(crate) fn starting_at(bytes: &'a [u8], pos: usize, limits: &Limits) -> Self {
        Reader { bytes, pos, limits: *limits }
    }

    /// Returns the offset of the next value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Returns whether all bytes are read.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.pos == self.bytes.len()
    }

    /// Returns the error for a next value of the wrong type.
    fn wrong(&self, what: &'static str, expected: &'static str) -> FrameError {
        FrameErrorKind::WrongType { what, expected }.at(self.pos)
    }

    /// Returns the first byte of the next value.
    fn peek(&self, what: &'static str) -> Result<u8, FrameError> {
        self.bytes.get(self.pos).copied().ok_or(FrameErrorKind::Missing { what }.at(self.pos))
    }

    /// Returns the marker of the next value, and the content of its length field.
    fn head(
        &self,
        what: &'static str,
        expected: &'static str,
        family: Family,
    ) -> Result<(Marker, usize), FrameError> {
        let marker = Marker::of(self.peek(what)?);
        if marker.family != family {
            return Err(self.wrong(what, expected));
        }
        let length = marker.length(&self.bytes[self.pos..]);
        Ok((marker, length.ok_or(FrameErrorKind::Missing { what }.at(self.pos))?))
    }

    /// Reads the head of an array or a map, and returns its count.
    fn sized(
        &mut self,
        what: &'static str,
        expected: &'static str,
        family: Family,
    ) -> Result<u32, FrameError> {
        let (marker, length) = self.head(what, expected, family)?;
        let (count, size) = (usize::from(marker.count) + length, usize::from(marker.size));
        // Each element takes at least one byte. So a count that passes this check cannot claim more
        // memory than the frame has bytes.
        if count > self.bytes.len() - self.pos - size {
            return Err(FrameErrorKind::Missing { what }.at(self.pos));
        }
        self.pos += size;
        Ok(count as u32)
    }

    /// Reads the head of an array, and returns the number of its values.
    ///
    /// # Errors
    /// The next value is not an array, or announces more values than bytes are left.
    pub fn array(&mut self, what: &'static str) -> Result<u32, FrameError> {
        self.sized(what, "an array", Family::Array)
    }

    /// Returns whether the next value is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.peek("array").is_ok_and(|byte| Marker::of(byte).family == Family::Array)
    }

    /// Reads the head of the array that a frame is. The array may announce more values than there are
    /// bytes, because the caller reads only the first ones.
    pub(crate) fn array_begun(&mut self, what: &'static str) -> Result<(), FrameError> {
        let (marker, _) = self.head(what, "an array", Family::Array)?;
        self.pos += usize::from(marker.size);
        Ok(())
    }

    /// Reads the head of a map, and returns the number of its entries.
    ///
    /// # Errors
    /// The next value is not a map, or announces more entries than bytes are left.
    pub fn map(&mut self, what: &'static str) -> Result<u32, FrameError> {
        self.sized(what, "a map", Family::Map)
    }

    /// Reads an integer that is 0 or more, in any form. Some libraries write the numbers of signed
    /// types in a signed form, whatever their value is.
    ///
    /// # Errors
    /// The next value is not such an integer.
    pub fn uint(&mut self, what: &'static str) -> Result<u64, FrameError> {
        let byte = self.peek(what)?;
        let Marker { family, size, .. } = Marker::of(byte);
        if self.is_integral_float() {
            return Err(FrameErrorKind::FloatForInteger { what }.at(self.pos));
        }
        if !matches!(family, Family::UInt | Family::Int) || size == 1 && family == Family::Int {
            return Err(self.wrong(what, "an unsigned integer"));
        }
        if size == 1 {
            self.pos += 1;
            return Ok(u64::from(byte));
        }
        let digits = (self.bytes.get(self.pos + 1..self.pos + usize::from(size)))
            .ok_or(FrameErrorKind::Missing { what }.at(self.pos))?;
        if family == Family::Int && digits[0] >= 0x80 {
            return Err(self.wrong(what, "an unsigned integer"));
        }
        self.pos += usize::from(size);
        Ok(digits.iter().fold(0, |value, digit| value << 8 | u64::from(*digit)))
    }

    /// Returns whether the next value is a float whose value is an integer that is 0 or more. Some
    /// libraries write large integers in this form.
    fn is_integral_float(&self) -> bool {
        let float = match &self.bytes[self.pos..] {
            [marker::FLOAT_32, rest @ ..] => {
                rest.first_chunk().map(|bytes| f64::from(f32::from_be_bytes(*bytes)))
            }
            [marker::FLOAT_64, rest @ ..] => {
                rest.first_chunk().map(|bytes| f64::from_be_bytes(*bytes))
            }
            _ => None,
        };
        float.is_some_and(|float| float >= 0.0 && float.is_finite() && float.fract() == 0.0)
    }

    /// Reads an unsigned integer or nil.
    ///
    /// # Errors
    /// The next value is neither of them.
    pub fn uint_or_nil(&mut self, what: &'static str) -> Result<Option<u64>, FrameError> {
        if self.nil() { Ok(None) } else { self.uint(what).map(Some) }
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// The next value is neither of them.
    pub fn bool(&mut self, what: &'static str) -> Result<bool, FrameError> {
        let value = match self.peek(what)? {
            marker::FALSE => false,
            marker::TRUE => true,
            _ => return Err(self.wrong(what, "a boolean")),
        };
        self.pos += 1;
        Ok(value)
    }

    /// Reads a nil if the next value is nil. Returns whether it was.
    pub fn nil(&mut self) -> bool {
        let nil = self.bytes.get(self.pos) == Some(&NIL);
        self.pos += usize::from(nil);
        nil
    }

    /// Reads a string.
    ///
    /// # Errors
    /// The next value is not a string, or its bytes are not UTF-8.
    pub fn str(&mut self, what: &'static str) -> Result<&'a str, FrameError> {
        let wrong = FrameErrorKind::Value { what, fault: WalkErrorKind::InvalidUtf8 }.at(self.pos);
        let text = self.body(what, "a string", Family::Str)?;
        std::str::from_utf8(text).map_err(|_| wrong)
    }

    /// Reads a string or nil.
    ///
    /// # Errors
    /// The next value is neither of them.
    pub fn str_or_nil(&mut self, what: &'static str) -> Result<Option<&'a str>, FrameError> {
        if self.nil() { Ok(None) } else { self.str(what).map(Some) }
    }

    /// Reads a byte string.
    ///
    /// # Errors
    /// The next value is not a byte string.
    pub fn bin(&mut self, what: &'static str) -> Result<&'a [u8], FrameError> {
        self.body(what, "a byte string", Family::Bin)
    }

    /// Reads a string or a byte string, and returns its bytes.
    fn body(
        &mut self,
        what: &'static str,
        expected: &'static str,
        family: Family,
    ) -> Result<&'a [u8], FrameError> {
        let (marker, length) = self.head(what, expected, family)?;
        let start = self.pos + marker.head();
        let body = (self.bytes.get(start..self.pos + usize::from(marker.size) + length))
            .ok_or(FrameErrorKind::Missing { what }.at(self.pos))?;
        self.pos = start + body.len();
        Ok(body)
    }

    /// Walks the next value, which may have any type, and returns its bytes.
    ///
    /// # Errors
    /// The value is malformed or exceeds the limits. The error has the offset within this frame.
    pub fn value(&mut self, what: &'static str) -> Result<&'a [u8], FrameError> {
        self.peek(what)?;
        let end = walk(self.bytes, self.pos, &self.limits)
            .map_err(|error| FrameErrorKind::Value { what, fault: error.kind }.at(error.at))?;
        let value = &self.bytes[self.pos..end];
        self.pos = end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uint(bytes: &[u8]) -> Result<u64, FrameErrorKind> {
        Reader::new(bytes, &Limits::NONE).uint("epoch").map_err(|error| error.kind)
    }

    #[test]
    fn an_integer_that_is_written_as_a_float_is_named_as_such() {
        let as_f64 = |value: f64| [&[marker::FLOAT_64][..], &value.to_be_bytes()].concat();
        let as_f32 = |value: f32| [&[marker::FLOAT_32][..], &value.to_be_bytes()].concat();
        for bytes in [as_f64(0.0), as_f64(4_294_967_296.0), as_f64(1e300), as_f32(7.0)] {
            let error = uint(&bytes).unwrap_err();
            assert_eq!(error, FrameErrorKind::FloatForInteger { what: "epoch" });
            let text = "epoch is an integer written as a float; write it as MessagePack integer";
            assert_eq!(error.to_string(), text);
        }
        for bytes in [as_f64(1.5), as_f64(-1.0), as_f64(f64::NAN), as_f64(f64::INFINITY)] {
            assert!(matches!(uint(&bytes), Err(FrameErrorKind::WrongType { .. })), "{bytes:02x?}");
        }
        assert!(uint(&as_f64(7.0)[..5]).is_err(), "cut short");
    }
}
