//! The end of a session: CLOSE behind what is queued, then FIN. Subscriptions are left first, so that the
//! other members of queue groups get what waited here for the groups.

use super::handles::Handles;
use super::state::{Session, SessionState};
use crate::limits::Limit;
use actix::prelude::*;
use futures_util::future::join_all;
use hub_core::topic::{Inspect, Leave, SubscriberConnection, SubscriptionEntry, TopicActor};
use hub_wire::{Close, CloseCode, Frame};
use std::sync::Arc;
use std::time::Duration;

/// For how long a connection that is closed may at least take to read the reason.
const LINGER: Duration = Duration::from_secs(1);

impl Session {
    /// Queues CLOSE behind what is queued already, and lets nothing more in.
    pub(super) fn close(&mut self, code: CloseCode, reason: &str, ctx: &mut Context<Self>) {
        if self.state == SessionState::Closing {
            return;
        }
        // Who was not let in yet is owed nothing but the reason.
        let patience = match self.state {
            SessionState::Handshake => LINGER,
            _ => Duration::from_millis(self.hub.config.drain_ms).max(LINGER),
        };
        self.state = SessionState::Closing;
        self.carry = Vec::new();
        self.give_up_permit();
        self.hub.metrics.closed.with_label_values(&[code.name()]).inc();
        let retry = code.should_reconnect().then_some(self.hub.config.retry_after_ms);
        let close = Close { code, reason: reason.to_owned(), retry_after_ms: retry };
        ctx.run_later(patience, |_, ctx| ctx.stop());
        let leaves = match code {
            CloseCode::GoingAway => Vec::new(), // when the hub stops, nobody stays
            _ => self.leave_all(),
        };
        if leaves.is_empty() {
            return self.finish(close);
        }
        // The members of queue groups that stay get what waits here for the groups. And who sees
        // this connection end finds nothing of it any more.
        self.busy = true;
        ctx.wait(join_all(leaves).into_actor(self).map(|_, session, _| {
            session.busy = false;
            session.finish(close);
        }));
    }

    /// Closes the connection because a limit was met, and counts that.
    pub(super) fn close_for(
        &mut self,
        limit: Limit,
        code: CloseCode,
        why: &str,
        ctx: &mut Context<Self>,
    ) {
        if self.state != SessionState::Closing {
            self.hub.metrics.limited(limit);
            self.close(code, why, ctx);
        }
    }

    fn finish(&mut self, close: Close) {
        if close.code == CloseCode::SlowConsumer {
            self.output.queue().discard();
        }
        self.output.queue().finish(Frame::Close(close).to_bytes());
        self.output.flush();
        self.output.session.wake();
    }

    /// Ends all subscriptions; see [`leave`].
    pub(super) fn leave_all(&mut self) -> Vec<Request<TopicActor, Inspect>> {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        subscriptions.into_values().flat_map(|entry| leave(&self.hub, &entry)).collect()
    }

    /// Leaves to the next connection of this client what it needs to go on.
    pub(super) fn leave_instance(&mut self) {
        if let Some(instance) = self.instance.take() {
            let past = self.past();
            self.hub.directory.instances.leave(&instance, self.connection, past);
        }
    }
}

/// Takes a subscription out of the index, and has each topic let it go. Who wants to know when
/// that is done waits for what this returns.
pub(super) fn leave(
    hub: &Handles,
    entry: &Arc<SubscriptionEntry>,
) -> Vec<Request<TopicActor, Inspect>> {
    let topics = hub.directory.registry.unsubscribe(entry);
    let done = topics.iter().filter_map(|topic| topic.actor()).map(|actor| {
        // A message whose answer nobody waits for any more is not handled, and a full mailbox
        // takes none. A Leave must not be lost, so it is sent past both; there is at most one for
        // each Join that was let in. The other message only comes behind it.
        actor.do_send(Leave(entry.clone()));
        actor.send(Inspect)
    });
    done.collect()
}
