//! The parts of the hub that a session uses. It has no others, so it cannot reload files, and cannot start or
//! stop anything.

use crate::config::FixedConfig;
use crate::directory::Directory;
use crate::limits::ClientLimits;
use crate::policy::Policy;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;

/// Handles to the modules below the session.
#[derive(Debug, Clone)]
pub(crate) struct Handles {
    /// The configuration keys that never change while the hub runs. Those that can change are in
    /// [`Handles::limits`].
    pub config: Arc<FixedConfig>,
    /// The access file, the rules, and the trusted client CAs.
    pub policy: Arc<Policy>,
    /// The topics, the sessions, and the instances.
    pub directory: Arc<Directory>,
    /// The limits in force, the accounts that count against them, and the memory.
    pub limits: Arc<ClientLimits>,
    pub metrics: Arc<Metrics>,
}
