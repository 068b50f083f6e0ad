//! What the hub remembers of clients that may come back.

use crate::session::Session;
use actix::Addr;
use dashmap::DashMap;
use std::time::{Duration, Instant};

/// Instances by their random id: how many events the hub took from each.
#[derive(Debug)]
pub(crate) struct Instances {
    known: DashMap<[u8; 16], Instance>,
    keep: Duration,
}

#[derive(Debug)]
struct Instance {
    received: u64,
    inbox: String,
    state: State,
}

#[derive(Debug)]
enum State {
    Connected(u64, Addr<Session>),
    /// Since when.
    Away(Instant),
}

/// What a connection finds when it says which instance it is.
pub(crate) enum Found {
    /// It may go on after this many events, with this inbox.
    Ready { received: u64, inbox: String },
    /// An older connection has to end first.
    Busy(Addr<Session>),
}

impl Instances {
    pub(crate) fn new(keep: Duration) -> Self {
        Instances { known: DashMap::new(), keep }
    }

    /// Makes `session` the connection of the instance, unless another one still is.
    pub(crate) fn enter(
        &self,
        id: [u8; 16],
        connection: u64,
        session: Addr<Session>,
        inbox: &str,
    ) -> Found {
        self.forget_old();
        let mut instance = self.known.entry(id).or_insert_with(|| Instance {
            received: 0,
            inbox: inbox.to_owned(),
            state: State::Away(Instant::now()),
        });
        if let State::Connected(_, older) = &instance.state {
            return Found::Busy(older.clone());
        }
        instance.state = State::Connected(connection, session);
        Found::Ready { received: instance.received, inbox: instance.inbox.clone() }
    }

    /// The instance's connection has ended after `received` events.
    pub(crate) fn leave(&self, id: [u8; 16], connection: u64, received: u64) {
        if let Some(mut instance) = self.known.get_mut(&id)
            && matches!(&instance.state, State::Connected(current, _) if *current == connection)
        {
            instance.received = received;
            instance.state = State::Away(Instant::now());
        }
    }

    /// Looks at all of them, but only when many have come: then it pays for itself.
    fn forget_old(&self) {
        if self.known.len() % 1024 == 1023 {
            let keep = self.keep;
            self.known.retain(|_, instance| {
                !matches!(instance.state, State::Away(since) if since.elapsed() > keep)
            });
        }
    }
}
