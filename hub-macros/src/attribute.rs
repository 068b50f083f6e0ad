//! What `#[event(…)]` says.

use syn::{Attribute, DeriveInput, Error, LitStr, Result, Type};

pub(crate) struct EventAttribute {
    pub(crate) topic: LitStr,
    pub(crate) reply: Option<Type>,
    pub(crate) name: Option<LitStr>,
}

impl EventAttribute {
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

/// Points at the attribute if there is one, at the type's name if not.
fn missing(input: &DeriveInput) -> Error {
    let message = "an event needs a topic: #[event(topic = \"orders.placed\")]";
    match input.attrs.iter().find(|a: &&Attribute| a.path().is_ident("event")) {
        Some(attribute) => Error::new_spanned(attribute, message),
        None => Error::new_spanned(&input.ident, message),
    }
}
