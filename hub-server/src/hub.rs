//! Holds the handles of a running hub, one for each module. Only the composition root (`serve`),
//! the module that puts files in force, and the admin API have all of them. A session gets only the
//! handles that it needs. Otherwise every module would depend on every other module.

use crate::config::{Anonymous, Config, FixedConfig};
use crate::directory::Directory;
use crate::limits::ClientLimits;
use crate::policy::Policy;
use crate::policy::access::Access;
use crate::policy::hashing::Hashing;
use crate::policy::scrub_threads::ScrubThreads;
use crate::reload::requests::ReloadRequests;
use crate::session::Handles;
use crate::telemetry::collector::HubCollector;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Semaphore;

/// So many audits may be made and read at a time. Further ones wait.
const AUDITS_AT_A_TIME: usize = 2;

#[derive(Debug)]
pub(crate) struct Hub {
    pub config: Arc<FixedConfig>,
    pub policy: Arc<Policy>,
    pub directory: Arc<Directory>,
    pub limits: Arc<ClientLimits>,
    pub metrics: Arc<Metrics>,
    pub reloads: ReloadRequests,
    /// So many audits may be made and read at a time. Each holds some 100 bytes for each topic.
    pub audits: Arc<Semaphore>,
    /// The hub accepts clients while this flag is true.
    pub ready: Arc<AtomicBool>,
    /// The hub was started with this configuration. A changed configuration file is compared with
    /// it.
    pub start: Config,
}

impl Hub {
    pub(crate) fn new(
        start: Config,
        directory: Arc<Directory>,
        limits: Arc<ClientLimits>,
        hashing: Hashing,
        scrubbing: ScrubThreads,
    ) -> Arc<Self> {
        let access = Access::without_file(start.anonymous == Anonymous::Everywhere);
        let policy = Arc::new(Policy::new(access, hashing, scrubbing));
        let collector = HubCollector::new(
            directory.clone(),
            policy.clone(),
            limits.clone(),
            start.metrics_topics,
        );
        let metrics = Arc::new(Metrics::new(policy.key_fetches.metrics().clone(), collector));
        Arc::new(Hub {
            config: Arc::new(FixedConfig::from(&start)),
            policy,
            directory,
            limits,
            metrics,
            reloads: ReloadRequests::default(),
            audits: Arc::new(Semaphore::new(AUDITS_AT_A_TIME)),
            ready: Arc::default(),
            start,
        })
    }

    /// Returns the handles that a session needs.
    pub(crate) fn handles(&self) -> Handles {
        Handles {
            config: self.config.clone(),
            policy: self.policy.clone(),
            directory: self.directory.clone(),
            limits: self.limits.clone(),
            metrics: self.metrics.clone(),
        }
    }
}
