//! Defines the one table of keys. For each key, the table has the name, the type, the default, the
//! allowed values and the help, and says whether the key can change while the hub runs. A second list of
//! any of these would drift from this table.
//!
//! A key that is `fixed` holds until the hub is restarted. A key that is `live` follows the
//! configuration file. The table makes a struct of each kind, and a running hub keeps these two instead
//! of the whole [`Config`]. A check that reads a live key finds the key in [`LiveConfig`] only, so it
//! cannot use the value from the start of the hub by mistake.

use std::net::{Ipv4Addr, SocketAddr};

use super::tls::{ClientAuth, Switch};
use super::value::{Allowed, Anonymous, Setting, Unit, Value};
use crate::bounded_read::MaxBytes;

/// Describes one key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// The file uses this name for the key, for example `max_frame_bytes`.
    pub name: &'static str,
    /// `hub config default` and `hub serve --help` print this description of the key.
    pub help: &'static str,
    /// The key accepts these values.
    pub allowed: Allowed,
    /// Is true if the key follows a changed configuration file while the hub runs. Every other key
    /// changes only with a restart.
    pub live: bool,
    get: fn(&Config) -> Value,
    set: fn(&mut Config, Value) -> bool,
}

impl Key {
    /// Returns the key called `name`, or `None` if there is no such key.
    pub fn find(name: &str) -> Option<&'static Key> {
        Key::ALL.iter().find(|key| key.name == name)
    }

    /// Returns the name of the key's environment variable, for example `HUB_MAX_FRAME_BYTES`.
    pub fn env(&self) -> String {
        format!("HUB_{}", self.name.to_ascii_uppercase())
    }

    /// Returns the name of the key's flag without the two dashes, for example `max-frame-bytes`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Returns the value that the key has in `config`.
    pub fn value(&self, config: &Config) -> Value {
        (self.get)(config)
    }

    /// Puts a checked value into `config`. Returns false if the value is not of the key's type.
    pub(super) fn set(&self, config: &mut Config, value: Value) -> bool {
        (self.set)(config, value)
    }
}

macro_rules! keys {
    ($($when:ident $name:ident: $type:ty = $default:expr, $allowed:expr, $help:literal;)*) => {
        /// Holds the values of all keys. `hub serve` uses [`Config::default`] if nothing is set.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $(#[doc = $help] pub $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($name: $default,)* }
            }
        }

        impl Key {
            /// Lists all keys, in the order of the example file.
            pub const ALL: &'static [Key] = &[$(Key {
                name: stringify!($name),
                help: $help,
                allowed: $allowed,
                live: is_live!($when),
                get: |config| config.$name.to_value(),
                set: |config, value| match <$type as Setting>::from_value(value) {
                    Some(value) => {
                        config.$name = value;
                        true
                    }
                    None => false,
                },
            },)*];
        }

        split_keys! { {} {} $($when $name: $type;)* }
    };
}

macro_rules! is_live {
    (fixed) => {
        false
    };
    (live) => {
        true
    };
}

/// Sorts the keys into fixed and live ones, and makes a struct of each kind.
macro_rules! split_keys {
    ({$($fixed:ident: $fixed_type:ty;)*} {$($live:ident: $live_type:ty;)*}) => {
        /// Holds the keys that keep their values from the start of the hub to its end.
        #[derive(Clone, Debug)]
        #[allow(dead_code, reason = "some keys are read before the hub runs, from all of the configuration")]
        pub(crate) struct FixedConfig {
            $(pub(crate) $fixed: $fixed_type,)*
        }

        /// Holds the keys that follow the configuration file while the hub runs.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct LiveConfig {
            $(pub(crate) $live: $live_type,)*
        }

        impl From<&Config> for FixedConfig {
            fn from(config: &Config) -> Self {
                FixedConfig { $($fixed: Clone::clone(&config.$fixed),)* }
            }
        }

        impl From<&Config> for LiveConfig {
            fn from(config: &Config) -> Self {
                LiveConfig { $($live: config.$live,)* }
            }
        }
    };
    ({$($fixed:tt)*} {$($live:tt)*} fixed $name:ident: $type:ty; $($rest:tt)*) => {
        split_keys! { {$($fixed)* $name: $type;} {$($live)*} $($rest)* }
    };
    ({$($fixed:tt)*} {$($live:tt)*} live $name:ident: $type:ty; $($rest:tt)*) => {
        split_keys! { {$($fixed)*} {$($live)* $name: $type;} $($rest)* }
    };
}

impl Config {
    /// Returns how large the rule file and the access file may be.
    pub(crate) fn max_rule_or_access_file(&self) -> MaxBytes {
        MaxBytes { bytes: self.max_file_bytes, key: "max_file_bytes" }
    }
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const HOUR: u64 = 3_600_000;

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

const fn bytes(min: u64, max: u64) -> Allowed {
    Allowed::Number { min, max, unit: Unit::Bytes }
}

const fn count(min: u64, max: u64) -> Allowed {
    Allowed::Number { min, max, unit: Unit::Count }
}

const fn millis(min: u64, max: u64) -> Allowed {
    Allowed::Number { min, max, unit: Unit::Milliseconds }
}

keys! {
    fixed listen: SocketAddr = loopback(4820), Allowed::Address,
        "The address on which the hub accepts clients. With port 0, the hub takes a free port.";
    fixed http: SocketAddr = loopback(4821), Allowed::Address,
        "The address of the HTTP server with /healthz, /readyz, /metrics and the admin API. With port 0, the hub takes a free port.";
    fixed tls_cert: String = String::new(), Allowed::File,
        "The file with the hub's certificate (PEM), followed by any intermediate certificates. With a certificate, the hub accepts clients over TLS only. When this file or another TLS file changes, the hub reloads it without a restart.";
    fixed tls_key: String = String::new(), Allowed::File,
        "The file with the private key of tls_cert (PEM, not encrypted). It may be the same file as tls_cert.";
    fixed tls_client_ca: String = String::new(), Allowed::File,
        "The file with the CAs (PEM) that may issue client certificates. When it is set, the hub asks each client for a certificate.";
    fixed tls_client_auth: ClientAuth = ClientAuth::Required, Allowed::OneOf(ClientAuth::NAMES),
        "Whether every client must show a certificate from tls_client_ca (required), or may show other credentials instead (optional).";
    fixed tls_crl: String = String::new(), Allowed::File,
        "The file with the revocation lists (PEM) of all CAs above the client certificates. A list past its next update counts as missing; while a list is missing, the hub refuses clients with certificates.";
    fixed http_tls: Switch = Switch::Off, Allowed::OneOf(Switch::NAMES),
        "Whether the HTTP server uses TLS, with the certificate of tls_cert. The HTTP server never asks for a client certificate.";
    fixed tls_key_log: Switch = Switch::Off, Allowed::OneOf(Switch::NAMES),
        "Whether the hub appends the secrets of its clients' TLS connections to the file that the environment variable SSLKEYLOGFILE names. Whoever has the file can decrypt everything that these clients send and receive. It is for looking into captures, and never for normal operation.";
    fixed anonymous: Anonymous = Anonymous::Loopback, Allowed::OneOf(Anonymous::NAMES),
        "Which anonymous clients may connect when there is no access file: only those of this machine (loopback), or those of all machines (everywhere). Anonymous clients of other machines may publish and subscribe, but not administer the hub.";
    fixed access: String = String::new(), Allowed::File,
        "The access file: which clients may connect, and what each may do. When it changes, the hub reloads it without a restart. Without an access file, anonymous clients of this machine may do everything, a client with a certificate from tls_client_ca may publish and subscribe, and the key anonymous decides about all other clients.";
    fixed rules: String = String::new(), Allowed::File,
        "The rule file of the scrub. When it changes, the hub reloads it without a restart. Without a rule file, the hub only validates events.";
    fixed max_file_bytes: u64 = 4 * MIB, bytes(64 * KIB, GIB),
        "The size of the largest rule file and access file that the hub reads. While the hub reads a file, it may take up to 80 times the size of the file in memory.";
    fixed ready_needs_files: Switch = Switch::Off, Allowed::OneOf(Switch::NAMES),
        "Whether /readyz answers 503 while a rule file, an access file, the configuration file or a TLS file cannot be used as it is now, so that an older state of it is in force.";
    fixed threads: usize = 0, count(0, 1024),
        "The number of threads that serve clients. 0 means one thread for each core.";
    fixed max_frame_bytes: u32 = 1024 * 1024, bytes(4 * KIB, 256 * MIB),
        "The size of the largest frame that the hub accepts. An event is one frame, so this is roughly the size of the largest event.";
    fixed max_depth: u8 = 32, count(1, 64),
        "How deep arrays and maps may be nested in a payload, and in headers.";
    fixed max_elements: u32 = 65_536, count(1, 16_777_216),
        "How many values a payload may have, and how many the headers may have. In a map, each key counts as one value.";
    live max_connections: usize = 16_384, count(1, 1_000_000),
        "How many clients may be connected at a time. The hub tells further clients to come back later.";
    live max_connections_per_address: usize = 0, count(0, 1_000_000),
        "How many connections one IPv4 address, or one IPv6 network (/64), may have. 0 means no limit. Leave it at 0 where many clients share an address, for example pods of one node or clients behind a proxy.";
    live max_connections_per_identity: usize = 4_096, count(0, 1_000_000),
        "How many connections one identity may have. Anonymous clients have no identity and are not counted. 0 means no limit.";
    live max_subscriptions: usize = 4_096, count(1, 1_000_000),
        "How many subscriptions one connection may have.";
    fixed max_topics: usize = 1_000_000, count(1, 100_000_000),
        "How many topics may exist at a time. The hub refuses an event that would create one more.";
    live max_topics_per_identity: usize = 100_000, count(0, 100_000_000),
        "How many of the existing topics one identity may have created. An event creates its topic if the topic does not exist. The topics of anonymous clients are counted by address. 0 means no limit.";
    live publish_events_per_second: u64 = 0, count(0, 1_000_000_000),
        "How many events one identity may publish in a second, over all its connections. The events of anonymous clients are counted by address. The hub reads more slowly from a client that exceeds the rate. 0 means no limit.";
    live publish_bytes_per_second: u64 = 0, bytes(0, 1024 * GIB),
        "How many bytes of EVENT frames one identity may publish in a second, over all its connections. The bytes of anonymous clients are counted by address. The hub reads more slowly from a client that exceeds the rate. 0 means no limit.";
    live publish_burst_ms: u64 = 1_000, millis(1, 600_000),
        "The size of the largest burst. A client may publish at once as much as its rates allow in this time.";
    fixed queue_bytes: usize = 4 * 1024 * 1024, bytes(64 * KIB, 4 * GIB),
        "How many bytes may wait to be sent to one connection. It must be at least 4 times max_frame_bytes. When a quarter of it is used, publishers wait, and from a half on also those that publish little. When all of it is used, the overflow policy of each subscription decides.";
    fixed overflow_grace_ms: u64 = 200, millis(0, 60_000),
        "How long publishers wait for room in the queue of a subscriber. After that, they go on without waiting for this subscriber, until its queue has drained. For a subscription with the overflow policy block, publishers wait without a limit.";
    fixed history_topic_bytes: usize = 1024 * 1024, bytes(0, 4 * GIB),
        "How many bytes of its newest events a topic keeps in memory, for clients that reconnect. It may be at most history_bytes. A topic keeps its last event unless memory is short.";
    fixed history_bytes: usize = 16 * 1024 * 1024, bytes(0, 64 * GIB),
        "How many bytes of events all topics together keep in memory. The last event of each topic does not count.";
    fixed memory_bytes: u64 = 0, bytes(0, 1024 * GIB),
        "How much memory the process may use. It must be at least 8 times queue_bytes. When 80 percent are used, the clients that hold most wait. When 95 percent are used, the hub refuses their events. 0 means three quarters of the machine's memory, or of the memory.max of the control group if that is less.";
    fixed memory_grace_ms: u64 = 1_000, millis(0, 60_000),
        "How long the clients that hold most wait for memory to be freed. A client that has not come down to its share in this time is refused, and after the same time again it is ended.";
    fixed topic_idle_ms: u64 = 600_000, millis(10, 168 * HOUR),
        "How long the hub keeps a topic that has no subscribers and gets no events. The hub forgets the topic after one to two times this.";
    live handshake_ms: u64 = 5_000, millis(10, 600_000),
        "How long a new connection may take until its HELLO has come and its credentials are checked.";
    fixed keepalive_ms: u64 = 15_000, millis(10, HOUR),
        "How often the hub checks that a client is alive. The hub sends a PING to a client that is silent for one interval, and disconnects a client that is silent for two intervals.";
    fixed resume_ms: u64 = 120_000, millis(0, 24 * HOUR),
        "How long the hub waits for a client that lost its connection. A client that is back within this time continues where it was, and each of its events is published once.";
    fixed group_linger_ms: u64 = 60_000, millis(0, 24 * HOUR),
        "How long a queue group that has lost its last member keeps its place in each topic. The events that come in the meantime wait for the next member, as many as fit into one queue.";
    fixed drain_ms: u64 = 10_000, millis(0, HOUR),
        "How long a stopping hub may take to deliver the events that it has accepted.";
    fixed retry_after_ms: u64 = 1_000, millis(0, HOUR),
        "How long a client should wait before it connects again to a hub that is stopping or full.";
    fixed metrics_topics: usize = 100, count(0, 100_000),
        "How many topics have metrics of their own on /metrics. The hub shows the topics with the most deliveries.";
    fixed log: String = "info".to_owned(), Allowed::LogFilter,
        "Which messages the hub logs to standard error.";
}
