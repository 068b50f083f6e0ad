//! Defines the actor of a topic. It changes the members and ends the topic. Without the actor, a
//! subscription could join while it leaves.

use super::dead_letters::DeadLetters;
use super::subscription_entry::SubscriptionEntry;
use super::topic::{Topic, TopicState};
use super::turn::{Turns, give_turn, turn_is_over};
use super::waiting_replays::{ContinueReplays, continue_replays};
use actix::dev::channel::channel;
use actix::fut::wrap_future;
use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, AtomicResponse,
    Context, Handler, Message, MessageResult, WrapFuture,
};
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

/// Asks the actor to remove subscriptions from the topic. The entries of one connection stand
/// together, in the order of their ids.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Leave(pub Arc<[Arc<SubscriptionEntry>]>);

/// This many messages wait for an actor before those who send them wait.
const MAILBOX: usize = 16;

/// Asks the actor to end the topic if it has no subscriber, because memory is short.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct EndIdle;

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

    /// Starts the actor on an arbiter, where it runs in turns.
    pub(super) fn start_in_turns(self, arbiter: &ArbiterHandle) -> Addr<Self> {
        let (sender, receiver) = channel(MAILBOX);
        arbiter.spawn_fn(move || {
            actix::spawn(Turns::in_background(Context::with_receiver(receiver).into_future(self)));
        });
        Addr::new(sender)
    }

    pub(super) fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }

    pub(super) fn owner(&self) -> &dyn TopicOwner {
        &*self.owner
    }

    /// Handles no other message before the others of the thread have had their turn, if it is over.
    fn give_turn_if_over(ctx: &mut Context<Self>) {
        if turn_is_over() {
            ctx.wait(wrap_future::<_, Self>(give_turn()));
        }
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
        // Topics that were made together do not end together. Otherwise the sessions of a thread would have
        // their turns behind thousands of topics that end. The golden ratio spreads numbers in a row evenly.
        let part = (self.topic.epoch() as f64 * 0.618_034).fract();
        ctx.run_later(self.idle.mul_f64(1.0 - part), Self::check_idle);
    }
}

impl Handler<Join> for TopicActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, Join(entry): Join, ctx: &mut Context<Self>) -> Self::Result {
        Self::give_turn_if_over(ctx);
        let topic = self.topic.clone();
        let joined = async move { topic.join_in_turns(&entry).await };
        AtomicResponse::new(Box::pin(joined.into_actor(self)))
    }
}

impl Handler<ContinueReplays> for TopicActor {
    type Result = ();

    fn handle(&mut self, ContinueReplays(entry): ContinueReplays, ctx: &mut Context<Self>) {
        // Without something new, a flush would only have the queue wake this actor again.
        if continue_replays(&entry) {
            entry.connection.flush();
        }
        Self::give_turn_if_over(ctx);
    }
}

impl Handler<Leave> for TopicActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, Leave(entries): Leave, ctx: &mut Context<Self>) -> Self::Result {
        Self::give_turn_if_over(ctx);
        let topic = self.topic.clone();
        let left = async move {
            topic.leave_in_turns(&entries).await;
            entries
        };
        AtomicResponse::new(Box::pin(left.into_actor(self).map(|entries, actor, ctx| {
            for name in entries.iter().filter_map(|entry| entry.group.clone()) {
                if let since @ Some(_) = actor.topic.deserted_since(&name) {
                    // The workers of a group may all be restarted at a time.
                    let linger = actor.group_linger;
                    ctx.run_later(linger, move |actor, _| actor.topic.end_group(&name, since));
                }
            }
        })))
    }
}

impl Handler<EndIdle> for TopicActor {
    type Result = ();

    fn handle(&mut self, _: EndIdle, ctx: &mut Context<Self>) {
        if self.owner.retire(&self.topic, self.topic.state().next) {
            ctx.stop();
        }
    }
}

impl Handler<Inspect> for TopicActor {
    type Result = MessageResult<Inspect>;

    fn handle(&mut self, _: Inspect, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.topic.state())
    }
}
