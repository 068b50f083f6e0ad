//! The payloads of a measurement: sets of messages that all differ.
//!
//! A server that gets one message over and over reaches a speed that it has nowhere else, because
//! the processor remembers which way each branch went for this message. It cannot remember that for
//! 512 messages. They are made from a fixed seed, so every server gets equal bytes in every
//! comparison.

mod dense;
mod fields;
mod order;
mod words;

use fastrand::Rng;
use fields::Fields;
use hub_wire::Packer;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

/// Eight bytes in the place where the sender writes its time. By searching for them, the generator
/// finds that place in an encoded message.
pub const MARK: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xc0, 0xde, 0xd0, 0x0d];

/// How many different messages a payload has, unless they are larger than 64 KiB.
pub const DIFFERENT: usize = 512;

/// How many bytes the messages of a payload take in memory at most. If messages are larger than 64
/// KiB, there are fewer than [`DIFFERENT`] of them; one alone then holds more values than a
/// processor can remember branches for.
const MAX_MEMORY: usize = 32 << 20;
/// The largest payload in bytes. The largest frame of a hub is 1 MiB by default.
const MAX: usize = 1000 * 1000;
/// The smallest payload in bytes, which holds only the sender's time.
const MIN: usize = MARK.len();
/// An order has at least its number, customer, total, note and time.
const MIN_MAP: usize = 100;
/// The seed of the random numbers. Any number would do.
const SEED: u64 = 20_261_129;

/// A set of messages of one kind and size.
///
/// As text, it is `bin:128` (128 bytes without structure), `map:1024` (a MessagePack map as a shop
/// would send it) or `dense:3200` (a MessagePack map of many small values of random types).
///
/// In messages of the kind `bin`, every byte differs. Maps also differ in the number of their
/// fields, their types, their order and their nesting, and in length. The length is within 12 % of
/// the size, and the mean length is the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    kind: Kind,
    size: usize,
    messages: Arc<[Message]>,
}

/// The kind of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes without structure. Hub gets them as MessagePack *bin*, and other servers get them as
    /// they are.
    Bin,
    /// An order as one MessagePack map. Every server gets these bytes.
    Map,
    /// One MessagePack map of many small values. Every server gets these bytes.
    Dense,
}

/// The payload of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    /// Whether the bytes are one MessagePack value.
    packed: bool,
}

impl Message {
    /// Returns the bytes that every server except Hub gets.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the message as one MessagePack value, which Hub gets.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        if self.packed {
            return self.bytes.clone();
        }
        let mut out = Vec::new();
        Packer(&mut out).bin(&self.bytes);
        out
    }
}

/// Why a text is not a [`Payload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// The text is not `bin:SIZE`, `map:SIZE` or `dense:SIZE`.
    #[error("a payload is bin:SIZE, map:SIZE or dense:SIZE")]
    Kind,
    /// The size is not a number, or is out of bounds.
    #[error("a payload's size is a number of bytes from {MIN} to {MAX}")]
    Size,
    /// A map of that size could not hold the fields that every map has.
    #[error("a map has at least {MIN_MAP} bytes")]
    SmallMap,
}

impl Payload {
    /// Makes messages of exactly `size` random bytes, with [`MARK`] in front.
    #[must_use]
    pub fn bin(size: usize) -> Payload {
        Payload::new(Kind::Bin, size)
    }

    /// Makes orders of about `size` bytes: numbers, short and long texts (some with accents),
    /// prices, flags, times, a nested address and a list of items.
    #[must_use]
    pub fn map(size: usize) -> Payload {
        Payload::new(Kind::Map, size)
    }

    /// Makes maps of about `size` bytes whose values have random types and take 6.4 bytes on
    /// average. Every sixth field is a text of Latin letters with accents.
    #[must_use]
    pub fn dense(size: usize) -> Payload {
        Payload::new(Kind::Dense, size)
    }

    fn new(kind: Kind, size: usize) -> Payload {
        let mut random = Rng::with_seed(SEED);
        let mut made = 0;
        let messages = 1..=DIFFERENT.min(MAX_MEMORY / size.max(1)).max(1);
        let message = |number: usize| {
            let bytes = match kind {
                Kind::Bin => bytes(&mut random, size),
                Kind::Map | Kind::Dense => {
                    // This message makes up for the bytes by which all messages so far are too
                    // short or too long.
                    let vary = random.usize(..=size / 10);
                    let wanted = (number * size + vary).saturating_sub(made + size / 20);
                    map(&mut random, kind, wanted)
                }
            };
            made += bytes.len();
            Message { bytes, packed: kind != Kind::Bin }
        };
        Payload { kind, size, messages: messages.map(message).collect() }
    }

    /// Returns all messages in the order in which they are sent.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the first message. There is always one.
    #[must_use]
    pub fn first(&self) -> &Message {
        &self.messages[0]
    }
}

fn bytes(random: &mut Rng, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size.max(MIN)];
    random.fill(&mut bytes);
    bytes[..MIN].copy_from_slice(&MARK);
    bytes
}

/// Makes a map of about `size` bytes. Its last field is the sender's time, so the distance of the
/// time from the end is equal in messages of any length.
fn map(random: &mut Rng, kind: Kind, size: usize) -> Vec<u8> {
    let mut time = Fields::default();
    time.add("sent_at", |pack| _ = pack.raw(&[0xcf]).raw(&MARK));
    let rest = size.saturating_sub(time.size());
    let mut fields = match kind {
        Kind::Dense => dense::dense(random, rest),
        Kind::Bin | Kind::Map => order::order(random, rest),
    };
    fields.append(&time);
    let mut out = Vec::new();
    fields.write(&mut Packer(&mut out));
    out
}

impl FromStr for Payload {
    type Err = PayloadError;

    fn from_str(text: &str) -> Result<Self, PayloadError> {
        let (kind, size) = text.split_once(':').ok_or(PayloadError::Kind)?;
        let kind = match kind {
            "bin" => Kind::Bin,
            "map" => Kind::Map,
            "dense" => Kind::Dense,
            _ => return Err(PayloadError::Kind),
        };
        let size: usize = size.parse().map_err(|_| PayloadError::Size)?;
        if !(MIN..=MAX).contains(&size) {
            return Err(PayloadError::Size);
        }
        if kind != Kind::Bin && size < MIN_MAP {
            return Err(PayloadError::SmallMap);
        }
        Ok(Payload::new(kind, size))
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Bin => "bin",
            Kind::Map => "map",
            Kind::Dense => "dense",
        };
        write!(f, "{kind}:{}", self.size)
    }
}

#[cfg(test)]
mod tests;
