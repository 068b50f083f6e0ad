//! Runs one connection from WELCOME to its end: reading, writing and keep-alive in one loop. With a
//! task for each of them, the order of frames would depend on the scheduler.

use super::connect_error::is_passing;
use super::handshake::{Link, close_frame};
use super::incoming::Incoming;
use super::keepalive::{Due, Keepalive};
use super::outbox::Outbox;
use super::{Command, Core, Intent};
use crate::events::{ConnectionEvent, LostReason};
use crate::stream::{ReadHalf, WriteHalf};
use crate::subscriptions::InboundProgress;
use bytes::Bytes;
use hub_wire::{
    Close, CloseCode, Frame, FrameError, FrameErrorKind, FrameType, RefusedCode, RefusedWhat,
};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

/// After the CLOSE of this client, the hub may take this long to end the connection. A later moment
/// in [`Intent::CloseBy`] replaces this bound.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A task that did not run for a while reads for this long what has arrived, before it declares a
/// loss.
const CATCH_UP: Duration = Duration::from_millis(20);

/// States how a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The connection was lost.
    Lost(LostReason),
    /// This client ended the connection, as it was asked to.
    Done,
}

/// Serves one connection while it is open.
pub(super) struct Session<'a> {
    core: &'a mut Core,
    read: ReadHalf,
    write: WriteHalf,
    keepalive: Keepalive,
    outbox: Outbox,
    incoming: Incoming,
    /// These callers wait for a PONG. Each entry has the token of the PONG.
    barriers: Vec<(u64, oneshot::Sender<()>)>,
    /// These subscriptions end at a PONG. Each entry has the token of the PONG.
    stops: Vec<(u64, u64)>,
    next_token: u64,
}

impl<'a> Session<'a> {
    pub(super) fn new(core: &'a mut Core, link: Link) -> Self {
        let bound = core.state.options.keepalive;
        let every = match link.welcome.keepalive_ms {
            0 => bound,
            ms => Duration::from_millis(ms).min(bound),
        };
        let mut outbox = Outbox::default();
        let limit_here = core.inbound.limits().frame;
        core.subscriptions.set_frame_limit(link.welcome.limits.frame);
        outbox.control().extend(core.subscriptions.restore(link.welcome.kept));
        Session {
            core,
            read: link.read,
            write: link.write,
            keepalive: Keepalive::new(every, Instant::now()),
            outbox,
            incoming: Incoming::new(link.received, limit_here),
            barriers: Vec::new(),
            stops: Vec::new(),
            next_token: 1,
        }
    }

    /// Runs until the connection ends, and prepares the core for the next one.
    pub(super) async fn run(mut self) -> End {
        let end = match self.serve().await {
            Ok(()) => {
                self.send_close().await;
                End::Done
            }
            Err(reason) => {
                if let LostReason::Protocol(what) = &reason {
                    self.send_violation(what).await;
                }
                End::Lost(reason)
            }
        };
        let Session { core, outbox, barriers, stops, .. } = self;
        core.inbound.finish(&mut core.subscriptions, &core.state.events);
        core.subscriptions.disconnected();
        core.state.log.lost(outbox.unsent());
        core.inbox_lost();
        // No further delivery can come for these subscriptions.
        stops.into_iter().for_each(|(_, id)| core.subscriptions.stop(id));
        for (_, done) in barriers {
            // No further delivery can come.
            core.stop_subscriptions();
            let _ = done.send(());
        }
        end
    }

    /// Reads, writes and handles commands until the connection ends or the client is to end.
    async fn serve(&mut self) -> Result<(), LostReason> {
        self.incoming.split()?; // the frames that came together with WELCOME
        let mut timer = std::pin::pin!(sleep_until(self.keepalive.deadline()));
        let mut doubted = false;
        loop {
            self.process().await?;
            for id in self.core.inbound.take_gone() {
                self.core.subscriptions.remove(id, self.outbox.control());
            }
            if self.core.is_finished() {
                return Ok(());
            }
            self.outbox.refill(&self.core.state.log);
            let blocked = self.core.inbound.is_blocked();
            let reading = !blocked && !self.outbox.is_congested();
            tokio::select! {
                got = self.incoming.read(&mut self.read), if reading => {
                    if got.map_err(lost)? == 0 {
                        return Err(LostReason::Ended);
                    }
                    self.keepalive.received(Instant::now());
                    self.incoming.split()?;
                }
                wrote = self.outbox.write(&mut self.write), if !self.outbox.is_empty() => {
                    wrote.map_err(lost)?;
                    self.keepalive.sent(Instant::now());
                }
                () = self.core.state.log.more(), if self.outbox.is_empty() => {}
                () = self.core.inbound.room(), if blocked => {
                    self.core.inbound.unblock();
                    // The client did not read in this time, so silence of the hub means nothing.
                    self.keepalive.received(Instant::now());
                }
                () = self.core.state.taken.due() => {
                    let ids = self.core.state.taken.take();
                    self.core.subscriptions.report_taken(&ids, self.outbox.control());
                }
                command = self.core.commands.next(&self.core.state) => self.command(command),
                () = &mut timer => {
                    let now = Instant::now();
                    if !reading {
                        self.keepalive.received(now);
                    }
                    match self.keepalive.due(now) {
                        Due::Nothing => {}
                        Due::Ping => { self.ping(); }
                        // This task may not have run for a while, so it first reads what has
                        // arrived.
                        Due::Lost(_) if !doubted => {
                            doubted = true;
                            timer.as_mut().reset(now + CATCH_UP);
                            continue;
                        }
                        Due::Lost(silence) => return Err(LostReason::Silent(silence)),
                    }
                    doubted = false;
                    timer.as_mut().reset(self.keepalive.deadline());
                }
                () = self.core.intent.deadline() => return Ok(()),
            }
        }
    }

    /// Queues a PING and returns its token.
    fn ping(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        Frame::Ping { token }.write(self.outbox.control());
        token
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Unsubscribe => {
                let stopping = std::mem::take(&mut *self.core.state.stopping.lock());
                for id in stopping {
                    if self.core.subscriptions.leave(id) {
                        Frame::Unsubscribe { id, drain: true }.write(self.outbox.control());
                        let token = self.ping();
                        self.stops.push((token, id));
                    }
                }
                let frames = self.core.command(Command::Unsubscribe);
                self.outbox.control().extend(frames);
            }
            Command::StopSubscriptions(done) => {
                for id in self.core.subscriptions.leave_all() {
                    Frame::Unsubscribe { id, drain: true }.write(self.outbox.control());
                }
                let token = self.ping();
                self.barriers.push((token, done));
            }
            other => {
                let frames = self.core.command(other);
                self.outbox.control().extend(frames);
            }
        }
    }

    /// Handles the frames that are there, until there are no more or a queue is full.
    async fn process(&mut self) -> Result<(), LostReason> {
        let mut done = 0;
        while !self.core.inbound.is_blocked() {
            let Some(body) = self.incoming.next() else { return Ok(()) };
            self.frame(&body)?;
            done += 1;
            if done % 1024 == 0 {
                // A full read of small events must not keep listeners from running.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Handles one frame.
    fn frame(&mut self, body: &Bytes) -> Result<(), LostReason> {
        let Core { inbound, subscriptions, state, .. } = &mut *self.core;
        let events = &state.events;
        let kind = match FrameType::of(body) {
            Ok(kind) => kind,
            Err(FrameError { kind: FrameErrorKind::UnknownType(number), .. }) => {
                let what = format!("a frame of the unknown type {number}");
                events.send(ConnectionEvent::Violation(what));
                return Ok(());
            }
            Err(error) => return Err(protocol(&error.to_string())),
        };
        if kind == FrameType::Event {
            let progress = inbound.event(subscriptions, body, events);
            return progress.map(|_: InboundProgress| ()).map_err(LostReason::Protocol);
        }
        let frame =
            Frame::parse(body, inbound.limits()).map_err(|error| protocol(&error.to_string()))?;
        match frame {
            Frame::Run(run) => {
                inbound.run(subscriptions, &run, events).map_err(LostReason::Protocol)?;
            }
            Frame::Gap(gap) => {
                inbound.gap(subscriptions, gap, events).map_err(LostReason::Protocol)?;
            }
            Frame::Receipt { next } => {
                state.log.receipt(next).map_err(LostReason::Protocol)?;
            }
            Frame::Refused(refused) => match refused.what {
                RefusedWhat::Event => {
                    if let Some(unheard) = state.log.refused(refused) {
                        events.send(ConnectionEvent::Refused(unheard));
                    }
                }
                RefusedWhat::Subscribe => {
                    if let Some(frames) = subscriptions.resume_refused(&refused) {
                        self.outbox.control().extend(frames);
                    } else if let Some(filter) = subscriptions.refused(&refused) {
                        let filter = filter.to_string();
                        events.send(ConnectionEvent::SubscriptionLost { filter, refused });
                    }
                }
                // The hub had not kept a subscription that ended while there was no connection.
                RefusedWhat::Unsubscribe if refused.code == RefusedCode::UnknownSubscription => {}
                RefusedWhat::Unsubscribe | RefusedWhat::Ack | RefusedWhat::Frame => {
                    events.send(ConnectionEvent::Refused(refused));
                }
            },
            Frame::Subscribed { id } => self.core.confirmed(id),
            Frame::Ping { token } => Frame::Pong { token }.write(self.outbox.control()),
            Frame::Pong { token } => self.passed(token),
            Frame::Close(close) => return Err(LostReason::Closed(close)),
            Frame::Hello(_)
            | Frame::Welcome(_)
            | Frame::Event(_)
            | Frame::Subscribe(_)
            | Frame::Taken(_)
            | Frame::Ack(_)
            | Frame::Resume(_)
            | Frame::Unsubscribe { .. } => {
                return Err(protocol("a frame that has no place here"));
            }
        }
        Ok(())
    }

    /// Handles a PONG: everything that the hub owed before it has arrived.
    fn passed(&mut self, token: u64) {
        let (passed, rest) = std::mem::take(&mut self.barriers)
            .into_iter()
            .partition(|(waiting, _)| *waiting <= token);
        self.barriers = rest;
        let stopped = self.stops.extract_if(.., |(waiting, _)| *waiting <= token);
        stopped.for_each(|(_, id)| self.core.subscriptions.stop(id));
        for (_, done) in passed {
            // The listeners still handle what has come, and the hub hears of it.
            self.core.subscriptions.stop_all();
            let _ = done.send(());
        }
    }

    /// Tells a hub that has broken the protocol what was wrong, if the connection takes it at once.
    async fn send_violation(&mut self, what: &str) {
        let (code, reason) = (CloseCode::Protocol, what.to_owned());
        let close = Frame::Close(Close { code, reason, retry_after_ms: None });
        self.outbox.finish_with(close.to_bytes());
        let last = async {
            while !self.outbox.is_empty() {
                self.outbox.write(&mut self.write).await?;
            }
            tokio::io::AsyncWriteExt::shutdown(&mut self.write).await
        };
        if let Ok(Err(error)) | Err(error) =
            timeout_at(Instant::now() + CATCH_UP, last).await.map_err(io::Error::from)
        {
            tracing::debug!(%error, "the hub did not take the last word");
        }
    }

    /// Sends CLOSE and FIN, and then reads until the hub's FIN. If a socket is closed with unread
    /// data, TCP resets the connection, and the hub would lose the frames that it has not read.
    async fn send_close(&mut self) {
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        let deadline = match self.core.intent {
            Intent::CloseBy(by) => by.max(deadline),
            _ => deadline,
        };
        // What the listeners have finished would be given to others, or would count as lost.
        let ids = self.core.state.taken.take();
        self.core.subscriptions.report_taken(&ids, self.outbox.control());
        self.outbox.finish_with(close_frame());
        let last = async {
            while !self.outbox.is_empty() {
                self.outbox.write(&mut self.write).await?;
            }
            tokio::io::AsyncWriteExt::shutdown(&mut self.write).await?;
            let mut rest = [0; 4096];
            while self.read.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        if let Ok(Err(error)) | Err(error) =
            timeout_at(deadline, last).await.map_err(io::Error::from)
        {
            tracing::debug!(%error, "the close was cut short");
        }
    }
}

/// Returns why a connection was lost, from the error of its socket.
fn lost(error: io::Error) -> LostReason {
    match error.kind() {
        // TLS reports this error if the connection ends without close_notify.
        io::ErrorKind::UnexpectedEof => LostReason::Ended,
        _ => LostReason::Io(hub_core::with_causes(&error)),
    }
}

/// Makes the reason for a hub that broke the protocol.
fn protocol(what: &str) -> LostReason {
    LostReason::Protocol(what.to_owned())
}

/// Returns whether the hub ended the connection because another connection of this instance took
/// over.
pub(super) fn is_replaced(reason: &LostReason) -> bool {
    matches!(reason, LostReason::Closed(close) if close.code == CloseCode::Replaced)
}

/// Returns how long to wait before the next connection, or `None` if the hub's CLOSE forbids
/// another one.
pub(super) fn retry_after(reason: &LostReason) -> Option<Duration> {
    match reason {
        LostReason::Closed(Close { code, retry_after_ms, .. }) => {
            is_passing(*code).then(|| Duration::from_millis(retry_after_ms.unwrap_or(0)))
        }
        _ => Some(Duration::ZERO),
    }
}
