//! Tracks how far a subscription has come in a topic, and what that means for the events that come
//! next. Without this cursor, a reconnect would repeat or skip events unseen.

use hub_wire::{Gap, GapReason, Position, SubscriptionIds};

/// States how far a subscription has come in one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// The position is unknown, so any event may come first.
    Anywhere,
    /// The first event of the topic is due.
    Start,
    /// Everything up to this position was handed over.
    After(Position),
}

/// Describes the new part of a range of event numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewRange {
    /// The first event to hand over has this number. It is beyond the range if the subscription has
    /// seen all of the range.
    pub(crate) from: u64,
    /// In front of that event, events may be missing without an announcement of the hub.
    pub(crate) unannounced: Option<UnannouncedLoss>,
}

/// Describes a loss that the hub did not announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnannouncedLoss {
    /// Event numbers jumped, which breaks the protocol. The field is the first number that was left
    /// out.
    Jump(u64),
    /// The subscription begins anew with the last event of the topic, because the hub had not confirmed
    /// it on an earlier connection. The field is the first number that was left out.
    Skipped(u64),
    /// The topic began a new epoch, some time after this position in its old epoch. The client does
    /// not see that if the hub restarts and the topic gets its next event only after the reconnect.
    Renewal(Position),
}

impl Cursor {
    /// Returns the event number that is due next in `epoch`, or `None` if any number may come next.
    pub(crate) fn due(self, epoch: u64) -> Option<u64> {
        match self {
            Cursor::Anywhere => None,
            Cursor::After(position) if position.epoch == epoch => {
                Some(position.seq.saturating_add(1))
            }
            Cursor::Start | Cursor::After(_) => Some(1),
        }
    }

    /// Returns the new part of the events from number `first` on.
    pub(crate) fn new_from(self, epoch: u64, first: u64) -> NewRange {
        let due = self.due(epoch).unwrap_or(first);
        let unannounced = match self {
            Cursor::After(seen) if seen.epoch != epoch => Some(UnannouncedLoss::Renewal(seen)),
            _ => (first > due).then_some(UnannouncedLoss::Jump(due)),
        };
        NewRange { from: due.max(first), unannounced }
    }

    /// Notes that everything up to `seq` was handed over.
    pub(crate) fn advance(&mut self, epoch: u64, seq: u64) {
        let seen = self.due(epoch).map_or(0, |due| due - 1);
        *self = Cursor::After(Position { epoch, seq: seq.max(seen) });
    }

    /// Applies a gap. Returns the part of the gap that is new, and the loss in front of that part
    /// that the hub did not announce.
    pub(crate) fn pass(&mut self, gap: &Gap) -> (Option<Gap>, Option<UnannouncedLoss>) {
        let Some(to) = gap.to else {
            if matches!(self, Cursor::After(seen) if seen.epoch != gap.epoch) {
                return (None, None); // the gap is of an epoch that is known to have ended
            }
            // A new epoch begins with its first event.
            let renewed = gap.reason == GapReason::NewEpoch;
            *self = if renewed { Cursor::Start } else { Cursor::Anywhere };
            return (Some(gap.clone()), None);
        };
        let new = self.new_from(gap.epoch, gap.from);
        if new.from > to {
            return (None, None);
        }
        self.advance(gap.epoch, to);
        (Some(Gap { from: new.from, ..gap.clone() }), new.unannounced)
    }
}

impl UnannouncedLoss {
    /// Makes the gap that the hub did not send, in front of event number `next`.
    pub(crate) fn gap(self, topic: &str, epoch: u64, next: u64) -> Gap {
        let (epoch, from, to, reason) = match self {
            UnannouncedLoss::Jump(from) => (epoch, from, Some(next - 1), UNEXPLAINED),
            UnannouncedLoss::Skipped(from) => (epoch, from, Some(next - 1), GapReason::Away),
            UnannouncedLoss::Renewal(seen) => {
                (seen.epoch, seen.seq.saturating_add(1), None, GapReason::NewEpoch)
            }
        };
        let (topic, subscriptions) = (topic.to_owned(), SubscriptionIds::NONE);
        Gap { topic, epoch, from, to, reason, subscriptions }
    }
}

/// A gap has this reason if numbers jumped without a GAP. The protocol has no reason for such a
/// gap, because it must not happen.
pub(crate) const UNEXPLAINED: GapReason = GapReason::Unknown(0);

#[cfg(test)]
mod tests {
    use super::*;

    fn after(epoch: u64, seq: u64) -> Cursor {
        Cursor::After(Position { epoch, seq })
    }

    #[test]
    fn what_was_seen_is_not_new_and_what_was_skipped_is_noticed() {
        let new = |cursor: Cursor, epoch, first| {
            let NewRange { from, unannounced } = cursor.new_from(epoch, first);
            (from, unannounced)
        };
        assert_eq!(new(after(1, 5), 1, 6), (6, None));
        assert_eq!(new(after(1, 5), 1, 3), (6, None));
        assert_eq!(new(after(1, 5), 1, 9), (9, Some(UnannouncedLoss::Jump(6))));
        let renewal = Some(UnannouncedLoss::Renewal(Position { epoch: 1, seq: 5 }));
        assert_eq!(new(after(1, 5), 2, 1), (1, renewal));
        assert_eq!(new(Cursor::Start, 2, 2), (2, Some(UnannouncedLoss::Jump(1))));
        assert_eq!(new(Cursor::Anywhere, 2, 7), (7, None));
        assert_eq!(new(after(1, u64::MAX), 1, 1), (u64::MAX, None));
    }

    #[test]
    fn a_gap_tells_only_what_is_missing() {
        let gap = |from, to| Gap {
            topic: "t".into(),
            epoch: 1,
            from,
            to,
            reason: GapReason::Overflow,
            subscriptions: SubscriptionIds::NONE,
        };
        let mut cursor = after(1, 5);
        assert_eq!(cursor.pass(&gap(1, Some(5))), (None, None));
        assert_eq!(cursor.pass(&gap(3, Some(7))), (Some(gap(6, Some(7))), None));
        assert_eq!(cursor, after(1, 7));
        assert_eq!(
            cursor.pass(&gap(10, Some(12))),
            (Some(gap(10, Some(12))), Some(UnannouncedLoss::Jump(8)))
        );
        assert_eq!(cursor, after(1, 12));
        let renewed = Gap { reason: GapReason::NewEpoch, ..gap(13, None) };
        assert_eq!(cursor.pass(&renewed), (Some(renewed.clone()), None));
        assert_eq!(cursor, Cursor::Start);
        cursor = after(2, 1);
        assert_eq!(cursor.pass(&renewed), (None, None), "told already");
        assert_eq!(cursor, after(2, 1));
    }
}
