//! Holds what all handles of an in-process hub share, and publishes events to its subscriptions.
//! Without it, each handle would be a hub of its own, and a subscription that outlives its handle
//! could not give an event again.

use super::check::refusal;
use super::inbox::Inbox;
use super::new_event::NewEvent;
use super::state::{PublishAttempt, State};
use crate::emitter::{Listeners, Refusal};
use futures_util::future::select_all;
use hub_wire::{RefusedCode, RefusedWhat};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Holds what all clones of a [`LocalHub`](super::LocalHub) share.
pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    pub(super) inbox: Inbox,
    pub(super) listeners: Listeners,
    pub(super) clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// This many events wait to be given again, or to become dead letters.
    set_aside: AtomicUsize,
    nothing_set_aside: Notify,
}

/// States why an event was not published.
pub(super) enum Unpublished {
    Refused(Refusal),
    NoSubscriber,
    Closed,
    /// The hub restarted before the reply to the event came.
    Forgotten,
}

impl From<Refusal> for Unpublished {
    fn from(refusal: Refusal) -> Self {
        Unpublished::Refused(refusal)
    }
}

impl Inner {
    /// Makes a hub with this clock, which returns milliseconds since the Unix epoch.
    pub(super) fn new(clock: Box<dyn Fn() -> u64 + Send + Sync>) -> Self {
        Inner {
            state: Mutex::default(),
            inbox: Inbox::default(),
            listeners: Listeners::new(),
            clock,
            set_aside: AtomicUsize::new(0),
            nothing_set_aside: Notify::new(),
        }
    }

    /// Publishes the event as soon as every subscription with the policy `block` has room.
    pub(super) async fn publish(
        &self,
        event: &NewEvent<'_>,
        to_somebody: bool,
    ) -> Result<(), Unpublished> {
        if let Some(refusal) = self.state.lock().refusals.next(event.topic) {
            return Err(refusal.into());
        }
        loop {
            let attempt = self.state.lock().publish(event, to_somebody, &self.clock);
            match attempt {
                PublishAttempt::Done => return Ok(()),
                PublishAttempt::NoSubscriber => return Err(Unpublished::NoSubscriber),
                PublishAttempt::Closed => return Err(Unpublished::Closed),
                PublishAttempt::TooManyTopics => {
                    let text = "the hub holds as many topics as it may hold";
                    let code = RefusedCode::TooManyTopics;
                    return Err(refusal(RefusedWhat::Event, code, text).into());
                }
                PublishAttempt::NoRoom(members) => {
                    let room = members.iter().map(|member| Box::pin(member.feed.room()));
                    select_all(room).await;
                }
            }
        }
    }

    /// Notes that one event more waits to be given again, or to become a dead letter.
    pub(super) fn set_one_aside(&self) {
        self.set_aside.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns whether an event waits to be given again, or to become a dead letter.
    pub(super) fn has_set_aside(&self) -> bool {
        self.set_aside.load(Ordering::SeqCst) > 0
    }

    /// Notes that one event less is set aside.
    pub(super) fn done_with_one(&self) {
        self.set_aside.fetch_sub(1, Ordering::SeqCst);
        self.nothing_set_aside.notify_waiters();
    }

    /// Waits until no event waits to be given again.
    pub(super) async fn nothing_set_aside(&self) {
        loop {
            let changed = self.nothing_set_aside.notified();
            if !self.has_set_aside() {
                return;
            }
            changed.await;
        }
    }
}
