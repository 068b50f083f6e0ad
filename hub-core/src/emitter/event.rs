//! Declares the traits [`Event`] and [`Request`] for types that know their topic.
//!
//! Without these traits, every publisher and every listener would name the topic and the type
//! again, and a listener could expect another type than the publisher sends.

use hub_wire::{NameError, TopicFilter, TopicName};
use serde::{Serialize, de::DeserializeOwned};

/// Marks a type whose values are events. An event describes something that happened, and it has a
/// topic.
///
/// The trait is usually derived. The payload is MessagePack, and structs are maps with field names.
///
/// ```
/// use hub_core::Event;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.{region}.placed")]
/// struct OrderPlaced {
///     region: String,
///     number: u64,
/// }
///
/// let order = OrderPlaced { region: "eu".into(), number: 7 };
/// assert_eq!(order.topic()?.as_str(), "orders.eu.placed");
/// assert_eq!(OrderPlaced::filter().as_str(), "orders.*.placed");
/// assert_eq!(OrderPlaced::TYPE, "OrderPlaced");
/// # Ok::<(), hub_wire::NameError>(())
/// ```
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The attribute states this topic, in which placeholders stand for fields.
    const TOPIC: &'static str;
    /// Error messages use this name for the type. It is the name in Rust, or `name = "…"` of the
    /// attribute.
    const TYPE: &'static str;

    /// Returns the topic of this event.
    ///
    /// # Errors
    /// Returns an error if a field that is a placeholder in the topic does not print as one token.
    fn topic(&self) -> Result<TopicName, NameError>;

    /// Returns the filter that matches the topics of all events of this type.
    fn filter() -> TopicFilter;
}

/// Marks a type of events to which a reply is expected.
///
/// ```
/// use hub_core::{Event, Request};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "payments.charge", reply = Charged)]
/// struct Charge {
///     cents: u64,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Charged {
///     receipt: String,
/// }
///
/// fn answer_of<Q: Request<Reply = Charged>>() {}
/// answer_of::<Charge>();
/// ```
pub trait Request: Event {
    /// The reply has this type.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
