//! Keeps the connection in a task: one session after another, and the waits between them. Without
//! this task, each caller would have to reconnect on its own.

mod commands;
mod connect_error;
mod handshake;
mod incoming;
mod keepalive;
mod outbox;
mod session;

pub(crate) use commands::{COMMANDS, Command, Commands, Intent};
pub use connect_error::ConnectError;
pub(crate) use handshake::{Link, connect};

use crate::client_state::ClientState;
use crate::events::{ConnectionEvent, LostReason};
use crate::reconnect::Backoff;
use crate::subscriptions::{Inbound, Sink, SubscribeWaiter, Subscriptions};
use crate::{CredentialSource, OnRestart};
use hub_core::emitter::{ClosedReason, SubscribeOptions, SubscriptionEnd};
use hub_core::with_causes;
use hub_wire::{Start, TopicFilter, TopicName};
use session::{End, Session, is_replaced, retry_after};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Holds what outlives a single connection.
#[derive(Debug)]
pub(crate) struct Core {
    state: Arc<ClientState>,
    commands: Commands,
    subscriptions: Subscriptions,
    inbound: Inbound,
    intent: Intent,
    inbox: Inbox,
    /// If this is true, a connection was given up before the answer to its HELLO, which may still
    /// reach the hub. The hub then takes the next connection for the older one, and ends it.
    gave_one_up: bool,
    /// The last connection was to this run of the hub.
    hub: Option<[u8; 16]>,
}

/// Holds the topic for replies. The topic lives as long as its connection.
#[derive(Debug, Default)]
struct Inbox {
    topic: Option<TopicName>,
    subscription: Option<u64>,
    /// These callers wait for a connection on which to subscribe.
    waiting: Vec<SubscribeWaiter>,
}

impl Core {
    pub(crate) fn new(state: Arc<ClientState>, commands: Commands) -> Self {
        Core {
            subscriptions: Subscriptions::new(state.options.positions_kept),
            inbound: Inbound::new(state.options.max_frame),
            state,
            commands,
            intent: Intent::Stay,
            inbox: Inbox::default(),
            gave_one_up: false,
            hub: None,
        }
    }

    /// Runs on `link` and then on further connections, until the client ends.
    pub(crate) async fn run(mut self, mut link: Link) {
        let options = &self.state.options;
        let mut backoff = Backoff::new(options.backoff_min, options.backoff_max);
        let steady = options.backoff_max;
        let reason = loop {
            let since = Instant::now();
            let lost = match Session::new(&mut self, link).run().await {
                End::Done => break ClosedReason::ByProgram,
                End::Lost(reason) => reason,
            };
            // The wait must also grow for a hub that accepts connections only to end them.
            if since.elapsed() > steady {
                backoff.succeeded();
            }
            let by_itself = is_replaced(&lost) && std::mem::take(&mut self.gave_one_up);
            let again = retry_after(&lost).or(by_itself.then_some(Duration::ZERO));
            let renewed = self.renews_credentials() && lost.is_of_credentials();
            let again = again.or(renewed.then_some(Duration::ZERO));
            let again = again.filter(|_| self.state.options.reconnect);
            if let LostReason::Closed(close) = &lost
                && again.is_some()
                && close.code.should_reconnect()
            {
                self.state.events.send(ConnectionEvent::Draining(close.clone()));
            }
            let why = match &lost {
                LostReason::Closed(close) => ClosedReason::ByHub(close.clone()),
                lost => ClosedReason::Failed(lost.to_string()),
            };
            self.state.events.send(ConnectionEvent::Lost { reason: lost });
            let Some(wait) = again else { break why };
            link = match self.reconnect(wait, &mut backoff).await {
                Ok(link) => link,
                Err(why) => break why,
            };
            self.connected(&link);
        };
        self.end(reason);
    }

    /// Returns whether the next connection may show other credentials than the last one.
    fn renews_credentials(&self) -> bool {
        self.state.options.credentials.as_ref().is_some_and(CredentialSource::renews)
    }

    /// Applies WELCOME. The caller does so before [`Core::run`], so that the facts of the first
    /// connection are known when the client is returned to its user.
    pub(crate) fn connected(&mut self, link: &Link) {
        let welcome = &link.welcome;
        let state = self.state.clone();
        let resend = state.options.on_restart == OnRestart::Resend;
        let resumed =
            state.log.resume(welcome.received, welcome.resumed, resend, welcome.limits.frame);
        state.events.send(ConnectionEvent::Connected {
            resumed: resumed.exact,
            hub: welcome.hub,
            publisher: welcome.publisher.clone(),
        });
        if resumed.unknown > 0 {
            state.events.send(ConnectionEvent::OutcomeUnknown { events: resumed.unknown });
        }
        if self.hub.replace(welcome.hub).is_some_and(|last| last != welcome.hub) {
            self.subscriptions.hub_restarted(&state.events);
        }
        self.inbox.topic = Some(link.inbox.clone());
        if !self.inbox.waiting.is_empty() {
            // The session restores the inbox together with the other subscriptions.
            self.open_inbox();
        }
    }

    /// Tries to connect until there is a connection, or until there is a reason to give up.
    async fn reconnect(
        &mut self,
        mut wait: Duration,
        backoff: &mut Backoff,
    ) -> Result<Link, ClosedReason> {
        let state = self.state.clone();
        // Since this moment, the hub has refused every attempt because of its credentials.
        let mut unauthorized = None;
        loop {
            let delay = backoff.next(wait);
            let attempt = backoff.attempt();
            state.events.send(ConnectionEvent::Reconnecting { attempt, delay });
            self.until(tokio::time::sleep(delay)).await?;
            let attempt =
                connect(&state.url, &state.options, state.instance, state.log.receipted());
            match self.until(attempt).await? {
                Ok(link) => return Ok(link),
                Err(error) if error.is_of_credentials() && self.renews_credentials() => {
                    let since = *unauthorized.get_or_insert_with(Instant::now);
                    if since.elapsed() >= state.options.credentials_patience {
                        return Err(reason_of(error));
                    }
                    tracing::warn!("the credentials are not accepted yet: {}", with_causes(&error));
                    wait = CREDENTIALS_WAIT.max(Duration::from_millis(error.retry_after_ms()));
                }
                Err(error) if error.can_retry() || error.is_of_files() => {
                    self.gave_one_up |= matches!(error, ConnectError::TimedOut);
                    unauthorized = None;
                    tracing::debug!("could not reconnect: {}", with_causes(&error));
                    wait = Duration::from_millis(error.retry_after_ms());
                }
                Err(error) => return Err(reason_of(error)),
            }
        }
    }

    /// Handles commands until `done` resolves, or until the client is to end.
    async fn until<T>(&mut self, done: impl Future<Output = T>) -> Result<T, ClosedReason> {
        let mut done = std::pin::pin!(done);
        loop {
            if self.is_finished() {
                return Err(ClosedReason::ByProgram);
            }
            tokio::select! {
                output = &mut done => return Ok(output),
                command = self.commands.next(&self.state) => drop(self.command(command)),
                () = self.intent.deadline() => return Err(ClosedReason::ByProgram),
            }
        }
    }

    /// Returns whether the client may end now.
    fn is_finished(&self) -> bool {
        match self.intent {
            Intent::Stay => false,
            Intent::CloseBy(_) => self.state.log.pending() == 0,
            Intent::CloseNow => true,
        }
    }

    /// Carries out a command. Returns the frames that a connection has to send for it.
    fn command(&mut self, command: Command) -> Vec<u8> {
        match command {
            Command::Subscribe { feed, .. } if feed.has_ended() => Vec::new(),
            Command::Subscribe { id, filter, options, feed, counter, waiting } => {
                let sink = Sink::Feed(Arc::new(feed));
                self.subscriptions.add(id, filter, options, sink, Some(counter), vec![waiting])
            }
            Command::Inbox(waiting) => match (self.inbox.subscription, &self.inbox.topic) {
                (Some(id), _) => {
                    self.subscriptions.wait_for(id, waiting);
                    Vec::new()
                }
                (None, Some(_)) => {
                    self.inbox.waiting.push(waiting);
                    self.open_inbox()
                }
                (None, None) => {
                    self.inbox.waiting.push(waiting);
                    Vec::new()
                }
            },
            Command::Unsubscribe => {
                let mut frames = Vec::new();
                for id in std::mem::take(&mut *self.state.stopping.lock()) {
                    // Without a connection, nothing is on its way.
                    self.subscriptions.stop(id);
                }
                let gone = std::mem::take(&mut *self.state.unsubscribed.lock());
                for id in gone {
                    self.subscriptions.remove(id, &mut frames);
                }
                frames
            }
            Command::StopSubscriptions(done) => {
                self.stop_subscriptions();
                let _ = done.send(());
                Vec::new()
            }
            Command::Close(intent) => {
                self.intent = match (self.intent, intent) {
                    (Intent::CloseNow, _) => Intent::CloseNow,
                    (Intent::CloseBy(a), Intent::CloseBy(b)) => Intent::CloseBy(a.min(b)),
                    (earlier, Intent::Stay) => earlier,
                    (_, intent) => intent,
                };
                Vec::new()
            }
        }
    }

    /// Subscribes to the inbox of the present connection. Returns the SUBSCRIBE frame.
    fn open_inbox(&mut self) -> Vec<u8> {
        let Some(topic) = &self.inbox.topic else { return Vec::new() };
        let id = self.state.next_subscription.fetch_add(1, Ordering::Relaxed);
        self.inbox.subscription = Some(id);
        let sink = Sink::Replies(self.state.replies.clone());
        let options = SubscribeOptions::new().start(Start::Live);
        let waiting = std::mem::take(&mut self.inbox.waiting);
        self.subscriptions.add(id, TopicFilter::from(topic), options, sink, None, waiting)
    }

    /// Handles SUBSCRIBED.
    fn confirmed(&mut self, id: u64) {
        if self.inbox.subscription == Some(id) {
            self.state.inbox.lock().clone_from(&self.inbox.topic);
        }
        self.subscriptions.confirmed(id);
    }

    /// Handles the end of the inbox, which ends with its connection. No open request will get its
    /// reply.
    fn inbox_lost(&mut self) {
        *self.state.inbox.lock() = None;
        self.inbox.topic = None;
        if let Some(id) = self.inbox.subscription.take() {
            self.inbox.waiting = self.subscriptions.take(id);
        }
        self.state.replies.give_up();
    }

    /// Ends every subscription except the inbox.
    fn stop_subscriptions(&mut self) {
        self.subscriptions.end(&SubscriptionEnd::Closed, false);
    }

    /// Ends the client: every subscription ends, and every caller that waits gets an error.
    fn end(&mut self, reason: ClosedReason) {
        let reason = self.state.closed.get_or_init(|| reason).clone();
        self.state.log.end();
        *self.state.inbox.lock() = None;
        let end = match reason.is_wanted() {
            true => SubscriptionEnd::Closed,
            false => SubscriptionEnd::Ended(reason.clone()),
        };
        self.subscriptions.end(&end, true);
        self.inbox.waiting.clear();
        self.state.replies.give_up();
        if !self.state.ended.send_replace(true) {
            self.state.events.send(ConnectionEvent::Closed { reason: reason.to_string() });
            if !reason.is_wanted() {
                let (url, code) = (self.state.url.to_string(), reason.code());
                hub_core::log_end(&reason, &url, code.map(|code| code.name()));
            }
        }
    }
}

/// While credentials are refused, the client waits at least this long before the next attempt. An
/// attempt with bad credentials costs a hub more than another one.
const CREDENTIALS_WAIT: Duration = Duration::from_millis(200);

/// Returns why a client ends for good after an attempt to connect.
fn reason_of(error: ConnectError) -> ClosedReason {
    match error {
        ConnectError::Closed(close) => ClosedReason::ByHub(close),
        error => ClosedReason::Failed(with_causes(&error)),
    }
}

impl Drop for Core {
    /// Ends the client even if the runtime ends first, so that no caller waits for ever.
    fn drop(&mut self) {
        self.end(ClosedReason::ByProgram);
    }
}
