//! Defines the events of the shop. These types are all that the services have in common.
//!
//! Each type names its topic, so a publisher and a subscriber of the same type agree on both the
//! topic and the fields. Without shared types, each service would have to repeat them.

use hub_client::Event;
use serde::{Deserialize, Serialize};

/// This filter matches the topic of every event of the shop.
pub const EVERYTHING: &str = "shop.**";

/// Says that a customer has ordered something.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.placed")]
pub struct OrderPlaced {
    /// The order has this number.
    pub order: u64,
    /// The customer has this e-mail address.
    pub customer: String,
    /// The order costs this much.
    pub cents: u64,
}

/// Requests that the customer is charged. The service `payments` answers with a [`Payment`].
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.payments.charge", reply = Payment)]
pub struct Charge {
    /// The order has this number.
    pub order: u64,
    /// The customer is to pay this much.
    pub cents: u64,
}

/// Answers a [`Charge`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The customer has been charged.
    Charged {
        /// The payment has this receipt.
        receipt: String,
    },
    /// The customer cannot be charged.
    Declined {
        /// This reason is meant for people.
        reason: String,
    },
}

/// Says that an order has been paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.paid")]
pub struct OrderPaid {
    /// The order has this number.
    pub order: u64,
    /// The customer has this e-mail address.
    pub customer: String,
    /// The customer has paid this much.
    pub cents: u64,
    /// The payment has this receipt.
    pub receipt: String,
}

/// Says that an order will not be paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.declined")]
pub struct OrderDeclined {
    /// The order has this number.
    pub order: u64,
    /// This reason is meant for people.
    pub reason: String,
}

/// Says that a mail was sent that thanks the customer.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.emails.sent")]
pub struct EmailSent {
    /// The order has this number.
    pub order: u64,
    /// The mail was sent to this e-mail address.
    pub to: String,
}
