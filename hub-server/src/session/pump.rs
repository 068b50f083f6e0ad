//! Moves bytes: reads what the socket has, writes what waits.

use super::{Session, Stage, is_ending, overflowed};
use crate::limits::Limit;
use actix::fut::ActorFuture;
use actix::prelude::*;
use hub_core::topic::Outlet;
use hub_wire::CloseCode;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// What one read takes at most. It belongs to the thread: an idle connection keeps none of it.
pub(super) const READ_BYTES: usize = 128 * 1024;
/// What is carried of a frame from this size on is read further in place.
const LARGE_BYTES: usize = READ_BYTES / 2;
/// Reads before other sessions of the arbiter have their turn.
const READS_A_TURN: usize = 8;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A publisher that waits until a subscriber's queue has room.
#[derive(Debug)]
pub(super) struct Pause {
    outlet: Arc<dyn Outlet>,
    grace: Pin<Box<Sleep>>,
}

impl Pause {
    pub(super) fn new(outlet: Arc<dyn Outlet>, grace_ms: u64) -> Self {
        let grace = Box::pin(tokio::time::sleep(Duration::from_millis(grace_ms)));
        Pause { outlet, grace }
    }

    /// Waits for `outlet` from now on; another one than before has a grace of its own.
    pub(super) fn follow(&mut self, outlet: Arc<dyn Outlet>, grace_ms: u64) {
        if outlet.connection() != self.outlet.connection() {
            *self = Pause::new(outlet, grace_ms);
        }
    }
}

pub(super) struct Pump;

impl ActorFuture<Session> for Pump {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut Session,
        ctx: &mut Context<Session>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        session.outbound.session.register(task.waker());
        if session.write(ctx, task).is_break() {
            ctx.stop();
            return Poll::Ready(());
        }
        session.count_written();
        for _ in 0..READS_A_TURN {
            if ready!(session.read(ctx, task)).is_break() {
                ctx.stop();
                return Poll::Ready(());
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

type Flow = std::ops::ControlFlow<()>;

impl Session {
    fn write(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Flow {
        if overflowed(self) && self.stage != Stage::Closing {
            let why = "too much waited for this client";
            self.close_for(Limit::Queue, CloseCode::SlowConsumer, why, ctx);
        }
        while self.outbound.blocked.load(Ordering::Acquire) {
            match self.outbound.socket.tcp().poll_write_ready(task) {
                Poll::Pending => break,
                Poll::Ready(Err(_)) => return Flow::Break(()),
                Poll::Ready(Ok(())) => {
                    self.outbound.blocked.store(false, Ordering::Release);
                    self.outbound.flush();
                }
            }
        }
        if self.outbound.broken.load(Ordering::Acquire) {
            return Flow::Break(());
        }
        if self.stage == Stage::Closing
            && !self.busy
            && !self.sent_fin
            && self.outbound.queue().queued_bytes() == 0
            && !self.outbound.socket.has_unsent()
        {
            match self.outbound.socket.finish() {
                Ok(true) => self.sent_fin = true,
                Ok(false) => self.outbound.wait_for_socket(),
                Err(_) => return Flow::Break(()),
            }
            if self.sent_fin && self.read_eof {
                return Flow::Break(());
            }
        }
        Flow::Continue(())
    }

    /// One read, or what has to come before it.
    fn read(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Poll<Flow> {
        if !self.touched.is_empty() {
            self.flush_touched();
            if !self.touched.is_empty() {
                return Poll::Pending;
            }
        }
        if self.busy || self.read_eof || self.stage == Stage::Draining {
            return Poll::Pending;
        }
        if self.pause.is_some() && self.stage == Stage::Open {
            ready!(self.resume(task));
        }
        if self.must_read_first() && !is_ending(self.stage) {
            self.outbound.queue().wake_when_drained(task.waker());
            if self.must_read_first() {
                return Poll::Pending;
            }
        }
        if self.bounds.holds() && self.stage == Stage::Open {
            ready!(self.wait_while_held(task));
        }
        if self.unfinished && self.stage == Stage::Open {
            let carry = std::mem::take(&mut self.carry);
            self.ingest(&carry, ctx);
            let goes_on = !self.unfinished && self.pause.is_none() && !self.bounds.holds();
            if !goes_on || self.busy || self.stage != Stage::Open {
                return Poll::Ready(Flow::Continue(()));
            }
        }
        ready!(self.outbound.socket.poll_read_ready(task)).ok();
        let read = match self.carry.len() {
            carried @ 0..LARGE_BYTES => self.read_into_buffer(carried, ctx),
            _ => self.read_large_frame(ctx),
        };
        if self.outbound.socket.has_unsent() {
            self.outbound.wait_for_socket(); // TLS had something to say itself
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

    fn read_into_buffer(&mut self, carried: usize, ctx: &mut Context<Self>) -> io::Result<usize> {
        BUFFER.with_borrow_mut(|buffer| {
            buffer[..carried].copy_from_slice(&self.carry);
            let end = READ_BYTES.min(carried + self.most_a_read());
            let read = self.outbound.socket.read(&mut buffer[carried..end])?;
            self.take_in(read, &buffer[..carried + read], ctx);
            Ok(read)
        })
    }

    /// Appends to what is carried of a frame, so that it is not copied with each read.
    fn read_large_frame(&mut self, ctx: &mut Context<Self>) -> io::Result<usize> {
        if self.holds_large_frame() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let whole = self.carry.first_chunk().map_or(0, |n| u32::from_be_bytes(*n) as usize + 4);
        let missing = whole.saturating_sub(self.carry.len());
        // A client may announce much and send little: no more memory than it has sent already.
        self.carry.reserve_exact(missing.clamp(1, self.carry.len()));
        let read = self.outbound.socket.read_to_end_of(&mut self.carry)?;
        let carry = std::mem::take(&mut self.carry);
        if carry.len() < whole && read > 0 && self.stage == Stage::Open {
            self.carry = carry;
            self.count_read(read);
            self.count_held();
        } else {
            self.take_in(read, &carry, ctx);
        }
        Ok(read)
    }

    fn take_in(&mut self, read: usize, bytes: &[u8], ctx: &mut Context<Self>) {
        if read > 0 && self.stage != Stage::Closing {
            self.count_read(read);
            self.ingest(bytes, ctx);
        }
    }

    fn count_read(&mut self, read: usize) {
        self.heard = true;
        self.pinged = false;
        self.hub.metrics.received_bytes.inc_by(read as u64);
    }

    /// The client sends no more; it still gets what it is owed.
    fn end_of_input(&mut self, ctx: &mut Context<Self>) -> Flow {
        self.read_eof = true;
        if self.sent_fin {
            return Flow::Break(());
        }
        self.receipt();
        self.close(CloseCode::Normal, "goodbye", ctx);
        self.outbound.session.wake();
        Flow::Continue(())
    }

    /// Goes on publishing once there is room, or the subscriber's grace is over.
    fn resume(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        while let Some(pause) = &mut self.pause {
            let waited_for = pause.outlet.connection();
            pause.outlet.queue().wake_when_drained(task.waker());
            if pause.grace.as_mut().poll(task).is_ready() {
                pause.outlet.queue().end_grace();
            }
            if self.publish() {
                self.pause = None;
                self.receipt();
            }
            self.flush_touched();
            // If it is another's turn now, nothing wakes this session before it has asked there.
            if self.pause.as_ref().is_some_and(|pause| pause.outlet.connection() == waited_for) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}
