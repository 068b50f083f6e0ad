//! Declares the overflow policies. Each declaration states what its policy does at every decision
//! that depends on the policy.
//!
//! Delivery queues, queue groups and the queues of listeners read these declarations and compare no
//! policy themselves. Otherwise a new policy would have to be added at a dozen decisions, and at a
//! decision that was forgotten it would silently behave like another policy.

use hub_wire::Overflow;

/// Declares one overflow policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverflowPolicy {
    /// When several subscriptions share one copy of an event, the policy with the highest rank
    /// applies, because it loses the fewest events.
    pub(crate) rank: u8,
    /// While the queue has no room, publishers wait for this long.
    pub(crate) publishers_wait: PublisherWait,
    /// When an event comes and the queue is at its bound, the queue does this.
    pub(crate) at_bound: AtBound,
    /// If this is true, the queue may drop an event that waits to make room for other events.
    pub(crate) drops_waiting: bool,
}

/// States how long publishers wait for room in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublisherWait {
    /// Publishers wait until the grace of the subscriber is over.
    Grace,
    /// Publishers wait until there is room, without a limit of time.
    Room,
}

/// States what a queue at its bound does with an event that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtBound {
    /// The publisher keeps the event until there is room. If the event comes all the same, a
    /// delivery queue accepts it. Such events come only from the few publishers that found room at
    /// the same time.
    Hold,
    /// The hub closes the connection, or the emitter ends the subscription.
    End,
    /// The queue drops the new event.
    DropNewest,
    /// The queue drops the oldest events that it may drop, until the new event fits.
    DropOldest,
    /// The queue drops each waiting event for which a newer event with the same key waits. If that
    /// makes too little room, the queue drops the oldest events as well.
    Conflate,
}

/// Returns the declaration of a policy.
pub(crate) const fn policy(overflow: Overflow) -> OverflowPolicy {
    match overflow {
        Overflow::Latest => OverflowPolicy {
            rank: 0,
            publishers_wait: PublisherWait::Grace,
            at_bound: AtBound::Conflate,
            drops_waiting: true,
        },
        Overflow::DropNewest => OverflowPolicy {
            rank: 1,
            publishers_wait: PublisherWait::Grace,
            at_bound: AtBound::DropNewest,
            drops_waiting: false,
        },
        Overflow::DropOldest => OverflowPolicy {
            rank: 2,
            publishers_wait: PublisherWait::Grace,
            at_bound: AtBound::DropOldest,
            drops_waiting: true,
        },
        Overflow::Disconnect => OverflowPolicy {
            rank: 3,
            publishers_wait: PublisherWait::Grace,
            at_bound: AtBound::End,
            drops_waiting: false,
        },
        Overflow::Block => OverflowPolicy {
            rank: 4,
            publishers_wait: PublisherWait::Room,
            at_bound: AtBound::Hold,
            drops_waiting: false,
        },
    }
}

impl OverflowPolicy {
    /// Returns whether publishers wait for room without a limit of time.
    pub(crate) const fn blocks(self) -> bool {
        matches!(self.publishers_wait, PublisherWait::Room)
    }

    /// Returns whether the queue conflates events of this policy by their key.
    pub(crate) const fn conflates(self) -> bool {
        matches!(self.at_bound, AtBound::Conflate)
    }

    /// Returns whether the policy ends the connection or the subscription rather than lose an event.
    pub(crate) const fn ends(self) -> bool {
        matches!(self.at_bound, AtBound::End)
    }

    /// Returns whether the policy drops any events, old or new.
    pub(crate) const fn drops(self) -> bool {
        match self.at_bound {
            AtBound::DropNewest | AtBound::DropOldest | AtBound::Conflate => true,
            AtBound::Hold | AtBound::End => false,
        }
    }
}

/// Returns the policy for a copy of an event that several subscriptions with these policies share.
pub(crate) fn strictest(policies: impl Iterator<Item = Overflow>) -> Option<Overflow> {
    policies.max_by_key(|overflow| policy(*overflow).rank)
}

/// Returns the policy for events that a queue has no room for and that no publisher waits with:
/// events of a replay, and events that another member of a queue group left behind.
///
/// For such events, `block` would exceed the bound of the queue, and `disconnect` would end the
/// connection again each time that the client returns for the same events.
pub(crate) fn without_publisher(overflow: Overflow) -> Overflow {
    if policy(overflow).drops() { overflow } else { Overflow::DropNewest }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PROTOCOL.md` documents this order.
    #[test]
    fn the_ranks_are_in_the_order_of_the_protocol() {
        let ranks: Vec<u8> = Overflow::ALL.iter().map(|overflow| policy(*overflow).rank).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
    }
}
