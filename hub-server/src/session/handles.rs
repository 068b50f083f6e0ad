//! What a session has of the hub. It has no more: it neither reloads files nor starts nor stops anything.

use crate::config::FixedConfig;
use crate::directory::Directory;
use crate::limits::ClientLimits;
use crate::policy::Policy;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;

/// Handles to the rooms below the session.
#[derive(Debug, Clone)]
pub(crate) struct Handles {
    /// The keys of the configuration that never change. Those that do are in [`Handles::limits`].
    pub config: Arc<FixedConfig>,
    /// Access, rules, and the trust of TLS.
    pub policy: Arc<Policy>,
    /// Topics, sessions, and instances.
    pub directory: Arc<Directory>,
    /// The limits in force, what clients take of them, and the memory.
    pub limits: Arc<ClientLimits>,
    pub metrics: Arc<Metrics>,
}
