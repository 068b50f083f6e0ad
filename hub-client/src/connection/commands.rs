//! The commands that handles of a client send to its connection task. Without a bound on them,
//! callers could fill the memory while there is no connection.

use crate::client_state::ClientState;
use crate::subscriptions::SubscribeWaiter;
use hub_core::emitter::{Feed, SubscribeOptions};
use hub_wire::TopicFilter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// A command to the connection task.
#[derive(Debug)]
pub(crate) enum Command {
    /// Subscribe to a filter.
    Subscribe {
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        feed: Feed,
        waiting: SubscribeWaiter,
    },
    /// Make sure that replies to requests can arrive.
    Inbox(SubscribeWaiter),
    /// Unsubscribe the ids in [`ClientState::unsubscribed`].
    Unsubscribe,
    /// End all subscriptions after the events that the hub has already sent.
    StopSubscriptions(oneshot::Sender<()>),
    /// End the client.
    Close(Intent),
}

/// For how long the connection is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// The connection is needed without an end.
    Stay,
    /// The connection is needed until every event is accepted or refused, but not longer than this.
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

/// How many commands may wait. Beyond that, callers wait.
pub(crate) const COMMANDS: usize = 64;

/// The receiving end of the commands.
#[derive(Debug)]
pub(crate) struct Commands {
    receiver: mpsc::Receiver<Command>,
    open: bool,
}

impl Commands {
    pub(crate) fn new(receiver: mpsc::Receiver<Command>) -> Self {
        Commands { receiver, open: true }
    }

    /// Waits for the next command. When the last clone of the client is dropped, the command is to
    /// close.
    ///
    /// Cancel-safe: a dropped call takes no command.
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
