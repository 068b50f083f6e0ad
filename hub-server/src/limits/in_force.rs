//! Holds the limits that the configuration file can change while the hub runs. Code that checks such a
//! limit reads it here each time, because a copy would not follow the file.

use crate::config::{Config, LiveConfig};
use parking_lot::RwLock;
use std::sync::Arc;

/// Holds the values of the live keys that are in force.
#[derive(Debug)]
pub(crate) struct LimitsInForce(RwLock<Arc<LiveConfig>>);

impl LimitsInForce {
    pub(crate) fn new(config: &Config) -> Self {
        LimitsInForce(RwLock::new(Arc::new(config.into())))
    }

    pub(crate) fn current(&self) -> Arc<LiveConfig> {
        self.0.read().clone()
    }

    /// Puts the live keys of another configuration in force.
    pub(crate) fn replace(&self, config: &Config) {
        *self.0.write() = Arc::new(config.into());
    }
}
