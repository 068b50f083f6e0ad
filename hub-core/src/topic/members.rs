//! Keeps the members of a topic, which get its events: plain members and queue groups.
//!
//! A plain member is a connection and not a subscription. Otherwise a client with several plain
//! subscriptions for one topic would get several copies of each event.

use super::account::Charge;
use super::delivery_stream::DeliveryStream;
use super::flow::FlowGauge;
use super::flush_list::FlushList;
use super::group::Group;
use super::held_bytes::HeldBytes;
use super::pending_run::NumberedRun;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::room::RoomFor;
use super::run_keys::RunKeys;
use super::subscriber_connection::SubscriberConnection;
use super::subscription_entry::{MEMBER, SubscriptionEntry};
use crate::overflow::{policy, strictest};
use hub_wire::{Overflow, SubscriptionIds};
use indexmap::IndexMap;
use std::sync::Arc;
use std::time::Instant;

/// Holds the members of one topic.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The key is the number of the connection.
    plain: IndexMap<u64, PlainMember>,
    groups: IndexMap<Arc<str>, Group>,
}

/// Describes a connection with one or more plain subscriptions for the topic. The connection gets
/// one copy of each event.
#[derive(Debug)]
struct PlainMember {
    connection: Arc<dyn SubscriberConnection>,
    /// The subscriptions are in the order of their ids.
    subscriptions: Vec<PlainSubscription>,
    /// This follows from the list of subscriptions. The next event computes it if the list has changed
    /// since the last one, so a client with many subscriptions does not make each change expensive.
    shared: Option<Shared>,
}

/// Holds what the subscriptions of a connection share.
#[derive(Debug)]
struct Shared {
    /// These are the ids of all subscriptions.
    ids: SubscriptionIds,
    /// Of the policies of the subscriptions without a window, this policy loses the fewest events.
    /// They share one copy of each event. If all have a window, the policies of all count, so that
    /// the only subscription of a connection finds its own policy here.
    overflow: Overflow,
    /// If this is true, a subscription has no window.
    without_window: bool,
    /// If this is true, a subscription keeps the newest event of each key.
    conflates: bool,
}

/// Describes one plain subscription.
#[derive(Debug)]
struct PlainSubscription {
    id: u64,
    overflow: Overflow,
    observe: bool,
    flow: Option<Arc<FlowGauge>>,
    /// The membership is charged for as long as it lasts.
    _charge: Option<Charge>,
}

impl PlainMember {
    /// Returns what the subscriptions share.
    fn shared(&mut self) -> &Shared {
        let subscriptions = &self.subscriptions;
        self.shared.get_or_insert_with(|| {
            let policies = |all: bool| {
                let counting = subscriptions.iter().filter(move |one| all || one.flow.is_none());
                strictest(counting.map(|subscription| subscription.overflow))
            };
            Shared {
                ids: subscriptions.iter().map(|subscription| subscription.id).collect(),
                overflow: policies(false).or_else(|| policies(true)).unwrap_or_default(),
                without_window: subscriptions.iter().any(|one| one.flow.is_none()),
                conflates: subscriptions.iter().any(|one| policy(one.overflow).conflates()),
            }
        })
    }

    /// Returns whether a publisher has to wait for this connection.
    fn must_wait(&mut self, room: RoomFor) -> bool {
        let Shared { overflow, without_window, .. } = *self.shared();
        let queue = self.connection.queue();
        let mut windows =
            self.subscriptions.iter().filter_map(|one| Some((one.flow.as_ref()?, one)));
        without_window && queue.must_wait_as(room, overflow)
            || windows.any(|(flow, one)| queue.must_wait_for(flow, room, one.overflow))
    }
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }

    /// Returns how many connections have plain subscriptions for the topic.
    pub(super) fn plain(&self) -> usize {
        self.plain.len()
    }

    /// Returns about how many bytes the memberships take.
    pub(super) fn bytes(&self) -> usize {
        self.deliveries() * MEMBER
    }

    /// Returns how many queue groups of the topic have members.
    pub(super) fn groups(&self) -> usize {
        self.groups.values().filter(|group| !group.is_empty()).count()
    }

    /// Returns whether anybody subscribes to the topic at the moment who may answer a request. Those
    /// who only watch do not count, and neither do those who are away.
    pub(super) fn has_subscriber(&self) -> bool {
        let is_away = |one: &PlainSubscription| one.flow.as_ref().is_some_and(|f| f.is_away());
        let may_answer = |one: &PlainSubscription| !one.observe && !is_away(one);
        let answers = |member: &PlainMember| member.subscriptions.iter().any(may_answer);
        self.plain.values().any(answers) || self.groups.values().any(|group| !group.is_empty())
    }

    /// Returns whether this subscription is already among the members.
    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        match &entry.group {
            Some(name) => self.groups.get(name).is_some_and(|group| group.contains(entry)),
            None => self.plain.get(&entry.connection.number()).is_some_and(|member| {
                member.subscriptions.binary_search_by_key(&entry.id, |known| known.id).is_ok()
            }),
        }
    }

    /// Adds a subscription, unless it is already among the members.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) {
        let Some(name) = &entry.group else { return self.join_plain(entry) };
        self.groups
            .entry(name.clone())
            .or_insert_with(|| Group::new(name.clone(), entry))
            .join(entry);
    }

    fn join_plain(&mut self, entry: &SubscriptionEntry) {
        let member = self.plain.entry(entry.connection.number()).or_insert_with(|| PlainMember {
            connection: entry.connection.clone(),
            subscriptions: Vec::new(),
            shared: None,
        });
        let place = member.subscriptions.binary_search_by_key(&entry.id, |known| known.id);
        if let Err(place) = place {
            let subscription = PlainSubscription {
                id: entry.id,
                overflow: entry.overflow,
                observe: entry.observe,
                flow: entry.flow.clone(),
                _charge: entry.membership(!member.subscriptions.is_empty()),
            };
            member.subscriptions.insert(place, subscription);
            member.shared = None;
        }
    }

    /// Removes plain subscriptions of a connection. `ids` is in ascending order.
    pub(super) fn leave_plain(&mut self, connection: &dyn SubscriberConnection, ids: &[u64]) {
        let number = connection.number();
        // Publishers may have waited only because of these subscriptions, or of their replays.
        connection.queue().wake_waiting();
        let Some(member) = self.plain.get_mut(&number) else { return };
        match ids {
            [id] => {
                let place = member.subscriptions.binary_search_by_key(id, |known| known.id);
                place.into_iter().for_each(|place| drop(member.subscriptions.remove(place)));
            }
            ids => member.subscriptions.retain(|known| ids.binary_search(&known.id).is_err()),
        }
        member.shared = None;
        if member.subscriptions.is_empty() {
            self.plain.swap_remove(&number);
        }
    }

    /// Removes a member of a queue group. The group stays, also without a member.
    pub(super) fn leave_group(&mut self, entry: &SubscriptionEntry, name: &str) {
        if let Some(group) = self.groups.get_mut(name) {
            group.leave(entry);
        }
    }

    /// Removes a queue group that has no member, and has had none since this moment if it is given.
    /// The events that wait in the group count as lost.
    pub(super) fn end_group(&mut self, name: &str, since: Option<Instant>) {
        let ended = self.groups.get_mut(name).filter(|group| {
            let deserted = group.deserted_since();
            deserted.is_some() && (since.is_none() || deserted == since)
        });
        if let Some(group) = ended {
            group.abandon_waiting();
            self.groups.swap_remove(name);
        }
    }

    /// Returns how many events wait in queue groups.
    pub(super) fn waiting_in_groups(&self) -> u64 {
        let runs = self.groups.values().flat_map(Group::waiting);
        runs.map(|run| u64::from(run.count)).sum()
    }

    /// Returns the queue group of this name.
    pub(super) fn group(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// Returns how many deliveries one event makes due.
    pub(super) fn deliveries(&self) -> usize {
        self.plain.len() + self.groups.len()
    }

    /// Returns the first connection for whose room a publisher has to wait.
    pub(super) fn without_room(&mut self, room: RoomFor) -> Option<&Arc<dyn SubscriberConnection>> {
        let plain = self.plain.values_mut().find_map(|member| {
            let waits = member.must_wait(room);
            waits.then_some(&member.connection)
        });
        plain.or_else(|| self.groups.values().find_map(|group| group.without_room(room)))
    }

    /// Ends the grace of all connections for whose room a publisher would have to wait.
    pub(super) fn end_graces(&mut self, room: RoomFor) {
        for member in self.plain.values_mut() {
            if member.must_wait(room) {
                member.connection.queue().end_grace();
            }
        }
        let groups = self.groups.values().filter_map(|group| group.without_room(room));
        groups.for_each(|connection| connection.queue().end_grace());
    }

    /// Appends a run to the queue of every plain member, and divides it among the members of every
    /// group. `stream` is the stream of the topic, without subscriptions.
    pub(super) fn deliver(
        &mut self,
        stream: &DeliveryStream,
        run: &NumberedRun,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        let mut known_keys = None;
        let mut keys = || {
            let read = || Arc::new(RunKeys::of(run.first, &run.events, held));
            known_keys.get_or_insert_with(read).clone()
        };
        for member in self.plain.values_mut() {
            let shared = member.shared();
            let (ids, overflow) = (shared.ids.clone(), shared.overflow);
            // The keys of an event may differ between its views.
            let keys = (shared.conflates && run.views.is_none()).then(&mut keys);
            let events = match &run.views {
                None => run.events.clone(),
                Some(views) => views.events_for(&member.connection.role()),
            };
            let stream = stream.with_subscriptions(ids);
            let queued = QueuedRun {
                stream,
                ledger: run.ledger.clone(),
                group: None,
                first: run.first,
                count: run.count,
                overflow,
                attempt: 1,
                credited: false,
                source: run.source.clone(),
                time_ms: run.time_ms,
                events,
                views: None,
                keys,
            };
            let queue = member.connection.queue();
            match queue.append(queued) {
                Appended::Done => to_flush.add(&member.connection),
                Appended::Overflowed(run) => {
                    queue.abandon(&[run]);
                    member.connection.close_slow_consumer();
                }
                // The connection has just ended, and its Leave message is on its way to the topic actor.
                Appended::Closed(run) => queue.abandon(&[run]),
            }
        }
        for group in self.groups.values_mut() {
            let queued = QueuedRun {
                stream: stream.clone(),
                ledger: run.ledger.clone(),
                group: None,
                first: run.first,
                count: run.count,
                overflow: Overflow::default(),
                attempt: 1,
                credited: false,
                source: run.source.clone(),
                time_ms: run.time_ms,
                events: run.events.clone(),
                views: run.views.clone(),
                keys: None,
            };
            group.deliver(queued, &stream.topic, held, to_flush);
        }
    }
}
