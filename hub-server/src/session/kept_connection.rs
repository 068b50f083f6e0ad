//! Holds the subscriptions of a client between two of its connections. Their output has no socket, and
//! the topics go on appending to its queue. Without it, each topic would have to remove the
//! subscription and add it again, and could forget events in between.

use super::output::ConnectionOutput;
use crate::directory::kept_subscriptions::KeptSubscriptions;
use crate::policy::access::Identity;
use crate::policy::rules::viewer;
use hub_core::topic::{Registry, SubscriberConnection, SubscriptionEntry};
use std::any::Any;
use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A kept subscription counts for this many bytes beside its events.
const SUBSCRIPTION: usize = 1024;

/// Holds the subscriptions of a client that has no connection. When the value is dropped, they leave
/// their topics.
#[derive(Debug)]
pub(super) struct KeptConnection {
    output: Arc<ConnectionOutput>,
    subscriptions: HashMap<u64, Arc<SubscriptionEntry>>,
    /// The subscriptions were made with the rights of this identity.
    identity: Identity,
    registry: Arc<Registry>,
}

/// Holds the output and the subscriptions with which a session continues.
pub(super) type Continued = (Arc<ConnectionOutput>, HashMap<u64, Arc<SubscriptionEntry>>);

impl KeptConnection {
    pub(super) fn new(
        output: Arc<ConnectionOutput>,
        subscriptions: HashMap<u64, Arc<SubscriptionEntry>>,
        identity: Identity,
        registry: Arc<Registry>,
    ) -> Self {
        KeptConnection { output, subscriptions, identity, registry }
    }

    /// Returns the output and the subscriptions, for a connection of this identity. Returns `None` if
    /// the identity may not continue them, because it has lost a right or its view of events has changed.
    pub(super) fn continued(
        kept: Box<dyn KeptSubscriptions>,
        identity: &Identity,
    ) -> Option<Continued> {
        let any: Box<dyn Any> = kept;
        let mut kept = any.downcast::<Self>().ok()?;
        let known = &kept.identity;
        let view = viewer(identity);
        let may = identity.rights().include(known.rights()) && view == viewer(known);
        if !may || kept.has_ended() {
            return None;
        }
        kept.output.set_reader(identity, &view);
        Some((kept.output.clone(), take(&mut kept.subscriptions)))
    }
}

impl KeptSubscriptions for KeptConnection {
    fn bytes(&self) -> usize {
        self.output.queue().flow_bytes()
    }

    fn reserved(&self) -> usize {
        self.subscriptions.len() * SUBSCRIPTION
    }

    fn has_ended(&self) -> bool {
        self.output.queue().is_closed() || self.output.overflowed.load(Ordering::Acquire)
    }

    fn shed(&self) {
        if self.output.queue().shed_to_limit() {
            self.output.close_slow_consumer();
        }
    }

    fn for_each_pending(&self, visit: &mut dyn FnMut(u64, u64)) {
        self.output.queue().for_each_pending(visit);
    }
}

impl Drop for KeptConnection {
    fn drop(&mut self) {
        if self.subscriptions.is_empty() {
            return; // A session continues them.
        }
        self.output.queue().close();
        // Nobody waits for the topics.
        drop(self.registry.leave(take(&mut self.subscriptions).into_values().collect()));
    }
}
