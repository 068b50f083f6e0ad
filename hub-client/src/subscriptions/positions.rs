//! Keeps how far each plain subscription of a client has come in each topic, so that it can resume
//! on a new connection.
//!
//! **A cursor moves only over deliveries that were handed over.** Otherwise a reconnect would skip
//! events.

use super::cursor::{Cursor, NewRange, UnannouncedLoss};
use hub_wire::{
    Gap, GapReason, NameError, Position, RunFrame, Start, SubscriptionIds, TopicName,
    TopicPositions,
};
use std::collections::HashMap;

/// Describes a plain subscription.
#[derive(Debug)]
struct PlainSubscription {
    start: Start,
    /// If this is true, the hub has sent SUBSCRIBED on any connection. From then on, the
    /// subscription resumes.
    established: bool,
    /// If this is true, the hub must still restore the subscription on this connection.
    resuming: bool,
}

/// Holds the cursors of all subscriptions in one topic.
#[derive(Debug)]
struct TopicCursors {
    cursors: Vec<(u64, Cursor)>,
    /// At the last use of this entry, the count of all uses had this value.
    used: u64,
}

/// Holds the positions of all plain subscriptions of a client.
#[derive(Debug)]
pub(crate) struct Positions {
    plain: HashMap<u64, PlainSubscription>,
    topics: HashMap<TopicName, TopicCursors>,
    uses: u64,
    /// At most about this many topics are kept.
    kept: usize,
    /// If this is true, the positions of some topic were forgotten.
    forgot: bool,
}

/// Describes the part of a run that one subscription gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewPart {
    pub(crate) id: u64,
    pub(crate) new: NewRange,
}

impl Positions {
    /// Makes an empty set of positions, which keeps at most about `kept` topics.
    pub(crate) fn new(kept: usize) -> Self {
        Positions {
            plain: HashMap::new(),
            topics: HashMap::new(),
            uses: 0,
            kept: kept.max(1),
            forgot: false,
        }
    }

    /// Adds a plain subscription.
    pub(crate) fn add(&mut self, id: u64, start: Start) {
        let (established, resuming) = (false, false);
        self.plain.insert(id, PlainSubscription { start, established, resuming });
    }

    /// Removes a subscription with all its positions.
    pub(crate) fn remove(&mut self, id: u64) {
        if self.plain.remove(&id).is_some() {
            self.topics.retain(|_, topic| {
                topic.cursors.retain(|(known, _)| *known != id);
                !topic.cursors.is_empty()
            });
        }
    }

    /// Handles a SUBSCRIBED frame.
    pub(crate) fn confirm(&mut self, id: u64) {
        if let Some(plain) = self.plain.get_mut(&id) {
            (plain.established, plain.resuming) = (true, false);
        }
    }

    /// Handles the loss of the connection.
    pub(crate) fn disconnect(&mut self) {
        self.plain.values_mut().for_each(|plain| plain.resuming = plain.established);
    }

    /// Notes that the hub was restarted, so that all topics begin anew. Returns the gap of each
    /// subscription in each topic, with its id.
    pub(crate) fn renew(&mut self) -> Vec<(u64, Gap)> {
        let mut gaps = Vec::new();
        for (topic, known) in &mut self.topics {
            for (id, cursor) in &mut known.cursors {
                let Cursor::After(seen) = *cursor else { continue };
                gaps.push((*id, UnannouncedLoss::Renewal(seen).gap(topic.as_str(), seen.epoch, 1)));
                *cursor = Cursor::Start;
            }
        }
        gaps
    }

    /// Returns where each subscription is to start on a new connection.
    pub(crate) fn starts(&self) -> HashMap<u64, Start> {
        let mut after: HashMap<u64, TopicPositions> = HashMap::new();
        for (topic, known) in &self.topics {
            for (id, cursor) in &known.cursors {
                if let Cursor::After(position) = cursor {
                    let seen = after.entry(*id).or_default();
                    seen.insert(topic.as_str(), *position);
                }
            }
        }
        let start = |(id, plain): (&u64, &PlainSubscription)| {
            let seen = after.remove(id).unwrap_or_default();
            (*id, if plain.established { Start::After(seen) } else { plain.start.clone() })
        };
        self.plain.iter().map(start).collect()
    }

    /// Handles a RUN frame. Fills `parts` with the part of the run that each plain subscription
    /// gets. The function hands nothing over yet.
    pub(crate) fn run(
        &mut self,
        run: &RunFrame<'_>,
        parts: &mut Vec<NewPart>,
    ) -> Result<(), NameError> {
        parts.clear();
        for id in run.subscriptions.as_slice() {
            let begins_at_last = self.begins_at_last(*id);
            let Some(cursor) = self.cursor(run.topic, *id)? else { continue };
            let mut new = cursor.new_from(run.epoch, run.first);
            if let Some(UnannouncedLoss::Jump(due)) = new.unannounced
                && begins_at_last
            {
                new.unannounced = Some(UnannouncedLoss::Skipped(due));
            }
            if new.from - run.first < u64::from(run.count) {
                parts.push(NewPart { id: *id, new });
            }
        }
        Ok(())
    }

    /// Handles a RUN frame without events. The next event that the subscription gets of the topic will
    /// have the number `run.first`. Returns the
    /// gap of a subscription that has a position from an earlier connection, but that the hub had
    /// not confirmed. Such a subscription begins anew, later than its position.
    pub(crate) fn stands(&mut self, run: &RunFrame<'_>) -> Result<Option<(u64, Gap)>, NameError> {
        let Some(id) = run.subscriptions.as_slice().first().copied() else { return Ok(None) };
        let Some(plain) = self.plain.get(&id) else { return Ok(None) };
        // If the subscription has no earlier position, no event up to this number will come.
        let before = match plain.start {
            _ if plain.resuming => None,
            Start::After(_) => None,
            Start::Live | Start::Last => Some(run.first.saturating_sub(1)),
        };
        let Some(cursor) = self.cursor(run.topic, id)? else { return Ok(None) };
        let epoch = run.epoch;
        let after = |seq| Cursor::After(Position { epoch, seq });
        match (*cursor, before) {
            (Cursor::After(seen), Some(before)) if seen.epoch == epoch && before > seen.seq => {
                *cursor = after(before);
                let (from, to, reason) = (seen.seq + 1, Some(before), GapReason::Away);
                let (topic, subscriptions) = (run.topic.to_owned(), SubscriptionIds::NONE);
                return Ok(Some((id, Gap { topic, epoch, from, to, reason, subscriptions })));
            }
            // The subscription continues at its position. The hub sends the events from there on,
            // or a gap.
            (Cursor::After(_), _) => {}
            (_, Some(before)) => *cursor = after(before),
            (_, None) => *cursor = Cursor::Start,
        }
        Ok(None)
    }

    /// Handles a GAP frame. Calls `told` for each plain subscription for which the gap is new. The
    /// arguments are the id of the subscription, the new part of the gap, and the loss in front of
    /// it that the hub did not announce.
    pub(crate) fn gap(
        &mut self,
        gap: &Gap,
        mut told: impl FnMut(u64, Gap, Option<UnannouncedLoss>),
    ) -> Result<(), NameError> {
        for id in gap.subscriptions.as_slice() {
            let Some(cursor) = self.cursor(&gap.topic, *id)? else { continue };
            if let (Some(news), unannounced) = cursor.pass(gap) {
                told(*id, news, unannounced);
            }
        }
        Ok(())
    }

    /// Notes that everything up to `seq` was handed over to this subscription.
    pub(crate) fn handed_over(&mut self, topic: &str, epoch: u64, seq: u64, id: u64) {
        let cursors = self.topics.get_mut(topic).map(|topic| &mut topic.cursors);
        if let Some((_, cursor)) = cursors.into_iter().flatten().find(|(known, _)| *known == id) {
            cursor.advance(epoch, seq);
        }
    }

    /// Returns the cursor of a plain subscription in a topic. Returns `None` if there is no such
    /// subscription, for example because it has just ended.
    fn cursor(&mut self, topic: &str, id: u64) -> Result<Option<&mut Cursor>, NameError> {
        if !self.plain.contains_key(&id) {
            return Ok(None);
        }
        self.uses += 1;
        if !self.topics.contains_key(topic) {
            if self.topics.len() >= self.kept {
                self.forget_oldest();
            }
            let empty = TopicCursors { cursors: Vec::new(), used: 0 };
            self.topics.insert(TopicName::parse(topic)?, empty);
        }
        let first = self.first_cursor(id, topic);
        let Some(known) = self.topics.get_mut(topic) else { return Ok(None) };
        known.used = self.uses;
        let at = known.cursors.iter().position(|(known, _)| *known == id).unwrap_or_else(|| {
            known.cursors.push((id, first));
            known.cursors.len() - 1
        });
        Ok(known.cursors.get_mut(at).map(|(_, cursor)| cursor))
    }

    /// Returns whether the first event that a subscription gets of a topic may be its last one.
    fn begins_at_last(&self, id: u64) -> bool {
        let plain = self.plain.get(&id);
        plain.is_some_and(|plain| !plain.established && plain.start == Start::Last)
    }

    /// Returns the cursor with which a subscription begins in a topic.
    fn first_cursor(&self, id: u64, topic: &str) -> Cursor {
        let named = self.plain.get(&id).and_then(|plain| match &plain.start {
            Start::After(seen) => seen.get(topic),
            _ => None,
        });
        match named {
            Some(position) => Cursor::After(*position),
            None if self.forgot || self.begins_at_last(id) => Cursor::Anywhere,
            None => Cursor::Start,
        }
    }

    /// Drops the eighth of the topics that was unused for longest.
    fn forget_oldest(&mut self) {
        let mut used: Vec<u64> = self.topics.values().map(|topic| topic.used).collect();
        let at = used.len() / 8;
        let (_, limit, _) = used.select_nth_unstable(at);
        let limit = *limit;
        self.topics.retain(|_, topic| topic.used > limit);
        self.forgot = true;
    }
}

#[cfg(test)]
mod tests;
