use super::{FrameError, FrameErrorKind, Limits, walk};

/// Reads the values of a control frame one after another, each checked as it is read.
///
/// The name that each method takes says what the value is, for the error message.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Reader { bytes, pos: 0, limits: *limits }
    }

    /// A reader that has read the first `pos` bytes already.
    pub(crate) fn starting_at(bytes: &'a [u8], pos: usize, limits: &Limits) -> Self {
        Reader { bytes, pos, limits: *limits }
    }

    /// How far it has read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.pos == self.bytes.len()
    }

    fn wrong(&self, what: &'static str, expected: &'static str) -> FrameError {
        FrameErrorKind::WrongType { what, expected }.at(self.pos)
    }

    fn peek(&self, what: &'static str) -> Result<u8, FrameError> {
        self.bytes.get(self.pos).copied().ok_or(FrameErrorKind::Missing { what }.at(self.pos))
    }

    fn be(&self, at: usize, width: usize, what: &'static str) -> Result<u64, FrameError> {
        let field =
            self.bytes.get(at..at + width).ok_or(FrameErrorKind::Missing { what }.at(self.pos))?;
        Ok(field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn sized(
        &mut self,
        what: &'static str,
        expected: &'static str,
        fix: u8,
        marker16: u8,
    ) -> Result<u32, FrameError> {
        let marker = self.peek(what)?;
        let (count, head) = match marker {
            m if m & 0xf0 == fix => (u64::from(m & 0x0f), 1),
            m if m == marker16 => (self.be(self.pos + 1, 2, what)?, 3),
            m if m == marker16 + 1 => (self.be(self.pos + 1, 4, what)?, 5),
            _ => return Err(self.wrong(what, expected)),
        };
        // Each element takes a byte, so this count cannot be used to reserve memory.
        if count > (self.bytes.len() - self.pos - head) as u64 {
            return Err(FrameErrorKind::Missing { what }.at(self.pos));
        }
        self.pos += head;
        Ok(count as u32)
    }

    /// An array's number of values.
    ///
    /// # Errors
    /// Where the next value is no array, or announces more values than bytes are left.
    pub fn array(&mut self, what: &'static str) -> Result<u32, FrameError> {
        self.sized(what, "an array", 0x90, 0xdc)
    }

    /// A map's number of entries.
    ///
    /// # Errors
    /// Where the next value is no map, or announces more entries than bytes are left.
    pub fn map(&mut self, what: &'static str) -> Result<u32, FrameError> {
        self.sized(what, "a map", 0x80, 0xde)
    }

    /// An integer that is 0 or more, in any form: some libraries write the numbers of signed
    /// types in a signed form, whatever their value.
    ///
    /// # Errors
    /// Where the next value is something else.
    pub fn uint(&mut self, what: &'static str) -> Result<u64, FrameError> {
        let marker = self.peek(what)?;
        let width = match marker {
            0x00..=0x7f => {
                self.pos += 1;
                return Ok(u64::from(marker));
            }
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xce | 0xd2 => 4,
            0xcf | 0xd3 => 8,
            _ => return Err(self.wrong(what, "an unsigned integer")),
        };
        let value = self.be(self.pos + 1, width, what)?;
        let negative = value >> (8 * width - 1) != 0;
        if marker >= 0xd0 && negative {
            return Err(self.wrong(what, "an unsigned integer"));
        }
        self.pos += 1 + width;
        Ok(value)
    }

    /// An unsigned integer or nil.
    ///
    /// # Errors
    /// Where the next value is something else.
    pub fn uint_or_nil(&mut self, what: &'static str) -> Result<Option<u64>, FrameError> {
        if self.nil() { Ok(None) } else { self.uint(what).map(Some) }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Where the next value is something else.
    pub fn bool(&mut self, what: &'static str) -> Result<bool, FrameError> {
        let value = match self.peek(what)? {
            0xc2 => false,
            0xc3 => true,
            _ => return Err(self.wrong(what, "a boolean")),
        };
        self.pos += 1;
        Ok(value)
    }

    /// Takes a nil, if one is next.
    pub fn nil(&mut self) -> bool {
        let nil = self.bytes.get(self.pos) == Some(&0xc0);
        self.pos += usize::from(nil);
        nil
    }

    /// A string.
    ///
    /// # Errors
    /// Where the next value is no string, or not UTF-8.
    pub fn str(&mut self, what: &'static str) -> Result<&'a str, FrameError> {
        let (head, len) = match self.peek(what)? {
            marker @ 0xa0..=0xbf => (1, u64::from(marker & 0x1f)),
            0xd9 => (2, self.be(self.pos + 1, 1, what)?),
            0xda => (3, self.be(self.pos + 1, 2, what)?),
            0xdb => (5, self.be(self.pos + 1, 4, what)?),
            _ => return Err(self.wrong(what, "a string")),
        };
        let wrong = self.wrong(what, "a string of UTF-8");
        std::str::from_utf8(self.body(what, head, len)?).map_err(|_| wrong)
    }

    /// A string or nil.
    ///
    /// # Errors
    /// Where the next value is something else.
    pub fn str_or_nil(&mut self, what: &'static str) -> Result<Option<&'a str>, FrameError> {
        if self.nil() { Ok(None) } else { self.str(what).map(Some) }
    }

    /// A byte string.
    ///
    /// # Errors
    /// Where the next value is something else.
    pub fn bin(&mut self, what: &'static str) -> Result<&'a [u8], FrameError> {
        let (head, len) = match self.peek(what)? {
            0xc4 => (2, self.be(self.pos + 1, 1, what)?),
            0xc5 => (3, self.be(self.pos + 1, 2, what)?),
            0xc6 => (5, self.be(self.pos + 1, 4, what)?),
            _ => return Err(self.wrong(what, "a byte string")),
        };
        self.body(what, head, len)
    }

    fn body(&mut self, what: &'static str, head: usize, len: u64) -> Result<&'a [u8], FrameError> {
        let start = self.pos + head;
        let body = usize::try_from(len)
            .ok()
            .and_then(|len| self.bytes.get(start..start.checked_add(len)?))
            .ok_or(FrameErrorKind::Missing { what }.at(self.pos))?;
        self.pos = start + body.len();
        Ok(body)
    }

    /// The bytes of the next value, whatever it is, walked and found well-formed.
    ///
    /// # Errors
    /// Where the value is malformed or over the limits, with the offset in this frame.
    pub fn value(&mut self, what: &'static str) -> Result<&'a [u8], FrameError> {
        self.peek(what)?;
        let end = walk(self.bytes, self.pos, &self.limits)
            .map_err(|error| FrameErrorKind::Value { what, fault: error.kind }.at(error.at))?;
        let value = &self.bytes[self.pos..end];
        self.pos = end;
        Ok(value)
    }
}
