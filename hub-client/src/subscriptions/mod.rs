//! Keeps the subscriptions of a client, and the queues into which deliveries go. They outlive
//! connections. Otherwise a reconnect would end every listener.

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

/// This channel gets the result when the hub confirms or refuses a subscription.
pub(crate) type SubscribeWaiter = oneshot::Sender<Result<(), SubscribeError>>;

/// States where the deliveries of a subscription go.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// The deliveries go to the queue of a listener or a stream.
    Feed(Arc<Feed>),
    /// The deliveries are replies, and go to the requests that wait for them.
    Replies(Arc<Replies>),
}

/// States the result of handing a delivery over.
#[derive(Debug)]
pub(crate) enum HandOver {
    /// The delivery is in the queue.
    Done,
    /// The overflow policy is `block` and there is no room. The message comes back to the caller.
    Full(Message),
    /// The subscriber has ended the subscription.
    Gone,
}

impl Sink {
    /// Hands a delivery over, without waiting.
    pub(crate) fn hand_over(&self, delivery: Delivery) -> HandOver {
        let pushed = match (self, delivery) {
            (Sink::Feed(feed), Delivery::Message(message)) => feed.push(message),
            (Sink::Feed(feed), Delivery::Gap(gap)) => feed.push_gap(gap),
            (Sink::Replies(replies), Delivery::Message(message)) => {
                replies.answer(message);
                return HandOver::Done;
            }
            // It is unknown which request misses its reply. Its requester gets a time-out.
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

/// Describes one subscription of the client.
#[derive(Debug)]
struct SubscriptionEntry {
    filter: TopicFilter,
    options: SubscribeOptions,
    sink: Sink,
    /// These callers wait for the hub's answer. The list is empty after the answer.
    waiting: Vec<SubscribeWaiter>,
    established: bool,
    /// If this is true, the queue of the subscription was full at the last check.
    slow: bool,
    /// If this is true, UNSUBSCRIBE was sent. Events that are on their way still count.
    leaving: bool,
    /// It is not yet known whether these deliveries are due. See [`routes`].
    deferred: DeferredDeliveries,
}

/// Holds all subscriptions of a client. They outlive its connections.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    /// The subscriptions are sorted by their ids, so that they are restored in the order in which
    /// they were made.
    entries: BTreeMap<u64, SubscriptionEntry>,
    routes: Routes,
    /// The hub allows frames of at most this many bytes.
    frame_limit: usize,
}

impl Subscriptions {
    pub(crate) fn new(positions_kept: usize) -> Self {
        let routes = Routes::new(positions_kept);
        Subscriptions { entries: BTreeMap::new(), routes, frame_limit: usize::MAX }
    }

    /// Sets the largest frame that the hub allows, in bytes.
    pub(crate) fn set_frame_limit(&mut self, limit: u32) {
        self.frame_limit = limit as usize;
    }

    /// Adds a subscription. Returns its SUBSCRIBE frame, which the caller sends if there is a
    /// connection.
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

    /// Adds a caller that waits for the subscription. If the subscription is in place, the caller
    /// gets its answer at once.
    pub(crate) fn wait_for(&mut self, id: u64, waiting: SubscribeWaiter) {
        match self.entries.get_mut(&id) {
            Some(entry) if !entry.established => entry.waiting.push(waiting),
            Some(_) => drop(waiting.send(Ok(()))),
            None => drop(waiting.send(Err(SubscribeError::Closed))),
        }
    }

    /// Takes a subscription out. Returns whether the hub must get UNSUBSCRIBE for it.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        self.routes.remove(id);
        self.entries.remove(&id).is_some_and(|entry| !entry.leaving)
    }

    /// Takes the subscription out, and returns the callers that wait for it.
    pub(crate) fn take(&mut self, id: u64) -> Vec<SubscribeWaiter> {
        self.routes.remove(id);
        self.entries.remove(&id).map(|entry| entry.waiting).unwrap_or_default()
    }

    /// Marks every subscription except the inbox as leaving. Returns their ids.
    pub(crate) fn leave_all(&mut self) -> Vec<u64> {
        let leaving = |(id, entry): (&u64, &mut SubscriptionEntry)| {
            let leave = matches!(entry.sink, Sink::Feed(_)) && !entry.leaving;
            entry.leaving |= leave;
            leave.then_some(*id)
        };
        self.entries.iter_mut().filter_map(leaving).collect()
    }

    /// Handles a SUBSCRIBED frame. Returns the deferred deliveries, which are due now, and the sink
    /// to which they go.
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

    /// Handles the refusal of a SUBSCRIBE. Returns the filter if the subscription had been in place
    /// before.
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

    /// Handles the loss of the connection.
    pub(crate) fn disconnected(&mut self) {
        self.routes.disconnect();
        self.entries.values_mut().for_each(|entry| entry.deferred = DeferredDeliveries::default());
    }

    /// Returns the SUBSCRIBE frames that restore the subscriptions on a new connection.
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

    /// Ends every subscription. The inbox ends only if `inbox_too` is set.
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

    /// Returns the filter of the subscription if its queue has become full since the last call.
    fn became_slow(&mut self, id: u64) -> Option<&TopicFilter> {
        let entry = self.entries.get_mut(&id)?;
        let was = std::mem::replace(&mut entry.slow, !entry.sink.is_keeping_up());
        (entry.slow && !was).then_some(&entry.filter)
    }
}

/// Makes a SUBSCRIBE frame. Positions that do not fit into `limit` bytes are left out. For them,
/// the hub sends events that the client has already seen, and the client drops those events.
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
        // Without `positions`, a subscription that has got no event yet could not tell what it
        // missed.
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
