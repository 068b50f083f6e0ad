//! Defines the reasons for which a subscription ends.
//!
//! Without the reason, a listener could not tell an end that it wanted from a failure.

use super::{ClosedReason, Refusal};
use thiserror::Error;

/// States why a subscription yields nothing more.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum SubscriptionEnd {
    /// Too many events waited and the overflow policy is `disconnect`, or events were dropped in
    /// more topics than [`MAX_GAPS`](super::MAX_GAPS) gaps can report.
    #[error("too much waited for the subscription")]
    Overrun,
    /// This program closed the emitter.
    #[error("the emitter was closed")]
    Closed,
    /// The connection ended for good, although this program did not close it.
    #[error("the connection ended for good")]
    Ended(#[source] ClosedReason),
    /// The hub ended the subscription, or refused it after a reconnect.
    #[error("the hub refused the subscription")]
    Refused(#[source] Refusal),
    /// The subscriber ended the subscription.
    #[error("the subscriber unsubscribed")]
    Unsubscribed,
}
