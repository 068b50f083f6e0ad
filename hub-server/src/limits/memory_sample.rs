//! Holds what is known of the memory at one moment.

/// Holds the figures of one sample of the memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MemorySample {
    /// The process has this many bytes of resident memory, as the operating system reports it.
    pub resident: usize,
    /// This many bytes are counted as held for clients.
    pub held: usize,
    /// This many bytes are promised to those who wait for them. They are not used yet.
    pub promised: usize,
}

impl MemorySample {
    /// Returns how many bytes of the budget are used. Resident memory that is not counted is used all the
    /// same: nobody knows whether the allocator could use it again. A count beyond the resident memory is
    /// for memory that was reserved and not touched yet.
    pub(crate) fn used(&self) -> usize {
        self.resident.max(self.held)
    }

    /// Returns how many bytes are used or promised.
    pub(crate) fn wanted(&self) -> usize {
        self.used() + self.promised
    }

    /// Returns how much of the resident memory is not counted.
    pub(crate) fn uncounted(&self) -> usize {
        self.used() - self.held
    }
}
