//! The scrub budget limits how much work one message may cause.
//!
//! Without it, one message or one costly rule could block a thread for all publishers that the thread
//! serves.

/// The `Budget` is the scrub budget of one message. A message that exceeds it is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The engine takes at most this many steps. `docs/scrub.md` states how many steps each kind of work
    /// costs. Steps stand for time, because this crate reads no clock.
    pub steps: u64,
    /// Payload and headers together have at most this many bytes.
    pub bytes: u64,
    /// A message has at most this many finds.
    pub matches: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 1_000_000, bytes: 16 << 20, matches: 10_000 }
    }
}
