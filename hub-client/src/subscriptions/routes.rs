//! Keeps the routes of a client. A route has the subscriptions that get the events of one topic,
//! and states how far each subscription has come.
//!
//! The hub sends one copy of an event, however many plain subscriptions of the connection match it.
//! So the client keeps a route for each topic, with these invariants:
//!
//! - **A subscription takes part in a topic from the moment at which the hub says so**, with a RUN
//!   that names it or with SUBSCRIBED. Otherwise, while a subscription is added or restored, it
//!   would get events from before its start, or a gap where nothing is missing. In one case the
//!   client learns it only later: the first events of a topic that begins meanwhile may be due, or
//!   may be from before the start. They are deferred. A RUN that names the subscription drops them,
//!   and SUBSCRIBED hands them over.
//! - **A cursor moves only over deliveries that were handed over.** Otherwise a reconnect would
//!   skip events.

use super::cursor::{Cursor, NewRange, UnannouncedLoss};
use super::route_member::{Participation, RouteMember};
use hub_wire::{
    FilterIndex, Gap, GapReason, NameError, Position, RunFrame, Start, TopicFilter, TopicName,
};
use std::collections::{BTreeMap, HashMap};

/// Describes a plain subscription, as routes see it.
#[derive(Debug)]
struct PlainSubscription {
    filter: TopicFilter,
    start: Start,
    /// If this is true, the hub has sent SUBSCRIBED on this connection.
    confirmed: bool,
    /// If this is true, the hub has sent SUBSCRIBED on any connection. From then on, the
    /// subscription resumes.
    established: bool,
    /// If this is true, the hub must still restore the subscription on this connection.
    resuming: bool,
}

/// Holds the subscriptions of one topic.
#[derive(Debug)]
struct Route {
    topic: TopicName,
    members: Vec<RouteMember>,
    /// The members were looked up in the set of subscriptions with this generation number.
    generation: u64,
    /// At the last use of this route, the count of all uses had this value.
    used: u64,
}

/// Holds all routes of a client. The documentation of this module states the invariants.
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

/// Describes the part of a run that one subscription gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RouteMatch {
    pub(crate) id: u64,
    pub(crate) new: NewRange,
    /// If this is true, the events are deferred until it is known whether they are due. If numbers
    /// jump, no deferred event was due, because the numbers in between would have arrived.
    pub(crate) deferred: bool,
}

impl Routes {
    /// Makes an empty set of routes, which keeps at most about `kept` routes.
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

    /// Removes a subscription from all routes.
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

    /// Handles a SUBSCRIBED frame: the deferred deliveries of these topics are due.
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

    /// Handles the loss of the connection. No subscription takes part in a topic until the hub
    /// announces it again.
    pub(crate) fn disconnect(&mut self) {
        for plain in self.plain.values_mut() {
            (plain.confirmed, plain.resuming) = (false, plain.established);
        }
        for member in self.routes.values_mut().flat_map(|route| &mut route.members) {
            (member.joined, member.deferred) = (false, None);
        }
        self.generation += 1;
    }

    /// Returns where each subscription is to start on a new connection.
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

    /// Handles a RUN frame. Fills `matches` with the subscriptions that get a part of the run. The
    /// function hands nothing over yet.
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

    /// Handles a RUN frame without events. The next event of the topic will have the number
    /// `run.first`, and events of its past that the subscription asked for will follow. Returns the
    /// gap of a subscription that has a position from an earlier connection, but that the hub had
    /// not confirmed. Such a subscription begins anew, later than its position.
    pub(crate) fn stands(&mut self, run: &RunFrame<'_>) -> Result<Option<(u64, Gap)>, NameError> {
        let Some(id) = run.subscription else { return Ok(None) };
        let Some(plain) = self.plain.get(&id) else { return Ok(None) };
        // If the subscription has no earlier position, no event up to this number will come.
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
            // The subscription continues at its position. The hub sends the events from there on,
            // or a gap.
            (Cursor::After(_), _) => {}
            (_, Some(before)) => member.cursor = after(before),
            (_, None) => member.cursor = Cursor::Start,
        }
        Ok(None)
    }

    /// Handles a GAP frame. Calls `told` for each subscription for which the gap is new. The
    /// arguments are the id of the subscription, the new part of the gap, the loss in front of it
    /// that the hub did not announce, and whether both are deferred.
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

    /// Notes that everything up to `seq` was handed over to this subscription.
    pub(crate) fn handed_over(&mut self, topic: &str, epoch: u64, seq: u64, id: u64) {
        let Some(route) = self.routes.get_mut(topic) else { return };
        if let Some(member) = route.members.iter_mut().find(|member| member.id == id) {
            member.cursor_mut().advance(epoch, seq);
        }
    }

    /// Returns the route of a topic with its present members, or `None` if no subscription matches.
    fn route(&mut self, topic: &str) -> Result<Option<&mut Route>, NameError> {
        self.uses += 1;
        let stale = |route: &Route| route.generation != self.generation;
        if self.routes.get(topic).is_none_or(stale) {
            self.look_up(TopicName::parse(topic)?);
        }
        let route = self.routes.get_mut(topic);
        Ok(route.map(|route| route.used_at(self.uses)))
    }

    /// Looks up the members of a topic, and keeps the state of the members that are already known.
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
        // Several subscriptions may have one filter. A fixed order makes deliveries reproducible.
        members.sort_unstable_by_key(|member| member.id);
        if self.routes.len() >= self.kept {
            self.forget_oldest();
        }
        let route =
            Route { topic: topic.clone(), members, generation: self.generation, used: self.uses };
        self.routes.insert(topic, route);
    }

    /// Returns the cursor with which a subscription begins in a topic.
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

    /// Drops the eighth of the routes that was unused for longest.
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
    /// Notes a use of the route, by the number of the use.
    fn used_at(&mut self, use_number: u64) -> &mut Self {
        self.used = use_number;
        self
    }
}

#[cfg(test)]
mod tests;
