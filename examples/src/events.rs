//! What happens in the shop. These types are all that the services have in common.

use hub_client::Event;
use serde::{Deserialize, Serialize};

/// The topics of everything that happens in the shop.
pub const EVERYTHING: &str = "shop.**";

/// A customer ordered something.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.placed")]
pub struct OrderPlaced {
    /// The order.
    pub order: u64,
    /// Who ordered.
    pub customer: String,
    /// What it costs.
    pub cents: u64,
}

/// Please take this money from the customer: a request, so somebody answers.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.payments.charge", reply = Payment)]
pub struct Charge {
    /// For which order.
    pub order: u64,
    /// How much.
    pub cents: u64,
}

/// The answer to [`Charge`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payment {
    /// The money is there.
    Charged {
        /// The proof.
        receipt: String,
    },
    /// There will be no money.
    Declined {
        /// Why.
        reason: String,
    },
}

/// An order has been paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.paid")]
pub struct OrderPaid {
    /// The order.
    pub order: u64,
    /// Who ordered.
    pub customer: String,
    /// What was paid.
    pub cents: u64,
    /// The proof.
    pub receipt: String,
}

/// An order will not be paid.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.orders.declined")]
pub struct OrderDeclined {
    /// The order.
    pub order: u64,
    /// Why.
    pub reason: String,
}

/// A customer was thanked.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "shop.emails.sent")]
pub struct EmailSent {
    /// For which order.
    pub order: u64,
    /// To whom.
    pub to: String,
}
