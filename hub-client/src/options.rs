//! Everything that can be set, its default, and why it is that.

use hub_wire::Credentials;
use std::time::Duration;

/// What happens to events whose fate is unknown because the hub restarted (or forgot this
/// client) before it had acknowledged them.
///
/// ```
/// use hub_client::{Client, OnRestart};
/// let builder = Client::builder("hub://127.0.0.1").on_restart(OnRestart::Resend);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRestart {
    /// They are not sent again; each waiting `emit` fails with "outcome unknown", and
    /// [`flush`](crate::Client::flush) counts the others. No event arrives twice.
    #[default]
    Report,
    /// They are sent again. No event is lost, but those that the hub had delivered before it
    /// stopped arrive twice.
    Resend,
}

/// The settings of a client. [`Options::default`] is the one place where defaults are.
///
/// ```
/// use hub_client::Options;
/// let options = Options::default();
/// assert_eq!(options.publish_log_bytes, 4 << 20);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What the client calls itself. Part of the publisher that subscribers see, and a hint for
    /// people, not an identity. Default: none.
    pub name: Option<String>,
    /// What lets the client in. Default: nothing. Without TLS (`hub://`), others on the
    /// way can read it.
    pub credentials: Option<Credentials>,
    /// How a connection to a `hubs://` address is secured. Default: with the CAs that the system
    /// trusts, and without a certificate of this client's.
    #[cfg(feature = "tls")]
    pub tls: crate::TlsOptions,
    /// How long one attempt may take, TCP connection and handshakes together. Default: 5 s.
    pub connect_timeout: Duration,
    /// For how long [`connect`](crate::Client::connect) goes on trying. Default: zero, one attempt.
    pub patience: Duration,
    /// Whether to come back after the connection was lost. Default: yes.
    pub reconnect: bool,
    /// Upper bound of the first waiting time before a reconnect. Default: 50 ms.
    pub backoff_min: Duration,
    /// Upper bound of every waiting time before a reconnect. Default: 1.5 s, so that clients are back
    /// within two seconds of a hub that was gone, however long. The waits are random parts of it: ten
    /// thousand clients make some ten thousand attempts a second, which an absent hub does not notice.
    pub backoff_max: Duration,
    /// What happens to events whose fate is unknown. Default: they are reported.
    pub on_restart: OnRestart,
    /// How many bytes of events may wait for the hub's receipt; publishers wait beyond that.
    /// Default: 4 MiB, enough to keep a fast link busy for some milliseconds.
    pub publish_log_bytes: usize,
    /// How many refusals of pipelined events are kept for the next `flush`; more are counted.
    /// Default: 1024.
    pub refusals_kept: usize,
    /// The largest frame this client accepts from the hub. Default: 16 MiB.
    pub max_frame: u32,
    /// How many connection events wait for each reader before the oldest are dropped and
    /// counted. Default: 256.
    pub events_kept: usize,
    /// After how much silence a PING is sent, if the hub does not ask for it earlier. Twice as
    /// long, and the hub counts as lost. Default: 15 s.
    pub keepalive: Duration,
    /// How long [`drain`](crate::Client::drain) waits for listeners, receipts and the hub's
    /// goodbye together. Default: 10 s.
    pub drain_timeout: Duration,
    /// For how many topics the last number is remembered, so that a reconnect resumes exactly
    /// there. Beyond it, the topics idle for longest are forgotten, and may repeat events after
    /// a reconnect. Default: 65,536.
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
