//! A session's part of what is limited: its permits, its account, its rates, and for how long it does not
//! read.

use crate::limits::account::{Account, Permit};
use crate::limits::admission::ConnectionPermit;
use crate::limits::rate::Rate;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Sleep;

/// A session's share of what is limited.
#[derive(Debug, Default)]
pub(super) struct SessionLimits {
    pub(super) peer: Option<IpAddr>,
    pub(super) _permit: Option<ConnectionPermit>,
    pub(super) of_identity: Option<Permit>,
    pub(super) account: Option<Arc<Account>>,
    /// None if its client may publish as fast as it can.
    pub(super) rates: Option<Rates>,
    pub(super) pause: Option<ReadPause>,
    /// Whether it was held after the last read.
    pub(super) was_paused: bool,
    /// The look at the memory at which a part of a large frame was read.
    pub(super) last_large: Option<u64>,
    /// What of the session's bytes is counted as held.
    pub(super) counted: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) events: Option<Rate>,
    pub(super) bytes: Option<Rate>,
}

/// Until when nothing is read.
#[derive(Debug)]
pub(super) enum ReadPause {
    Rate(Pin<Box<Sleep>>),
    /// Until there is memory, or the look after this one at which events are refused.
    Memory(u64),
}

impl SessionLimits {
    pub(super) fn of(peer: Option<IpAddr>, permit: ConnectionPermit) -> Self {
        SessionLimits { peer, _permit: Some(permit), ..SessionLimits::default() }
    }

    /// Whether the session does not read, on purpose.
    pub(super) fn pauses(&self) -> bool {
        self.pause.is_some()
    }

    pub(super) fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }
}
