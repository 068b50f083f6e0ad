//! Implements flush, drain and close, which settle events and end a client. A program that ended
//! without them could lose events that it had emitted.

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

/// Reports the events since the last flush that were not accepted and that nobody waited for:
/// events that were sent with [`Client::publish`], and events whose `emit` was dropped.
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
    /// The hub sent these refusals, in order. The number of a refusal says which event is meant: it
    /// counts the events that this client has published, from 0. At most [`Options::refusals_kept`](crate::Options)
    /// refusals are kept.
    pub refused: Vec<Refused>,
    /// The hub refused this many further events.
    pub refused_more: u64,
    /// This many events have an unknown outcome: they may or may not have arrived.
    pub outcome_unknown: u64,
    /// This many events were not sent, because the client ended.
    pub not_sent: u64,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused = self.refused.len() as u64 + self.refused_more;
        let (unknown, not_sent) = (self.outcome_unknown, self.not_sent);
        write!(
            f,
            "{refused} events refused, {unknown} with an unknown outcome, {not_sent} not sent"
        )
    }
}

impl std::error::Error for FlushError {}

/// States why a drain was not complete.
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
    /// The hub did not accept all events.
    #[error("not all events were accepted")]
    Flush(#[source] FlushError),
    /// Listeners were still busy or receipts were missing when
    /// [`Options::drain_timeout`](crate::Options) was over.
    #[error("the listeners or the receipts took longer than the time limit of the drain")]
    TimedOut,
}

impl Client {
    /// Waits until the hub has accepted or refused every event that was emitted until now.
    ///
    /// The call is cancel-safe: a dropped call changes nothing, and the next call reports its
    /// errors.
    ///
    /// # Errors
    /// Returns what went wrong with events that nobody waited for, since the last flush of any
    /// clone.
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

    /// Ends the client in good order: it takes no more subscriptions, unsubscribes, lets listeners
    /// handle the events that have arrived, flushes the events that they and others emitted, and
    /// sends CLOSE.
    ///
    /// The call waits for every listener. An [`EventStream`](crate::EventStream) counts as a
    /// listener: drop the streams that you hold, or read them to their end in another task. The
    /// call does not wait for a plain [`Subscription`](crate::Subscription). The events that wait
    /// in such a subscription can still be read.
    ///
    /// Dropping the call does not stop the drain, which then goes on in the background.
    ///
    /// # Errors
    /// Returns an error if the drain was not complete after
    /// [`Options::drain_timeout`](crate::Options), or if events were refused. The client has ended
    /// in any case.
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

    /// Drains the client. The caller runs this function in a task of its own.
    async fn drain_now(self) -> Result<(), DrainError> {
        let deadline = Instant::now() + self.state.options.drain_timeout;
        self.state.draining.store(true, Ordering::Relaxed);
        let orderly = async {
            let (done, stopped) = oneshot::channel();
            // If the connection has ended, its subscriptions have ended too.
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

    /// Waits until every listener has handled the events in its queue. The subscriptions have
    /// ended, so each listener leaves the registry when it has handled its last event.
    async fn listeners_done(&self) {
        // The registry does not notify anybody when a listener leaves. Draining is rare, so
        // checking the registry every few milliseconds is cheap enough.
        let mut look = tokio::time::interval(Duration::from_millis(2));
        while !self.listeners.event_names().is_empty() {
            look.tick().await;
        }
    }

    /// Ends the client at once: it sends CLOSE and closes the connection. Events without a receipt
    /// are reported as unknown or not sent. The events that wait in subscriptions can still be
    /// read.
    ///
    /// Dropping the call does not stop the close.
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

    /// Asks the connection to end, and waits until the client has ended.
    async fn end(&self, intent: Intent) {
        self.state.draining.store(true, Ordering::Relaxed);
        let mut ended = self.state.ended.subscribe();
        let _ = self.commands.send(Command::Close(intent)).await;
        // The sender lives as long as `self`.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}
