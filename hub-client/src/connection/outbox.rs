//! What is on its way to the socket.

use crate::publish::PublishLog;
use crate::stream::WriteHalf;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use tokio::io::AsyncWriteExt;

/// About so many bytes of events are taken from the log ahead of the socket.
const AHEAD: usize = 256 << 10;
/// Most slices of one write.
const SLICES: usize = 64;
/// More control bytes than this waiting, and nothing is read from the hub that could add some.
const MAX_CONTROL: usize = 256 << 10;

/// Whole frames, in the order in which they are to be sent. Control frames go in front of
/// events that have not been taken yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parts: VecDeque<OutboxPart>,
    events: usize,
    control: Vec<u8>,
    started: bool,
    /// Something was written that may still wait to be encrypted or sent.
    unflushed: bool,
}

#[derive(Debug)]
struct OutboxPart {
    bytes: Bytes,
    events: bool,
}

impl Outbox {
    /// Where to write control frames.
    pub(crate) fn control(&mut self) -> &mut Vec<u8> {
        &mut self.control
    }

    /// Whether so much waits that nothing should be read that asks for answers.
    pub(crate) fn is_congested(&self) -> bool {
        self.control.len() > MAX_CONTROL
    }

    /// Takes what is next.
    pub(crate) fn refill(&mut self, log: &PublishLog) {
        if !self.control.is_empty() && self.parts.len() < SLICES {
            let bytes = std::mem::take(&mut self.control).into();
            self.parts.push_back(OutboxPart { bytes, events: false });
        }
        if self.events < AHEAD / 2 {
            let (parts, events) = (&mut self.parts, &mut self.events);
            log.take(AHEAD, |bytes| {
                *events += bytes.len();
                parts.push_back(OutboxPart { bytes, events: true });
            });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.unflushed
    }

    /// Writes once, or flushes what was written. Cancel-safe: a dropped call has written nothing.
    pub(crate) async fn write(&mut self, socket: &mut WriteHalf) -> io::Result<()> {
        if self.parts.is_empty() {
            socket.flush().await?;
            self.unflushed = false;
            return Ok(());
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = self.parts.len().min(SLICES);
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(&part.bytes);
        }
        match socket.write_vectored(&slices[..count]).await? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => {
                self.unflushed = socket.must_flush();
                self.written(written);
                Ok(())
            }
        }
    }

    fn written(&mut self, mut bytes: usize) {
        while bytes > 0
            && let Some(part) = self.parts.front_mut()
        {
            let here = bytes.min(part.bytes.len());
            part.bytes.advance(here);
            bytes -= here;
            self.events -= if part.events { here } else { 0 };
            self.started = !part.bytes.is_empty();
            if !self.started {
                self.parts.pop_front();
            }
        }
    }

    /// Drops what is not on its way yet and puts `last` behind the rest.
    pub(crate) fn finish_with(&mut self, last: Vec<u8>) {
        self.control.clear();
        let keep = usize::from(self.started);
        // What was dropped stays counted as unsent.
        self.parts.truncate(keep);
        self.parts.push_back(OutboxPart { bytes: last.into(), events: false });
    }

    /// How many bytes of events were taken and not written.
    pub(crate) fn unsent(&self) -> usize {
        self.events
    }
}
