//! Writes MessagePack.
//!
//! The module writes the values of all frames in their shortest form. Only some integers of a RUN
//! frame have a fixed length, see [`crate::RunHead`]. Longer forms are valid too, but a peer that
//! compares bytes would take equal frames for different ones.

/// Appends MessagePack values in their shortest form to a buffer.
#[derive(Debug)]
pub struct Packer<'a>(pub &'a mut Vec<u8>);

impl Packer<'_> {
    /// Begins an array. The caller must write `count` values after it.
    pub fn array(&mut self, count: u32) -> &mut Self {
        self.sized(count, (0x90, 15), 0xdc)
    }

    /// Begins a map. The caller must write `count` keys after it, each followed by its value.
    pub fn map(&mut self, count: u32) -> &mut Self {
        self.sized(count, (0x80, 15), 0xde)
    }

    /// Writes the head of an array or a map. `fix` is the marker for counts up to `fix_max`,
    /// `marker16` is the marker for counts of 16 bits, and the marker behind it is for counts of 32
    /// bits.
    fn sized(&mut self, count: u32, (fix, fix_max): (u8, u32), marker16: u8) -> &mut Self {
        if count <= fix_max {
            self.0.push(fix | count as u8);
        } else if let Ok(count) = u16::try_from(count) {
            self.0.push(marker16);
            self.0.extend_from_slice(&count.to_be_bytes());
        } else {
            self.0.push(marker16 + 1);
            self.0.extend_from_slice(&count.to_be_bytes());
        }
        self
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        if value < 0x80 {
            self.0.push(value as u8);
        } else if let Ok(value) = u8::try_from(value) {
            self.0.extend_from_slice(&[0xcc, value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.0.push(0xcd);
            self.0.extend_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.0.push(0xce);
            self.0.extend_from_slice(&value.to_be_bytes());
        } else {
            self.0.push(0xcf);
            self.0.extend_from_slice(&value.to_be_bytes());
        }
        self
    }

    /// Writes an unsigned integer, or nil if there is none.
    pub fn uint_or_nil(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.uint(value),
            None => self.nil(),
        }
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) -> &mut Self {
        match value.len() {
            len @ 0..=31 => self.0.push(0xa0 | len as u8),
            len @ 32..=0xff => self.0.extend_from_slice(&[0xd9, len as u8]),
            len @ 0x100..=0xffff => {
                self.0.push(0xda);
                self.0.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                self.0.push(0xdb);
                self.0.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
        self.raw(value.as_bytes())
    }

    /// Writes a string, or nil if there is none.
    pub fn str_or_nil(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.str(value),
            None => self.nil(),
        }
    }

    /// Writes a byte string.
    pub fn bin(&mut self, value: &[u8]) -> &mut Self {
        match value.len() {
            len @ 0..=0xff => self.0.extend_from_slice(&[0xc4, len as u8]),
            len @ 0x100..=0xffff => {
                self.0.push(0xc5);
                self.0.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                self.0.push(0xc6);
                self.0.extend_from_slice(&(len as u32).to_be_bytes());
            }
        }
        self.raw(value)
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(if value { 0xc3 } else { 0xc2 });
        self
    }

    /// Writes nil.
    pub fn nil(&mut self) -> &mut Self {
        self.0.push(0xc0);
        self
    }

    /// Writes bytes that are already encoded as MessagePack.
    pub fn raw(&mut self, encoded: &[u8]) -> &mut Self {
        self.0.extend_from_slice(encoded);
        self
    }
}
