//! Promises memory to somebody who is going to take much of it at once, and waits for room. Without a promise,
//! nobody would be asked to make that room.

use super::memory::Memory;
use super::memory_monitor::has_room;
use std::sync::atomic::Ordering;

/// Stands for bytes that are promised. For as long as the value lives, those who hold most are asked to make
/// room.
#[derive(Debug)]
pub(crate) struct Promise<'a> {
    memory: &'a Memory,
    bytes: usize,
}

impl<'a> Promise<'a> {
    /// Promises bytes to somebody who does not take them yet.
    pub(crate) fn new(memory: &'a Memory, bytes: usize) -> Self {
        memory.promised().fetch_add(bytes, Ordering::Relaxed);
        memory.report_short();
        Promise { memory, bytes }
    }

    /// Returns whether there is room now for all that is promised.
    pub(crate) fn has_room(&self) -> bool {
        self.memory.budget().is_none_or(|budget| has_room(&self.memory.sample(), budget))
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.memory.promised().fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
