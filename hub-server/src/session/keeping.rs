//! Keeps subscriptions when a connection breaks, and continues them on the client's next connection.
//! Without this module, a client would have to state a position in each topic when it comes back.

use super::kept_connection::KeptConnection;
use super::messages::Replaced;
use super::state::{Session, SessionState};
use crate::directory::kept_subscriptions::KeptSubscriptions;
use actix::prelude::*;
use hub_core::topic::{CannotResume, Departure, SubscriberConnection, SubscriptionEntry};
use hub_wire::{CloseCode, Frame, Overflow, RefusedCode, RefusedWhat, Resume};
use std::collections::HashMap;
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

/// States which of the subscriptions that the client asked to keep are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    All,
    /// Publishers wait for a subscription with the policy `block`, and must not wait for a client that
    /// may not come back. The kernel ends the stream of a program that has crashed, for example.
    AllButBlock,
    None,
}

impl Session {
    /// Returns which subscriptions the hub keeps when it closes the connection with this code.
    ///
    /// After the other codes, the client is told not to come back, or the hub is stopping or short of
    /// memory, or events are missing without a GAP.
    pub(super) fn keeps_after(&self, code: CloseCode) -> Keeps {
        match code {
            CloseCode::Silent | CloseCode::Replaced => Keeps::All,
            CloseCode::TooManyConnections | CloseCode::RightsChanged | CloseCode::Unauthorized => {
                Keeps::AllButBlock
            }
            // A client that says goodbye sends CLOSE. A stream that only ends may have been cut by
            // something on the way.
            CloseCode::Normal if self.read_eof => Keeps::AllButBlock,
            _ => Keeps::None,
        }
    }

    /// Returns whether the hub keeps this subscription.
    fn keeps(&self, which: Keeps, entry: &SubscriptionEntry) -> bool {
        let which = match which {
            Keeps::All => true,
            Keeps::AllButBlock => entry.overflow != Overflow::Block,
            Keeps::None => false,
        };
        which && self.instance.is_some() && self.output.queue().keeps(entry.id)
    }

    /// Ends the subscriptions that the hub does not keep, as
    /// [`Registry::leave`](hub_core::topic::Registry::leave) does.
    pub(super) fn leave_others(&mut self, which: Keeps) -> Option<Departure> {
        let (kept, others): (HashMap<_, _>, HashMap<_, _>) = take(&mut self.subscriptions)
            .into_iter()
            .partition(|(_, entry)| self.keeps(which, entry));
        self.subscriptions = kept;
        self.hub.directory.registry.leave(others.into_values().collect())
    }

    /// Returns whether the hub keeps any subscription.
    fn keeps_any(&self, which: Keeps) -> bool {
        self.subscriptions.values().any(|entry| self.keeps(which, entry))
    }

    /// Keeps the subscriptions that are left, for the client's next connection. The rest of this
    /// connection continues with an output of its own.
    ///
    /// [`Session::leave_others`] comes first, and the topics must have let the others go. Otherwise
    /// their events would come to the kept output.
    pub(super) fn part(&mut self) {
        let Some(identity) = self.identity.clone().filter(|_| !self.subscriptions.is_empty())
        else {
            return;
        };
        let keeps = |id| self.subscriptions.contains_key(&id);
        let Some(rest) = self.output.part(self.connection, keeps) else { return };
        let output = std::mem::replace(&mut self.output, Arc::new(rest));
        let subscriptions = take(&mut self.subscriptions);
        let registry = self.hub.directory.registry.clone();
        self.kept = Some(KeptConnection::new(output, subscriptions, identity, registry));
        self.output.flush();
    }

    /// Ends the session of a connection that broke.
    pub(super) fn end(&mut self, ctx: &mut Context<Self>) {
        let which = if self.read_eof { Keeps::AllButBlock } else { Keeps::All };
        if self.state != SessionState::Open || !self.keeps_any(which) {
            return ctx.stop();
        }
        let Some(leaves) = self.leave_others(which) else {
            self.part();
            return ctx.stop();
        };
        ctx.wait(leaves.into_actor(self).map(|_, session, ctx| {
            session.part();
            ctx.stop();
        }));
    }

    /// Continues with kept subscriptions, if the identity of this connection may have them. They are
    /// silent until the client resumes each of them.
    pub(super) fn continue_kept(
        &mut self,
        kept: Box<dyn KeptSubscriptions>,
        ctx: &mut Context<Self>,
    ) {
        let Some(identity) = &self.identity else { return };
        let Some((output, subscriptions)) = KeptConnection::continued(kept, identity) else {
            return;
        };
        output.attach(self.socket.clone(), &self.output);
        self.output = output;
        self.subscriptions = subscriptions;
        let patience = Duration::from_millis(self.hub.config.resume_ms);
        ctx.run_later(patience, Self::end_forgotten);
    }

    /// Ends the kept subscriptions that the client has not resumed in time. It may not know them any
    /// more, and then they would hold memory for as long as the client is there.
    fn end_forgotten(&mut self, ctx: &mut Context<Self>) {
        let queue = self.output.queue();
        let forgotten: Vec<_> =
            self.subscriptions.extract_if(|id, _| queue.is_suspended(*id)).collect();
        let (ids, entries): (Vec<_>, Vec<_>) = forgotten.into_iter().unzip();
        let Some(leaves) = self.hub.directory.registry.leave(entries) else { return };
        ctx.wait(leaves.into_actor(self).map(move |_, session, _| {
            ids.iter().for_each(|id| session.output.queue().close_flow(*id, false));
        }));
    }

    /// Handles RESUME: answers SUBSCRIBED, and goes on behind what the client has got.
    pub(super) fn resume(&mut self, resume: &Resume, ctx: &mut Context<Self>) {
        let id = resume.subscription;
        let entry = self.subscriptions.get(&id);
        let (known, acknowledges) =
            (entry.is_some(), entry.is_some_and(|entry| entry.ack.is_some()));
        let answer = Frame::Subscribed { id }.to_bytes();
        let resumed = match known {
            true => self.output.queue().resume(resume, answer),
            false => Err(CannotResume::Unknown),
        };
        let Err(error) = resumed else {
            if acknowledges {
                self.watch_for_late_events(ctx);
            }
            return self.output.flush();
        };
        let code = match error {
            CannotResume::Unknown => RefusedCode::UnknownSubscription,
            CannotResume::InPlace => RefusedCode::DuplicateSubscription,
            CannotResume::Counts { .. } => RefusedCode::Malformed,
        };
        self.refuse(RefusedWhat::Subscribe, id, code, error.to_string());
    }

    /// Hands the state of the instance on to a newer connection, and ends this one.
    fn replaced(&mut self, ctx: &mut Context<Self>) {
        self.leave_instance();
        // The newer connection publishes the events that still wait. No receipt may cover them here.
        self.received = self.settled();
        self.builder.runs.clear();
        self.close(CloseCode::Replaced, "a newer connection of this client took over", ctx);
    }
}

impl Handler<Replaced> for Session {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, Replaced(newer): Replaced, ctx: &mut Context<Self>) -> Self::Result {
        newer.lock().take_place_of(&mut self.limits.permit.lock());
        self.publish_what_fits();
        if self.state != SessionState::Open || !self.keeps_any(Keeps::All) {
            self.replaced(ctx);
            return Box::pin(actix::fut::ready(()));
        }
        // The newer connection must not get events of subscriptions that it does not continue.
        self.busy = true;
        let leaves = self.leave_others(Keeps::All);
        let left = async move {
            if let Some(leaves) = leaves {
                leaves.await;
            }
        };
        Box::pin(left.into_actor(self).map(|_, session, ctx| {
            session.busy = false;
            session.part();
            session.replaced(ctx);
        }))
    }
}
