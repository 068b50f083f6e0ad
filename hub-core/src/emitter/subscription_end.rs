//! Why a subscription ended.
//!
//! Without it, a listener could not tell an end that it wanted from a failure.

use super::Refusal;
use thiserror::Error;

/// Why no more will come.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscriptionEnd {
    /// Too much waited, and the overflow policy is `disconnect`; or events were dropped in more
    /// topics than [`MAX_GAPS`](super::MAX_GAPS) allows to tell.
    #[error("too much waited for the subscription")]
    Overrun,
    /// The hub or the connection to it was closed for good.
    #[error("the emitter was closed")]
    Closed,
    /// The hub took the subscription back, or refused it after a reconnect.
    #[error("the hub refused the subscription")]
    Refused(#[source] Refusal),
    /// The subscriber ended it.
    #[error("the subscriber unsubscribed")]
    Unsubscribed,
}
