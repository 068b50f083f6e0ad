//! Which subscriptions a topic's events are for, and where each stands in it.
//!
//! The hub sends one copy of an event however many plain subscriptions of the connection match
//! it, so the client keeps a route a topic. Invariants:
//!
//! - **A subscription takes participation in a topic from the moment the hub says so**: a RUN that names
//!   it, or its SUBSCRIBED. Otherwise, while a subscription is being added or restored, it would
//!   get events from before its start, or find a gap where there is none. One case is known only
//!   later: events of a topic that begins meanwhile may be from before its start, or the first
//!   that are due. They are deferred: dropped if a RUN names it, handed over with its SUBSCRIBED.
//! - **A place is changed only by what was handed over.** Otherwise a reconnect would skip events.

use super::cursor::{Cursor, NewRange, UnannouncedLoss};
use super::route_member::{Participation, RouteMember};
use hub_wire::{
    FilterIndex, Gap, GapReason, NameError, Position, RunFrame, Start, TopicFilter, TopicName,
};
use std::collections::{BTreeMap, HashMap};

/// What routes know of a plain subscription.
#[derive(Debug)]
struct PlainSubscription {
    filter: TopicFilter,
    start: Start,
    /// The hub has said SUBSCRIBED on this connection.
    confirmed: bool,
    /// The hub has said SUBSCRIBED on any connection: from then on it resumes.
    established: bool,
    /// The hub has yet to restore it on this connection.
    resuming: bool,
}

#[derive(Debug)]
struct Route {
    topic: TopicName,
    members: Vec<RouteMember>,
    /// For which set of subscriptions the members were looked up.
    generation: u64,
    /// When it was last used, counted in uses.
    used: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Routes {
    plain: HashMap<u64, PlainSubscription>,
    filters: FilterIndex<u64>,
    routes: HashMap<TopicName, Route>,
    generation: u64,
    uses: u64,
    kept: usize,
    forgot: bool,
}

/// One subscription's matched of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouteMatch {
    pub(crate) id: u64,
    pub(crate) new: NewRange,
    /// To be deferred until it is known whether it is due. If numbers jump, nothing deferred was: those
    /// in between would have come.
    pub(crate) deferred: bool,
}

impl Routes {
    /// No routes; at most about `kept` later.
    pub(crate) fn new(kept: usize) -> Self {
        Routes {
            plain: HashMap::new(),
            filters: FilterIndex::default(),
            routes: HashMap::new(),
            generation: 0,
            uses: 0,
            kept: kept.max(1),
            forgot: false,
        }
    }

    /// Adds a plain subscription.
    pub(crate) fn add(&mut self, id: u64, filter: &TopicFilter, start: Start) {
        self.filters.insert(filter, id);
        let filter = filter.clone();
        let (confirmed, established, resuming) = (false, false, false);
        self.plain
            .insert(id, PlainSubscription { filter, start, confirmed, established, resuming });
        self.generation += 1;
    }

    /// Takes a subscription out.
    pub(crate) fn remove(&mut self, id: u64) {
        let Some(plain) = self.plain.remove(&id) else { return };
        self.filters.remove(&plain.filter, |known| *known == id);
        self.generation += 1;
        let leave = |route: &mut Route| {
            route.members.retain(|member| member.id != id);
            !route.members.is_empty()
        };
        match plain.filter.as_name() {
            None => self.routes.retain(|_, route| leave(route)),
            Some(name) => {
                if self.routes.get_mut(&name).is_some_and(|route| !leave(route)) {
                    self.routes.remove(&name);
                }
            }
        }
    }

    /// The hub said SUBSCRIBED: what was deferred of these topics is due.
    pub(crate) fn confirm<'a>(&mut self, id: u64, deferred: impl Iterator<Item = &'a str>) {
        let Some(plain) = self.plain.get_mut(&id) else { return };
        (plain.confirmed, plain.established, plain.resuming) = (true, true, false);
        self.generation += 1;
        for topic in deferred {
            let members = self.routes.get_mut(topic).map(|route| &mut route.members);
            for member in members.into_iter().flatten().filter(|member| member.id == id) {
                member.cursor = member.deferred.take().unwrap_or(member.cursor);
            }
        }
    }

    /// The connection was lost: nobody takes participation in anything until the hub says so again.
    pub(crate) fn disconnect(&mut self) {
        for plain in self.plain.values_mut() {
            (plain.confirmed, plain.resuming) = (false, plain.established);
        }
        for member in self.routes.values_mut().flat_map(|route| &mut route.members) {
            (member.joined, member.deferred) = (false, None);
        }
        self.generation += 1;
    }

    /// Where each subscription is to start on a new connection.
    pub(crate) fn starts(&self) -> HashMap<u64, Start> {
        let mut after: HashMap<u64, BTreeMap<String, Position>> = HashMap::new();
        for route in self.routes.values() {
            for member in &route.members {
                if let Cursor::After(position) = member.cursor {
                    let seen = after.entry(member.id).or_default();
                    seen.insert(route.topic.as_str().to_owned(), position);
                }
            }
        }
        let start = |(id, plain): (&u64, &PlainSubscription)| {
            let seen = after.remove(id).unwrap_or_default();
            (*id, if plain.established { Start::After(seen) } else { plain.start.clone() })
        };
        self.plain.iter().map(start).collect()
    }

    /// A RUN came. Fills `matches` with who gets what of it; nothing is handed over yet.
    pub(crate) fn run(
        &mut self,
        run: &RunFrame<'_>,
        matches: &mut Vec<RouteMatch>,
    ) -> Result<(), NameError> {
        matches.clear();
        let Some(route) = self.route(run.topic)? else { return Ok(()) };
        for member in &mut route.members {
            if run.subscription.is_some_and(|id| id != member.id) {
                continue;
            }
            let participation = member.join(run.subscription, run.epoch, run.first);
            if participation == Participation::None {
                continue;
            }
            let new = member.cursor_mut().new_from(run.epoch, run.first);
            if participation == Participation::Deferred
                && matches!(new.unannounced, Some(UnannouncedLoss::Jump(_)))
            {
                member.deferred = None;
            }
            if new.from - run.first < u64::from(run.count) {
                matches.push(RouteMatch {
                    id: member.id,
                    new,
                    deferred: participation == Participation::Deferred,
                });
            }
        }
        Ok(())
    }

    /// A RUN without events came: the topic stands at `run.first`, and what a subscription asked
    /// for of its past follows. Returns what a subscription misses that had begun on an earlier
    /// connection, but was not in place yet: it begins again, and not where it was.
    pub(crate) fn stands(&mut self, run: &RunFrame<'_>) -> Result<Option<(u64, Gap)>, NameError> {
        let Some(id) = run.subscription else { return Ok(None) };
        let Some(plain) = self.plain.get(&id) else { return Ok(None) };
        // The last number that will not come, if the subscription has no earlier place.
        let before = match plain.start {
            _ if plain.resuming => None,
            Start::After(_) => None,
            Start::Live => Some(run.first.saturating_sub(1)),
            Start::Last => Some(run.first.saturating_sub(2)),
        };
        let Some(route) = self.route(run.topic)? else { return Ok(None) };
        let Some(member) = route.members.iter_mut().find(|m| m.id == id) else { return Ok(None) };
        (member.joined, member.deferred) = (true, None);
        let epoch = run.epoch;
        let after = |seq| Cursor::After(Position { epoch, seq });
        match (member.cursor, before) {
            (Cursor::After(seen), Some(before)) if seen.epoch == epoch && before > seen.seq => {
                member.cursor = after(before);
                let (from, to, reason) = (seen.seq + 1, Some(before), GapReason::Away);
                let topic = run.topic.to_owned();
                return Ok(Some((id, Gap { topic, epoch, from, to, reason, subscription: None })));
            }
            // It goes on where it was; events, or a gap, lead from there to here.
            (Cursor::After(_), _) => {}
            (_, Some(before)) => member.cursor = after(before),
            (_, None) => member.cursor = Cursor::Start,
        }
        Ok(None)
    }

    /// A GAP came. Calls `told` with each subscription that misses something it did not know
    /// of: its id, what it misses, what the hub did not tell of what is in front of that, and
    /// whether both are to be deferred.
    pub(crate) fn gap(
        &mut self,
        gap: &Gap,
        mut told: impl FnMut(u64, Gap, Option<UnannouncedLoss>, bool),
    ) -> Result<(), NameError> {
        let Some(route) = self.route(&gap.topic)? else { return Ok(()) };
        for member in &mut route.members {
            if gap.subscription.is_some_and(|id| id != member.id) {
                continue;
            }
            let participation = member.join(gap.subscription, gap.epoch, gap.from);
            if participation == Participation::None {
                continue;
            }
            if let (Some(news), unannounced) = member.cursor_mut().pass(gap) {
                if participation == Participation::Deferred
                    && matches!(unannounced, Some(UnannouncedLoss::Jump(_)))
                {
                    member.deferred = None;
                }
                told(member.id, news, unannounced, participation == Participation::Deferred);
            }
        }
        Ok(())
    }

    /// Everything up to `seq` was handed over to this subscription.
    pub(crate) fn handed_over(&mut self, topic: &str, epoch: u64, seq: u64, id: u64) {
        let Some(route) = self.routes.get_mut(topic) else { return };
        if let Some(member) = route.members.iter_mut().find(|member| member.id == id) {
            member.cursor_mut().advance(epoch, seq);
        }
    }

    /// The route of a topic, its members up to date; `None` if it has none.
    fn route(&mut self, topic: &str) -> Result<Option<&mut Route>, NameError> {
        self.uses += 1;
        let stale = |route: &Route| route.generation != self.generation;
        if self.routes.get(topic).is_none_or(stale) {
            self.look_up(TopicName::parse(topic)?);
        }
        let route = self.routes.get_mut(topic);
        Ok(route.map(|route| route.used_at(self.uses)))
    }

    fn look_up(&mut self, topic: TopicName) {
        let mut known = self.routes.remove(&topic).map(|route| route.members).unwrap_or_default();
        let mut members = Vec::new();
        self.filters.matching(&topic, |id| {
            let member = match known.iter().position(|member| member.id == *id) {
                Some(at) => known.swap_remove(at),
                None => RouteMember::new(*id, self.first_cursor(*id, &topic)),
            };
            members.push(member);
        });
        if members.is_empty() {
            return;
        }
        for member in &mut members {
            member.joined |= self.plain.get(&member.id).is_some_and(|plain| plain.confirmed);
        }
        // One filter may be subscribed to twice; order makes deliveries reproducible.
        members.sort_unstable_by_key(|member| member.id);
        if self.routes.len() >= self.kept {
            self.forget_oldest();
        }
        let route =
            Route { topic: topic.clone(), members, generation: self.generation, used: self.uses };
        self.routes.insert(topic, route);
    }

    fn first_cursor(&self, id: u64, topic: &TopicName) -> Cursor {
        let named = self.plain.get(&id).and_then(|plain| match &plain.start {
            Start::After(seen) => seen.get(topic.as_str()),
            _ => None,
        });
        match named {
            Some(position) => Cursor::After(*position),
            None if self.forgot => Cursor::Anywhere,
            None => Cursor::Start,
        }
    }

    /// Drops the eighth of the routes that was not used for longest.
    fn forget_oldest(&mut self) {
        let mut used: Vec<u64> = self.routes.values().map(|route| route.used).collect();
        let at = used.len() / 8;
        let (_, limit, _) = used.select_nth_unstable(at);
        let limit = *limit;
        self.routes.retain(|_, route| route.used > limit);
        self.forgot = true;
    }
}

impl Route {
    fn used_at(&mut self, use_number: u64) -> &mut Self {
        self.used = use_number;
        self
    }
}

#[cfg(test)]
mod tests;
