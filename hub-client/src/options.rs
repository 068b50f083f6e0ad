//! Defines the options of a client, each with its default and the reason for the default. Every
//! bound of a client's memory and waiting is in this module.

use crate::CredentialSource;
use std::time::Duration;

/// Decides what happens to events whose outcome is unknown, because the hub restarted or forgot
/// this client before it confirmed them.
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

/// States the options of a client. [`Options::default`] sets every default.
///
/// ```
/// use hub_client::Options;
/// let options = Options::default();
/// assert_eq!(options.publish_log_bytes, 4 << 20);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The client has this name. The name is a part of the publisher stamp that subscribers see: a
    /// hint for people, and not an identity. By default, a client has no name.
    pub name: Option<String>,
    /// The client proves its identity with credentials from this source. Without TLS (`hub://`), others
    /// on the network can read them. By default, the client shows no credentials.
    pub credentials: Option<CredentialSource>,
    /// If the hub refuses credentials that come from a file or a function, or if there are none, the
    /// client tries again for this long, because somebody may be about to replace them. The default is
    /// 60 s.
    pub credentials_patience: Duration,
    /// These TLS options apply to a `hubs://` address. By default, the client trusts the CAs of the
    /// system, and shows no certificate of its own.
    #[cfg(feature = "tls")]
    pub tls: crate::TlsOptions,
    /// One attempt to connect may take this long, including the TCP connection and the handshakes.
    /// The default is 5 s.
    pub connect_timeout: Duration,
    /// [`connect`](crate::Client::connect) keeps trying for this long. The default is zero, which
    /// allows one attempt.
    pub patience: Duration,
    /// If this is true, the client connects again after the connection was lost. The default is
    /// true.
    pub reconnect: bool,
    /// The wait before the first attempt to reconnect is at most this long. The default is 50 ms.
    pub backoff_min: Duration,
    /// The wait before any attempt to reconnect is at most this long. The default is 1.5 s, so that
    /// clients are back within two seconds after a hub returns, however long it was gone. Each wait
    /// is a random part of the bound, so ten thousand clients make about ten thousand attempts a
    /// second.
    pub backoff_max: Duration,
    /// This decides what happens to events whose outcome is unknown. By default, they are reported.
    pub on_restart: OnRestart,
    /// [`emit`](crate::Emitter::emit) waits for at most this long. An event that was not sent by then is
    /// taken back ([`EmitError::NotSent`](crate::EmitError::NotSent)), and an event that was sent may
    /// still be published ([`EmitError::TimedOut`](crate::EmitError::TimedOut)). The default is `None`:
    /// the call waits for as long as it takes.
    pub emit_timeout: Option<Duration>,
    /// At most this many bytes of events may wait for the hub's receipt. Beyond this bound,
    /// publishers wait. The default is 4 MiB, which is enough to keep a fast link busy for some
    /// milliseconds.
    pub publish_log_bytes: usize,
    /// At most this many refusals of events from `publish` are kept for the next `flush`. Further
    /// refusals are only counted. The default is 1024.
    pub refusals_kept: usize,
    /// The client accepts no frame from the hub with more bytes than this. The default is 16 MiB.
    pub max_frame: u32,
    /// At most this many connection events wait for each reader. Beyond this bound, the oldest
    /// events are dropped and counted. The default is 256.
    pub events_kept: usize,
    /// After this long without a byte, the client sends a PING, unless the hub asks for a shorter
    /// time. After twice this time, the connection counts as lost. The default is 15 s.
    pub keepalive: Duration,
    /// [`drain`](crate::Client::drain) waits at most this long for listeners, receipts and the
    /// hub's CLOSE together. The default is 10 s.
    pub drain_timeout: Duration,
    /// The client remembers its position in this many topics, so that it resumes exactly there.
    /// Beyond this bound, it forgets the topics that were idle for longest, and may get events of
    /// those topics twice after a reconnect. The default is 65,536.
    pub positions_kept: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: None,
            credentials: None,
            credentials_patience: Duration::from_secs(60),
            #[cfg(feature = "tls")]
            tls: crate::TlsOptions::default(),
            connect_timeout: Duration::from_secs(5),
            patience: Duration::ZERO,
            reconnect: true,
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_millis(1_500),
            on_restart: OnRestart::default(),
            emit_timeout: None,
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
