//! Who gets a topic's events: plain members, and queue groups.

use super::group::Group;
use super::held::HeldBytes;
use super::item::{Lane, QueuedRun};
use super::outlet::{Touched, touch};
use super::pending::Sealed;
use super::seats::Seats;
use super::{Appended, Outlet, SubscriptionEntry};
use bytes::Bytes;
use hub_wire::Overflow;
use std::sync::Arc;

/// What one run is offered to.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// By connection.
    plain: Seats<u64, Plain>,
    groups: Seats<Arc<str>, Group>,
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
        self.overflow =
            self.subscriptions.iter().map(|(_, overflow)| *overflow).max().unwrap_or_default();
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

    /// Adds a subscription, unless it is there already. Whether it has a past to be told of: a
    /// group has its place in the order, whoever its members are.
    pub(super) fn join(&mut self, entry: &SubscriptionEntry) -> bool {
        let Some(name) = &entry.group else { return self.join_plain(entry) };
        self.groups.get_or_insert(name.clone(), || Group::new(name.clone())).join(entry);
        false
    }

    fn join_plain(&mut self, entry: &SubscriptionEntry) -> bool {
        let member = self.plain.get_or_insert(entry.outlet.connection(), || Plain {
            outlet: entry.outlet.clone(),
            subscriptions: Vec::new(),
            overflow: entry.overflow,
        });
        let is_new = !member.subscriptions.iter().any(|(id, _)| *id == entry.id);
        if is_new {
            member.subscriptions.push((entry.id, entry.overflow));
            member.refresh_overflow();
        }
        is_new
    }

    /// Takes a plain subscription out.
    pub(super) fn leave_plain(&mut self, entry: &SubscriptionEntry) {
        let connection = entry.outlet.connection();
        let Some(member) = self.plain.get_mut(&connection) else { return };
        member.subscriptions.retain(|(id, _)| *id != entry.id);
        if member.subscriptions.is_empty() {
            self.plain.remove(&connection);
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
            self.groups.remove(name);
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
        let plain = self.plain.iter().find(|m| m.outlet.queue().must_wait(size, m.overflow));
        plain
            .map(|member| &member.outlet)
            .or_else(|| self.groups.iter().find_map(|group| group.without_room(size)))
    }

    /// Appends a run to every plain member, and to one member or more of every group.
    pub(super) fn deliver(
        &mut self,
        lane: &Lane,
        run: &Sealed,
        held: &Arc<HeldBytes>,
        touched: &mut Touched,
    ) {
        for member in self.plain.iter() {
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
                Appended::Done => touch(&member.outlet, touched),
                Appended::Overflowed(run) => {
                    queue.abandon(&[run]);
                    member.outlet.overflowed();
                }
                // The connection has just ended; its leaving is on its way to the topic actor.
                Appended::Closed(run) => queue.abandon(&[run]),
            }
        }
        for group in self.groups.iter_mut() {
            group.deliver(lane, run, held, touched);
        }
    }
}
