//! The limits that concern one session: its permits, its account, its rates, and until when it does not read.
//! Without it these would be spread over the session, and a way out of it could forget to give one back.

use crate::limits::account::{Account, Permit};
use crate::limits::admission::ConnectionPermit;
use crate::limits::rate::Rate;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Sleep;

/// The limits that concern one session.
#[derive(Debug, Default)]
pub(super) struct SessionLimits {
    pub(super) peer: Option<IpAddr>,
    pub(super) _permit: Option<ConnectionPermit>,
    pub(super) of_identity: Option<Permit>,
    pub(super) account: Option<Arc<Account>>,
    /// The rates of the client, or `None` if it may publish as fast as it can.
    pub(super) rates: Option<Rates>,
    pub(super) pause: Option<ReadPause>,
    /// Whether a limit stopped the last read from being taken in as a whole.
    pub(super) was_paused: bool,
    /// The sample of the memory after which a part of a large frame was read last.
    pub(super) last_large: Option<u64>,
    /// How many bytes of the session are counted as held bytes.
    pub(super) counted: usize,
}

/// How many events and bytes in a second the client may publish. `None` means no limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) events: Option<Rate>,
    pub(super) bytes: Option<Rate>,
}

/// Until when the session does not read.
#[derive(Debug)]
pub(super) enum ReadPause {
    /// The session reads again when this timer ends.
    Rate(Pin<Box<Sleep>>),
    /// The session reads again when there is memory, or at the first sample after this one at which
    /// events are refused.
    Memory(u64),
}

impl SessionLimits {
    pub(super) fn of(peer: Option<IpAddr>, permit: ConnectionPermit) -> Self {
        SessionLimits { peer, _permit: Some(permit), ..SessionLimits::default() }
    }

    /// Whether the session does not read because of a limit.
    pub(super) fn pauses(&self) -> bool {
        self.pause.is_some()
    }

    pub(super) fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }
}
