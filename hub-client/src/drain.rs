//! Ending in good order: nothing accepted is left behind.

use crate::Client;
use crate::connection::{Command, Intent};
use crate::publish::Report;
use hub_wire::Refused;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Events sent with [`Client::publish`], or whose `emit` was dropped, that were not accepted; all
/// since the last flush.
///
/// ```no_run
/// # async fn example(hub: hub_client::Client) {
/// if let Err(error) = hub.flush().await {
///     for refused in &error.refused {
///         eprintln!("event {}: {}", refused.number, refused.message);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FlushError {
    /// What the hub refused, in order; the first [`Options::refusals_kept`](crate::Options).
    pub refused: Vec<Refused>,
    /// How many more it refused.
    pub refused_more: u64,
    /// How many may or may not have arrived.
    pub outcome_unknown: u64,
    /// How many were not sent, because the client ended.
    pub not_sent: u64,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.refused.len() as u64 + self.refused_more;
        let (unknown, not_sent) = (self.outcome_unknown, self.not_sent);
        write!(f, "{refused} events refused, {unknown} of unknown outcome, {not_sent} not sent")
    }
}

impl std::error::Error for FlushError {}

/// Why a drain was not complete.
///
/// ```no_run
/// # async fn example(hub: hub_client::Client) {
/// use hub_client::DrainError;
/// match hub.drain().await {
///     Err(DrainError::TimedOut) => eprintln!("a listener did not finish in time"),
///     other => println!("{other:?}"),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DrainError {
    /// Not all events were accepted.
    #[error("not all events were accepted")]
    Flush(#[source] FlushError),
    /// Listeners were still busy, or receipts missing, when
    /// [`Options::drain_timeout`](crate::Options) was over.
    #[error("listeners or receipts took longer than the time allowed")]
    TimedOut,
}

impl Client {
    /// Resolves when the hub has spoken on every event emitted until now.
    ///
    /// Cancel-safe: a dropped call changes nothing; what it would have reported is kept.
    ///
    /// # Errors
    /// What went wrong with events nobody waited for, all since the last flush of any clone.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) -> Result<(), hub_client::FlushError> {
    /// hub.flush().await
    /// # }
    /// ```
    pub async fn flush(&self) -> Result<(), FlushError> {
        let report = self.state.log.flush().await;
        if report == Report::default() {
            return Ok(());
        }
        let Report { refused, refused_more, outcome_unknown, not_sent } = report;
        Err(FlushError { refused, refused_more, outcome_unknown, not_sent })
    }

    /// Ends in good order: takes no more subscriptions, unsubscribes, lets listeners handle what
    /// has arrived, flushes what they and others emitted, and says goodbye.
    ///
    /// Every listener is waited for, and an [`EventStream`](crate::EventStream) counts as one: drop
    /// those you hold, or read them to their end in another task. A plain
    /// [`Subscription`](crate::Subscription) is not waited for; what it holds can still be read.
    ///
    /// Dropping the call does not stop it: it goes on in the background.
    ///
    /// # Errors
    /// When it was not complete after [`Options::drain_timeout`](crate::Options), or events were
    /// refused. The client has ended in any case.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) -> Result<(), hub_client::DrainError> {
    /// hub.drain().await
    /// # }
    /// ```
    pub async fn drain(&self) -> Result<(), DrainError> {
        let client = self.clone();
        let drain = tokio::spawn(async move { client.drain_now().await });
        drain.await.unwrap_or(Err(DrainError::TimedOut))
    }

    async fn drain_now(self) -> Result<(), DrainError> {
        let deadline = Instant::now() + self.state.options.drain_timeout;
        self.state.draining.store(true, Ordering::Relaxed);
        let orderly = async {
            let (done, stopped) = oneshot::channel();
            // If the connection has ended, so have its subscriptions.
            if self.commands.send(Command::StopSubscriptions(done)).await.is_ok() {
                let _ = stopped.await;
            }
            self.listeners_done().await;
            self.flush().await
        };
        let drained = tokio::time::timeout_at(deadline, orderly).await;
        self.end(Intent::CloseBy(deadline)).await;
        match drained {
            Err(_) => Err(DrainError::TimedOut),
            Ok(flushed) => flushed.map_err(DrainError::Flush),
        }
    }

    /// Waits until every listener has handled what it was given. Their subscriptions have ended,
    /// so each leaves the registry when it is done.
    async fn listeners_done(&self) {
        // The registry tells nobody when a listener leaves, and draining is rare: look now and then.
        let mut look = tokio::time::interval(Duration::from_millis(2));
        while !self.listeners.event_names().is_empty() {
            look.tick().await;
        }
    }

    /// Ends at once: says goodbye and closes the connection. Events without a receipt are
    /// reported as unknown or not sent; what waits in subscriptions can still be read.
    ///
    /// Dropping the call does not stop it.
    ///
    /// ```no_run
    /// # async fn example(hub: hub_client::Client) {
    /// hub.close().await;
    /// # }
    /// ```
    pub async fn close(&self) {
        let client = self.clone();
        let closing = tokio::spawn(async move { client.end(Intent::CloseNow).await });
        let _ = closing.await;
    }

    async fn end(&self, intent: Intent) {
        self.state.draining.store(true, Ordering::Relaxed);
        let mut ended = self.state.ended.subscribe();
        let _ = self.commands.send(Command::Close(intent)).await;
        // The sender lives as long as `self`.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}
