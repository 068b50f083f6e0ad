//! The scrub budget: how much work one message may cause.
//!
//! Without it, one message or one costly rule could block the thread for all its publishers.

/// The scrub budget of one message. A message over it is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The number of steps of the engine. `docs/scrub.md` states how many steps each kind of work
    /// costs. Steps stand for time, because this crate reads no clock.
    pub steps: u64,
    /// The number of bytes of payload and headers together.
    pub bytes: u64,
    /// The number of finds.
    pub matches: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 1_000_000, bytes: 16 << 20, matches: 10_000 }
    }
}
