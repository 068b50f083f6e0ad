//! What one client, one identity or all together may take from the hub.
//!
//! - [`account`]: what an identity, or an address, takes: connections, topics, its rate
//! - [`door`]: who is let in
//! - [`in_force`]: the limits that change while the hub runs
//! - [`rate`]: how fast it may publish
//! - [`memory`]: how much the process may hold, and what happens before it holds more
//! - [`relief`]: looks at it, and frees some when it is short
//! - [`share`]: what somebody adds to what is counted as held
//! - [`system`]: what the operating system says of memory, and allows of open files
//!
//! The invariants, and what breaks without each:
//!
//! - **Whoever is over a limit is slowed or told so by a code**; nothing is dropped for it in
//!   silence.
//! - **What is counted is given back by `Drop`.** Otherwise a panic, or a path out of a session
//!   that somebody adds later, would leave a limit lowered for ever.
//! - **A limit that is not set costs a branch for each read**, not for each event.

pub(crate) mod account;
pub(crate) mod door;
pub(crate) mod in_force;
pub(crate) mod memory;
pub(crate) mod rate;
pub(crate) mod relief;
pub(crate) mod share;
pub(crate) mod system;

/// A limit, by the key that sets it.
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
    /// Over it publishers are slowed, or refused.
    Memory,
    /// Not a key: the operating system's.
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

    /// Its label in `hub_limited_total`.
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
