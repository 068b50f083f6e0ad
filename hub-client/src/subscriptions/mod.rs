//! What this client is subscribed to, and the queues into which deliveries go.

mod cursor;
mod deferred;
mod inbound;
mod incoming_run;
mod replies;
mod route_member;
mod routes;
#[cfg(test)]
mod tests;

pub(crate) use inbound::{Inbound, InboundProgress};
pub(crate) use replies::Replies;

use deferred::DeferredDeliveries;
use hub_core::emitter::{Delivery, Message};
use hub_core::emitter::{Feed, Pushed, Refusal, SubscribeError, SubscribeOptions, SubscriptionEnd};
use hub_wire::{Frame, Refused, Start, Subscribe, TopicFilter};
use routes::Routes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Who waits for SUBSCRIBED.
pub(crate) type SubscribeWaiter = oneshot::Sender<Result<(), SubscribeError>>;

/// Where a subscription's deliveries go.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// A listener's or stream's queue.
    Feed(Arc<Feed>),
    /// Whoever waits for an answer.
    Replies(Arc<Replies>),
}

/// What became of a delivery.
#[derive(Debug)]
pub(crate) enum HandOver {
    Done,
    /// The policy is `block`, and there is no room.
    Full(Message),
    /// The subscriber is gone.
    Gone,
}

impl Sink {
    pub(crate) fn hand_over(&self, delivery: Delivery) -> HandOver {
        let pushed = match (self, delivery) {
            (Sink::Feed(feed), Delivery::Message(message)) => feed.push(message),
            (Sink::Feed(feed), Delivery::Gap(gap)) => feed.push_gap(gap),
            (Sink::Replies(replies), Delivery::Message(message)) => {
                replies.answer(message);
                return HandOver::Done;
            }
            // Whose answer is missing cannot be known; its requester's time runs out.
            (Sink::Replies(_), Delivery::Gap(_)) => return HandOver::Done,
        };
        match pushed {
            Pushed::Done => HandOver::Done,
            Pushed::Full(message) => HandOver::Full(message),
            Pushed::Ended => HandOver::Gone,
        }
    }

    fn end(&self, why: SubscriptionEnd) {
        if let Sink::Feed(feed) = self {
            feed.end(why);
        }
    }

    fn is_keeping_up(&self) -> bool {
        match self {
            Sink::Feed(feed) => feed.is_keeping_up(),
            Sink::Replies(_) => true,
        }
    }
}

#[derive(Debug)]
struct SubscriptionEntry {
    filter: TopicFilter,
    options: SubscribeOptions,
    sink: Sink,
    /// Empty once the hub has answered.
    waiting: Vec<SubscribeWaiter>,
    established: bool,
    /// Its queue was full when it was last looked at.
    slow: bool,
    /// The hub has been told that it ends; what is on its way still counts.
    leaving: bool,
    /// What may be due, see [`routes`].
    deferred: DeferredDeliveries,
}

/// All subscriptions of a client; they outlive its connections.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    /// By id, so that they are restored in the order in which they were made.
    entries: BTreeMap<u64, SubscriptionEntry>,
    routes: Routes,
    /// The largest frame the hub takes.
    frame_limit: usize,
}

impl Subscriptions {
    pub(crate) fn new(positions_kept: usize) -> Self {
        let routes = Routes::new(positions_kept);
        Subscriptions { entries: BTreeMap::new(), routes, frame_limit: usize::MAX }
    }

    /// Sets the largest frame the hub takes.
    pub(crate) fn set_frame_limit(&mut self, limit: u32) {
        self.frame_limit = limit as usize;
    }

    /// Adds a subscription. Returns its SUBSCRIBE frame, for the case that there is a connection.
    pub(crate) fn add(
        &mut self,
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        sink: Sink,
        waiting: Vec<SubscribeWaiter>,
    ) -> Vec<u8> {
        if options.group.is_none() {
            self.routes.add(id, &filter, options.start.clone());
        }
        let frame = subscribe_frame(id, &filter, &options, options.start.clone(), self.frame_limit);
        let entry = SubscriptionEntry {
            filter,
            options,
            sink,
            waiting,
            established: false,
            slow: false,
            leaving: false,
            deferred: DeferredDeliveries::default(),
        };
        self.entries.insert(id, entry);
        frame
    }

    /// Lets another one wait for the subscription; at once answered if it is in place.
    pub(crate) fn wait_for(&mut self, id: u64, waiting: SubscribeWaiter) {
        match self.entries.get_mut(&id) {
            Some(entry) if !entry.established => entry.waiting.push(waiting),
            Some(_) => drop(waiting.send(Ok(()))),
            None => drop(waiting.send(Err(SubscribeError::Closed))),
        }
    }

    /// Takes a subscription out. Returns whether the hub has to be told.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        self.routes.remove(id);
        self.entries.remove(&id).is_some_and(|entry| !entry.leaving)
    }

    /// Takes the subscription out, and returns who waits for it.
    pub(crate) fn take(&mut self, id: u64) -> Vec<SubscribeWaiter> {
        self.routes.remove(id);
        self.entries.remove(&id).map(|entry| entry.waiting).unwrap_or_default()
    }

    /// Every subscription but the inbox is about to end. Returns their ids.
    pub(crate) fn leave_all(&mut self) -> Vec<u64> {
        let leaving = |(id, entry): (&u64, &mut SubscriptionEntry)| {
            let leave = matches!(entry.sink, Sink::Feed(_)) && !entry.leaving;
            entry.leaving |= leave;
            leave.then_some(*id)
        };
        self.entries.iter_mut().filter_map(leaving).collect()
    }

    /// The hub said SUBSCRIBED. Returns what was deferred and is now due, and where it goes.
    pub(crate) fn confirmed(&mut self, id: u64) -> Option<(Sink, DeferredDeliveries)> {
        let entry = self.entries.get_mut(&id)?;
        entry.established = true;
        let deferred = std::mem::take(&mut entry.deferred);
        self.routes.confirm(id, deferred.topics());
        for waiting in entry.waiting.drain(..) {
            let _ = waiting.send(Ok(()));
        }
        Some((entry.sink.clone(), deferred))
    }

    /// The hub refused a SUBSCRIBE. Returns the filter if the subscription had been in place.
    pub(crate) fn refused(&mut self, refused: &Refused) -> Option<TopicFilter> {
        self.routes.remove(refused.number);
        let entry = self.entries.remove(&refused.number)?;
        let refusal = || Refusal::from(refused.clone());
        entry.sink.end(SubscriptionEnd::Refused(refusal()));
        for waiting in entry.waiting {
            let _ = waiting.send(Err(SubscribeError::Refused(refusal())));
        }
        entry.established.then_some(entry.filter)
    }

    /// The connection was lost.
    pub(crate) fn disconnected(&mut self) {
        self.routes.disconnect();
        self.entries.values_mut().for_each(|entry| entry.deferred = DeferredDeliveries::default());
    }

    /// The SUBSCRIBE frames with which a new connection begins.
    pub(crate) fn restore(&self) -> Vec<u8> {
        let mut starts = self.routes.starts();
        let mut frames = Vec::new();
        for (id, entry) in &self.entries {
            let start = starts.remove(id).unwrap_or_default();
            frames.extend(subscribe_frame(
                *id,
                &entry.filter,
                &entry.options,
                start,
                self.frame_limit,
            ));
        }
        frames
    }

    /// Ends every subscription, the inbox only if asked for.
    pub(crate) fn end(&mut self, why: &SubscriptionEnd, inbox_too: bool) {
        let stays =
            |entry: &SubscriptionEntry| !inbox_too && matches!(entry.sink, Sink::Replies(_));
        let (stay, gone) =
            std::mem::take(&mut self.entries).into_iter().partition(|(_, entry)| stays(entry));
        self.entries = stay;
        let gone: BTreeMap<u64, SubscriptionEntry> = gone;
        for (id, entry) in gone {
            self.routes.remove(id);
            entry.sink.end(why.clone());
            for waiting in entry.waiting {
                let _ = waiting.send(Err(SubscribeError::Closed));
            }
        }
    }

    /// Whether the subscription's queue has become full since this was last asked.
    fn became_slow(&mut self, id: u64) -> Option<&TopicFilter> {
        let entry = self.entries.get_mut(&id)?;
        let was = std::mem::replace(&mut entry.slow, !entry.sink.is_keeping_up());
        (entry.slow && !was).then_some(&entry.filter)
    }
}

/// Positions that do not fit into a frame of `limit` bytes are left out: the hub then sends
/// events that were seen already, and those are dropped here.
fn subscribe_frame(
    id: u64,
    filter: &TopicFilter,
    options: &SubscribeOptions,
    start: Start,
    limit: usize,
) -> Vec<u8> {
    let mut subscribe = Subscribe {
        id,
        filter: filter.as_str().to_owned(),
        overflow: options.overflow,
        group: options.group.clone(),
        start,
        // Without them, a subscription that got nothing yet could not tell what it missed.
        positions: options.group.is_none(),
    };
    loop {
        let frame = Frame::Subscribe(subscribe.clone()).to_bytes();
        match &mut subscribe.start {
            Start::After(seen) if frame.len() - 4 > limit && !seen.is_empty() => {
                let middle = seen.keys().nth(seen.len() / 2).cloned();
                middle.map(|topic| seen.split_off(&topic));
            }
            _ => return frame,
        }
    }
}
