//! Keeps the subscriptions of a client, and the queues into which deliveries go. They outlive
//! connections. Otherwise a reconnect would end every listener.

mod cursor;
mod inbound;
mod incoming_run;
mod pace;
mod positions;
mod replies;
mod subscribe;
mod taken;
#[cfg(test)]
mod tests;

pub(crate) use inbound::{Inbound, InboundProgress};
pub(crate) use replies::Replies;
pub(crate) use taken::{TakenCounter, TakenReports};

use crate::event_sender::EventSender;
use crate::events::ConnectionEvent;
use hub_core::emitter::{Delivery, Message};
use hub_core::emitter::{Feed, Pushed, Refusal, SubscribeError, SubscribeOptions, SubscriptionEnd};
use hub_wire::{Frame, Refused, RefusedCode, Start, TopicFilter};
use positions::Positions;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use subscribe::subscribe_frames;
use taken::WindowState;
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
    /// If this is true, the hub has answered SUBSCRIBED to the last SUBSCRIBE.
    in_place: bool,
    /// If this is true, RESUME was sent and is not answered.
    resuming: bool,
    /// If this is true, the queue of the subscription was full at the last check.
    slow: bool,
    /// If this is true, UNSUBSCRIBE was sent. Events that are on their way still count.
    leaving: bool,
    /// Replies have no window, because the client takes them at once.
    window: Option<WindowState>,
}

impl SubscriptionEntry {
    /// Returns whether the hub keeps the subscription when the connection breaks.
    fn is_kept(&self) -> bool {
        self.window.is_some() && self.options.group.is_none()
    }

    /// Returns the frames that subscribe, beginning at `start`.
    fn subscribe(&mut self, id: u64, start: Start, limit: usize) -> Vec<u8> {
        (self.in_place, self.resuming) = (false, false);
        let events = self.window.as_mut().map(WindowState::begin_connection);
        let kept = self.is_kept();
        subscribe_frames(id, &self.filter, &self.options, start, events, kept, limit)
    }
}

/// Holds all subscriptions of a client. They outlive its connections.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    /// The subscriptions are sorted by their ids, so that they are restored in the order in which
    /// they were made.
    entries: BTreeMap<u64, SubscriptionEntry>,
    positions: Positions,
    /// The hub allows frames of at most this many bytes.
    frame_limit: usize,
    /// These subscriptions were removed. The hub may have kept them, if UNSUBSCRIBE was lost.
    removed: VecDeque<u64>,
}

/// So many removed subscriptions are remembered. The hub knows of the removal of older ones.
const REMOVED: usize = 1024;

impl Subscriptions {
    pub(crate) fn new(positions_kept: usize) -> Self {
        let positions = Positions::new(positions_kept);
        let (entries, removed) = (BTreeMap::new(), VecDeque::new());
        Subscriptions { entries, positions, frame_limit: usize::MAX, removed }
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
        counter: Option<Arc<TakenCounter>>,
        waiting: Vec<SubscribeWaiter>,
    ) -> Vec<u8> {
        if options.group.is_none() {
            self.positions.add(id, options.start.clone());
        }
        let start = options.start.clone();
        let mut entry = SubscriptionEntry {
            filter,
            options,
            sink,
            waiting,
            established: false,
            in_place: false,
            resuming: false,
            slow: false,
            leaving: false,
            window: counter.map(WindowState::new),
        };
        let frames = entry.subscribe(id, start, self.frame_limit);
        self.entries.insert(id, entry);
        frames
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

    /// Takes a subscription out. Writes the frames that tell the hub, if it has to be told.
    pub(crate) fn remove(&mut self, id: u64, frames: &mut Vec<u8>) {
        self.positions.remove(id);
        let Some(mut entry) = self.entries.remove(&id) else { return };
        if entry.is_kept() {
            self.removed.push_back(id);
            if self.removed.len() > REMOVED {
                self.removed.pop_front();
            }
        }
        if let Some(window) = &mut entry.window {
            // The hub counts the rest as given up, or gives it to others.
            report(window, entry.options.acknowledge.is_some(), frames);
        }
        if !entry.leaving {
            Frame::Unsubscribe { id, drain: false }.write(frames);
        }
    }

    /// Notes that events of a subscription came.
    fn came(&mut self, id: u64, handed: u64, repeated: u64) {
        let window = self.entries.get_mut(&id).and_then(|entry| entry.window.as_mut());
        window.into_iter().for_each(|window| window.came(handed, repeated));
    }

    /// Writes the reports of what the listeners of these subscriptions have finished.
    pub(crate) fn report_taken(&mut self, ids: &[u64], frames: &mut Vec<u8>) {
        for id in ids {
            let Some(entry) = self.entries.get_mut(id) else { continue };
            if let Some(window) = &mut entry.window {
                report(window, entry.options.acknowledge.is_some(), frames);
            }
        }
    }

    /// Takes the subscription out, and returns the callers that wait for it.
    pub(crate) fn take(&mut self, id: u64) -> Vec<SubscribeWaiter> {
        self.positions.remove(id);
        self.entries.remove(&id).map(|entry| entry.waiting).unwrap_or_default()
    }

    /// Marks a subscription as leaving. Returns false if it is gone or leaving already.
    pub(crate) fn leave(&mut self, id: u64) -> bool {
        self.entries.get_mut(&id).is_some_and(|entry| !std::mem::replace(&mut entry.leaving, true))
    }

    /// Ends a subscription behind what waits for its listener, which still reports what it finishes.
    /// The entry is removed when the subscriber has left.
    pub(crate) fn stop(&mut self, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.leaving = true;
            entry.sink.end(SubscriptionEnd::Unsubscribed);
        }
    }

    /// Ends every subscription except the inbox as [`Subscriptions::stop`] does.
    pub(crate) fn stop_all(&mut self) {
        for entry in self.entries.values_mut().filter(|entry| matches!(entry.sink, Sink::Feed(_))) {
            entry.leaving = true;
            entry.sink.end(SubscriptionEnd::Closed);
            for waiting in entry.waiting.drain(..) {
                let _ = waiting.send(Err(SubscribeError::Closed));
            }
        }
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

    /// Handles a SUBSCRIBED frame.
    pub(crate) fn confirmed(&mut self, id: u64) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        (entry.established, entry.in_place, entry.resuming) = (true, true, false);
        self.positions.confirm(id);
        for waiting in entry.waiting.drain(..) {
            let _ = waiting.send(Ok(()));
        }
    }

    /// Handles the refusal of a RESUME. Returns the frames that subscribe anew, behind the last known
    /// positions. Returns `None` if it is another frame that was refused.
    pub(crate) fn resume_refused(&mut self, refused: &Refused) -> Option<Vec<u8>> {
        let id = refused.number;
        let entry = self.entries.get_mut(&id).filter(|entry| entry.resuming)?;
        let mut frames = Vec::new();
        if refused.code != RefusedCode::UnknownSubscription {
            Frame::Unsubscribe { id, drain: false }.write(&mut frames);
        }
        let start = self.positions.starts().remove(&id).unwrap_or_default();
        frames.extend(entry.subscribe(id, start, self.frame_limit));
        Some(frames)
    }

    /// Handles the refusal of a SUBSCRIBE. Returns the filter if the subscription had been in place
    /// before.
    pub(crate) fn refused(&mut self, refused: &Refused) -> Option<TopicFilter> {
        self.positions.remove(refused.number);
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
        self.positions.disconnect();
    }

    /// Handles a restart of the hub: every topic begins anew. Tells each subscription so.
    pub(crate) fn hub_restarted(&mut self, events: &EventSender) {
        for (id, gap) in self.positions.renew() {
            if let Some(entry) = self.entries.get(&id) {
                entry.sink.hand_over(Delivery::Gap(gap.clone()));
                events.send(ConnectionEvent::Gap(gap));
            }
        }
    }

    /// Returns the frames that restore the subscriptions on a new connection. `kept` states whether
    /// the hub has kept subscriptions of the last connection.
    pub(crate) fn restore(&mut self, kept: bool) -> Vec<u8> {
        // A kept subscription needs no positions, and there may be very many.
        let mut starts = None;
        let mut frames = Vec::new();
        let removed = std::mem::take(&mut self.removed);
        for id in removed.into_iter().filter(|_| kept) {
            Frame::Unsubscribe { id, drain: false }.write(&mut frames);
        }
        for (id, entry) in &mut self.entries {
            let id = *id;
            let kept = kept && entry.is_kept();
            if kept && entry.in_place && !entry.leaving {
                entry.resuming = true;
                let acknowledges = entry.options.acknowledge.is_some();
                if let Some(window) = &mut entry.window {
                    Frame::Resume(window.resume()).write(&mut frames);
                    report(window, acknowledges, &mut frames);
                }
                continue;
            }
            if kept {
                // It is unknown whether the hub had the subscription, or knows that it is to end.
                Frame::Unsubscribe { id, drain: false }.write(&mut frames);
            }
            if entry.leaving {
                continue;
            }
            let starts = starts.get_or_insert_with(|| self.positions.starts());
            let start = starts.remove(&id).unwrap_or_default();
            frames.extend(entry.subscribe(id, start, self.frame_limit));
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
        let error = || match why {
            SubscriptionEnd::Ended(reason) => SubscribeError::Ended(reason.clone()),
            _ => SubscribeError::Closed,
        };
        for (id, entry) in gone {
            self.positions.remove(id);
            entry.sink.end(why.clone());
            for waiting in entry.waiting {
                let _ = waiting.send(Err(error()));
            }
        }
    }

    /// Returns the filter of the subscription if its queue has become full since the last call.
    fn became_slow(&mut self, id: u64) -> Option<&TopicFilter> {
        let entry = self.entries.get_mut(&id)?;
        let slow = entry.window.as_ref().is_some_and(WindowState::is_used_up);
        let was = std::mem::replace(&mut entry.slow, slow);
        (entry.slow && !was).then_some(&entry.filter)
    }
}

/// Writes what a listener has finished.
fn report(window: &mut WindowState, acknowledges: bool, frames: &mut Vec<u8>) {
    let acks = if acknowledges { window.acks() } else { Vec::new() };
    acks.into_iter().for_each(|ack| Frame::Ack(ack).write(frames));
    let taken = window.report();
    if !acknowledges || taken.events.is_some() {
        Frame::Taken(taken).write(frames);
    }
}
