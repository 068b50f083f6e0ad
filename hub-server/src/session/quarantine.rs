//! Publishes a notice about an event that nobody may see, for the clients that may read the
//! quarantine. Without this module, nobody would notice that events are withheld.

use super::checked_event::QUARANTINE;
use super::state::Session;
use crate::limits::Limit;
use crate::limits::account::Permit;
use crate::limits::memory::MemoryPressure;
use hub_core::topic::{Topic, TopicAttachment};
use hub_wire::{EventFrame, TopicName};
use std::sync::Arc;

impl Session {
    /// Publishes the notice `shown` about the EVENT frame `body`, on a topic under
    /// `$hub.quarantine` that is named after the event's topic. If there can be no such topic, the
    /// notice goes to `$hub.quarantine.other`.
    pub(super) fn quarantine(&mut self, body: &[u8], shown: &[u8]) {
        let topic = EventFrame::parse(body, &self.hub.limits.wire).map_or("", |event| event.topic);
        let own = TopicName::parse(&format!("{QUARANTINE}.{topic}")).ok();
        let topic = own.and_then(|name| self.quarantine_of(&name)).or_else(|| {
            let other = TopicName::parse(&format!("{QUARANTINE}.other")).ok()?;
            self.hub.directory.registry.get_or_create(&other).ok()
        });
        match topic {
            Some(topic) => self.builder.add_notice(topic, shown),
            None => tracing::warn!("no topic is left for the quarantine"),
        }
    }

    /// Returns the topic of this name. If this call creates the topic, it counts against the
    /// client's limit of topics. Returns `None` if the topic cannot be created.
    fn quarantine_of(&self, name: &TopicName) -> Option<Arc<Topic>> {
        let hub = &self.hub;
        if let Some(topic) = hub.directory.registry.get(name.as_str()) {
            return Some(topic);
        }
        let mut attachment: Option<TopicAttachment> = None;
        if let Some(account) = self.limits.account() {
            let Some(permit) =
                Permit::topic(account, hub.limits.in_force.current().max_topics_per_identity)
            else {
                hub.metrics.limited(Limit::TopicsPerIdentity);
                return None;
            };
            attachment = Some(Box::new(permit));
        }
        if self.pressure() == MemoryPressure::Refuse {
            return None;
        }
        let memory = Some(self.limits.memory());
        hub.directory.registry.get_or_create_for(name, attachment, memory).ok()
    }
}
