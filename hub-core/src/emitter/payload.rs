//! Encodes values as payloads, and decodes payloads. A payload is MessagePack, and a struct is a
//! map with field names. Types that print as text are strings. Without one module for both directions, two services could disagree about
//! the form.

use super::mismatch::Mismatch;
use bytes::Bytes;
use hub_wire::{Limits, WalkError, walk_all};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use thiserror::Error;

/// States that a value cannot be written as MessagePack.
#[derive(Debug, Clone, Error)]
#[error("the value cannot be encoded as MessagePack")]
pub struct EncodeError(#[source] Arc<rmp_serde::encode::Error>);

/// States why a payload does not decode into the type that it should have.
///
/// The text of `Display` contains nothing of the payload, but `source()` may quote a value of it.
#[derive(Debug, Clone, Error)]
pub enum DecodeError {
    /// The payload is not exactly one well-formed value, or it is nested too deep.
    #[error("the payload is not acceptable MessagePack")]
    Malformed(#[source] WalkError),
    /// The payload is a well-formed value, but does not fit the type.
    #[error("{0}")]
    Mismatch(Box<Mismatch>),
}

/// Encodes a value as a payload.
///
/// Types that have a form for people and one for machines, such as `Uuid` and `IpAddr`, are written in
/// the form for people. So programs in any language, and scrub rules, see a string where they expect
/// one.
///
/// # Errors
/// Returns an error if `Serialize` fails, or if it writes what MessagePack cannot hold.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, EncodeError> {
    let mut encoded = Vec::with_capacity(128);
    let mut serializer =
        rmp_serde::Serializer::new(&mut encoded).with_struct_map().with_human_readable();
    match value.serialize(&mut serializer) {
        Ok(()) => Ok(encoded.into()),
        Err(error) => Err(EncodeError(Arc::new(error))),
    }
}

/// Decodes a payload.
///
/// The payload is checked first. serde uses the stack for each level of nesting, so without the
/// check a hostile payload for a recursive type would end the process.
///
/// # Errors
/// Returns an error if the payload is malformed, if it is nested deeper than [`Limits::MAX_DEPTH`],
/// or if it does not fit the type.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    let limits = Limits { frame: u32::MAX, depth: Limits::MAX_DEPTH, elements: u32::MAX };
    walk_all(payload, &limits).map_err(DecodeError::Malformed)?;
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(payload).with_human_readable();
    T::deserialize(&mut deserializer)
        .map_err(|error| DecodeError::Mismatch(Box::new(Mismatch::find::<T>(payload, error))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        number: u64,
        note: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Chain {
        End,
        Link(Box<Chain>),
    }

    #[test]
    fn structs_are_maps_with_field_names() {
        let order = Order { number: 7, note: None };
        let payload = encode(&order).unwrap();
        assert_eq!(&payload[..], b"\x82\xa6number\x07\xa4note\xc0");
        assert_eq!(decode::<Order>(&payload).unwrap(), order);
    }

    #[test]
    fn a_deep_payload_is_refused_and_not_followed() {
        let mut deep = b"\x81\xa4Link".repeat(100_000);
        deep.extend_from_slice(b"\xa3End");
        assert!(matches!(decode::<Chain>(&deep), Err(DecodeError::Malformed(_))));
        let mut shallow = b"\x81\xa4Link".repeat(3);
        shallow.extend_from_slice(b"\xa3End");
        assert!(decode::<Chain>(&shallow).is_ok());
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        assert!(matches!(decode::<u8>(&[1, 2]), Err(DecodeError::Malformed(_))));
        assert!(matches!(decode::<u8>(b"\xa1x"), Err(DecodeError::Mismatch(_))));
    }
}
