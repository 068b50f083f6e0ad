//! Holds the state of a session: one connection from HELLO to FIN. Other modules add what the
//! session does. They import this module, and this module imports none of them. Otherwise the
//! imports would form a circle.

use super::backpressure_wait::{BackpressureWait, Patience};
use super::handles::Handles;
use super::kept_connection::KeptConnection;
use super::output::ConnectionOutput;
use super::run_builder::RunBuilder;
use super::session_limits::{CONNECTION, SessionLimits};
use super::subscribe_parts::SubscribeParts;
use super::unfinished::LeftForNextTurn;
use crate::directory::instance_shares::InstanceKey;
use crate::directory::publish_numbers::PublishNumbers;
use crate::directory::refusals::Refusals;
use crate::limits::admission::ConnectionPermit;
use crate::net::socket::Socket;
use crate::policy::access::Identity;
use hub_core::topic::{
    Charge, DeliveryQueue, FlushList, SubscriberConnection, SubscriptionEntry, TurnMeter,
};
use hub_wire::Frame;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Holds the state of one connection. A session stays on the arbiter that the listener chose for
/// its connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) hub: Handles,
    pub(super) connection: u64,
    pub(super) loopback: bool,
    pub(super) limits: SessionLimits,
    pub(super) socket: Arc<Socket>,
    pub(super) output: Arc<ConnectionOutput>,
    pub(super) state: SessionState,
    /// These bytes were read and are not processed yet.
    pub(super) carry: Vec<u8>,
    /// Another thread, which scrubs the first event of `carry`, has these bytes of `carry` now.
    pub(super) lent: usize,
    /// The first bytes of `carry` have no frame that may be handled before the events in front of it.
    pub(super) looked_ahead: usize,
    /// The flag is true while there may be whole frames in `carry`.
    pub(super) unfinished: bool,
    /// The flag is true while the session waits for an answer from elsewhere. The session reads and
    /// processes nothing until the answer is there.
    pub(super) busy: bool,
    pub(super) builder: RunBuilder,
    /// These connections got events from this session, and the session has to flush them.
    pub(super) to_flush: FlushList,
    pub(super) backpressure: Option<BackpressureWait>,
    pub(super) patience: Patience,
    pub(super) subscriptions: HashMap<u64, Arc<SubscriptionEntry>>,
    /// The client sends a SUBSCRIBE in parts, and these are the parts that have come.
    pub(super) parts: Option<Box<SubscribeParts>>,
    /// The flag is true while the session looks for events that are not acknowledged in time.
    pub(super) watches_acks: bool,
    /// The subscriptions that the next connection of the instance can resume. They are here from the
    /// moment at which this connection breaks until the session hands its state on.
    pub(super) kept: Option<KeptConnection>,
    /// The client has proven this identity. The identity is known once HELLO is checked.
    pub(super) identity: Option<Identity>,
    pub(super) instance: Option<InstanceKey>,
    /// The flag is true if the client has stated an instance, even if the hub cannot remember it.
    pub(super) has_instance: bool,
    pub(super) publisher: String,
    pub(super) inbox: String,
    pub(super) receipts: bool,
    /// The next EVENT has this publish number.
    pub(super) received: u64,
    /// An earlier connection of this instance has already settled the events with these publish
    /// numbers, which begin at `received` or later.
    pub(super) ahead: PublishNumbers,
    pub(super) refusals: Refusals,
    pub(super) receipted: u64,
    /// The flag is true if the client has sent anything since the last keep-alive check.
    pub(super) heard: bool,
    /// The flag is true if the hub did not read from the client at some time since the last keep-alive check,
    /// for a reason that is not the client's.
    pub(super) kept_waiting: bool,
    pub(super) pinged: bool,
    /// At the last keep-alive check, the client's TCP had taken this many bytes, and had not taken all
    /// that there was for the client. `None` means that nothing waited for the client.
    pub(super) backlog: Option<u64>,
    /// The last keep-alive check was at this time.
    pub(super) last_alive_check: Instant,
    pub(super) sent_fin: bool,
    pub(super) read_eof: bool,
    /// Counts the work of the present turn.
    pub(super) meter: TurnMeter,
    pub(super) left: LeftForNextTurn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionState {
    /// The hub has not sent WELCOME yet.
    Handshake,
    Open,
    /// The hub is stopping. The session reads nothing more, and still sends the frames that are
    /// queued.
    Draining,
    /// CLOSE is queued. FIN follows when CLOSE is sent.
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
        let queue = DeliveryQueue::new(hub.config.queue_bytes, ledger);
        let socket = Arc::new(socket);
        let output = ConnectionOutput::new(connection, socket.clone(), queue, sent_bytes);
        let patience = Patience::new(hub.config.overflow_grace_ms);
        let builder = RunBuilder::new(hub.policy.rules.current());
        let charge = Charge::new(hub.limits.accounts.strangers(), CONNECTION);
        let refusals = Refusals::new(hub.directory.registry.ledger().held().clone());
        Session {
            connection,
            loopback,
            limits: SessionLimits::of(peer, permit, charge),
            socket,
            output: Arc::new(output),
            hub,
            state: SessionState::Handshake,
            carry: Vec::new(),
            lent: 0,
            looked_ahead: 0,
            unfinished: false,
            busy: false,
            builder,
            to_flush: FlushList::new(),
            backpressure: None,
            patience,
            subscriptions: HashMap::new(),
            parts: None,
            watches_acks: false,
            kept: None,
            identity: None,
            instance: None,
            has_instance: false,
            publisher: String::new(),
            inbox: String::new(),
            receipts: false,
            received: 0,
            ahead: PublishNumbers::default(),
            refusals,
            receipted: 0,
            heard: false,
            kept_waiting: false,
            pinged: false,
            backlog: None,
            last_alive_check: Instant::now(),
            sent_fin: false,
            read_eof: false,
            meter: TurnMeter::default(),
            left: LeftForNextTurn::default(),
        }
    }

    /// Queues a control frame for the client.
    pub(super) fn send(&self, frame: &Frame<'_>) {
        self.output.queue().append_control(frame.to_bytes());
    }
}

/// Returns whether a session in this state reads nothing more.
pub(super) fn is_ending(state: SessionState) -> bool {
    matches!(state, SessionState::Draining | SessionState::Closing)
}

/// Returns whether a subscription with the policy `disconnect` had no room.
pub(super) fn overflowed(session: &Session) -> bool {
    session.output.overflowed.load(Ordering::Acquire)
}
