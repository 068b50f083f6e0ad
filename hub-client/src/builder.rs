//! How a client is configured and connected.
//!
//! Everything that can be checked without a hub is checked here, so that a mistake is an error of
//! `connect` and not of a later reconnect.

use crate::client_state::ClientState;
use crate::connection::{COMMANDS, Commands, ConnectError, Core, Link, connect};
use crate::reconnect::Backoff;
use crate::{Client, HubUrl, OnRestart, Options};
use hub_core::emitter::Listeners;
use hub_wire::{Credentials, TopicName};
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Sets [`Options`], then connects. Made by [`Client::builder`].
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

    /// Sets what the client calls itself: at most 64 bytes that may stand in a topic's token, without `#`.
    ///
    /// ```
    /// let builder = hub_client::Client::builder("hub://127.0.0.1").name("orders");
    /// ```
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Sets what lets the client in.
    ///
    /// ```
    /// use hub_client::{Client, Credentials};
    /// let token = Credentials::Token("hub_orders-1_…".to_owned());
    /// let builder = Client::builder("hub://127.0.0.1").credentials(token);
    /// ```
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.options.credentials = Some(credentials);
        self
    }

    /// Sets the file (PEM) with the CAs of which one has to have signed the hub's certificate,
    /// instead of those that the system trusts.
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

    /// Sets the files (PEM) with the certificate that this client shows, and its private key.
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

    /// Sets the name that has to be in the hub's certificate, where that is not the address' host.
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

    setters! {
        /// Sets how long one attempt to connect may take.
        connect_timeout: Duration, "Duration::from_secs(1)";
        /// Sets for how long `connect` goes on trying.
        patience: Duration, "Duration::from_secs(30)";
        /// Sets whether to come back after a loss.
        reconnect: bool, "false";
        /// Sets the first bound of the waiting time before a reconnect.
        backoff_min: Duration, "Duration::from_millis(10)";
        /// Sets the last bound of the waiting time before a reconnect.
        backoff_max: Duration, "Duration::from_secs(60)";
        /// Sets what happens to events whose fate is unknown.
        on_restart: OnRestart, "hub_client::OnRestart::Resend";
        /// Sets how many bytes of events may wait for receipts.
        publish_log_bytes: usize, "1 << 20";
        /// Sets how long the hub may be silent.
        keepalive: Duration, "Duration::from_secs(5)";
        /// Sets how long ending in good order may take.
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

    /// Connects.
    ///
    /// Cancel-safe: a dropped call leaves no connection.
    ///
    /// # Errors
    /// When it cannot; after [`Options::patience`] with the last attempt's error.
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
        let state = Arc::new(ClientState::new(url, self.options, instance));
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let mut core = Core::new(state.clone(), Commands::new(receiver));
        core.connected(&link);
        tokio::spawn(core.run(link));
        Ok(Client { state, commands, listeners: Listeners::new() })
    }
}

fn check_name(name: &str) -> Result<(), ConnectError> {
    match TopicName::is_label(name) && !name.contains('#') {
        true => Ok(()),
        false => Err(ConnectError::Name),
    }
}

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
