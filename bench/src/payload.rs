//! What the messages carry.

use hub_wire::Packer;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Eight bytes that stand where the sender puts its time, so that their place in an encoded
/// message can be found by looking for them.
pub const MARK: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xc0, 0xde, 0xd0, 0x0d];

/// The largest payload; a hub's largest frame is 1 MiB unless configured.
const MAX: usize = 1000 * 1000;
/// The smallest: the sender's time.
const MIN: usize = MARK.len();

/// A payload of one kind and size.
///
/// Written as `bin:128` (128 bytes of no structure) or `map:1024` (a MessagePack map as a shop
/// would send it, of about that many bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Bytes without structure. To Hub they go as MessagePack *bin*, to others as they are.
    Bin(Vec<u8>),
    /// One MessagePack map; the same bytes for every server.
    Map(Vec<u8>),
}

/// Why text is not a [`Payload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Neither `bin:SIZE` nor `map:SIZE`.
    #[error("a payload is bin:SIZE or map:SIZE")]
    Kind,
    /// The size is not a number, or out of bounds.
    #[error("a payload's size is a number of bytes from {MIN} to {MAX}")]
    Size,
    /// A map of that size would hold nothing.
    #[error("a map has at least {SMALLEST_MAP} bytes")]
    SmallMap,
}

/// The fields of an order without any item.
const SMALLEST_MAP: usize = 100;

impl Payload {
    /// `size` bytes that compress badly, with [`MARK`] in front.
    #[must_use]
    pub fn bin(size: usize) -> Payload {
        let mut bytes = MARK.to_vec();
        let mut state = 0x9e37_79b9_u32;
        while bytes.len() < size {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((state >> 24) as u8);
        }
        Payload::Bin(bytes)
    }

    /// An order of about `size` bytes: numbers, short and long text (some of it not ASCII), a
    /// price, flags, a nested address and a list of items.
    #[must_use]
    pub fn map(size: usize) -> Payload {
        let mut bytes = order(0);
        if size > bytes.len() + ITEM / 2 {
            let mut items = 1;
            while order(items + 1).len() <= size {
                items += 1;
            }
            bytes = order(items);
        }
        Payload::Map(bytes)
    }

    /// The payload's bytes as every server but Hub gets them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Bin(bytes) | Payload::Map(bytes) => bytes,
        }
    }

    /// The payload as one MessagePack value.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Payload::Bin(bytes) => Packer(&mut out).bin(bytes),
            Payload::Map(bytes) => Packer(&mut out).raw(bytes),
        };
        out
    }
}

/// The least that one more item adds.
const ITEM: usize = 60;

const TITLES: [&str; 3] =
    ["Kettle, stainless steel, 1.7 l", "Café crème, 500 g", "Paper filters no. 4, 100 pieces"];

fn order(items: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    pack.map(if items == 0 { 7 } else { 9 });
    pack.str("at").raw(&[0xcf]).raw(&MARK);
    pack.str("order").uint(40_017);
    pack.str("customer").str("c-83120");
    pack.str("total").raw(&[0xcb]).raw(&129.95_f64.to_be_bytes());
    pack.str("currency").str("EUR");
    pack.str("express").bool(true);
    pack.str("city").str("Zürich, Kreis 5, near the river");
    if items > 0 {
        pack.str("address").map(4);
        pack.str("street").str("Hardturmstrasse 161").str("zip").str("8005");
        pack.str("country").str("CH").str("note").str("Bitte beim Nachbarn läuten");
        pack.str("items").array(items);
        for item in 0..items {
            pack.map(4);
            pack.str("sku").str(&format!("SKU-{:06}", 17 * item + 4711));
            pack.str("title").str(TITLES[item as usize % TITLES.len()]);
            pack.str("quantity").uint(u64::from(item % 3 + 1));
            pack.str("price").raw(&[0xcb]).raw(&(4.75 + f64::from(item)).to_be_bytes());
        }
    }
    out
}

impl FromStr for Payload {
    type Err = PayloadError;

    fn from_str(text: &str) -> Result<Self, PayloadError> {
        let (kind, size) = text.split_once(':').ok_or(PayloadError::Kind)?;
        let size: usize = size.parse().map_err(|_| PayloadError::Size)?;
        if !(MIN..=MAX).contains(&size) {
            return Err(PayloadError::Size);
        }
        match kind {
            "bin" => Ok(Payload::bin(size)),
            "map" if size < SMALLEST_MAP => Err(PayloadError::SmallMap),
            "map" => Ok(Payload::map(size)),
            _ => Err(PayloadError::Kind),
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Payload::Bin(_) => "bin",
            Payload::Map(_) => "map",
        };
        write!(f, "{kind}:{}", self.bytes().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_wire::{Limits, walk_all};

    #[test]
    fn payloads_are_of_the_size_asked_for_and_well_formed() {
        for size in [8, 16, 128, 16 << 10] {
            assert_eq!(Payload::bin(size).bytes().len(), size);
        }
        for size in [128, 1024, 10_000, 100_000] {
            let map = Payload::map(size);
            let len = map.bytes().len();
            assert!(len.abs_diff(size) <= size / 8, "{len} for {size}");
            assert_eq!(walk_all(&map.encoded(), &Limits::default()), Ok(()));
            let mark = map.encoded().windows(8).filter(|at| *at == MARK).count();
            assert_eq!(mark, 1);
        }
    }

    #[test]
    fn text_names_a_payload() {
        assert_eq!("bin:16".parse(), Ok(Payload::bin(16)));
        assert_eq!("map:1024".parse(), Ok(Payload::map(1024)));
        assert_eq!("bin".parse::<Payload>(), Err(PayloadError::Kind));
        assert_eq!("text:16".parse::<Payload>(), Err(PayloadError::Kind));
        assert_eq!("bin:7".parse::<Payload>(), Err(PayloadError::Size));
        assert_eq!("bin:9000000".parse::<Payload>(), Err(PayloadError::Size));
        assert_eq!("map:50".parse::<Payload>(), Err(PayloadError::SmallMap));
    }
}
