//! The limits that the configuration file can change while the hub runs.

use crate::config::Config;
use parking_lot::RwLock;
use std::sync::Arc;

macro_rules! adjustable {
    ($($key:ident: $type:ty;)*) => {
        /// The keys of the configuration that change while the hub runs, by the names they have
        /// there.
        #[derive(Debug)]
        pub(crate) struct Adjustable {
            $(pub $key: $type,)*
        }

        impl Adjustable {
            pub(crate) const KEYS: &[&str] = &[$(stringify!($key),)*];

            fn of(config: &Config) -> Self {
                Adjustable { $($key: config.$key,)* }
            }
        }
    };
}

adjustable! {
    max_connections: usize;
    max_connections_per_address: usize;
    max_connections_per_identity: usize;
    max_subscriptions: usize;
    max_topics_per_identity: usize;
    publish_events_per_second: u64;
    publish_bytes_per_second: u64;
    publish_burst_ms: u64;
    handshake_ms: u64;
}

/// Where whoever checks one of these limits finds it, and where a reload puts others.
#[derive(Debug)]
pub(crate) struct LimitsInForce(RwLock<Arc<Adjustable>>);

impl LimitsInForce {
    pub(crate) fn new(config: &Config) -> Self {
        LimitsInForce(RwLock::new(Arc::new(Adjustable::of(config))))
    }

    pub(crate) fn current(&self) -> Arc<Adjustable> {
        self.0.read().clone()
    }

    /// Takes the limits of another configuration.
    pub(crate) fn replace(&self, config: &Config) {
        *self.0.write() = Arc::new(Adjustable::of(config));
    }
}
