//! The session actor: one connection from HELLO to FIN.

mod address;
mod bounds;
mod clock;
mod control;
mod enter;
mod events;
mod gather;
mod handles;
mod messages;
mod outbound;
mod pump;
mod scrub;

use crate::directory::instances::InstanceKey;
use crate::directory::publish_numbers::PublishNumbers;
use crate::directory::refusals::Refusals;
use crate::limits::Limit;
use crate::limits::admission::ConnectionPermit;
use crate::net::socket::Socket;
use crate::policy::access::Identity;
use actix::prelude::*;
use bounds::Bounds;
use futures_util::future::join_all;
use gather::Gathering;
pub(crate) use handles::Handles;
use hub_core::topic::{Inspect, Leave, Outlet, SubscriptionEntry, TopicActor, Touched};
use hub_wire::{Close, CloseCode, Frame};
use messages::{BeginClose, CountPending, StopReading};
use outbound::ConnectionOutput;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// In which a thread that was away reads what has come.
const MOMENT: Duration = Duration::from_millis(20);
/// For how long a connection that is closed may at least take to read the reason.
const LINGER: Duration = Duration::from_secs(1);

/// A connection's state. Everything runs on the arbiter that the listener chose for it.
#[derive(Debug)]
pub(crate) struct Session {
    hub: Handles,
    connection: u64,
    loopback: bool,
    bounds: Bounds,
    outbound: Arc<ConnectionOutput>,
    stage: Stage,
    /// Bytes that were read and not processed yet.
    carry: Vec<u8>,
    /// Whether whole frames may be among them.
    unfinished: bool,
    /// A frame that the session waits for; nothing is read or processed until it is done.
    busy: bool,
    gathering: Gathering,
    touched: Touched,
    pause: Option<pump::Pause>,
    subscriptions: HashMap<u64, Arc<SubscriptionEntry>>,
    /// Who the client is, from HELLO on.
    identity: Option<Identity>,
    instance: Option<InstanceKey>,
    publisher: String,
    inbox: String,
    receipts: bool,
    /// The number of the next EVENT.
    received: u64,
    /// PublishNumbers from there on that an earlier connection has seen to.
    ahead: PublishNumbers,
    refusals: Refusals,
    receipted: u64,
    heard: bool,
    pinged: bool,
    /// When it was last looked whether the client is alive.
    looked: Instant,
    sent_fin: bool,
    read_eof: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// HELLO has not come yet.
    Handshake,
    Open,
    /// The hub stops: nothing more is read, what is queued is still sent.
    Draining,
    /// CLOSE is queued; when it is sent, FIN follows.
    Closing,
}

/// What clients are told when the hub stops.
const STOPPING: &str = "the hub is stopping";

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
        let outbound =
            ConnectionOutput::new(connection, socket, hub.config.queue_bytes, ledger, sent_bytes);
        let gathering = Gathering::new(hub.policy.rules.current());
        let refusals = Refusals::new(hub.directory.registry.ledger().held().clone());
        Session {
            connection,
            loopback,
            bounds: Bounds::of(peer, permit),
            outbound: Arc::new(outbound),
            hub,
            stage: Stage::Handshake,
            carry: Vec::new(),
            unfinished: false,
            busy: false,
            gathering,
            touched: Touched::new(),
            pause: None,
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

    fn send(&self, frame: &Frame<'_>) {
        self.outbound.queue().append_control(frame.to_bytes());
    }

    /// Queues CLOSE behind what is queued already, and lets nothing more in.
    fn close(&mut self, code: CloseCode, reason: &str, ctx: &mut Context<Self>) {
        if self.stage == Stage::Closing {
            return;
        }
        // Who was not let in yet is owed nothing but the reason.
        let patience = match self.stage {
            Stage::Handshake => LINGER,
            _ => Duration::from_millis(self.hub.config.drain_ms).max(LINGER),
        };
        self.stage = Stage::Closing;
        self.carry = Vec::new();
        self.give_up_seat();
        self.hub.metrics.closed.with_label_values(&[code.name()]).inc();
        let retry = code.should_reconnect().then_some(self.hub.config.retry_after_ms);
        let close = Close { code, reason: reason.to_owned(), retry_after_ms: retry };
        ctx.run_later(patience, |_, ctx| ctx.stop());
        let leaves = match code {
            CloseCode::GoingAway => Vec::new(), // when the hub stops, nobody stays
            _ => self.leave_all(),
        };
        if leaves.is_empty() {
            return self.finish(close);
        }
        // The members of queue groups that stay get what waits here for the groups. And who sees
        // this connection end finds nothing of it any more.
        self.busy = true;
        ctx.wait(join_all(leaves).into_actor(self).map(|_, session, _| {
            session.busy = false;
            session.finish(close);
        }));
    }

    /// The same, because a limit was met.
    fn close_for(&mut self, limit: Limit, code: CloseCode, why: &str, ctx: &mut Context<Self>) {
        if self.stage != Stage::Closing {
            self.hub.metrics.limited(limit);
            self.close(code, why, ctx);
        }
    }

    fn finish(&mut self, close: Close) {
        if close.code == CloseCode::SlowConsumer {
            self.outbound.queue().discard();
        }
        self.outbound.queue().finish(Frame::Close(close).to_bytes());
        self.outbound.flush();
        self.outbound.session.wake();
    }

    /// Ends all subscriptions; see [`leave`].
    fn leave_all(&mut self) -> Vec<Request<TopicActor, Inspect>> {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        subscriptions.into_values().flat_map(|entry| leave(&self.hub, &entry)).collect()
    }

    /// Leaves to the next connection of this client what it needs to go on.
    fn leave_instance(&mut self) {
        if let Some(instance) = self.instance.take() {
            let past = self.past();
            self.hub.directory.instances.leave(&instance, self.connection, past);
        }
    }

    fn look_alive(&mut self, ctx: &mut Context<Self>) {
        // A thread that was away looks late, and then at once again, before anything is read.
        let early = Duration::from_millis(self.hub.config.keepalive_ms / 2);
        if self.stage != Stage::Open || self.looked.elapsed() < early {
            return;
        }
        self.looked = Instant::now();
        self.count_written(); // others may have written what it was counted for
        // A client whose bytes are not read cannot be heard.
        let listening = self.pause.is_none() && !self.busy && !self.bounds.holds();
        if !std::mem::take(&mut self.heard) {
            if self.pinged && listening {
                return self.close_for(
                    Limit::Silence,
                    CloseCode::Silent,
                    "no sign of life for twice the keep-alive time",
                    ctx,
                );
            }
            self.send(&Frame::Ping { token: 0 });
            self.outbound.flush();
            self.pinged = true;
        }
    }
}

/// Takes a subscription out of the index, and has each topic let it go. Who wants to know when
/// that is done waits for what this returns.
fn leave(hub: &Handles, entry: &Arc<SubscriptionEntry>) -> Vec<Request<TopicActor, Inspect>> {
    let topics = hub.directory.registry.unsubscribe(entry);
    let done = topics.iter().filter_map(|topic| topic.actor()).map(|actor| {
        // A message whose answer nobody waits for any more is not handled, and a full mailbox
        // takes none. A Leave must not be lost, so it is sent past both; there is at most one for
        // each Join that was let in. The other message only comes behind it.
        actor.do_send(Leave(entry.clone()));
        actor.send(Inspect)
    });
    done.collect()
}

impl Actor for Session {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.hub.directory.sessions.insert(self.connection, Arc::new(ctx.address()));
        self.hub.metrics.connections.inc();
        self.hub.metrics.connections_total.inc();
        let config = &self.hub.config;
        let waited = self.outbound.socket.accepted().map_or(Duration::ZERO, |at| at.elapsed());
        let patience = self.hub.limits.in_force.current().handshake_ms;
        let patience = Duration::from_millis(patience).saturating_sub(waited);
        ctx.run_later(patience, |_, ctx| {
            // The thread may have been away: what has come is read first.
            ctx.run_later(MOMENT, |session, ctx| {
                if session.stage == Stage::Handshake {
                    let why = "no complete HELLO in time";
                    session.close_for(Limit::Handshake, CloseCode::HandshakeTimeout, why, ctx);
                }
            });
        });
        ctx.run_interval(Duration::from_millis(config.keepalive_ms), Self::look_alive);
        if self.hub.directory.stopping.load(Ordering::Acquire) {
            // Accepted just before the hub stopped accepting, it was not there to be told.
            self.close(CloseCode::GoingAway, STOPPING, ctx);
        }
        ctx.spawn(pump::Pump);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        tracing::debug!(connection = self.connection, publisher = %self.publisher, "session ended");
    }
}

/// In Drop, not in `stopped`, so that it also happens after a panic.
impl Drop for Session {
    fn drop(&mut self) {
        self.outbound.queue().close();
        self.let_go();
        drop(self.leave_all());
        self.leave_instance();
        if self.hub.directory.sessions.remove(self.connection) {
            self.hub.metrics.connections.dec();
        }
    }
}

impl Handler<CountPending> for Session {
    type Result = MessageResult<CountPending>;

    fn handle(&mut self, _: CountPending, _: &mut Context<Self>) -> Self::Result {
        let mut waiting = HashMap::new();
        self.outbound.queue().for_each_waiting(|lane, events| {
            *waiting.entry(lane.epoch).or_default() += u64::from(events);
        });
        MessageResult(waiting)
    }
}

impl Handler<StopReading> for Session {
    type Result = ();

    fn handle(&mut self, _: StopReading, _: &mut Context<Self>) {
        if !is_ending(self.stage) {
            self.stage = Stage::Draining;
            self.publish_what_fits();
        }
    }
}

impl Handler<BeginClose> for Session {
    type Result = ();

    fn handle(&mut self, _: BeginClose, ctx: &mut Context<Self>) {
        self.receipt();
        self.close(CloseCode::GoingAway, STOPPING, ctx);
    }
}

/// Whether nothing more is read.
fn is_ending(stage: Stage) -> bool {
    matches!(stage, Stage::Draining | Stage::Closing)
}

fn overflowed(session: &Session) -> bool {
    session.outbound.overflowed.load(Ordering::Acquire)
}
