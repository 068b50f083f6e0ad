//! Holds the limits that concern one session: its permits, its account, its rates, and until when
//! it does not read. Without this module, these parts would be spread over the session, and one of
//! the ways in which a session ends could forget to give a permit back.

use crate::directory::session_handle::SharedPermit;
use crate::limits::account::Account;
use crate::limits::admission::ConnectionPermit;
use crate::limits::rate::Rate;
use hub_core::topic::{Charge, MemoryAccount};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::{Instant, Sleep};

/// A connection is charged for this many bytes: its session with its timers and its mailbox, its queue,
/// its socket, and its accounts.
pub(super) const CONNECTION: usize = 3_840;

/// Holds the limits that concern one session.
#[derive(Debug)]
pub(super) struct SessionLimits {
    pub(super) peer: Option<IpAddr>,
    pub(super) permit: SharedPermit,
    pub(super) account: Option<Arc<Account>>,
    /// WELCOME has to be sent by this time. `None` means that the session has not started yet.
    pub(super) handshake_until: Option<Instant>,
    /// The client may publish at these rates. `None` means that it may publish as fast as it can.
    pub(super) rates: Option<Rates>,
    pub(super) pause: Option<ReadPause>,
    /// The flag is true if a limit stopped the last read from being taken in as a whole.
    pub(super) was_paused: bool,
    /// This is the number of the sample of the memory that was the newest when the session last
    /// decided whether to read a part of a large frame.
    pub(super) last_large: Option<u64>,
    /// This is charged for the session: what a connection takes, and what it holds for its client.
    pub(super) charge: Charge,
    /// This much of the charge is what the session holds for its client.
    pub(super) counted: usize,
}

/// States how many events and bytes the client may publish in a second. `None` means no limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) events: Option<Rate>,
    pub(super) bytes: Option<Rate>,
}

/// States until when the session does not read.
#[derive(Debug)]
pub(super) enum ReadPause {
    /// The session reads again when this timer ends.
    Rate(Pin<Box<Sleep>>),
    /// The session reads again when the memory pressure is calm. While events are refused, the
    /// session also reads again after the next sample of the memory. The number is that of the
    /// sample at which the pause began.
    Memory(u64),
}

impl SessionLimits {
    /// Returns the limits of a session whose client is not known yet. `charge` is for the connection.
    pub(super) fn of(peer: Option<IpAddr>, permit: ConnectionPermit, charge: Charge) -> Self {
        SessionLimits {
            peer,
            permit: Arc::new(Mutex::new(permit)),
            handshake_until: None,
            account: None,
            rates: None,
            pause: None,
            was_paused: false,
            last_large: None,
            charge,
            counted: 0,
        }
    }

    /// Returns the account to which the memory of this connection is charged.
    pub(super) fn memory(&self) -> &Arc<MemoryAccount> {
        self.charge.account()
    }

    /// Returns whether the session does not read because of a limit.
    pub(super) fn pauses(&self) -> bool {
        self.pause.is_some()
    }

    pub(super) fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }
}
