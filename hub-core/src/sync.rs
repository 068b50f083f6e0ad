//! Locks and atomics of the data plane, named in one place: `tests/topic_models.rs` builds the
//! sources of [`topic`](crate::topic) a second time, with those of a model checker in their place.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
