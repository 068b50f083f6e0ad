//! Holds the sessions that exist now, by the number of their connection. Without this list, the hub
//! could neither reach its clients nor wait for them when it stops.

use super::session_handle::SessionHandle;
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Holds each session from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    known: DashMap<u64, Arc<dyn SessionHandle>>,
    last_connection: AtomicU64,
}

impl Sessions {
    /// Returns the number for a new connection, counted from 1. No two connections of a hub have
    /// the same number.
    pub(crate) fn next_connection(&self) -> u64 {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn insert(&self, connection: u64, session: Arc<dyn SessionHandle>) {
        self.known.insert(connection, session);
    }

    /// Removes a session. Returns whether it was there.
    pub(crate) fn remove(&self, connection: u64) -> bool {
        self.known.remove(&connection).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the sessions that exist now.
    pub(crate) fn all(&self) -> Vec<Arc<dyn SessionHandle>> {
        self.known.iter().map(|session| session.value().clone()).collect()
    }

    /// Calls `tell` for each session. `tell` must not block, because a part of the map is locked
    /// meanwhile.
    pub(crate) fn for_each(&self, mut tell: impl FnMut(&dyn SessionHandle)) {
        for session in &self.known {
            tell(&**session.value());
        }
    }
}
