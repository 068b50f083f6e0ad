//! Names the locks and atomics of the data plane in one place.
//!
//! `tests/topic_models.rs` compiles the sources of [`topic`](crate::topic) a second time, and
//! replaces this module by one with the locks and atomics of a model checker. If `topic` imported
//! its locks from elsewhere, the model checker would not see them.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// While a replay holds the lock of a topic, it reads at most this many runs. A larger number would
/// delay publishers, and a smaller one would take the lock more often than needed. The models read
/// single runs.
pub(crate) const REPLAY_BATCH_RUNS: usize = 64;

/// The last step of a replay starts when at most this many runs are left, and it queues them under
/// the lock of the topic. So a subscriber that missed few events joins in one step. In the models,
/// the last step starts when no run is left.
pub(crate) const LOCKED_REPLAY_RUNS: usize = 16;
