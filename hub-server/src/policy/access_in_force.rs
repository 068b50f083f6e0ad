//! Holds the access file in force. A session reads it for one decision and keeps no copy. Otherwise the
//! session would continue with rights that were revoked.

use super::access::Access;
use parking_lot::RwLock;
use std::sync::Arc;

/// Shares the access file in force among all sessions.
#[derive(Debug)]
pub(crate) struct AccessInForce(RwLock<Arc<Access>>);

impl AccessInForce {
    pub(crate) fn new(access: Access) -> Self {
        AccessInForce(RwLock::new(Arc::new(access)))
    }

    pub(crate) fn current(&self) -> Arc<Access> {
        self.0.read().clone()
    }

    pub(crate) fn replace(&self, access: Access) {
        *self.0.write() = Arc::new(access);
    }
}
