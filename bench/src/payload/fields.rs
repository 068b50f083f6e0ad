//! Builds a MessagePack map field by field, and knows its size at any time.
//!
//! In MessagePack, a map begins with the number of its fields. A generator that fills a map up to a
//! size knows that number only at the end, so this module collects the fields first.

use hub_wire::Packer;

/// Holds the fields that were added so far.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    count: u32,
}

impl Fields {
    /// Adds a field. The function `value` writes the value of the field.
    pub(super) fn add(&mut self, key: &str, value: impl FnOnce(&mut Packer<'_>)) {
        let mut pack = Packer(&mut self.bytes);
        value(pack.str(key));
        self.count += 1;
    }

    /// Adds all fields of `other` behind the fields of this map.
    pub(super) fn append(&mut self, other: &Fields) {
        self.bytes.extend_from_slice(&other.bytes);
        self.count += other.count;
    }

    /// Returns the size of the map in bytes.
    pub(super) fn size(&self) -> usize {
        let head = match self.count {
            0..=15 => 1,
            16..=0xffff => 3,
            _ => 5,
        };
        head + self.bytes.len()
    }

    /// Writes the map.
    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.map(self.count).raw(&self.bytes);
    }
}
