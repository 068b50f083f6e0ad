//! What the messages of a measurement carry: a set of messages that all differ.
//!
//! A server that gets one message over and over is measured at a speed that it has nowhere else: the
//! processor remembers which way each branch went for this message, and guesses right from then on.
//! 512 messages are more than it can remember. They are made from a fixed seed, so every server that
//! is compared gets the very same bytes, today and tomorrow.

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

/// Eight bytes that stand where the sender puts its time, so that their place in an encoded
/// message can be found by looking for them.
pub const MARK: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xc0, 0xde, 0xd0, 0x0d];

/// How many different messages a payload has, unless they are larger than 64 KiB.
pub const DIFFERENT: usize = 512;

/// The bytes that a payload's messages take in memory at most. Of messages that are larger than
/// 64 KiB there are fewer than [`DIFFERENT`]; one of them alone holds more values than a processor
/// can remember branches.
const MAX_MEMORY: usize = 32 << 20;
/// The largest payload; a hub's largest frame is 1 MiB unless configured.
const MAX: usize = 1000 * 1000;
/// The smallest: the sender's time.
const MIN: usize = MARK.len();
/// An order has at least its number, customer, total, note and time.
const MIN_MAP: usize = 100;
/// Any number does.
const SEED: u64 = 20_261_129;

/// Messages of one kind and size.
///
/// Written as `bin:128` (128 bytes of no structure), `map:1024` (a MessagePack map as a shop would
/// send it) or `dense:3200` (a MessagePack map of many small values of random types).
///
/// What differs from message to message: of `bin`, every byte. Of maps also how many fields there
/// are, their types, order and nesting, and the message's length, which is within 12 % of the size;
/// the mean length is the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    kind: Kind,
    size: usize,
    messages: Arc<[Message]>,
}

/// What messages look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bytes without structure. To Hub they go as MessagePack *bin*, to other servers as they are.
    Bin,
    /// An order, as one MessagePack map. Every server gets these bytes as they are.
    Map,
    /// As `Map`, but many small values.
    Dense,
}

/// What one message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    bytes: Vec<u8>,
    /// Whether the bytes are one MessagePack value.
    packed: bool,
}

impl Message {
    /// The bytes that every server but Hub gets.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message as one MessagePack value, which Hub gets.
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

/// Why text is not a [`Payload`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Not `bin:SIZE`, `map:SIZE` or `dense:SIZE`.
    #[error("a payload is bin:SIZE, map:SIZE or dense:SIZE")]
    Kind,
    /// The size is not a number, or out of bounds.
    #[error("a payload's size is a number of bytes from {MIN} to {MAX}")]
    Size,
    /// A map of that size would hold nothing.
    #[error("a map has at least {MIN_MAP} bytes")]
    SmallMap,
}

impl Payload {
    /// Messages of exactly `size` random bytes, with [`MARK`] in front.
    #[must_use]
    pub fn bin(size: usize) -> Payload {
        Payload::new(Kind::Bin, size)
    }

    /// Orders of about `size` bytes: numbers, short and long text (some of it with accents), prices,
    /// flags, times, a nested address and a list of items.
    #[must_use]
    pub fn map(size: usize) -> Payload {
        Payload::new(Kind::Map, size)
    }

    /// Maps of about `size` bytes whose values have random types and take 6.4 bytes on average.
    /// Every sixth field is a text of Latin letters with accents.
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
                    // What all messages so far are too short or too long, this one makes up for.
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

    /// All messages, in the order in which they are sent.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The first message; there is always one.
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

/// A map of about `size` bytes. Its last field is the sender's time: so the time's distance from the
/// message's end is the same in messages of any length.
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
