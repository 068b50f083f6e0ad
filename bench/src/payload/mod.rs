//! Makes the payloads of a measurement, which are sets of messages that all differ.
//!
//! A server that gets one message over and over reaches a speed that it has nowhere else, because
//! the processor remembers which way each branch went for this message. The processor cannot remember
//! that for 512 messages. The messages are made from a fixed seed, so every server gets equal bytes in
//! every comparison.

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

/// These eight bytes stand in the place where the sender writes its time. The generator searches an
/// encoded message for them to find that place.
pub const MARK: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xc0, 0xde, 0xd0, 0x0d];

/// A payload has this many different messages, unless they are larger than 64 KiB.
pub const DIFFERENT: usize = 512;

/// The messages of a payload take at most about this many bytes of memory. If messages are larger than
/// 64 KiB, there are fewer than [`DIFFERENT`] of them. One message alone then holds more values than a
/// processor can remember branches for.
const MAX_MEMORY: usize = 32 << 20;
/// A payload has at most this many bytes. By default, a frame of a hub has at most 1 MiB.
const MAX: usize = 1000 * 1000;
/// A payload has at least this many bytes. The smallest payload holds only the sender's time.
const MIN: usize = MARK.len();
/// A map has at least this many bytes. An order always has a number, a customer, a total, a note and a
/// time.
const MIN_MAP: usize = 100;
/// The random numbers begin with this seed. Any other number would do as well.
const SEED: u64 = 20_261_129;

/// Holds a set of messages of one kind and size.
///
/// Examples of a payload as text are `bin:128` (128 bytes without structure), `map:1024` (a
/// MessagePack map as a shop would send it) and `dense:3200` (a MessagePack map of many small values
/// of random types).
///
/// Messages of the kind `bin` have random bytes behind the sender's time. Maps also differ in length,
/// in depth, and in the number, the types and the order of their fields. The length of a map is within
/// 12 % of the size, and the mean length is the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    kind: Kind,
    size: usize,
    messages: Arc<[Message]>,
}

/// Says which kind of messages a payload has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A message is bytes without structure. Hub gets them as MessagePack *bin*, and other servers
    /// get them as they are.
    Bin,
    /// A message is an order as one MessagePack map. Every server gets these bytes.
    Map,
    /// A message is one MessagePack map of many small values. Every server gets these bytes.
    Dense,
}

/// Holds the payload of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    /// It is true if the bytes are one MessagePack value.
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

/// States why a text is not a [`Payload`].
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

    /// Makes orders of about `size` bytes. An order has numbers, short and long texts (some with
    /// accents), prices, flags and times. A large order also has an address and a list of items.
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
                    // This message is shorter or longer by the bytes by which all messages so far are
                    // too long or too short, so that the mean length is the size.
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

    /// Returns the first message. A payload always has at least one message.
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
