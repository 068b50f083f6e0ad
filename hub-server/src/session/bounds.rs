//! What keeps a session within the limits of its client and of the hub: it takes in no more than
//! it may, leaves the rest where it is, and reads on when more is allowed.

use super::pump::READ_BYTES;
use super::{Session, Stage, is_ending};
use crate::directory::session_handle::ShedLoad;
use crate::limits::Limit;
use crate::limits::account::{Account, AccountKey, Permit};
use crate::limits::admission::ConnectionPermit;
use crate::limits::memory::MemoryPressure;
use crate::limits::rate::Rate;
use crate::policy::access::Identity;
use actix::prelude::*;
use hub_core::topic::Outlet;
use hub_wire::{CloseCode, FrameType, MAX_HELLO};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// Events that are refused at a time while the hub is short of memory: the refusals take memory too.
const REFUSED_AT_ONCE: u64 = 16;
/// A client with more than this many bytes of control frames waiting is not read from,
const CONTROL_BYTES: usize = 256 * 1024;
/// or with more than this many while memory is short. What is refused at a time comes on top.
const CONTROL_BYTES_WHEN_SHORT: usize = 2 * 1024;
/// Up to here a queue does not say what its control frames take; from there on it does so itself.
const UNSAID: usize = 64 * 1024;
/// What one read takes of a client that was held: what it may not send yet waits in its own socket,
/// not here.
const SIP: usize = 16 * 1024;
/// And while memory is short, when each of thousands is read from once before it waits.
const SIP_WHEN_SHORT: usize = 2 * 1024;
/// By so much what a session holds may change before it is counted anew.
const STEP: usize = 4 * 1024;

/// A session's share of what is limited.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    peer: Option<IpAddr>,
    _permit: Option<ConnectionPermit>,
    of_identity: Option<Permit>,
    account: Option<Arc<Account>>,
    /// None if its client may publish as fast as it can.
    rates: Option<Rates>,
    hold: Option<Hold>,
    /// Whether it was held after the last read.
    was_held: bool,
    /// The look at the memory at which a part of a large frame was read.
    last_large: Option<u64>,
    /// What of the session's bytes is counted as held.
    counted: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rates {
    events: Option<Rate>,
    bytes: Option<Rate>,
}

/// Until when nothing is read.
#[derive(Debug)]
enum Hold {
    Rate(Pin<Box<Sleep>>),
    /// Until there is memory, or the look after this one at which events are refused.
    Memory(u64),
}

impl Bounds {
    pub(super) fn of(peer: Option<IpAddr>, permit: ConnectionPermit) -> Self {
        Bounds { peer, _permit: Some(permit), ..Bounds::default() }
    }

    /// Whether the session does not read, on purpose.
    pub(super) fn holds(&self) -> bool {
        self.hold.is_some()
    }

    pub(super) fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }
}

impl Session {
    /// What this client takes from now on is its identity's.
    pub(super) fn open_account(&mut self, identity: &Identity) {
        let owner = match (identity.is_anonymous(), self.bounds.peer) {
            (false, _) => AccountKey::Identity(identity.name().into()),
            (true, Some(peer)) => AccountKey::at(peer),
            (true, None) => return,
        };
        let config = self.hub.limits.in_force.current();
        let burst = Duration::from_millis(config.publish_burst_ms);
        let own = identity.rights().publish_rate();
        let rates = Rates {
            events: Rate::new(own.events.unwrap_or(config.publish_events_per_second), burst),
            bytes: Rate::new(own.bytes.unwrap_or(config.publish_bytes_per_second), burst),
        };
        self.bounds.rates = (rates.events.is_some() || rates.bytes.is_some()).then_some(rates);
        self.bounds.account = Some(self.hub.limits.accounts.of(owner));
    }

    /// Counts the connection as one of its identity's, once the one that it replaces is not any
    /// more. Anonymous clients are counted by their addresses alone.
    pub(super) fn take_seat(&mut self) -> bool {
        let known = self.identity.as_ref().is_some_and(|identity| !identity.is_anonymous());
        let limit = self.hub.limits.in_force.current().max_connections_per_identity;
        match &self.bounds.account {
            Some(account) if known && limit > 0 => {
                self.bounds.of_identity = Permit::connection(account, limit);
                self.bounds.of_identity.is_some()
            }
            _ => true,
        }
    }

    /// The connection ends: another one of its identity can come.
    pub(super) fn give_up_seat(&mut self) {
        self.bounds.of_identity = None;
    }

    /// Takes in what may be taken in now, and carries the rest.
    pub(super) fn ingest(&mut self, bytes: &[u8], ctx: &mut Context<Self>) {
        self.bounds.was_held = false;
        let unlimited = self.bounds.rates.is_none() && self.hub.limits.memory.is_calm();
        if unlimited || self.stage != Stage::Open {
            self.ingest_all(bytes, ctx);
        } else {
            let now = self.affordable(bytes);
            self.ingest_all(&bytes[..now], ctx);
            if now < bytes.len() && !is_ending(self.stage) {
                self.carry.extend_from_slice(&bytes[now..]);
                self.unfinished = true;
            }
        }
        self.count_held();
    }

    /// Up to where `bytes` may be taken in now. If that is not all, the session holds.
    fn affordable(&mut self, bytes: &[u8]) -> usize {
        let memory = &self.hub.limits.memory;
        let looks = memory.looks();
        let most = match memory.pressure() {
            MemoryPressure::Calm => u64::MAX,
            MemoryPressure::Slow => 0,
            MemoryPressure::Refuse => REFUSED_AT_ONCE,
        };
        let now = self.hub.limits.accounts.now();
        let (mut events_left, mut bytes_left) = (u64::MAX, u64::MAX);
        if let (Some(rates), Some(account)) = (self.bounds.rates, &self.bounds.account) {
            let available = |rate: Option<Rate>, bucket| {
                rate.map_or(u64::MAX, |rate| rate.available(bucket, now))
            };
            events_left = available(rates.events, &account.events);
            bytes_left = available(rates.bytes, &account.bytes);
        }
        let (mut at, mut events, mut taken) = (0, 0, 0);
        let over = loop {
            let rest = &bytes[at..];
            if !rest
                .get(4..)
                .is_some_and(|body| matches!(FrameType::of(body), Ok(FrameType::Event)))
            {
                match whole_frame(rest) {
                    Some(length) => at += length,
                    None => break None,
                }
                continue;
            }
            if events >= most {
                break Some(Limit::Memory);
            }
            let Some(length) = whole_frame(rest) else { break None };
            if events >= events_left {
                break Some(Limit::PublishEvents);
            }
            if taken >= bytes_left {
                break Some(Limit::PublishBytes);
            }
            events += 1;
            taken += length as u64;
            at += length;
        };
        if let (Some(rates), Some(account)) = (self.bounds.rates, &self.bounds.account) {
            let take = |rate: Option<Rate>, bucket, tokens| {
                if let Some(rate) = rate {
                    rate.take(bucket, now, tokens);
                }
            };
            take(rates.events, &account.events, events);
            take(rates.bytes, &account.bytes, taken);
        }
        let Some(limit) = over else { return bytes.len() };
        self.bounds.was_held = true;
        self.hub.metrics.limited(limit);
        self.bounds.hold = Some(match limit {
            Limit::Memory => {
                self.hub.limits.memory.report_short();
                Hold::Memory(looks)
            }
            _ => Hold::Rate(Box::pin(tokio::time::sleep(self.until_a_token(now)))),
        });
        at
    }

    /// What one read may take.
    pub(super) fn most_a_read(&self) -> usize {
        match self.stage {
            // Of somebody who may not be let in, no more than HELLO.
            Stage::Handshake => (4 + MAX_HELLO).saturating_sub(self.carry.len()).max(1),
            _ if !self.hub.limits.memory.is_calm() => SIP_WHEN_SHORT,
            _ if self.bounds.was_held => SIP,
            _ => READ_BYTES,
        }
    }

    /// How long it takes until one more event may be sent.
    fn until_a_token(&self, now: u64) -> Duration {
        let (Some(rates), Some(account)) = (self.bounds.rates, &self.bounds.account) else {
            return Duration::ZERO;
        };
        let wait =
            |rate: Option<Rate>, bucket| rate.map_or(Duration::ZERO, |rate| rate.wait(bucket, now));
        wait(rates.events, &account.events).max(wait(rates.bytes, &account.bytes))
    }

    /// Waits until more may be taken in.
    pub(super) fn wait_while_held(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        match &mut self.bounds.hold {
            None => return Poll::Ready(()),
            Some(Hold::Rate(sleep)) => std::task::ready!(sleep.as_mut().poll(task)),
            Some(Hold::Memory(looks)) => {
                let memory = &self.hub.limits.memory;
                // First, so that what changes behind the question wakes this session.
                memory.wake_later(task.waker());
                let goes_on = match memory.pressure() {
                    MemoryPressure::Calm => true,
                    MemoryPressure::Slow => false,
                    MemoryPressure::Refuse => memory.looks() != *looks,
                };
                if !goes_on {
                    return Poll::Pending;
                }
            }
        }
        self.bounds.hold = None;
        Poll::Ready(())
    }

    /// A large frame is not read any further while memory is short, or only a part at each look.
    pub(super) fn holds_large_frame(&mut self) -> bool {
        let memory = &self.hub.limits.memory;
        if memory.is_calm() || self.stage != Stage::Open {
            return false;
        }
        let looks = memory.looks();
        let first = self.bounds.last_large != Some(looks);
        self.bounds.last_large = Some(looks);
        if first && memory.pressure() == MemoryPressure::Refuse {
            return false;
        }
        self.hub.metrics.limited(Limit::Memory);
        self.bounds.hold = Some(Hold::Memory(looks));
        true
    }

    /// Whether the client is to read what it was answered before more is read from it.
    pub(super) fn must_read_first(&self) -> bool {
        let most = match self.hub.limits.memory.pressure() {
            MemoryPressure::Calm => CONTROL_BYTES,
            MemoryPressure::Slow | MemoryPressure::Refuse => CONTROL_BYTES_WHEN_SHORT,
        };
        self.outbound.queue().control_bytes() > most
    }

    /// Something was answered. Whether the client is to read it before more is read from it.
    pub(super) fn answered(&self) -> bool {
        // Queues keep the room that they once had: it is to be little.
        if self.outbound.queue().control_bytes() > CONTROL_BYTES_WHEN_SHORT {
            self.outbound.flush();
        }
        self.must_read_first()
    }

    /// Counts what the session holds of its client's bytes, and of answers that it does not read.
    pub(super) fn count_held(&mut self) {
        let mut held = self.carry.len() + self.outbound.queue().control_bytes().min(UNSAID);
        if !self.gathering.runs.is_empty() {
            held += self.gathering.runs.iter().map(|gathered| gathered.run.size()).sum::<usize>();
        }
        let counted = self.bounds.counted;
        if held.abs_diff(counted) >= STEP || (held == 0 && counted > 0) {
            self.hub.limits.memory.held().change(counted, held);
            self.bounds.counted = held;
        }
    }

    /// The same after something was written.
    pub(super) fn count_written(&mut self) {
        if self.bounds.counted > 0 {
            self.count_held();
        }
    }

    /// Counts nothing any more; see [`Drop`] of the session.
    pub(super) fn let_go(&mut self) {
        self.hub.limits.memory.held().change(std::mem::take(&mut self.bounds.counted), 0);
    }
}

/// The length of the frame with which `bytes` begin, if all of it is there.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let length = 4 + u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    (bytes.len() >= length).then_some(length)
}

impl Handler<ShedLoad> for Session {
    type Result = ();

    fn handle(&mut self, load: ShedLoad, ctx: &mut Context<Self>) {
        if self.outbound.queue().shed(load.queue) {
            self.outbound.overflowed();
        }
        // What one read takes may wait with everybody. Of a longer frame nothing was accepted: the
        // client sends it again when it comes back.
        let most = load.carry.map_or(usize::MAX, |most| most.max(READ_BYTES));
        if self.stage == Stage::Open && self.carry.len() > most {
            self.publish_what_fits();
            self.close_for(Limit::Memory, CloseCode::Overloaded, "the hub is short of memory", ctx);
        }
        if let Some(most) = load.answers {
            self.refusals.trim(true);
            if self.outbound.queue().control_bytes() > most {
                let why = "the hub is short of memory, and this client does not read its answers";
                self.close_for(Limit::Memory, CloseCode::SlowConsumer, why, ctx);
                // It would not read that either: what waits goes with the connection.
                ctx.stop();
            }
        }
        self.count_written();
    }
}
