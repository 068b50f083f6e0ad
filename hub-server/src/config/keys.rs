//! The one table of keys.

use std::net::{Ipv4Addr, SocketAddr};

use super::tls::{ClientAuth, HttpTls};
use super::value::{Allowed, Anonymous, Setting, Unit, Value};

/// One key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Its name in the file, for example `max_frame_bytes`.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// What it may be set to.
    pub allowed: Allowed,
    get: fn(&Config) -> Value,
    set: fn(&mut Config, Value) -> bool,
}

impl Key {
    /// The key called `name`.
    pub fn find(name: &str) -> Option<&'static Key> {
        Key::ALL.iter().find(|key| key.name == name)
    }

    /// Its environment variable, for example `HUB_MAX_FRAME_BYTES`.
    pub fn env(&self) -> String {
        format!("HUB_{}", self.name.to_ascii_uppercase())
    }

    /// Its flag without the two dashes, for example `max-frame-bytes`.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its value in `config`.
    pub fn value(&self, config: &Config) -> Value {
        (self.get)(config)
    }

    /// Puts a checked value into `config`; false where it is not of the key's type.
    pub(super) fn set(&self, config: &mut Config, value: Value) -> bool {
        (self.set)(config, value)
    }
}

macro_rules! keys {
    ($($name:ident: $type:ty = $default:expr, $allowed:expr, $help:literal;)*) => {
        /// Everything that can be configured. [`Config::default`] is what `hub serve` uses when
        /// nothing is set.
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
            /// All keys, in the order of the example file.
            pub const ALL: &'static [Key] = &[$(Key {
                name: stringify!($name),
                help: $help,
                allowed: $allowed,
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
    };
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
    listen: SocketAddr = loopback(4820), Allowed::Address,
        "Where clients connect. Port 0 takes a free one.";
    http: SocketAddr = loopback(4821), Allowed::Address,
        "Where /healthz, /readyz, /metrics and the admin API are served. Port 0 takes a free one.";
    tls_cert: String = String::new(), Allowed::File,
        "The hub's certificate (PEM), and behind it those between it and its CA. With it, clients connect with TLS only. Changes of this and the other files of TLS are taken over while the hub runs.";
    tls_key: String = String::new(), Allowed::File,
        "The private key of tls_cert (PEM, not encrypted). May be in the same file.";
    tls_client_ca: String = String::new(), Allowed::File,
        "The CAs (PEM) that clients' certificates have to be from. With it, clients are asked for one.";
    tls_client_auth: ClientAuth = ClientAuth::Required, Allowed::OneOf(ClientAuth::NAMES),
        "Whether a client without a certificate of tls_client_ca is refused, or may show other credentials.";
    tls_crl: String = String::new(), Allowed::File,
        "Revocation lists (PEM) of all CAs above clients' certificates. A list past its next update counts as none, and then clients with certificates are refused.";
    http_tls: HttpTls = HttpTls::Off, Allowed::OneOf(HttpTls::NAMES),
        "Whether HTTP is served over TLS, with tls_cert. Nobody is asked for a certificate there.";
    anonymous: Anonymous = Anonymous::Loopback, Allowed::OneOf(Anonymous::NAMES),
        "From where clients may connect where there is no access file: from this machine only, or from everywhere.";
    access: String = String::new(), Allowed::File,
        "Who may connect, and what each may do. Changes of it are taken over while the hub runs. Without one, clients of this machine may do everything, and others nothing unless anonymous is everywhere; a certificate of tls_client_ca lets publish and subscribe.";
    rules: String = String::new(), Allowed::File,
        "The scrub's rule file. Changes of it are taken over while the hub runs. Without one, events are only checked.";
    threads: usize = 0, count(0, 1024),
        "Threads that serve clients. 0 is one a core.";
    max_frame_bytes: u32 = 1024 * 1024, bytes(4 * KIB, 256 * MIB),
        "Largest frame, and so roughly the largest event.";
    max_depth: u8 = 32, count(1, 64),
        "Deepest nesting of arrays and maps in a payload.";
    max_elements: u32 = 65_536, count(1, 16_777_216),
        "Most values in a payload, map keys included.";
    max_connections: usize = 16_384, count(1, 1_000_000),
        "Most clients connected at once. The next one is told to come back later.";
    max_connections_per_address: usize = 0, count(0, 1_000_000),
        "Most connections of one IPv4 address, or of one IPv6 network (/64). 0 is no limit, which is right where many clients come from behind one address: from a node with many pods, or through a proxy.";
    max_connections_per_identity: usize = 4_096, count(0, 1_000_000),
        "Most connections of one identity; anonymous clients have none. 0 is no limit.";
    max_subscriptions: usize = 4_096, count(1, 1_000_000),
        "Most subscriptions of a connection.";
    max_topics: usize = 1_000_000, count(1, 100_000_000),
        "Most topics at once. Events on one more are refused.";
    max_topics_per_identity: usize = 100_000, count(0, 100_000_000),
        "Most topics at once that are there because one identity published on them first; anonymous clients are told apart by their addresses. 0 is no limit.";
    publish_events_per_second: u64 = 0, count(0, 1_000_000_000),
        "How many events an identity may publish a second, all its connections together; anonymous clients are told apart by their addresses. Who is faster is read more slowly. 0 is no limit.";
    publish_bytes_per_second: u64 = 0, bytes(0, 1024 * GIB),
        "The same in bytes of its EVENT frames.";
    publish_burst_ms: u64 = 1_000, millis(1, 600_000),
        "How much of these rates may be used at once: what comes together in this time.";
    queue_bytes: usize = 4 * 1024 * 1024, bytes(64 * KIB, 4 * GIB),
        "Most bytes that wait for one connection; at least 4 times max_frame_bytes. Publishers wait from a quarter of it on, and at its end each subscription's overflow policy decides.";
    overflow_grace_ms: u64 = 200, millis(0, 60_000),
        "How long publishers wait for a subscriber with too much waiting, before they go on without it. It gets this time anew once its queue has drained.";
    history_topic_bytes: usize = 1024 * 1024, bytes(0, 4 * GIB),
        "Newest events of one topic kept in memory for clients that reconnect; at most history_bytes. The last event of a topic is always kept.";
    history_bytes: usize = 16 * 1024 * 1024, bytes(0, 64 * GIB),
        "Events of all topics kept in memory together, beside the last one of each.";
    memory_bytes: u64 = 0, bytes(0, 1024 * GIB),
        "How much memory the process may take; at least 8 times queue_bytes. From 80 percent of it on publishers wait, from 95 percent on events and connections are refused. 0 is three quarters of the machine's memory, or of the memory.max of the control group if that is less.";
    memory_grace_ms: u64 = 1_000, millis(0, 60_000),
        "How long publishers wait for memory that does not get more before they are refused.";
    topic_idle_ms: u64 = 600_000, millis(10, 168 * HOUR),
        "A topic without subscribers and events is forgotten after one to two times this.";
    handshake_ms: u64 = 5_000, millis(10, 600_000),
        "How long a new connection may take to say HELLO.";
    keepalive_ms: u64 = 15_000, millis(10, HOUR),
        "How often it is looked whether anything came from a connection. If nothing did, it is asked whether it is alive, and closed if nothing comes until the next look.";
    resume_ms: u64 = 120_000, millis(0, 24 * HOUR),
        "How long a publisher that lost its connection may take to come back and continue where it was.";
    drain_ms: u64 = 10_000, millis(0, HOUR),
        "How long a stopping hub may take to deliver what it has accepted.";
    retry_after_ms: u64 = 1_000, millis(0, HOUR),
        "When clients are told to come back by a hub that stops or is full.";
    metrics_topics: usize = 100, count(0, 100_000),
        "Topics that have metrics of their own on /metrics: those with the most deliveries.";
    log: String = "info,actix_server=warn".to_owned(), Allowed::LogFilter,
        "What is logged to standard error.";
}
