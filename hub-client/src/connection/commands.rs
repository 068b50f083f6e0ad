//! What the client asks its connection for.

use crate::client_state::ClientState;
use crate::subscriptions::SubscribeWaiter;
use hub_core::emitter::{Feed, SubscribeOptions};
use hub_wire::TopicFilter;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

#[derive(Debug)]
pub(crate) enum Command {
    /// Subscribe.
    Subscribe {
        id: u64,
        filter: TopicFilter,
        options: SubscribeOptions,
        feed: Feed,
        waiting: SubscribeWaiter,
    },
    /// See to it that answers to requests can arrive.
    Inbox(SubscribeWaiter),
    /// Subscribers are gone; which ones is in the state list.
    Unsubscribe,
    /// End all subscriptions after what the hub still owes them.
    StopSubscriptions(oneshot::Sender<()>),
    /// End.
    Close(Intent),
}

/// Until when the connection is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// For good.
    Stay,
    /// Until every event has its verdict, but not for longer than this.
    CloseBy(Instant),
    /// No longer.
    CloseNow,
}

impl Intent {
    /// Resolves when the connection is to be ended whatever is still open.
    pub(crate) async fn deadline(self) {
        match self {
            Intent::Stay => std::future::pending().await,
            Intent::CloseBy(by) => sleep_until(by).await,
            Intent::CloseNow => {}
        }
    }
}

/// How many commands may wait. Those who ask wait beyond it.
pub(crate) const COMMANDS: usize = 64;

/// Where commands come from.
#[derive(Debug)]
pub(crate) struct Commands {
    receiver: mpsc::Receiver<Command>,
    open: bool,
}

impl Commands {
    pub(crate) fn new(receiver: mpsc::Receiver<Command>) -> Self {
        Commands { receiver, open: true }
    }

    /// The next command. When the last clone of the client is gone, that is to close.
    ///
    /// Cancel-safe: a dropped call takes nothing.
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
