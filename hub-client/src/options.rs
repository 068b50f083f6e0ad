//! The options of a client, each with its default and the reason for it. Every bound of a client's
//! memory and waiting is in this module.

use hub_wire::Credentials;
use std::time::Duration;

/// What happens to events whose outcome is unknown, because the hub restarted or forgot this client
/// before it confirmed them.
///
/// ```
/// use hub_client::{Client, OnRestart};
/// let builder = Client::builder("hub://127.0.0.1").on_restart(OnRestart::Resend);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRestart {
    /// The events are not sent again. Each waiting `emit` fails with "outcome unknown", and
    /// [`flush`](crate::Client::flush) counts the others. No event arrives twice.
    #[default]
    Report,
    /// The events are sent again. No event is lost, but events that the hub had delivered before it
    /// stopped arrive twice.
    Resend,
}

/// The options of a client. [`Options::default`] sets every default.
///
/// ```
/// use hub_client::Options;
/// let options = Options::default();
/// assert_eq!(options.publish_log_bytes, 4 << 20);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The name of the client. It is a part of the publisher stamp that subscribers see: a hint for
    /// people, and not an identity. Default: none.
    pub name: Option<String>,
    /// The credentials with which the client proves its identity. Without TLS (`hub://`), others on
    /// the network can read them. Default: none.
    pub credentials: Option<Credentials>,
    /// The TLS options for a `hubs://` address. Default: trust the CAs of the system, and show no
    /// certificate of this client.
    #[cfg(feature = "tls")]
    pub tls: crate::TlsOptions,
    /// How long one attempt to connect may take, including the TCP connection and the handshakes.
    /// Default: 5 s.
    pub connect_timeout: Duration,
    /// For how long [`connect`](crate::Client::connect) keeps trying. Default: zero, which is one
    /// attempt.
    pub patience: Duration,
    /// Whether the client connects again after the connection was lost. Default: yes.
    pub reconnect: bool,
    /// The longest wait before the first attempt to reconnect. Default: 50 ms.
    pub backoff_min: Duration,
    /// The longest wait before any attempt to reconnect. Default: 1.5 s, so that clients are back
    /// within two seconds after a hub returns, however long it was gone. Each wait is a random part
    /// of it, so ten thousand clients make about ten thousand attempts a second.
    pub backoff_max: Duration,
    /// What happens to events whose outcome is unknown. Default: they are reported.
    pub on_restart: OnRestart,
    /// How many bytes of events may wait for the hub's receipt. Beyond that, publishers wait.
    /// Default: 4 MiB, enough to keep a fast link busy for some milliseconds.
    pub publish_log_bytes: usize,
    /// How many refusals of events from `publish` are kept for the next `flush`. Further refusals
    /// are only counted. Default: 1024.
    pub refusals_kept: usize,
    /// The largest frame, in bytes, that this client accepts from the hub. Default: 16 MiB.
    pub max_frame: u32,
    /// How many connection events wait for each reader. Beyond that, the oldest are dropped and
    /// counted. Default: 256.
    pub events_kept: usize,
    /// After how much silence the client sends a PING, unless the hub asks for a shorter time.
    /// After twice this time, the connection counts as lost. Default: 15 s.
    pub keepalive: Duration,
    /// How long [`drain`](crate::Client::drain) waits for listeners, receipts and the hub's CLOSE
    /// together. Default: 10 s.
    pub drain_timeout: Duration,
    /// For how many topics the client remembers its position, so that it resumes exactly there.
    /// Beyond that, it forgets the topics that were idle for longest, and may get events of those
    /// twice after a reconnect. Default: 65,536.
    pub positions_kept: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: None,
            credentials: None,
            #[cfg(feature = "tls")]
            tls: crate::TlsOptions::default(),
            connect_timeout: Duration::from_secs(5),
            patience: Duration::ZERO,
            reconnect: true,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(1_500),
            on_restart: OnRestart::default(),
            publish_log_bytes: 4 << 20,
            refusals_kept: 1024,
            max_frame: 16 << 20,
            events_kept: 256,
            keepalive: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(10),
            positions_kept: 1 << 16,
        }
    }
}
