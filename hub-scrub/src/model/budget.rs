//! The scrub budget limits how much work one message may cause.
//!
//! Without it, one message or one costly rule could block a thread for all publishers that the thread
//! serves.

/// The `Budget` is the scrub budget of one message. A message that exceeds it is quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The scrub of a small event takes at most this many steps, and that of a large one up to twice as many
    /// ([`steps_for`](Self::steps_for)). `docs/scrub.md` states how many steps each kind of work costs. Steps
    /// stand for time, because this crate reads no clock.
    pub steps: u64,
    /// Payload and headers together have at most this many bytes.
    pub bytes: u64,
    /// A message has at most this many finds.
    pub matches: u32,
}

/// An event of this many bytes may take twice the steps of the budget.
const TWICE: u64 = 1 << 20;

impl Budget {
    /// Returns how many steps an event of this many bytes may take: [`steps`](Self::steps), and more in
    /// proportion to its length, up to twice as many for 1 MiB. Without the difference, small events could hold
    /// a thread as long as large ones, and many more of them come in a second.
    pub fn steps_for(&self, bytes: usize) -> u64 {
        let more = u128::from(self.steps) * u128::from(TWICE.min(bytes as u64)) / u128::from(TWICE);
        self.steps.saturating_add(more as u64)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 425_000, bytes: 16 << 20, matches: 10_000 }
    }
}
