//! Limits what one client, one identity, or all clients together may take from the hub.
//!
//! - [`account`] counts what an identity or an address uses: connections, topics, and its rate.
//! - [`admission`] decides which connections are accepted.
//! - [`in_force`] holds the limits that change while the hub runs.
//! - [`rate`] measures how fast a client may publish.
//! - [`memory`] bounds how much memory the process may take, and tells sessions that it is short.
//! - [`memory_monitor`] decides from samples whether memory is short.
//! - [`memory_sample`] holds what is known of the memory at one moment.
//! - [`promise`] promises memory to somebody who is going to take much of it at once.
//! - [`reservation`] counts the held bytes of what outlasts its connection.
//! - [`share`] decides how much of the memory each client may hold when it is scarce.
//! - [`sockets`] shares the file descriptors out between clients and HTTP.
//! - [`system`] reads what the operating system reports about memory and open files.
//!
//! The module has these invariants:
//!
//! - **A client over a limit is slowed down, or told so by a code.** Nothing is dropped silently because
//!   of a limit.
//! - **What is counted is given back by `Drop`.** Otherwise a panic, or a new way out of a session,
//!   would leave a limit lowered for ever.
//! - **A limit that is not set costs a branch for each read**, and nothing for each event.

pub(crate) mod account;
pub(crate) mod admission;
pub(crate) mod in_force;
#[cfg(test)]
mod liveness;
pub(crate) mod memory;
pub(crate) mod memory_monitor;
pub(crate) mod memory_sample;
pub(crate) mod promise;
pub(crate) mod rate;
pub(crate) mod reservation;
pub(crate) mod share;
pub(crate) mod sockets;
pub(crate) mod system;

use crate::config::Config;
use account::Accounts;
use hub_core::topic::HeldBytes;
use hub_wire::Limits as WireLimits;
use in_force::LimitsInForce;
use memory::Memory;
use std::sync::Arc;
use std::time::Duration;

/// Holds the limits of clients, and what clients use of them.
#[derive(Debug)]
pub(crate) struct ClientLimits {
    /// The limits of frames never change while the hub runs, because clients learn them when they
    /// connect.
    pub wire: WireLimits,
    pub in_force: LimitsInForce,
    pub accounts: Accounts,
    pub memory: Memory,
}

impl ClientLimits {
    /// Creates the limits that `config` sets. `held` is the count of the bytes that the hub holds
    /// for its clients.
    pub(crate) fn new(config: &Config, held: Arc<HeldBytes>) -> Self {
        ClientLimits {
            wire: WireLimits {
                frame: config.max_frame_bytes,
                depth: config.max_depth,
                elements: config.max_elements,
            },
            in_force: LimitsInForce::new(config),
            accounts: Accounts::new(held.clone()),
            memory: Memory::new(
                held,
                config.memory_bytes,
                config.queue_bytes,
                Duration::from_millis(config.memory_grace_ms),
            ),
        }
    }
}

/// Names a limit. Most limits have the name of the key that sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    FrameBytes,
    Handshake,
    Silence,
    Connections,
    ConnectionsPerAddress,
    ConnectionsPerIdentity,
    Subscriptions,
    Topics,
    TopicsPerIdentity,
    PublishEvents,
    PublishBytes,
    Queue,
    /// The limit is the memory budget, over which publishers are slowed down or their events are
    /// refused.
    Memory,
    /// The limit is the number of file descriptors. The operating system sets this limit, and not a
    /// key.
    FileDescriptors,
}

impl Limit {
    pub(crate) const ALL: [Limit; 14] = [
        Limit::FrameBytes,
        Limit::Handshake,
        Limit::Silence,
        Limit::Connections,
        Limit::ConnectionsPerAddress,
        Limit::ConnectionsPerIdentity,
        Limit::Subscriptions,
        Limit::Topics,
        Limit::TopicsPerIdentity,
        Limit::PublishEvents,
        Limit::PublishBytes,
        Limit::Queue,
        Limit::Memory,
        Limit::FileDescriptors,
    ];

    /// Returns the label of the limit in `hub_limited_total`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Limit::FrameBytes => "max_frame_bytes",
            Limit::Handshake => "handshake_ms",
            Limit::Silence => "keepalive_ms",
            Limit::Connections => "max_connections",
            Limit::ConnectionsPerAddress => "max_connections_per_address",
            Limit::ConnectionsPerIdentity => "max_connections_per_identity",
            Limit::Subscriptions => "max_subscriptions",
            Limit::Topics => "max_topics",
            Limit::TopicsPerIdentity => "max_topics_per_identity",
            Limit::PublishEvents => "publish_events_per_second",
            Limit::PublishBytes => "publish_bytes_per_second",
            Limit::Queue => "queue_bytes",
            Limit::Memory => "memory_bytes",
            Limit::FileDescriptors => "file_descriptors",
        }
    }
}
