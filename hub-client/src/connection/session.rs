//! One connection from WELCOME to its end: reading, writing and keep-alive, in one loop.

use super::connect_error::is_passing;
use super::handshake::{Link, goodbye};
use super::incoming::Incoming;
use super::keepalive::{Due, Keepalive};
use super::outbox::Outbox;
use super::{Command, Core, Intent};
use crate::events::{ConnectionEvent, LostReason};
use crate::stream::{ReadHalf, WriteHalf};
use crate::subscriptions::InboundProgress;
use bytes::Bytes;
use hub_wire::{Close, CloseCode, Frame, FrameError, FrameErrorKind, FrameType, RefusedWhat};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long the hub may take to say goodbye when this side does not wait for anything else.
const GOODBYE: Duration = Duration::from_secs(1);
/// In which a task that was away reads what has come.
const MOMENT: Duration = Duration::from_millis(20);

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// Not from here.
    Lost(LostReason),
    /// From here, as was asked for.
    Done,
}

pub(super) struct Session<'a> {
    core: &'a mut Core,
    read: ReadHalf,
    write: WriteHalf,
    keepalive: Keepalive,
    outbox: Outbox,
    incoming: Incoming,
    /// Who waits for which PONG.
    barriers: Vec<(u64, oneshot::Sender<()>)>,
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
        outbox.control().extend(core.subscriptions.restore());
        Session {
            core,
            read: link.read,
            write: link.write,
            keepalive: Keepalive::new(every, Instant::now()),
            outbox,
            incoming: Incoming::new(link.received, limit_here),
            barriers: Vec::new(),
            next_token: 1,
        }
    }

    /// Runs until the connection ends, and leaves the core ready for the next one.
    pub(super) async fn run(mut self) -> End {
        let end = match self.serve().await {
            Ok(()) => {
                self.say_goodbye().await;
                End::Done
            }
            Err(reason) => End::Lost(reason),
        };
        let Session { core, outbox, barriers, .. } = self;
        core.inbound.finish(&mut core.subscriptions, &core.state.events);
        core.subscriptions.disconnected();
        core.state.log.lost(outbox.unsent());
        core.inbox_lost();
        for (_, done) in barriers {
            // Nothing more can come.
            core.stop_subscriptions();
            let _ = done.send(());
        }
        end
    }

    async fn serve(&mut self) -> Result<(), LostReason> {
        self.incoming.split()?; // what came together with WELCOME
        let mut timer = std::pin::pin!(sleep_until(self.keepalive.deadline()));
        let mut doubted = false;
        loop {
            self.process().await?;
            for id in self.core.inbound.take_gone() {
                if self.core.subscriptions.remove(id) {
                    Frame::Unsubscribe { id }.write(self.outbox.control());
                }
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
                    // What the hub said meanwhile was not read.
                    self.keepalive.received(Instant::now());
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
                        // This task may have been away: what has come meanwhile is read first.
                        Due::Lost(_) if !doubted => {
                            doubted = true;
                            timer.as_mut().reset(now + MOMENT);
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

    fn ping(&mut self) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        Frame::Ping { token }.write(self.outbox.control());
        token
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::StopSubscriptions(done) => {
                for id in self.core.subscriptions.leave_all() {
                    Frame::Unsubscribe { id }.write(self.outbox.control());
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

    /// Deals with the frames that are there, until there are no more or a queue is full.
    async fn process(&mut self) -> Result<(), LostReason> {
        let mut done = 0;
        while !self.core.inbound.is_blocked() {
            let Some(body) = self.incoming.next() else { return Ok(()) };
            self.frame(&body)?;
            done += 1;
            if done % 1024 == 0 {
                // A full read of small events should not keep listeners waiting for their turn.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

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
                    if let Some(filter) = subscriptions.refused(&refused) {
                        let filter = filter.to_string();
                        events.send(ConnectionEvent::SubscriptionLost { filter, refused });
                    }
                }
                RefusedWhat::Unsubscribe | RefusedWhat::Frame => {
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
            | Frame::Unsubscribe { .. } => {
                return Err(protocol("a frame that has no place here"));
            }
        }
        Ok(())
    }

    /// A PONG came: everything the hub owed before it is here.
    fn passed(&mut self, token: u64) {
        let (passed, rest) = std::mem::take(&mut self.barriers)
            .into_iter()
            .partition(|(waiting, _)| *waiting <= token);
        self.barriers = rest;
        for (_, done) in passed {
            self.core.stop_subscriptions();
            let _ = done.send(());
        }
    }

    /// CLOSE, FIN, then reading until the hub's FIN: a socket closed with unread data would be
    /// reset, and what the hub has not read would be lost.
    async fn say_goodbye(&mut self) {
        let deadline = Instant::now() + GOODBYE;
        let deadline = match self.core.intent {
            Intent::CloseBy(by) => by.max(deadline),
            _ => deadline,
        };
        self.outbox.finish_with(goodbye());
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
            tracing::debug!(%error, "the goodbye was cut short");
        }
    }
}

fn lost(error: io::Error) -> LostReason {
    match error.kind() {
        // TLS says so of an end without close_notify.
        io::ErrorKind::UnexpectedEof => LostReason::Ended,
        _ => LostReason::Io(error.to_string()),
    }
}

fn protocol(what: &str) -> LostReason {
    LostReason::Protocol(what.to_owned())
}

/// Whether another connection of the same instance took over.
pub(super) fn is_replaced(reason: &LostReason) -> bool {
    matches!(reason, LostReason::Closed(close) if close.code == CloseCode::Replaced)
}

/// What a CLOSE of the hub asks for.
pub(super) fn retry_after(reason: &LostReason) -> Option<Duration> {
    match reason {
        LostReason::Closed(Close { code, retry_after_ms, .. }) => {
            is_passing(*code).then(|| Duration::from_millis(retry_after_ms.unwrap_or(0)))
        }
        _ => Some(Duration::ZERO),
    }
}
