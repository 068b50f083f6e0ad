//! Reads the attribute `#[event(…)]`.
//!
//! An unknown or repeated key is an error at its own place in the source. Otherwise a misspelt key
//! would be ignored silently.

use syn::{Attribute, DeriveInput, Error, LitStr, Result, Type};

/// Holds the content of `#[event(…)]`.
pub(crate) struct EventAttribute {
    /// The events have this topic, in which placeholders stand for fields.
    pub(crate) topic: LitStr,
    /// The reply has this type. A type with a reply is a request.
    pub(crate) reply: Option<Type>,
    /// The event type has this name, if it differs from the name of the Rust type.
    pub(crate) name: Option<LitStr>,
}

impl EventAttribute {
    /// Reads the attribute of a type.
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let (mut topic, mut reply, mut name) = (None, None, None);
        for attribute in input.attrs.iter().filter(|a| a.path().is_ident("event")) {
            attribute.parse_nested_meta(|meta| {
                let taken = if meta.path.is_ident("topic") {
                    topic.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("reply") {
                    reply.replace(meta.value()?.parse()?).is_some()
                } else if meta.path.is_ident("name") {
                    name.replace(meta.value()?.parse()?).is_some()
                } else {
                    return Err(meta.error("expected `topic`, `reply` or `name`"));
                };
                if taken { Err(meta.error("stands there twice")) } else { Ok(()) }
            })?;
        }
        match topic {
            Some(topic) => Ok(EventAttribute { topic, reply, name }),
            None => Err(missing(input)),
        }
    }
}

/// Returns the error for a type without a topic. The error points at the attribute, or at the name
/// of the type if there is no attribute.
fn missing(input: &DeriveInput) -> Error {
    let message = "an event needs a topic: #[event(topic = \"orders.placed\")]";
    match input.attrs.iter().find(|a: &&Attribute| a.path().is_ident("event")) {
        Some(attribute) => Error::new_spanned(attribute, message),
        None => Error::new_spanned(&input.ident, message),
    }
}
