//! Who gets a topic's events: plain members, and queue groups.

use super::delivery_stream::Lane;
use super::flush_list::FlushList;
use super::group::Group;
use super::held_bytes::HeldBytes;
use super::outlet::Outlet;
use super::pending_run::Sealed;
use super::queue::Appended;
use super::queued_run::QueuedRun;
use super::subscription_entry::SubscriptionEntry;
use crate::overflow::strictest;
use bytes::Bytes;
use hub_wire::Overflow;
use indexmap::IndexMap;
use std::sync::Arc;

/// What one run is offered to.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By connection.
    plain: IndexMap<u64, Plain>,
    groups: IndexMap<Arc<str>, Group>,
}

/// A connection with one or more plain subscriptions to the topic; it gets one copy.
#[derive(Debug)]
struct Plain {
    outlet: Arc<dyn Outlet>,
    subscriptions: Vec<(u64, Overflow)>,
    /// Of its subscriptions' policies, the one that loses least.
    overflow: Overflow,
}

impl Plain {
    fn refresh_overflow(&mut self) {
        let policies = self.subscriptions.iter().map(|(_, overflow)| *overflow);
        self.overflow = strictest(policies).unwrap_or_default();
    }
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }

    /// Connections with plain subscriptions.
    pub(super) fn plain(&self) -> usize {
        self.plain.len()
    }

    /// Queue groups.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Whether this connection has a plain subscription here.
    pub(super) fn is_plain(&self, connection: u64) -> bool {
        self.plain.contains_key(&connection)
    }

    /// Whether this subscription is here already.
    pub(super) fn contains(&self, entry: &SubscriptionEntry) -> bool {
        match &entry.group {
            Some(name) => self.groups.get(name).is_some_and(|group| group.contains(entry)),
            None => self
                .plain
                .get(&entry.outlet.connection())
                .is_some_and(|member| member.subscriptions.iter().any(|(id, _)| *id == entry.id)),
        }
    }

    /// Adds a subscription, unless it is there already.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) {
        let Some(name) = &entry.group else { return self.join_plain(entry) };
        self.groups.entry(name.clone()).or_insert_with(|| Group::new(name.clone())).join(entry);
    }

    fn join_plain(&mut self, entry: &SubscriptionEntry) {
        let member = self.plain.entry(entry.outlet.connection()).or_insert_with(|| Plain {
            outlet: entry.outlet.clone(),
            subscriptions: Vec::new(),
            overflow: entry.overflow,
        });
        if !member.subscriptions.iter().any(|(id, _)| *id == entry.id) {
            member.subscriptions.push((entry.id, entry.overflow));
            member.refresh_overflow();
        }
    }

    /// Takes a plain subscription out.
    pub(super) fn leave_plain(&mut self, entry: &SubscriptionEntry) {
        let connection = entry.outlet.connection();
        let Some(member) = self.plain.get_mut(&connection) else { return };
        member.subscriptions.retain(|(id, _)| *id != entry.id);
        if member.subscriptions.is_empty() {
            self.plain.swap_remove(&connection);
        } else {
            member.refresh_overflow();
        }
        // Publishers may wait for this subscription alone.
        entry.outlet.queue().wake_waiting();
    }

    /// Takes a member out of a group, and the group with its last member; whether there are
    /// others.
    pub(super) fn leave_group(&mut self, entry: &SubscriptionEntry, name: &str) -> bool {
        let Some(group) = self.groups.get_mut(name) else { return false };
        group.leave(entry);
        let others = !group.is_empty();
        if !others {
            self.groups.swap_remove(name);
        }
        others
    }

    pub(super) fn group(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    /// How many deliveries one event makes due.
    pub(super) fn deliveries(&self) -> usize {
        self.plain.len() + self.groups.len()
    }

    /// The first member for whose room a publisher with `size` bytes should wait.
    pub(super) fn without_room(&self, size: usize) -> Option<&Arc<dyn Outlet>> {
        let plain = self.plain.values().find(|m| m.outlet.queue().must_wait(size, m.overflow));
        plain
            .map(|member| &member.outlet)
            .or_else(|| self.groups.values().find_map(|group| group.without_room(size)))
    }

    /// Appends a run to every plain member, and to one member or more of every group.
    pub(super) fn deliver(
        &mut self,
        lane: &Lane,
        run: &Sealed,
        held: &Arc<HeldBytes>,
        to_flush: &mut FlushList,
    ) {
        for member in self.plain.values() {
            let (head, body) = match &run.views {
                None => (Bytes::new(), run.bytes.clone()),
                Some(views) => (run.front(), views.events_for(&member.outlet.role())),
            };
            let queued = QueuedRun {
                lane: lane.clone(),
                ledger: run.ledger.clone(),
                group: None,
                first: run.first,
                count: run.count,
                overflow: member.overflow,
                head,
                body,
                views: None,
            };
            let queue = member.outlet.queue();
            match queue.append(queued) {
                Appended::Done => to_flush.add(&member.outlet),
                Appended::Overflowed(run) => {
                    queue.abandon(&[run]);
                    member.outlet.overflowed();
                }
                // The connection has just ended; its leaving is on its way to the topic actor.
                Appended::Closed(run) => queue.abandon(&[run]),
            }
        }
        for group in self.groups.values_mut() {
            group.deliver(lane, run, held, to_flush);
        }
    }
}
