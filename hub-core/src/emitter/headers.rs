//! Defines the headers of an event: known headers, which have types, and other headers, which a
//! user chooses.
//!
//! Without the types, a misspelt or mistyped known header would be noticed only when the hub
//! refuses the event.

use super::{DecodeError, EncodeError, decode, encode};
use bytes::Bytes;
use hub_wire::{HeaderError, Limits, Packer, Reader, TopicName, check_headers_of_hub};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Holds the headers of an event, which stand beside its payload.
///
/// Each known header has a type and a method. Other headers hold any value. Most events have no
/// headers, so an empty `Headers` takes only one pointer.
///
/// ```
/// use hub_core::emitter::Headers;
/// use hub_wire::Limits;
///
/// let headers = Headers::new().with_key("cart-7").with("attempt", &3)?;
/// let encoded = headers.encode().ok_or("not empty")?;
/// let read = Headers::parse(&encoded, &Limits::default())?;
/// assert_eq!(read.key(), Some("cart-7"));
/// assert_eq!(read.get::<u32>("attempt").transpose()?, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Option<Box<KnownHeaders>>);

/// Holds the values of all headers. Each known header has a field of its own, and `other` has the
/// rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct KnownHeaders {
    id: Option<String>,
    reply: Option<TopicName>,
    re: Option<String>,
    trace: Option<String>,
    kind: Option<String>,
    key: Option<String>,
    other: BTreeMap<String, Bytes>,
}

macro_rules! text_headers {
    ($($(#[$doc:meta])* $get:ident, $with:ident, $field:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $get(&self) -> Option<&str> {
            self.0.as_ref()?.$field.as_deref()
        }

        #[doc = concat!("Sets what [`Headers::", stringify!($get), "`] returns.")]
        #[must_use]
        pub fn $with(mut self, value: impl Into<String>) -> Self {
            self.known().$field = Some(value.into());
            self
        }
    )*};
}

impl Headers {
    /// Makes empty headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    text_headers! {
        /// Returns the id of the event (header `id`). By the id, a subscriber recognises a
        /// duplicate. A reply names the id of its request.
        id, with_id, id;
        /// Returns the `id` of the request to which this event is the reply (header `re`).
        re, with_re, re;
        /// Returns the W3C trace context of the event (header `trace`).
        trace, with_trace, trace;
        /// Returns the type of the event (header `type`).
        kind, with_kind, kind;
        /// Returns the key of the event (header `key`). Under the policy `latest`, a newer event
        /// replaces an older event that has an equal key. For events without a key, the topic is the
        /// key: the newest of them replaces all others.
        key, with_key, key;
    }

    /// Returns the topic to which the reply to this event goes (header `reply`).
    #[must_use]
    pub fn reply(&self) -> Option<&TopicName> {
        self.0.as_ref()?.reply.as_ref()
    }

    /// Sets the topic that [`Headers::reply`] returns.
    #[must_use]
    pub fn with_reply(mut self, topic: TopicName) -> Self {
        self.known().reply = Some(topic);
        self
    }

    /// Returns the headers without the header `reply`.
    pub(super) fn without_reply(mut self) -> Self {
        self.known().reply = None;
        self
    }

    /// Adds a header of your own. The hub refuses the event if the key is that of a known header or
    /// begins with `$`.
    ///
    /// # Errors
    /// Returns an error if the value cannot be written as MessagePack.
    pub fn with<T: Serialize + ?Sized>(
        mut self,
        key: impl Into<String>,
        value: &T,
    ) -> Result<Self, EncodeError> {
        let value = encode(value)?;
        self.known().other.insert(key.into(), value);
        Ok(self)
    }

    /// Returns the decoded value of a header of your own, or `None` if no such header has this key.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<Result<T, DecodeError>> {
        Some(decode(self.0.as_ref()?.other.get(key)?))
    }

    /// Returns each header that is not a known header, as its key and its MessagePack value.
    pub fn other(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let other = self.0.iter().flat_map(|known| &known.other);
        other.map(|(key, value)| (key.as_str(), &value[..]))
    }

    /// Returns whether there are no headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|known| **known == KnownHeaders::default())
    }

    fn known(&mut self) -> &mut KnownHeaders {
        self.0.get_or_insert_default()
    }

    /// Returns the headers as a MessagePack map, or `None` if there are no headers.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let known = self.0.as_ref().filter(|_| !self.is_empty())?;
        let texts = [
            ("id", known.id.as_deref()),
            ("reply", known.reply.as_ref().map(TopicName::as_str)),
            ("re", known.re.as_deref()),
            ("trace", known.trace.as_deref()),
            ("type", known.kind.as_deref()),
            ("key", known.key.as_deref()),
        ];
        let texts = texts.iter().filter_map(|(key, value)| Some((key, (*value)?)));
        let count = texts.clone().count() + known.other.len();
        let mut encoded = Vec::with_capacity(64);
        let mut pack = Packer(&mut encoded);
        pack.map(count as u32);
        for (key, value) in texts {
            pack.str(key).str(value);
        }
        for (key, value) in &known.other {
            pack.str(key).raw(value);
        }
        Some(encoded)
    }

    /// Reads headers from a MessagePack map, and checks them as the hub does.
    ///
    /// # Errors
    /// Returns the error of [`check_headers_of_hub`].
    pub fn parse(map_bytes: &[u8], limits: &Limits) -> Result<Self, HeaderError> {
        check_headers_of_hub(map_bytes, limits)?;
        let mut headers = Headers::new();
        // Reading cannot fail here, because the check has just read the whole map in this way.
        headers.read_checked(map_bytes, limits).map_err(HeaderError::malformed)?;
        Ok(headers)
    }

    /// Reads headers that [`check_headers_of_hub`] has found to be valid.
    fn read_checked(
        &mut self,
        map_bytes: &[u8],
        limits: &Limits,
    ) -> Result<(), hub_wire::FrameError> {
        let mut read = Reader::new(map_bytes, limits);
        for _ in 0..read.map("headers")? {
            let key = read.str("header key")?;
            let known = self.known();
            match key {
                "id" => known.id = Some(read.str("id")?.to_owned()),
                "re" => known.re = Some(read.str("re")?.to_owned()),
                "trace" => known.trace = Some(read.str("trace")?.to_owned()),
                "type" => known.kind = Some(read.str("type")?.to_owned()),
                "key" => known.key = Some(read.str("key")?.to_owned()),
                "reply" => known.reply = TopicName::parse(read.str("reply")?).ok(),
                other => {
                    let value = Bytes::copy_from_slice(read.value("header")?);
                    known.other.insert(other.to_owned(), value);
                }
            }
        }
        Ok(())
    }
}
