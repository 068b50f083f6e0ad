//! The actor that owns a topic's members and its end.

use super::{Registry, SubscriptionEntry, Topic, TopicState};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, MessageResult};
use std::sync::Arc;
use std::time::Duration;

/// Owns the life of one [`Topic`]: who joins, who leaves, and when it has been idle for so long
/// that it is forgotten.
#[derive(Debug)]
pub struct TopicActor {
    topic: Arc<Topic>,
    registry: Arc<Registry>,
    idle: Duration,
    /// Where the topic stood when it was last looked at.
    stood_at: u64,
}

/// Adds a subscription to the topic. Answered when it is in place.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Join(pub Arc<SubscriptionEntry>);

/// Takes a subscription out of the topic.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Leave(pub Arc<SubscriptionEntry>);

/// Asks how the topic stands.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "TopicState")]
pub struct Inspect;

impl TopicActor {
    pub(super) fn new(topic: Arc<Topic>, registry: Arc<Registry>, idle: Duration) -> Self {
        TopicActor { topic, registry, idle, stood_at: 0 }
    }

    /// Ends the topic if nothing happened on it between two looks.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let stands_at = self.topic.state().next;
        if stands_at == self.stood_at && self.registry.retire(&self.topic, stands_at) {
            return ctx.stop();
        }
        self.stood_at = stands_at;
        ctx.run_later(self.idle, Self::look);
    }
}

impl Actor for TopicActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(self.idle, Self::look);
    }
}

impl Handler<Join> for TopicActor {
    type Result = ();

    fn handle(&mut self, Join(entry): Join, _: &mut Context<Self>) {
        self.topic.join(&entry);
        entry.outlet.flush();
    }
}

impl Handler<Leave> for TopicActor {
    type Result = ();

    fn handle(&mut self, Leave(entry): Leave, _: &mut Context<Self>) {
        for outlet in self.topic.leave(&entry) {
            outlet.flush();
        }
    }
}

impl Handler<Inspect> for TopicActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.topic.state())
    }
}
