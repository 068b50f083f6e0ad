//! Defines the frame RESUME: a client that came back states how much of a kept subscription it has
//! got.
//!
//! Without this frame, a client would have to state its position in every topic of the subscription.

use super::FrameError;
use crate::{Packer, Reader};

/// Holds the frame RESUME, which is `[16, subscription, events, gaps]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The SUBSCRIBE frame had this id, on an earlier connection.
    pub subscription: u64,
    /// The client got this many events of the subscription, on all connections together.
    pub events: u64,
    /// The client got this many GAP frames for the subscription, on all connections together.
    pub gaps: u64,
}

impl Resume {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Resume {
            subscription: read.uint("id")?,
            events: read.uint("events")?,
            gaps: read.uint("gaps")?,
        })
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.subscription).uint(self.events).uint(self.gaps);
    }
}
