//! Who gets a topic's events: plain members, and queue groups.

use super::item::{Lane, QueuedRun, frame_ends};
use super::pending::Sealed;
use super::{Appended, Outlet};
use crate::wire::Overflow;
use bytes::Bytes;
use std::sync::Arc;

/// What one run is offered to.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub plain: Vec<Plain>,
    pub groups: Vec<Group>,
}

/// A connection with one or more plain subscriptions to the topic; it gets one copy.
#[derive(Debug)]
pub(super) struct Plain {
    pub outlet: Arc<dyn Outlet>,
    pub subscriptions: Vec<(u64, Overflow)>,
    /// Of its subscriptions' policies, the one that loses least.
    pub overflow: Overflow,
}

/// A queue group: each event goes to one of its members.
#[derive(Debug)]
pub(super) struct Group {
    pub name: Arc<str>,
    pub members: Vec<GroupMember>,
    /// Whose turn it is.
    next: usize,
}

#[derive(Debug, Clone)]
pub(super) struct GroupMember {
    pub outlet: Arc<dyn Outlet>,
    pub subscription: u64,
    pub overflow: Overflow,
}

/// The outlets that got something and are to be flushed.
pub type Touched = Vec<Arc<dyn Outlet>>;

fn touch(outlet: &Arc<dyn Outlet>, touched: &mut Touched) {
    if outlet.queue().touch() {
        touched.push(outlet.clone());
    }
}

impl Plain {
    pub(super) fn refresh_overflow(&mut self) {
        self.overflow =
            self.subscriptions.iter().map(|(_, overflow)| *overflow).max().unwrap_or_default();
    }
}

impl Members {
    pub(super) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.groups.is_empty()
    }

    /// How many deliveries one event makes due.
    pub(super) fn deliveries(&self) -> usize {
        self.plain.len() + self.groups.len()
    }

    /// The first member for whose room a publisher with `size` bytes should wait.
    pub(super) fn without_room(&self, size: usize) -> Option<&Arc<dyn Outlet>> {
        let plain = self.plain.iter().find(|m| m.outlet.queue().must_wait(size, m.overflow));
        plain.map(|member| &member.outlet).or_else(|| {
            self.groups.iter().find_map(|group| group.without_room(size)).map(|m| &m.outlet)
        })
    }

    /// Appends a run to every plain member, and to one member or more of every group.
    pub(super) fn deliver(&mut self, lane: &Lane, run: &Sealed, touched: &mut Touched) {
        for member in &self.plain {
            let queued = QueuedRun {
                lane: lane.clone(),
                group: None,
                first: run.first,
                count: run.count,
                overflow: member.overflow,
                head: Bytes::new(),
                body: run.bytes.clone(),
            };
            match member.outlet.queue().append(queued) {
                Appended::Done => touch(&member.outlet, touched),
                Appended::Overflowed => member.outlet.overflowed(),
                // The connection has just ended; its leaving is on its way to the topic actor.
                Appended::Closed(run) => member.outlet.queue().abandon(&[run]),
            }
        }
        for group in &mut self.groups {
            group.deliver(lane, run, touched);
        }
    }

    pub(super) fn group(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| &*group.name == name)
    }
}

impl Group {
    pub(super) fn new(name: Arc<str>) -> Self {
        Group { name, members: Vec::new(), next: 0 }
    }

    /// A member to wait for, if all are full.
    fn without_room(&self, size: usize) -> Option<&GroupMember> {
        let full = |m: &&GroupMember| m.outlet.queue().must_wait(size, m.overflow);
        let first = self.members.iter().find(full)?;
        self.members.iter().all(|member| full(&member)).then_some(first)
    }

    /// The members that can take `size` bytes, or if there is none all that are connected,
    /// beginning with the one whose turn it is.
    fn takers(&self, size: usize) -> Vec<GroupMember> {
        let turn = self.next.checked_rem(self.members.len()).unwrap_or(0);
        let (before, from) = self.members.split_at(turn);
        let open: Vec<_> =
            from.iter().chain(before).filter(|m| !m.outlet.queue().is_closed()).cloned().collect();
        let roomy: Vec<_> =
            open.iter().filter(|m| m.outlet.queue().has_room(size)).cloned().collect();
        if roomy.is_empty() { open } else { roomy }
    }

    fn deliver(&mut self, lane: &Lane, run: &Sealed, touched: &mut Touched) {
        let takers = self.takers(run.bytes.len());
        let Some(first_member) = self.members.first() else { return };
        let events = run.events();
        // Neighbouring events go to one member: one RUN frame for each part, not for each event.
        let parts = (takers.len().max(1) as u32).min(run.count);
        let mut ends = frame_ends(&events);
        let (mut first, mut start) = (run.first, 0);
        for part in 0..parts {
            let count = run.count / parts + u32::from(part < run.count % parts);
            let end = ends.nth(count as usize - 1).unwrap_or(events.len());
            let queued = QueuedRun {
                lane: lane.clone(),
                group: Some(self.name.clone()),
                first,
                count,
                overflow: Overflow::default(),
                head: Bytes::new(),
                body: events.slice(start..end),
            };
            let head = |id| run.head.for_subscription(id, first, count, run.time_ms).into();
            let order = takers.iter().cycle().skip(part as usize).take(takers.len());
            // A member's ledger is the hub's, so any of them can count.
            let rest = offer(order, queued, false, head, touched);
            if let Some(rest) = rest {
                first_member.outlet.queue().abandon(&[rest]);
            }
            (first, start) = (first + u64::from(count), end);
        }
        self.next = (self.next + parts as usize) % self.members.len();
    }

    /// Hands runs that a member left behind to the others; returns those that nobody took.
    pub(super) fn redistribute(
        &self,
        runs: Vec<QueuedRun>,
        touched: &mut Touched,
    ) -> Vec<QueuedRun> {
        let mut left = Vec::new();
        for (turn, run) in runs.into_iter().enumerate() {
            let takers = self.takers(run.size());
            let order = takers.iter().cycle().skip(turn % takers.len().max(1)).take(takers.len());
            let events = run.events();
            let original = run.clone();
            let (first, count) = (run.first, run.count);
            let head = |id| {
                let part = original.part(Some(id), first, count, &[]);
                part.body
            };
            let unnamed = QueuedRun { head: Bytes::new(), body: events, ..run };
            left.extend(offer(order, unnamed, true, head, touched));
        }
        left
    }
}

/// Appends a run to the first of `takers` that is still connected; returns it if none is.
fn offer<'a>(
    takers: impl Iterator<Item = &'a GroupMember>,
    mut run: QueuedRun,
    mut due: bool,
    head: impl Fn(u64) -> Bytes,
    touched: &mut Touched,
) -> Option<QueuedRun> {
    for member in takers {
        run.lane.subscription = Some(member.subscription);
        run.overflow = member.overflow;
        run.head = head(member.subscription);
        let queue = member.outlet.queue();
        // The first to be asked makes it due, whoever takes it in the end.
        let appended = if due { queue.append_due(run) } else { queue.append(run) };
        due = true;
        match appended {
            Appended::Done => {
                touch(&member.outlet, touched);
                return None;
            }
            Appended::Overflowed => {
                member.outlet.overflowed();
                return None;
            }
            Appended::Closed(back) => run = back,
        }
    }
    if due { Some(run) } else { None }
}
