//! Reads and writes the bytes of a connection: the session writes the frames that are queued, and
//! takes in the bytes that the client has sent. After some reads, the session lets the other
//! sessions of its arbiter run. Otherwise they would wait for as long as its client sends.

use super::backpressure_wait::BackpressureWait;
use super::intake::READ_BYTES;
use super::state::{Session, SessionState, overflowed};
use super::turnstile::Turnstile;
use super::waits_for::WaitsFor;
use crate::limits::Limit;
use actix::fut::ActorFuture;
use actix::prelude::*;
use hub_core::topic::{SubscriberConnection, turn_is_half_over};
use hub_wire::CloseCode;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Instant;

/// An incomplete frame with at least this many bytes is no longer copied to the read buffer.
/// Further reads append to the frame where it is.
const LARGE_BYTES: usize = READ_BYTES / 2;
/// A session does this many reads before the other sessions of its arbiter have their turn.
const READS_A_TURN: usize = 8;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Reads and writes for a session from its start to its end, as a future on its actor.
#[derive(Default)]
pub(super) struct SessionLoop {
    turnstile: Turnstile,
}

impl ActorFuture<Session> for SessionLoop {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        session: &mut Session,
        ctx: &mut Context<Session>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        let began = Instant::now();
        session.output.session.register(task.waker());
        if session.write(ctx, task).is_break() {
            session.end(ctx);
            return Poll::Ready(());
        }
        self.turnstile.belong_to(session.identity.is_some(), || session.owner());
        if self.turnstile.must_wait(task.waker(), began) {
            return Poll::Pending;
        }
        let turn = session.take_turn(ctx, task);
        self.turnstile.end_turn(began);
        match turn {
            Turn::Ended => return Poll::Ready(()),
            Turn::Over => self.turnstile.wait(task.waker()),
            Turn::Waits => {}
        }
        Poll::Pending
    }
}

/// States how a turn of a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The session goes on when the others have had their turn.
    Over,
    /// The session waits for what wakes it.
    Waits,
    /// The connection has ended.
    Ended,
}

type Flow = std::ops::ControlFlow<()>;

impl Session {
    /// Goes on with what the last turn has left, and takes in what the client has sent.
    fn take_turn(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Turn {
        self.begin_turn(ctx);
        self.count_written();
        for _ in 0..READS_A_TURN {
            match self.step(ctx, task) {
                Poll::Pending if self.left.gives_turn => return Turn::Over,
                Poll::Pending => return Turn::Waits,
                // What a read brought is cut where the turn ends: the rest is copied, and makes runs of its own.
                Poll::Ready(Flow::Continue(())) if turn_is_half_over() => return Turn::Over,
                Poll::Ready(Flow::Continue(())) => {}
                Poll::Ready(Flow::Break(())) => {
                    self.end(ctx);
                    return Turn::Ended;
                }
            }
        }
        Turn::Over
    }

    /// Writes the frames that wait for the client. Sends FIN when CLOSE is written.
    fn write(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Flow {
        if overflowed(self) && self.state != SessionState::Closing {
            let why = "the delivery queue of this client was full";
            self.close_for(Limit::Queue, CloseCode::SlowConsumer, why, ctx);
        }
        while self.output.blocked.load(Ordering::Acquire) {
            match self.socket.tcp().poll_write_ready(task) {
                Poll::Pending => break,
                Poll::Ready(Err(_)) => return Flow::Break(()),
                Poll::Ready(Ok(())) => {
                    self.output.blocked.store(false, Ordering::Release);
                    self.output.flush();
                }
            }
        }
        if self.output.broken.load(Ordering::Acquire) {
            return Flow::Break(());
        }
        if self.state == SessionState::Closing
            && !self.busy
            && !self.sent_fin
            && self.output.queue().queued_bytes() == 0
            && !self.socket.has_unsent()
        {
            match self.socket.finish() {
                Ok(true) => self.sent_fin = true,
                Ok(false) => self.output.wait_for_socket(),
                Err(_) => return Flow::Break(()),
            }
            if self.sent_fin && self.read_eof {
                return Flow::Break(());
            }
        }
        Flow::Continue(())
    }

    /// Does one read, or one step of what has to happen before the next read.
    fn step(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Poll<Flow> {
        loop {
            match self.waits_for() {
                WaitsFor::Turn => ready!(self.poll_turn()),
                WaitsFor::Answer | WaitsFor::End => return Poll::Pending,
                reason @ WaitsFor::Room => {
                    self.kept_waiting = true;
                    self.look_ahead(reason, ctx, task);
                    ready!(self.poll_room(task));
                }
                WaitsFor::Client => ready!(self.poll_client(task)),
                reason @ WaitsFor::Limits => {
                    self.kept_waiting = true;
                    self.look_ahead(reason, ctx, task);
                    ready!(self.poll_limits(task));
                }
                WaitsFor::Nothing => {
                    let carry = std::mem::take(&mut self.carry);
                    self.take_in_allowed(&carry, ctx);
                    return Poll::Ready(Flow::Continue(()));
                }
                WaitsFor::Bytes => return self.poll_read(ctx, task),
            }
        }
    }

    /// Flushes some connections. The session goes on when all of them are flushed, unless its turn is
    /// over.
    fn poll_turn(&mut self) -> Poll<()> {
        self.flush_some();
        let goes_on = self.to_flush.is_empty() && !self.left.gives_turn;
        if goes_on { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until the client has read its answers.
    fn poll_client(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        self.output.queue().wake_when_drained(task.waker());
        if self.must_read_first() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Waits for room in a subscriber's queue. Publishes when there is room, or when the
    /// subscriber's grace is over.
    fn poll_room(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        while let Some(wait) = &mut self.backpressure {
            let waited_since = wait.began();
            wait.connection.queue().wake_when_drained(task.waker());
            // The poll has the timer wake the session. Publishing finds out whether the time is over.
            let _ = wait.timer.as_mut().poll(task);
            if self.publish() {
                self.backpressure = None;
                self.receipt();
            }
            self.flush_some();
            // If the session waits for another subscriber now, or for longer, nothing would wake it before
            // it has registered there. So the loop goes on.
            let goes_on = |wait: &BackpressureWait| wait.began() == waited_since;
            if self.backpressure.as_ref().is_some_and(goes_on) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Reads from the socket once, and takes in what was read.
    fn poll_read(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Poll<Flow> {
        ready!(self.socket.poll_read_ready(task)).ok();
        let read = match self.carry.len() {
            carried @ 0..LARGE_BYTES => self.read_into_buffer(carried, ctx),
            _ => self.read_large_frame(ctx),
        };
        if self.socket.has_unsent() {
            self.output.wait_for_socket(); // TLS itself has made a record that is to be sent.
        }
        match read {
            Ok(0) => Poll::Ready(self.end_of_input(ctx)),
            Ok(_) => Poll::Ready(Flow::Continue(())),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Poll::Ready(Flow::Continue(()))
            }
            Err(_) => Poll::Ready(Flow::Break(())),
        }
    }

    /// Reads into the buffer of the thread, behind the bytes that the session carries.
    fn read_into_buffer(&mut self, carried: usize, ctx: &mut Context<Self>) -> io::Result<usize> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer[..carried].copy_from_slice(&self.carry);
            let end = READ_BYTES.min(carried + self.most_a_read());
            let read = self.socket.read(&mut buffer[carried..end])?;
            self.take_in(read, &buffer[..carried + read], ctx);
            Ok(read)
        })
    }

    /// Appends to a large incomplete frame where it is, so that it is not copied with each read.
    fn read_large_frame(&mut self, ctx: &mut Context<Self>) -> io::Result<usize> {
        if self.pauses_large_frame() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let whole = self.carry.first_chunk().map_or(0, |n| u32::from_be_bytes(*n) as usize + 4);
        let missing = whole.saturating_sub(self.carry.len());
        // A client may announce a long frame and send little of it. So the session never reserves
        // more memory than the client has sent already.
        self.carry.reserve_exact(missing.clamp(1, self.carry.len()));
        let read = self.socket.read_to_end_of(&mut self.carry)?;
        let carry = std::mem::take(&mut self.carry);
        if carry.len() < whole && read > 0 && self.state == SessionState::Open {
            self.carry = carry;
            self.count_read(read);
            self.count_held();
        } else {
            self.take_in(read, &carry, ctx);
        }
        Ok(read)
    }

    /// Counts what was read, and takes it in unless the connection is closing.
    fn take_in(&mut self, read: usize, bytes: &[u8], ctx: &mut Context<Self>) {
        if read > 0 && self.state != SessionState::Closing {
            self.count_read(read);
            self.take_in_allowed(bytes, ctx);
        }
    }

    /// Counts the bytes that were read, and notes that the client is alive.
    pub(super) fn count_read(&mut self, read: usize) {
        self.heard = true;
        self.pinged = false;
        self.hub.metrics.received_bytes.inc_by(read as u64);
    }

    /// Handles the end of the client's input. The client still gets everything that the hub owes
    /// it.
    fn end_of_input(&mut self, ctx: &mut Context<Self>) -> Flow {
        self.read_eof = true;
        if self.sent_fin {
            return Flow::Break(());
        }
        self.close(CloseCode::Normal, "goodbye", ctx);
        self.output.session.wake();
        Flow::Continue(())
    }
}
