//! What all sessions of a hub share.

use crate::access::Access;
use crate::config::{Anonymous, Config};
use crate::hashing::Hashing;
use crate::instances::Instances;
use crate::jwks::Fetches;
use crate::limits::account::Accounts;
use crate::limits::in_force::LimitsInForce;
use crate::limits::memory::Memory;
use crate::metrics::Metrics;
use crate::reload::{AccessInForce, Reloads};
use crate::rules::RulesInForce;
use crate::session::Session;
use crate::tls::TlsInForce;
use actix::{Addr, ArbiterHandle};
use dashmap::DashMap;
use hub_core::topic::{Registry, TopicSettings};
use hub_wire::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(crate) struct Hub {
    pub config: Config,
    pub limits: Limits,
    pub limits_in_force: LimitsInForce,
    /// A random number for this run of the hub.
    pub id: [u8; 16],
    pub registry: Arc<Registry>,
    pub instances: Instances,
    pub rules: Arc<RulesInForce>,
    pub access: AccessInForce,
    pub fetches: Fetches,
    pub reloads: Reloads,
    pub tls: TlsInForce,
    pub hashing: Hashing,
    pub accounts: Accounts,
    pub memory: Arc<Memory>,
    pub metrics: Metrics,
    pub sessions: DashMap<u64, Addr<Session>>,
    pub ready: Arc<AtomicBool>,
    /// Whoever connects now is sent away.
    pub stopping: AtomicBool,
    next_connection: AtomicU64,
}

impl Hub {
    pub(crate) fn new(
        config: Config,
        arbiters: Vec<ArbiterHandle>,
        hashing: Hashing,
    ) -> Result<Arc<Self>, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        // 48 random bits: far below 2^53, up to which every language has exact integers.
        let first_epoch = getrandom::u64()? >> 16;
        let settings = TopicSettings {
            max_topics: config.max_topics,
            idle: Duration::from_millis(config.topic_idle_ms),
            history_per_topic: config.history_topic_bytes,
            history_in_all: config.history_bytes,
            first_epoch,
        };
        let registry = Registry::new(settings, arbiters);
        let held = registry.ledger().held().clone();
        let rules = Arc::new(RulesInForce::default());
        let memory = Arc::new(Memory::new(held.clone(), config.memory_bytes, config.queue_bytes));
        Ok(Arc::new(Hub {
            limits: Limits {
                frame: config.max_frame_bytes,
                depth: config.max_depth,
                elements: config.max_elements,
            },
            limits_in_force: LimitsInForce::new(&config),
            id,
            metrics: Metrics::new(
                registry.clone(),
                config.metrics_topics,
                memory.clone(),
                rules.clone(),
            ),
            accounts: Accounts::new(),
            memory,
            registry,
            instances: Instances::new(Duration::from_millis(config.resume_ms), held),
            rules,
            access: AccessInForce::new(Access::without_file(
                config.anonymous == Anonymous::Everywhere,
            )),
            fetches: Fetches::default(),
            reloads: Reloads::default(),
            tls: TlsInForce::default(),
            hashing,
            sessions: DashMap::new(),
            ready: Arc::default(),
            stopping: AtomicBool::new(false),
            next_connection: AtomicU64::new(1),
            config,
        }))
    }

    pub(crate) fn connection_number(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
