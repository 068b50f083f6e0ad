//! Keeps a session within the limits of its client and of the hub: the session takes in no more
//! than it may, leaves the rest where it is, and reads on when more is allowed. Without this
//! module, one client could use up the memory of the hub, or send faster than its rate.

use super::session_limits::{Rates, ReadPause};
use super::state::{Session, SessionState, is_ending};
use crate::limits::Limit;
use crate::limits::account::{AccountKey, Permit};
use crate::limits::memory::MemoryPressure;
use crate::limits::rate::Rate;
use crate::policy::access::Identity;
use actix::prelude::*;
use hub_core::topic::SubscriberConnection;
use hub_wire::{FrameType, MAX_HELLO};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

/// One read takes at most this many bytes. The buffer belongs to the thread, so an idle connection
/// keeps none of it.
pub(super) const READ_BYTES: usize = 128 * 1024;
/// While the hub is short of memory, a session refuses at most this many events at a time. More
/// refusals would take more memory than they save.
const REFUSED_AT_ONCE: u64 = 16;
/// The session reads nothing from its client while more than this many bytes of control frames wait
/// for the client.
const CONTROL_BYTES: usize = 256 * 1024;
/// This bound replaces [`CONTROL_BYTES`] while memory is short. The answers to [`REFUSED_AT_ONCE`]
/// events can exceed it.
const CONTROL_BYTES_WHEN_SHORT: usize = 2 * 1024;
/// One read takes at most this many bytes from a client that a limit has stopped. The bytes that
/// the client may not send yet then wait in the socket, and not in the hub.
const PAUSED_READ_BYTES: usize = 16 * 1024;
/// One read takes at most this many bytes while memory is short, because the hub may read from each
/// of thousands of clients once before it waits.
const PAUSED_READ_BYTES_WHEN_SHORT: usize = 2 * 1024;

impl Session {
    /// Opens the account of the client's identity, or of the client's address if the client is
    /// anonymous. Everything that the client uses from now on counts there. Also sets the rates of
    /// the client.
    pub(super) fn open_account(&mut self, identity: &Identity) {
        let owner = match (identity.is_anonymous(), self.limits.peer) {
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
        self.limits.rates = (rates.events.is_some() || rates.bytes.is_some()).then_some(rates);
        let account = self.hub.limits.accounts.of(owner);
        self.charge_to(&account.memory);
        self.limits.account = Some(account);
    }

    /// Counts the connection against the limit of its identity, unless it has taken over the place of
    /// the connection that it replaces. Returns false if the identity may have no more connections. Anonymous
    /// clients are counted by their addresses alone.
    pub(super) fn take_permit(&mut self) -> bool {
        let known = self.identity.as_ref().is_some_and(|identity| !identity.is_anonymous());
        let limit = self.hub.limits.in_force.current().max_connections_per_identity;
        match &self.limits.account {
            Some(account) if known && limit > 0 => {
                let place = &mut self.limits.permit.lock().of_identity;
                if !place.as_ref().is_some_and(|place| place.is_of(account)) {
                    *place = Permit::connection(account, limit);
                }
                place.is_some()
            }
            _ => true,
        }
    }

    /// Gives the permit of the identity back, because the connection ends.
    pub(super) fn give_up_permit(&mut self) {
        self.limits.permit.lock().of_identity = None;
    }

    /// Takes in as many of `bytes` as the limits allow now, and carries the rest.
    pub(super) fn take_in_allowed(&mut self, bytes: &[u8], ctx: &mut Context<Self>) {
        self.limits.was_paused = false;
        let unlimited = self.limits.rates.is_none() && self.is_calm();
        let costly = if unlimited || self.state != SessionState::Open {
            self.ingest(bytes, ctx)
        } else {
            let allowed = self.affordable(bytes);
            let costly = self.ingest(&bytes[..allowed.length], ctx);
            self.charge_rates(&allowed);
            if allowed.length < bytes.len() && !is_ending(self.state) {
                self.carry.extend_from_slice(&bytes[allowed.length..]);
                self.unfinished = true;
            }
            costly
        };
        if let Some(plan) = costly
            && !is_ending(self.state)
        {
            self.scrub_elsewhere(plan, ctx);
        }
        self.count_held();
    }

    /// Returns how many of `bytes` may be taken in now.
    fn affordable(&self, bytes: &[u8]) -> Allowed {
        let most = match self.pressure() {
            MemoryPressure::Calm => u64::MAX,
            MemoryPressure::Slow => 0,
            MemoryPressure::Refuse => REFUSED_AT_ONCE,
        };
        let now = self.hub.limits.accounts.now();
        let (mut events_left, mut bytes_left) = (u64::MAX, u64::MAX);
        if let (Some(rates), Some(account)) = (self.limits.rates, &self.limits.account) {
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
        // The session carries the beginning of a frame as it came.
        let length = if over.is_some() { at } else { bytes.len() };
        Allowed { length, events, event_bytes: taken, over }
    }

    /// Charges the client with the events that were taken in. If there were more than it may send now,
    /// the session pauses its reads.
    fn charge_rates(&mut self, allowed: &Allowed) {
        // The session may have stopped before the last event. It comes again, and is charged then.
        let (events_left, bytes_left) = events_in(&self.carry);
        let events = allowed.events.saturating_sub(events_left);
        let taken = allowed.event_bytes.saturating_sub(bytes_left);
        let memory = &self.hub.limits.memory;
        let samples = memory.samples();
        let now = self.hub.limits.accounts.now();
        if let (Some(rates), Some(account)) = (self.limits.rates, &self.limits.account) {
            let take = |rate: Option<Rate>, bucket, tokens| {
                if let Some(rate) = rate {
                    rate.take(bucket, now, tokens);
                }
            };
            take(rates.events, &account.events, events);
            take(rates.bytes, &account.bytes, taken);
        }
        let Some(limit) = allowed.over else { return };
        self.limits.was_paused = true;
        self.hub.metrics.limited(limit);
        self.limits.pause = Some(match limit {
            Limit::Memory => {
                self.hub.limits.memory.report_short();
                ReadPause::Memory(samples)
            }
            _ => ReadPause::Rate(Box::pin(tokio::time::sleep(self.time_to_next_token(now)))),
        });
    }

    /// Returns how many bytes one read may take now.
    pub(super) fn most_a_read(&self) -> usize {
        match self.state {
            // A client that is not admitted yet may send no more than HELLO.
            SessionState::Handshake => (4 + MAX_HELLO).saturating_sub(self.carry.len()).max(1),
            _ if !self.is_calm() => PAUSED_READ_BYTES_WHEN_SHORT,
            _ if self.limits.was_paused => PAUSED_READ_BYTES,
            _ => READ_BYTES,
        }
    }

    /// Returns how long it takes until the client may send one more event.
    fn time_to_next_token(&self, now: u64) -> Duration {
        let (Some(rates), Some(account)) = (self.limits.rates, &self.limits.account) else {
            return Duration::ZERO;
        };
        let wait =
            |rate: Option<Rate>, bucket| rate.map_or(Duration::ZERO, |rate| rate.wait(bucket, now));
        wait(rates.events, &account.events).max(wait(rates.bytes, &account.bytes))
    }

    /// Waits until the session may take in more.
    pub(super) fn poll_limits(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        match &mut self.limits.pause {
            None => return Poll::Ready(()),
            Some(ReadPause::Rate(sleep)) => std::task::ready!(sleep.as_mut().poll(task)),
            Some(ReadPause::Memory(samples)) => {
                let samples = *samples;
                let memory = &self.hub.limits.memory;
                // The session registers first, so that a change after the question wakes it.
                memory.wake_later(task.waker());
                let goes_on = match self.pressure() {
                    MemoryPressure::Calm => true,
                    MemoryPressure::Slow => false,
                    MemoryPressure::Refuse => memory.samples() != samples,
                };
                if !goes_on {
                    return Poll::Pending;
                }
            }
        }
        self.limits.pause = None;
        Poll::Ready(())
    }

    /// Returns whether the session has to stop reading a large frame for now, because memory is
    /// short. While events are refused, the session reads one part of the frame after each sample
    /// of the memory.
    pub(super) fn pauses_large_frame(&mut self) -> bool {
        let samples = self.hub.limits.memory.samples();
        if self.is_calm() || self.state != SessionState::Open {
            return false;
        }
        let first = self.limits.last_large != Some(samples);
        self.limits.last_large = Some(samples);
        if first && self.pressure() == MemoryPressure::Refuse {
            return false;
        }
        self.hub.metrics.limited(Limit::Memory);
        self.limits.pause = Some(ReadPause::Memory(samples));
        true
    }

    /// Returns whether the client has to read its answers before the hub reads more from it.
    pub(super) fn must_read_first(&self) -> bool {
        let most = match self.pressure() {
            MemoryPressure::Calm => CONTROL_BYTES,
            MemoryPressure::Slow | MemoryPressure::Refuse => CONTROL_BYTES_WHEN_SHORT,
        };
        self.output.queue().control_bytes() > most
    }

    /// Flushes the answers if there are many. Returns whether the client has to read them before
    /// the hub reads more from it.
    pub(super) fn answered(&self) -> bool {
        // A queue keeps the memory that it once took, so it should never grow large.
        if self.output.queue().control_bytes() > CONTROL_BYTES_WHEN_SHORT {
            self.output.flush();
        }
        self.must_read_first()
    }
}

/// States how much of what was read may be taken in now.
struct Allowed {
    /// So many bytes may be taken in.
    length: usize,
    /// They contain so many EVENT frames.
    events: u64,
    event_bytes: u64,
    /// Because of this limit, the frames behind them may not be taken in yet.
    over: Option<Limit>,
}

/// Returns how many whole EVENT frames are at the beginning of these bytes, and how long they are.
fn events_in(mut bytes: &[u8]) -> (u64, u64) {
    let (mut events, mut length) = (0, 0);
    while let Some(whole) = whole_frame(bytes) {
        if matches!(bytes.get(4..).map(FrameType::of), Some(Ok(FrameType::Event))) {
            events += 1;
            length += whole as u64;
        }
        bytes = &bytes[whole..];
    }
    (events, length)
}

/// Returns the length of the frame with which `bytes` begin, or `None` if the frame is incomplete.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let length = 4 + u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    (bytes.len() >= length).then_some(length)
}
