//! This module counts the work of detectors in reads, so that the budget of a message pays for all of it.
//!
//! Without it, a text of a few bytes over and over could start a search at each of them, and one message
//! would hold a thread for a second.

/// A step of the scrub budget pays for this many reads.
pub(crate) const READS: u64 = 16;

/// `Work` counts reads. A byte costs one read each time that a scan or a search reads it; what a search does
/// besides costs as many reads as bytes could be read in that time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) done: u64,
    limit: u64,
}

impl Default for Work {
    fn default() -> Work {
        Work::up_to(u64::MAX)
    }
}

impl Work {
    /// Allows this many reads.
    pub(super) fn up_to(limit: u64) -> Work {
        Work { done: 0, limit }
    }

    /// Counts reads.
    #[inline(always)]
    pub(super) fn add(&mut self, reads: usize) {
        self.done += reads as u64;
    }

    /// Returns whether more was read than is allowed. Then a scan ends, and its finds are not complete.
    #[inline(always)]
    pub(super) fn is_over(&self) -> bool {
        self.done > self.limit
    }
}
