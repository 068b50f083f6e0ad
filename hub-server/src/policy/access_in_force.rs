//! The access file in force. A session takes it for one decision and keeps no copy; otherwise it would
//! go on with rights that were revoked.

use super::access::Access;
use parking_lot::RwLock;
use std::sync::Arc;

/// Where sessions find out who may do what.
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
