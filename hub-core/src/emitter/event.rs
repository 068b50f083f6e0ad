use hub_wire::{NameError, TopicFilter, TopicName};
use serde::{Serialize, de::DeserializeOwned};

/// Something that happened, of a known type, on a known topic.
///
/// Usually derived. The payload is MessagePack, structs as maps with field names.
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
    /// The topic as written, placeholders included.
    const TOPIC: &'static str;
    /// What error messages call it: the type's name, or `name = "…"` of the attribute.
    const TYPE: &'static str;

    /// The topic of this event.
    ///
    /// # Errors
    /// When a field that stands in for a token does not print as one token.
    fn topic(&self) -> Result<TopicName, NameError>;

    /// The topics of all events of this type.
    fn filter() -> TopicFilter;
}

/// An event that asks for an answer.
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
    /// The answer.
    type Reply: Serialize + DeserializeOwned + Send + 'static;
}
