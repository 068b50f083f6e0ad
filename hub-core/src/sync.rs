//! Names the locks and atomics of the data plane in one place.
//!
//! `tests/topic_models.rs` compiles the sources of [`topic`](crate::topic) a second time, and
//! replaces this module by one with the locks and atomics of a model checker. If `topic` imported
//! its locks from elsewhere, the model checker would not see them.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// While a replay holds the lock of a topic, it hands over at most this many runs. A larger number
/// would delay publishers, and a smaller one would take the lock more often than needed. The models
/// hand over single runs, so that publishers come in between.
pub(crate) const REPLAY_STEP_RUNS: usize = 16;
