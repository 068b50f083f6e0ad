//! Gives the events of one key one at a time, in their order, to whatever member of a queue group.
//!
//! Without this order, two members could work on two events of one order or one customer at once, and
//! an event that is given again after a failure would come behind newer ones.

use super::frames::key_of;
use super::held_bytes::HeldBytes;
use super::queued_run::QueuedRun;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Holds the events that wait for an earlier event of their key.
#[derive(Debug, Default)]
pub(super) struct KeyOrder {
    /// An event of each of these keys is given and not finished. The later events of the key wait.
    keys: HashMap<Box<[u8]>, VecDeque<QueuedRun>>,
    bytes: usize,
}

impl KeyOrder {
    /// Returns for how many bytes the waiting events count.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the waiting runs.
    pub(super) fn iter(&self) -> impl Iterator<Item = &QueuedRun> {
        self.keys.values().flatten()
    }

    /// Returns the events of a run that may be given now, in order. The others wait.
    pub(super) fn admit(&mut self, run: QueuedRun, held: &Arc<HeldBytes>) -> Vec<QueuedRun> {
        let mut admitted = Vec::new();
        for event in single_events(run) {
            // Only events with a key have an order.
            if let Some(key) = key_of(&event.events) {
                if let Some(waiting) = self.keys.get_mut(key) {
                    // A slice would keep the whole run in memory for as long as the event waits.
                    let event = event.in_own_memory(held);
                    self.bytes += event.size();
                    waiting.push_back(event);
                    continue;
                }
                self.keys.insert(key.into(), VecDeque::new());
            }
            admitted.push(event);
        }
        admitted
    }

    /// Returns the events that may be given because those of a run are finished, or given up.
    pub(super) fn finished(&mut self, run: QueuedRun) -> Vec<QueuedRun> {
        let mut next = Vec::new();
        for event in single_events(run) {
            let Some(key) = key_of(&event.events) else { continue };
            let Some(waiting) = self.keys.get_mut(key) else { continue };
            match waiting.pop_front() {
                Some(event) => {
                    self.bytes -= event.size();
                    next.push(event);
                }
                None => drop(self.keys.remove(key)),
            }
        }
        next
    }

    /// Ends the order, and returns all events that wait.
    pub(super) fn take_all(&mut self) -> Vec<QueuedRun> {
        self.bytes = 0;
        let mut runs: Vec<QueuedRun> =
            std::mem::take(&mut self.keys).into_values().flatten().collect();
        runs.sort_by_key(|run| run.first);
        runs
    }
}

/// Cuts a run into its events.
fn single_events(run: QueuedRun) -> Vec<QueuedRun> {
    let mut events = Vec::with_capacity(run.count as usize);
    let mut rest = run;
    while rest.count > 1 {
        let (first, behind) = rest.split_at(1);
        events.push(first);
        rest = behind;
    }
    events.push(rest);
    events
}
