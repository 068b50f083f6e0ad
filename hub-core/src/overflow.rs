//! The overflow policies: for each one, what it does at every decision that depends on it.
//!
//! Delivery queues, queue groups and the queues of listeners ask here, and compare no policy
//! themselves. Without this, a new policy would have to be found at a dozen decisions, and one that
//! was forgotten would silently behave like another policy.

use hub_wire::Overflow;

/// What one policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverflowPolicy {
    /// Of several policies for one copy of an event, the one with the highest rank counts: it
    /// loses least.
    pub(crate) rank: u8,
    /// For how long publishers wait while the queue has no room.
    pub(crate) publishers_wait: PublisherWait,
    /// What happens to an event that comes when the queue is at its bound.
    pub(crate) at_bound: AtBound,
    /// Whether an event that waits may be dropped to make room for others.
    pub(crate) drops_waiting: bool,
}

/// For how long publishers wait for room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublisherWait {
    /// Until the subscriber's grace is over.
    Grace,
    /// Until there is room, for as long as it takes.
    Room,
}

/// What happens to an event that comes when the queue is at its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtBound {
    /// The publisher keeps it until there is room. What comes to a delivery queue all the same is
    /// let in: these are the few publishers that looked for room at the same time.
    Hold,
    /// The connection is closed, or the subscription ended.
    End,
    /// It is dropped.
    DropNewest,
    /// The oldest events that may be dropped make room for it.
    DropOldest,
    /// Events that wait and have a newer one with the same key are dropped; if that makes too
    /// little room, the oldest.
    Conflate,
}

/// The declaration of each policy.
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
    /// Whether publishers wait for as long as it takes.
    pub(crate) const fn blocks(self) -> bool {
        matches!(self.publishers_wait, PublisherWait::Room)
    }

    /// Whether events of this policy are conflated by their key.
    pub(crate) const fn conflates(self) -> bool {
        matches!(self.at_bound, AtBound::Conflate)
    }

    /// Whether the policy ends the connection rather than lose an event.
    pub(crate) const fn ends(self) -> bool {
        matches!(self.at_bound, AtBound::End)
    }

    /// Whether the policy drops events at all, be they old or new.
    pub(crate) const fn drops(self) -> bool {
        match self.at_bound {
            AtBound::DropNewest | AtBound::DropOldest | AtBound::Conflate => true,
            AtBound::Hold | AtBound::End => false,
        }
    }
}

/// The policy of one copy of an event that several subscriptions share.
pub(crate) fn strictest(policies: impl Iterator<Item = Overflow>) -> Option<Overflow> {
    policies.max_by_key(|overflow| policy(*overflow).rank)
}

/// The policy for events for which no publisher can be made to wait, because they are from the
/// past or were another member's, when the queue has no room for them. `block` would exceed the
/// bound. `disconnect` would end the connection each time that it comes back for the same events.
pub(crate) fn without_publisher(overflow: Overflow) -> Overflow {
    if policy(overflow).drops() { overflow } else { Overflow::DropNewest }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol documents this order.
    #[test]
    fn the_ranks_are_in_the_order_of_the_protocol() {
        let ranks: Vec<u8> = Overflow::ALL.iter().map(|overflow| policy(*overflow).rank).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
    }
}
