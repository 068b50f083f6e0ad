//! Builds a client: the builder sets options and makes the first connection.
//!
//! The builder checks whatever can be checked without a hub, so that a mistake is an error of
//! `connect` and not of a later reconnect.

use crate::client_state::ClientState;
use crate::connection::{COMMANDS, Commands, ConnectError, Core, Link, connect};
use crate::reconnect::Backoff;
use crate::{Client, CredentialSource, HubUrl, OnRestart, Options};
use hub_core::emitter::{BoxError, Listeners};
use hub_wire::{Credentials, TopicName};
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument;

/// Sets [`Options`], and then connects. [`Client::builder`] makes a builder.
///
/// ```
/// let builder = hub_client::Client::builder("hub://127.0.0.1").name("orders").reconnect(false);
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    url: String,
    options: Options,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty, $example:literal;)*) => {$(
        $(#[$doc])*
        ///
        #[doc = concat!("See [`Options::", stringify!($name), "`].")]
        ///
        /// ```
        /// # use std::time::Duration;
        #[doc = concat!(
            "let builder = hub_client::Client::builder(\"hub://h\").",
            stringify!($name), "(", $example, ");"
        )]
        /// ```
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.options.$name = value;
            self
        }
    )*};
}

impl Builder {
    pub(crate) fn new(url: &str, options: Options) -> Self {
        Builder { url: url.to_owned(), options }
    }

    /// Sets the name of the client. It has at most 64 bytes, which must be allowed in a token of a
    /// topic, and no `#`.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hub://127.0.0.1").name("orders");
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Sets the credentials of the client, or the source that they come from.
    ///
    /// Credentials that expire should come from a source: from a file that another program replaces
    /// ([`CredentialSource::jwt_file`]), or from a function ([`Builder::credentials_from`]).
    ///
    /// ```
    /// use hub_client::{Client, Credentials};
    /// let token = Credentials::Token("hub_orders-1_…".to_owned());
    /// let builder = Client::builder("hub://127.0.0.1").credentials(token);
    /// ```
    #[must_use]
    pub fn credentials(mut self, credentials: impl Into<CredentialSource>) -> Self {
        self.options.credentials = Some(credentials.into());
        self
    }

    /// Sets an `async` function that returns the credentials for each connection. When the hub ends a
    /// connection because its credentials have expired, the client calls the function and connects
    /// again.
    ///
    /// ```
    /// use hub_client::{BoxError, Client, Credentials};
    /// # async fn fetch() -> Result<String, BoxError> { Ok(String::new()) }
    /// let builder = Client::builder("hub://127.0.0.1")
    ///     .credentials_from(|| async { Ok(Credentials::Jwt(fetch().await?)) });
    /// ```
    #[must_use]
    pub fn credentials_from<F, R>(self, function: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Credentials, BoxError>> + Send + 'static,
    {
        self.credentials(CredentialSource::callback(function))
    }

    /// Sets for how long `emit` waits. See [`Options::emit_timeout`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = hub_client::Client::builder("hub://h").emit_timeout(Duration::from_secs(2));
    /// ```
    #[must_use]
    pub fn emit_timeout(mut self, timeout: Duration) -> Self {
        self.options.emit_timeout = Some(timeout);
        self
    }

    /// Sets the file (PEM) with CA certificates. One of these CAs must have signed the hub's
    /// certificate. Without this file, the client trusts the CAs that the system trusts.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hubs://events.internal").ca_file("ca.pem");
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.tls.ca = Some(path.into());
        self
    }

    /// Sets the files (PEM) with the client's own certificate and its private key.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hubs://events.internal")
    ///     .client_certificate("orders.pem", "orders.key");
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.options.tls.certificate = Some(certificate.into());
        self.options.tls.key = Some(key.into());
        self
    }

    /// Sets the name that must be in the hub's certificate, if that name is not the host in the
    /// address.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hubs://10.0.0.7").server_name("events.internal");
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.options.tls.server_name = Some(name.into());
        self
    }

    /// Sets whether the client writes the secrets of its TLS connections to the file that the
    /// environment variable `SSLKEYLOGFILE` names, if it names one. By default, the client does.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hubs://events.internal").key_log(false);
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn key_log(mut self, key_log: bool) -> Self {
        self.options.tls.key_log = key_log;
        self
    }

    setters! {
        /// Sets for how long the client waits for better credentials.
        credentials_patience: Duration, "Duration::from_secs(600)";
        /// Sets how long one attempt to connect may take.
        connect_timeout: Duration, "Duration::from_secs(1)";
        /// Sets for how long `connect` keeps trying.
        patience: Duration, "Duration::from_secs(30)";
        /// Sets whether the client connects again after a loss.
        reconnect: bool, "false";
        /// Sets the longest wait before the first attempt to reconnect.
        backoff_min: Duration, "Duration::from_millis(10)";
        /// Sets the longest wait before any attempt to reconnect.
        backoff_max: Duration, "Duration::from_secs(60)";
        /// Sets what happens to events whose outcome is unknown.
        on_restart: OnRestart, "hub_client::OnRestart::Resend";
        /// Sets how many bytes of events may wait for receipts.
        publish_log_bytes: usize, "1 << 20";
        /// Sets after how much silence of the hub the client sends a PING.
        keepalive: Duration, "Duration::from_secs(5)";
        /// Sets how long a drain may take.
        drain_timeout: Duration, "Duration::from_secs(1)";
    }

    /// Sets all options at once.
    ///
    /// ```
    /// use hub_client::{Client, Options};
    /// let mut options = Options::default();
    /// options.events_kept = 10;
    /// let builder = Client::builder("hub://127.0.0.1").options(options);
    /// ```
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Connects to the hub.
    ///
    /// The call is cancel-safe: a dropped call leaves no connection.
    ///
    /// # Errors
    /// Returns an error if no connection could be made. When [`Options::patience`] is over, the
    /// call returns the error of the last attempt.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hub_client::ConnectError> {
    /// let hub = hub_client::Client::builder("hub://127.0.0.1").name("orders").connect().await?;
    /// # Ok(()) }
    /// ```
    pub async fn connect(self) -> Result<Client, ConnectError> {
        let url: HubUrl = self.url.parse()?;
        if let Some(name) = &self.options.name {
            check_name(name)?;
        }
        let mut instance = [0; 16];
        getrandom::fill(&mut instance).map_err(|_| ConnectError::Random)?;
        let link = first_link(&url, &self.options, instance).await?;
        let name = self.options.name.as_deref();
        let span = tracing::info_span!("hub_client", %url, name);
        let state = Arc::new(ClientState::new(url, self.options, instance));
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let mut core = Core::new(state.clone(), Commands::new(receiver));
        span.in_scope(|| core.connected(&link));
        tokio::spawn(core.run(link).instrument(span));
        Ok(Client { state, commands, listeners: Listeners::new() })
    }
}

/// Checks that a name can be a part of a publisher stamp.
fn check_name(name: &str) -> Result<(), ConnectError> {
    match TopicName::is_label(name) && !name.contains('#') {
        true => Ok(()),
        false => Err(ConnectError::Name),
    }
}

/// Makes the first connection. Tries again until [`Options::patience`] is over.
async fn first_link(
    url: &HubUrl,
    options: &Options,
    instance: [u8; 16],
) -> Result<Link, ConnectError> {
    let until = Instant::now() + options.patience;
    let mut backoff = Backoff::new(options.backoff_min, options.backoff_max);
    loop {
        let error = match connect(url, options, instance, 0).await {
            Ok(link) => return Ok(link),
            Err(error) => error,
        };
        let delay = backoff.next(Duration::from_millis(error.retry_after_ms()));
        if !error.can_retry() || Instant::now() + delay >= until {
            return Err(error);
        }
        tokio::time::sleep(delay).await;
    }
}
