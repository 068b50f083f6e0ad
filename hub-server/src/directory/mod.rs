//! Holds what exists at this hub now: topics, sessions, and the instances of clients that may come back.
//! Without one place for them, each session would have to know all others.
//!
//! - [`sessions`] holds the sessions that exist now, and [`session_handle`] is how the other modules
//!   reach a session.
//! - [`instances`] remembers up to where the hub has the events of each client, with the help of
//!   [`publish_numbers`] and [`refusals`]. [`instance_shares`] shares the places for instances out among
//!   their owners. [`kept_subscriptions`] is what it knows of subscriptions that
//!   outlive their connection.
//! - [`load_shedding`] frees memory when it is short.
//!
//! The topics themselves are in `hub_core`. This module keeps their registry for the other modules.

pub(crate) mod instance_shares;
pub(crate) mod instances;
pub(crate) mod kept_subscriptions;
pub(crate) mod load_shedding;
pub(crate) mod publish_numbers;
pub(crate) mod refusals;
pub(crate) mod session_handle;
pub(crate) mod sessions;

use crate::config::Config;
use actix::ArbiterHandle;
use hub_core::topic::{Registry, TopicSettings};
use instances::Instances;
use sessions::Sessions;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Holds the topics, the sessions and the instances of a hub.
#[derive(Debug)]
pub(crate) struct Directory {
    /// This random number names this run of the hub.
    pub hub_id: [u8; 16],
    pub registry: Arc<Registry>,
    pub sessions: Sessions,
    pub instances: Instances,
    /// Is true while the hub is stopping. A client that connects then is told to come back later.
    pub stopping: AtomicBool,
}

impl Directory {
    /// Creates an empty directory, whose topics run on `arbiters`.
    ///
    /// # Errors
    /// The error means that the operating system gives no random numbers.
    pub(crate) fn new(
        config: &Config,
        arbiters: Vec<ArbiterHandle>,
    ) -> Result<Self, getrandom::Error> {
        let mut hub_id = [0; 16];
        getrandom::fill(&mut hub_id)?;
        let first_epoch = getrandom::u32()?;
        let settings = TopicSettings {
            max_topics: config.max_topics,
            idle: Duration::from_millis(config.topic_idle_ms),
            group_linger: Duration::from_millis(config.group_linger_ms),
            history_per_topic: config.history_topic_bytes,
            history_in_all: config.history_bytes,
            first_epoch,
        };
        let registry = Registry::new(settings, arbiters);
        let held = registry.ledger().held().clone();
        Ok(Directory {
            hub_id,
            registry,
            sessions: Sessions::default(),
            instances: Instances::new(Duration::from_millis(config.resume_ms), held),
            stopping: AtomicBool::new(false),
        })
    }
}
