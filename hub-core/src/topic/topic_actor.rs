//! Defines the actor of a topic. It changes the members and ends the topic. Without the actor, a
//! subscription could join while it leaves.

use super::dead_letters::DeadLetters;
use super::subscription_entry::SubscriptionEntry;
use super::topic::{Topic, TopicState};
use super::waiting_replays::{ContinueReplays, continue_replays};
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, MessageResult};
use std::sync::Arc;
use std::time::Duration;

/// Does for a topic what concerns other topics too.
pub(super) trait TopicOwner: Send {
    /// Ends a topic and removes it from the registry, if its next event number is still `next`.
    /// Returns whether it did so.
    fn retire(&self, topic: &Topic, next: u64) -> bool;

    /// Publishes dead letters to their topic. Returns false if that has to be tried again later.
    fn publish_dead(&self, letters: &DeadLetters) -> bool;
}

/// Lets subscriptions join and leave one [`Topic`], and ends the topic when it has been idle for
/// long enough.
pub struct TopicActor {
    topic: Arc<Topic>,
    owner: Box<dyn TopicOwner>,
    idle: Duration,
    group_linger: Duration,
    /// At the last check, the topic had this next event number.
    next_at_last_check: u64,
}

/// Asks the actor to add a subscription to the topic. The actor answers when the subscription is in
/// place.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Join(pub Arc<SubscriptionEntry>);

/// Asks the actor to remove a subscription from the topic.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Leave(pub Arc<SubscriptionEntry>);

/// Asks the actor for the state of the topic.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "TopicState")]
pub struct Inspect;

impl std::fmt::Debug for TopicActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicActor").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl TopicActor {
    pub(super) fn new(
        topic: Arc<Topic>,
        owner: Box<dyn TopicOwner>,
        idle: Duration,
        group_linger: Duration,
    ) -> Self {
        TopicActor { topic, owner, idle, group_linger, next_at_last_check: 0 }
    }

    pub(super) fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }

    pub(super) fn owner(&self) -> &dyn TopicOwner {
        &*self.owner
    }

    /// Ends the topic if it got no event since the last check.
    fn check_idle(&mut self, ctx: &mut Context<Self>) {
        let next = self.topic.state().next;
        if next == self.next_at_last_check && self.owner.retire(&self.topic, next) {
            return ctx.stop();
        }
        self.next_at_last_check = next;
        ctx.run_later(self.idle, Self::check_idle);
    }
}

impl Actor for TopicActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_later(self.idle, Self::check_idle);
    }
}

impl Handler<Join> for TopicActor {
    type Result = ();

    fn handle(&mut self, Join(entry): Join, _: &mut Context<Self>) {
        self.topic.join(&entry).flush();
        entry.connection.flush();
    }
}

impl Handler<ContinueReplays> for TopicActor {
    type Result = ();

    fn handle(&mut self, ContinueReplays(entry): ContinueReplays, _: &mut Context<Self>) {
        // Without something new, a flush would only have the queue wake this actor again.
        if continue_replays(&entry) {
            entry.connection.flush();
        }
    }
}

impl Handler<Leave> for TopicActor {
    type Result = ();

    fn handle(&mut self, Leave(entry): Leave, ctx: &mut Context<Self>) {
        self.topic.leave(&entry).flush();
        let Some(name) = entry.group.clone() else { return };
        if let since @ Some(_) = self.topic.deserted_since(&name) {
            // The workers of a group may all be restarted at a time.
            ctx.run_later(self.group_linger, move |actor, _| actor.topic.end_group(&name, since));
        }
    }
}

impl Handler<Inspect> for TopicActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.topic.state())
    }
}
