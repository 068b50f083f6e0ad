//! Defines the commands that the handles of a client send to its connection task. Without a bound
//! on them, callers could fill the memory while there is no connection.

use crate::client_state::ClientState;
use crate::subscriptions::{SubscribeWaiter, TakenCounter};
use hub_core::emitter::{Feed, SubscribeOptions};
use hub_wire::TopicFilter;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Tells the connection task what to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// The task subscribes to a filter.
    Subscribe {
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        feed: Feed,
        counter: Arc<TakenCounter>,
        waiting: SubscribeWaiter,
    },
    /// The task makes sure that replies to requests can arrive.
    Inbox(SubscribeWaiter),
    /// The task ends the subscriptions whose ids are in [`ClientState::unsubscribed`].
    Unsubscribe,
    /// The task ends all subscriptions after the events that the hub has already sent.
    StopSubscriptions(oneshot::Sender<()>),
    /// The task ends the client.
    Close(Intent),
}

/// States for how long the connection is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// The connection is needed without an end.
    Stay,
    /// The connection is needed until every event is accepted or refused, but not beyond this
    /// moment.
    CloseBy(Instant),
    /// The connection is no longer needed.
    CloseNow,
}

impl Intent {
    /// Resolves when the connection must end, whatever is still open.
    pub(crate) async fn deadline(self) {
        match self {
            Intent::Stay => std::future::pending().await,
            Intent::CloseBy(by) => sleep_until(by).await,
            Intent::CloseNow => {}
        }
    }
}

/// At most this many commands may wait. Further callers wait until there is room.
pub(crate) const COMMANDS: usize = 64;

/// Receives the commands in the connection task.
#[derive(Debug)]
pub(crate) struct Commands {
    receiver: mpsc::Receiver<Command>,
    open: bool,
}

impl Commands {
    pub(crate) fn new(receiver: mpsc::Receiver<Command>) -> Self {
        Commands { receiver, open: true }
    }

    /// Waits for the next command. When the last clone of the client is dropped, the function
    /// returns the command to end the client.
    ///
    /// The call is cancel-safe: a dropped call takes no command.
    pub(crate) async fn next(&mut self, state: &ClientState) -> Command {
        tokio::select! {
            command = self.receiver.recv(), if self.open => command.unwrap_or_else(|| {
                self.open = false;
                Command::Close(Intent::CloseBy(Instant::now() + state.options.drain_timeout))
            }),
            () = state.unsubscribe_wake.notified() => Command::Unsubscribe,
        }
    }
}
