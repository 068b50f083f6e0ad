//! Locks and atomics of the data plane, named in one place: `tests/topic_models.rs` builds the
//! sources of [`topic`](crate::topic) a second time, with those of a model checker in their place.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs that a replay reads while it holds a topic's lock once. More would delay publishers, and
/// fewer would take the lock more often than needed. The models read single runs.
pub(crate) const REPLAY_BATCH_RUNS: usize = 64;

/// Runs that the last step of a replay may hand over under a topic's lock. With these few, a
/// subscriber that missed little joins in one step. In the models, the last step waits until
/// nothing is left.
pub(crate) const LOCKED_REPLAY_RUNS: usize = 16;
