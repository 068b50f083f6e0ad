//! Shares the file descriptors out among connections: those of clients and those of HTTP take them from
//! one budget. Without it, each of them could use up what the other counts on, and nothing would be left
//! for the files that the hub reads again.
//!
//! The budget leaves [`RESERVE`] file descriptors, which have the following uses:
//!
//! | use | file descriptors |
//! |---|---|
//! | connections above a limit that may be those of returning clients | [`RETURNING`] |
//! | rejected clients, until they have read why | [`REJECTED`] |
//! | HTTP, when clients have taken the whole budget: health, metrics, administrators | [`HTTP`] |
//! | files, and connections that were accepted a moment ago | the rest |

use super::account::{Account, Permit};
use super::system;
use std::sync::Arc;

/// This many file descriptors are kept from the budget, besides those that are open at the start.
const RESERVE: usize = 64;
/// At most this many connections above a limit wait for their HELLO at a time.
pub(crate) const RETURNING: usize = 16;
/// The hub reads from at most this many rejected clients at a time.
pub(crate) const REJECTED: usize = 16;
/// At least this many connections of HTTP find a file descriptor.
pub(crate) const HTTP: usize = 16;

/// Counts the file descriptors that connections take.
#[derive(Debug, Clone)]
pub(crate) struct SocketBudget {
    limit: usize,
    taken: Arc<Account>,
}

impl SocketBudget {
    /// Raises the system's limit of open files as far as the process may. Logs a warning if that is
    /// not enough for `max_connections`.
    pub(crate) fn of_this_process(max_connections: usize) -> Self {
        let Some(files) = system::raise_open_files() else { return SocketBudget::of(usize::MAX) };
        let limit = files.limit.saturating_sub(files.open + RESERVE).max(1);
        if limit < max_connections {
            tracing::warn!(
                max_connections,
                open_files = files.limit,
                connections = limit,
                "the system's limit of open files allows fewer connections than max_connections"
            );
        }
        SocketBudget::of(limit)
    }

    /// Creates a budget of this many connections.
    pub(crate) fn of(limit: usize) -> Self {
        SocketBudget { limit, taken: Arc::default() }
    }

    /// Takes a file descriptor for a connection, unless the budget is used up. Dropping the permit
    /// gives the file descriptor back, so the permit has to live as long as the socket.
    pub(crate) fn take(&self) -> Option<Permit> {
        // For permits, a limit of 0 means that there is no limit. The budget is never 0.
        Permit::connection(&self.taken, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_enough_for_its_uses_and_leaves_some_for_files() {
        const { assert!(RETURNING + REJECTED + HTTP + 16 <= RESERVE) };
        let budget = SocketBudget::of(2);
        let (one, two) = (budget.take(), budget.clone().take());
        assert!(one.is_some() && two.is_some() && budget.take().is_none());
        drop(one);
        assert!(budget.take().is_some());
    }
}
