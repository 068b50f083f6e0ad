//! How much work one message may cause.
//!
//! Without it one message, or one costly rule, could hold up the thread of all publishers.

/// How much work one message may cause. Over it, the message is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Steps of the engine; `docs/scrub.md` says what costs how many. They stand for time, which
    /// this crate does not read.
    pub steps: u64,
    /// Bytes of payload and headers.
    pub bytes: u64,
    /// Finds.
    pub matches: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 1_000_000, bytes: 16 << 20, matches: 10_000 }
    }
}
