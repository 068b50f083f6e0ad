//! The state of a session: one connection from HELLO to FIN. The other files of this room are what a
//! session does; each adds to it, and this one knows none of them.

use super::backpressure_wait::BackpressureWait;
use super::handles::Handles;
use super::output::ConnectionOutput;
use super::run_builder::RunBuilder;
use super::session_limits::SessionLimits;
use crate::directory::instances::InstanceKey;
use crate::directory::publish_numbers::PublishNumbers;
use crate::directory::refusals::Refusals;
use crate::limits::admission::ConnectionPermit;
use crate::net::socket::Socket;
use crate::policy::access::Identity;
use hub_core::topic::{FlushList, SubscriberConnection, SubscriptionEntry};
use hub_wire::Frame;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A connection's state. Everything runs on the arbiter that the listener chose for it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) hub: Handles,
    pub(super) connection: u64,
    pub(super) loopback: bool,
    pub(super) limits: SessionLimits,
    pub(super) output: Arc<ConnectionOutput>,
    pub(super) state: SessionState,
    /// Bytes that were read and not processed yet.
    pub(super) carry: Vec<u8>,
    /// Whether whole frames may be among them.
    pub(super) unfinished: bool,
    /// A frame that the session waits for; nothing is read or processed until it is done.
    pub(super) busy: bool,
    pub(super) builder: RunBuilder,
    /// Connections that got something from this session, and that it flushes.
    pub(super) to_flush: FlushList,
    pub(super) backpressure: Option<BackpressureWait>,
    pub(super) subscriptions: HashMap<u64, Arc<SubscriptionEntry>>,
    /// Who the client is, from HELLO on.
    pub(super) identity: Option<Identity>,
    pub(super) instance: Option<InstanceKey>,
    pub(super) publisher: String,
    pub(super) inbox: String,
    pub(super) receipts: bool,
    /// The number of the next EVENT.
    pub(super) received: u64,
    /// Numbers from there on that an earlier connection has seen to.
    pub(super) ahead: PublishNumbers,
    pub(super) refusals: Refusals,
    pub(super) receipted: u64,
    pub(super) heard: bool,
    pub(super) pinged: bool,
    /// When it was last looked whether the client is alive.
    pub(super) looked: Instant,
    pub(super) sent_fin: bool,
    pub(super) read_eof: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionState {
    /// HELLO has not come yet.
    Handshake,
    Open,
    /// The hub stops: nothing more is read, what is queued is still sent.
    Draining,
    /// CLOSE is queued; when it is sent, FIN follows.
    Closing,
}

impl Session {
    pub(crate) fn new(
        hub: Handles,
        connection: u64,
        socket: Socket,
        permit: ConnectionPermit,
    ) -> Self {
        let peer = socket.tcp().peer_addr().ok().map(|peer| peer.ip());
        let loopback = peer.is_some_and(|peer| peer.to_canonical().is_loopback());
        let ledger = hub.directory.registry.ledger().clone();
        let sent_bytes = hub.metrics.sent_bytes.clone();
        let output =
            ConnectionOutput::new(connection, socket, hub.config.queue_bytes, ledger, sent_bytes);
        let builder = RunBuilder::new(hub.policy.rules.current());
        let refusals = Refusals::new(hub.directory.registry.ledger().held().clone());
        Session {
            connection,
            loopback,
            limits: SessionLimits::of(peer, permit),
            output: Arc::new(output),
            hub,
            state: SessionState::Handshake,
            carry: Vec::new(),
            unfinished: false,
            busy: false,
            builder,
            to_flush: FlushList::new(),
            backpressure: None,
            subscriptions: HashMap::new(),
            identity: None,
            instance: None,
            publisher: String::new(),
            inbox: String::new(),
            receipts: false,
            received: 0,
            ahead: PublishNumbers::default(),
            refusals,
            receipted: 0,
            heard: false,
            pinged: false,
            looked: Instant::now(),
            sent_fin: false,
            read_eof: false,
        }
    }

    pub(super) fn send(&self, frame: &Frame<'_>) {
        self.output.queue().append_control(frame.to_bytes());
    }
}

/// Whether nothing more is read.
pub(super) fn is_ending(state: SessionState) -> bool {
    matches!(state, SessionState::Draining | SessionState::Closing)
}

pub(super) fn overflowed(session: &Session) -> bool {
    session.output.overflowed.load(Ordering::Acquire)
}
