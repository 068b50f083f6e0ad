//! How one frame belongs to another: the words that a report uses for it.
//!
//! Without these words, a reader of a report would have to count events, to know which one a refusal is
//! about.

use std::ops::Range;

/// A frame to which another frame belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    /// The packet with the end of the earlier frame.
    pub packet: u64,
    /// The time between the two frames, in nanoseconds.
    pub before_ns: i64,
}

/// What a frame has to do with other frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// Nothing that is known.
    None,
    /// The frame answers an earlier one.
    Answers(Earlier),
    /// An event to the hub.
    Publishes {
        /// The publish number, if the capture has the WELCOME.
        number: Option<u64>,
        /// The request that the event replies to.
        request: Option<Earlier>,
    },
    /// An event from the hub.
    Delivers {
        /// The number of the event in its topic.
        number: u64,
        /// The request that the event replies to.
        request: Option<Earlier>,
    },
    /// A receipt covers events.
    Covers {
        /// The publish numbers that no earlier receipt covered.
        numbers: Range<u64>,
        /// How many of them were refused.
        refused: u64,
        /// The last of the events.
        last: Option<Earlier>,
    },
    /// A refusal is about an event.
    Refuses {
        /// The publish number of the event.
        number: u64,
        /// The event.
        event: Option<Earlier>,
    },
    /// Missing events are announced.
    Misses {
        /// The run with the event before the missing ones.
        behind: Option<Earlier>,
        /// The SUBSCRIBE or RESUME frames of the first few subscriptions that miss the events.
        subscribes: Vec<Earlier>,
    },
    /// An event from the hub stands behind no RUN, or is one too many. The capture may lack the RUN.
    Unannounced,
}

/// A frame that other frames may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) packet: u64,
    pub(super) time_ns: i64,
}

impl Sent {
    /// Describes the frame to one that comes at `time_ns`.
    pub(super) fn seen_from(self, time_ns: i64) -> Earlier {
        Earlier { packet: self.packet, before_ns: time_ns.saturating_sub(self.time_ns) }
    }
}
