//! Holds the parts of the hub that a session uses. A session has no other handles, so it cannot
//! reload files, and cannot start or stop anything.

use crate::config::FixedConfig;
use crate::directory::Directory;
use crate::limits::ClientLimits;
use crate::policy::Policy;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;

/// Holds a handle to each module that a session uses.
#[derive(Debug, Clone)]
pub(crate) struct Handles {
    /// These configuration keys never change while the hub runs. The keys that can change are in
    /// [`Handles::limits`].
    pub config: Arc<FixedConfig>,
    /// The policy contains the access file, the rules, and the trusted client CAs.
    pub policy: Arc<Policy>,
    /// The directory contains the topics, the sessions, and the instances.
    pub directory: Arc<Directory>,
    /// These are the limits in force, with the accounts that count against them and the memory
    /// budget.
    pub limits: Arc<ClientLimits>,
    pub metrics: Arc<Metrics>,
}
