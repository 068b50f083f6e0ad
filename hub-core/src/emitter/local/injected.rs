//! Lets a test inject faults into an in-process hub. Without them, a test could not show
//! what a service does when the hub refuses an event, loses events or restarts.

use super::LocalHub;
use hub_wire::{GapReason, RefusedCode, TopicFilter, TopicName};

/// These functions cause what a hub over the network does rarely, so that a test can show how a
/// service copes with it.
impl LocalHub {
    /// Refuses the next `times` events and requests on the topics of `filter` with this code.
    ///
    /// ```
    /// # use hub_core::emitter::{EmitError, Emitter, Headers, LocalHub, encode};
    /// # use hub_wire::{RefusedCode, TopicFilter, TopicName};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = LocalHub::default();
    /// hub.inject_refusals(TopicFilter::parse("orders.**")?, RefusedCode::Overloaded, 1);
    /// let topic = TopicName::parse("orders.placed")?;
    /// let (payload, headers) = (encode(&7)?, Headers::new());
    /// let refused = hub.emit_raw(&topic, payload.clone(), &headers).await;
    /// assert!(matches!(refused, Err(EmitError::Refused(_))));
    /// assert!(hub.emit_raw(&topic, payload, &headers).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn inject_refusals(&self, filter: TopicFilter, code: RefusedCode, times: u64) {
        self.inner.state.lock().refusals.add(filter, code, times);
    }

    /// Makes the next `count` events of a topic missing: each subscription without a queue group gets
    /// a gap with this reason, and the next event that is emitted has a number behind the gap.
    pub fn inject_gap(&self, topic: &TopicName, count: u64, reason: GapReason) {
        self.inner.state.lock().skip(topic, count, reason);
    }

    /// Does what the restart of a hub does: the hub forgets every topic, the event numbers begin anew
    /// in a new epoch, and each subscription without a queue group gets a gap of the reason
    /// [`GapReason::NewEpoch`] for each of its topics. Requests that have no reply yet fail with
    /// [`RequestError::OutcomeUnknown`](crate::emitter::RequestError::OutcomeUnknown). Subscriptions
    /// stay, because a client over the network restores them.
    pub fn inject_restart(&self) {
        self.inner.state.lock().restart();
        self.inner.inbox.forget();
    }
}
