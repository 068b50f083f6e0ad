//! Defines the frame TAKEN: a client states how many events of a subscription its listener has
//! finished.
//!
//! Without this frame, the hub would know only what it has written to a socket, and an event could
//! be lost behind it without a trace.

use super::FrameError;
use super::subscribe::Window;
use crate::{Packer, Reader};

/// Holds the frame TAKEN, which is `[14, subscription, taken, events or nil, bytes or nil]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The SUBSCRIBE frame had this id.
    pub subscription: u64,
    /// The listener has finished this many events of the subscription, counted from its first event
    /// on. The number is cumulative, so a frame that is lost or late does no harm.
    pub taken: u64,
    /// The subscription has this many events in its window from now on. `None` leaves that part of
    /// the window as it is.
    pub events: Option<u64>,
    /// The subscription has this many bytes in its window from now on. `None` leaves that part of
    /// the window as it is.
    pub bytes: Option<u64>,
}

impl Taken {
    /// Returns the new window of a subscription that has the window `now`.
    #[must_use]
    pub fn window(&self, now: Window) -> Window {
        Window { events: self.events.unwrap_or(now.events), bytes: self.bytes.unwrap_or(now.bytes) }
    }

    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Taken {
            subscription: read.uint("id")?,
            taken: read.uint("taken")?,
            events: read.uint_or_nil("events")?,
            bytes: read.uint_or_nil("bytes")?,
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.subscription).uint(self.taken);
        pack.uint_or_nil(self.events).uint_or_nil(self.bytes);
    }
}
