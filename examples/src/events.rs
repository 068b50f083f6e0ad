//! The events of the shop. These types are all that the services have in common.
//!
//! Each type names its topic, so a publisher and a subscriber of the same type agree on both the
//! topic and the fields. Without shared types, each service would have to repeat them.

use hub_client::Event;
use serde::{Deserialize, Serialize};

/// A filter that matches the topic of every event of the shop.
pub const EVERYTHING: &str = "shop.**";

/// A customer has ordered something.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.placed")]
pub struct OrderPlaced {
    /// The order.
    pub order: u64,
    /// The customer's e-mail address.
    pub customer: String,
    /// The price.
    pub cents: u64,
}

/// A request to charge the customer. The service `payments` answers it with a [`Payment`].
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.payments.charge", reply = Payment)]
pub struct Charge {
    /// The order.
    pub order: u64,
    /// The amount.
    pub cents: u64,
}

/// The answer to [`Charge`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The customer has been charged.
    Charged {
        /// The receipt of the payment.
        receipt: String,
    },
    /// The customer cannot be charged.
    Declined {
        /// The reason, for people.
        reason: String,
    },
}

/// An order has been paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.paid")]
pub struct OrderPaid {
    /// The order.
    pub order: u64,
    /// The customer's e-mail address.
    pub customer: String,
    /// The amount that was paid.
    pub cents: u64,
    /// The receipt of the payment.
    pub receipt: String,
}

/// An order will not be paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.declined")]
pub struct OrderDeclined {
    /// The order.
    pub order: u64,
    /// The reason, for people.
    pub reason: String,
}

/// A mail that thanks the customer was sent.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.emails.sent")]
pub struct EmailSent {
    /// The order.
    pub order: u64,
    /// The e-mail address to which it was sent.
    pub to: String,
}
