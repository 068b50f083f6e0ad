//! The traits [`Event`] and [`Request`]: types that know their topic.
//!
//! Without them, every publisher and every listener would repeat the topic and the type, and the
//! two could differ.

use hub_wire::{NameError, TopicFilter, TopicName};
use serde::{Serialize, de::DeserializeOwned};

/// An event: something that happened, with a type and a topic.
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
    /// The topic as written in the attribute, with its placeholders.
    const TOPIC: &'static str;
    /// The name of the type in error messages: the Rust name, or `name = "…"` of the attribute.
    const TYPE: &'static str;

    /// Returns the topic of this event.
    ///
    /// # Errors
    /// Returns an error if a field that is a placeholder in the topic does not print as one token.
    fn topic(&self) -> Result<TopicName, NameError>;

    /// Returns the filter that matches the topics of all events of this type.
    fn filter() -> TopicFilter;
}

/// A request: an event to which a reply is expected.
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
    /// The type of the reply.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
