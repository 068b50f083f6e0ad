//! Keeps the members of a topic, which get its events: plain members and queue groups.
//!
//! A plain member is a connection and not a subscription. Otherwise a client with several plain
//! subscriptions for one topic would get several copies of each event.

use super::delivery_stream::DeliveryStream;
use super::flush_list::FlushList;
use super::group::Group;
use super::held_bytes::HeldBytes;
use super::pending_run::NumberedRun;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::subscriber_connection::SubscriberConnection;
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::strictest;
use bytes::Bytes;
use hub_wire::Overflow;
use indexmap::IndexMap;
use std::sync::Arc;

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
    /// Each entry has the id and the overflow policy of one subscription.
    subscriptions: Vec<(u64, Overflow)>,
    /// Of the policies of all subscriptions, this policy loses the fewest events.
    overflow: Overflow,
}

impl PlainMember {
    fn refresh_overflow(&mut self) {
        let policies = self.subscriptions.iter().map(|(_, overflow)| *overflow);
        self.overflow = strictest(policies).unwrap_or_default();
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

    /// Returns how many queue groups the topic has.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Returns whether the connection with this number has a plain subscription for the topic.
    pub(super) fn is_plain(&self, connection: u64) -> bool {
        self.plain.contains_key(&connection)
    }

    /// Returns whether this subscription is already among the members.
    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        match &entry.group {
            Some(name) => self.groups.get(name).is_some_and(|group| group.contains(entry)),
            None => self
                .plain
                .get(&entry.connection.number())
                .is_some_and(|member| member.subscriptions.iter().any(|(id, _)| *id == entry.id)),
        }
    }

    /// Adds a subscription, unless it is already among the members.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) {
        let Some(name) = &entry.group else { return self.join_plain(entry) };
        self.groups.entry(name.clone()).or_insert_with(|| Group::new(name.clone())).join(entry);
    }

    fn join_plain(&mut self, entry: &SubscriptionEntry) {
        let member = self.plain.entry(entry.connection.number()).or_insert_with(|| PlainMember {
            connection: entry.connection.clone(),
            subscriptions: Vec::new(),
            overflow: entry.overflow,
        });
        if !member.subscriptions.iter().any(|(id, _)| *id == entry.id) {
            member.subscriptions.push((entry.id, entry.overflow));
            member.refresh_overflow();
        }
    }

    /// Removes a plain subscription.
    pub(super) fn leave_plain(&mut self, entry: &SubscriptionEntry) {
        let connection = entry.connection.number();
        let Some(member) = self.plain.get_mut(&connection) else { return };
        member.subscriptions.retain(|(id, _)| *id != entry.id);
        if member.subscriptions.is_empty() {
            self.plain.swap_remove(&connection);
        } else {
            member.refresh_overflow();
        }
        // Publishers may have waited only because of this subscription.
        entry.connection.queue().wake_waiting();
    }

    /// Removes a member of a queue group, and removes the group with its last member. Returns whether
    /// the group has other members.
    pub(super) fn leave_group(&mut self, entry: &SubscriptionEntry, name: &str) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        group.leave(entry);
        let others = !group.is_empty();
        if !others {
            self.groups.swap_remove(name);
        }
        others
    }

    /// Returns the queue group of this name.
    pub(super) fn group(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// Returns how many deliveries one event makes due.
    pub(super) fn deliveries(&self) -> usize {
        self.plain.len() + self.groups.len()
    }

    /// Returns the first connection for whose room the publisher of a run of `size` bytes has to wait.
    pub(super) fn without_room(&self, size: usize) -> Option<&Arc<dyn SubscriberConnection>> {
        let plain = self.plain.values().find(|m| m.connection.queue().must_wait(size, m.overflow));
        plain
            .map(|member| &member.connection)
            .or_else(|| self.groups.values().find_map(|group| group.without_room(size)))
    }

    /// Appends a run to the queue of every plain member, and divides it among the members of every
    /// group.
    pub(super) fn deliver(
        &mut self,
        stream: &DeliveryStream,
        run: &NumberedRun,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        for member in self.plain.values() {
            let (head, body) = match &run.views {
                None => (Bytes::new(), run.bytes.clone()),
                Some(views) => (run.front(), views.events_for(&member.connection.role())),
            };
            let queued = QueuedRun {
                stream: stream.clone(),
                ledger: run.ledger.clone(),
                group: None,
                first: run.first,
                count: run.count,
                overflow: member.overflow,
                head,
                body,
                views: None,
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
            group.deliver(stream, run, held, to_flush);
        }
    }
}
