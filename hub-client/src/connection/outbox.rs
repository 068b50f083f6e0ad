//! Queues the frames that are on their way to the socket. Without this queue, a control frame would
//! wait behind every event of the publish log.

use crate::publish::PublishLog;
use crate::stream::WriteHalf;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use tokio::io::AsyncWriteExt;

/// About this many bytes of events are taken from the log ahead of the socket.
const AHEAD: usize = 256 << 10;
/// One write has at most this many slices.
const SLICES: usize = 64;
/// If more bytes of control frames than this wait, the client reads nothing from the hub, because
/// each frame that it reads could add an answer.
const MAX_CONTROL: usize = 256 << 10;

/// Holds whole frames in the order in which they will be sent. Control frames go in front of the
/// events that have not been taken from the log yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parts: VecDeque<OutboxPart>,
    events: usize,
    control: Vec<u8>,
    started: bool,
    /// If this is true, written bytes may still wait to be encrypted or sent.
    unflushed: bool,
}

/// Holds bytes of whole frames, and whether they are events.
#[derive(Debug)]
struct OutboxPart {
    bytes: Bytes,
    events: bool,
}

impl Outbox {
    /// Returns the buffer for control frames.
    pub(crate) fn control(&mut self) -> &mut Vec<u8> {
        &mut self.control
    }

    /// Returns whether so many bytes wait that the client must not read frames that ask for an
    /// answer.
    pub(crate) fn is_congested(&self) -> bool {
        self.control.len() > MAX_CONTROL
    }

    /// Takes the next control frames, and the next events from the log.
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

    /// Writes once, or flushes what was written. The call is cancel-safe: a dropped call has
    /// written nothing.
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

    /// Removes bytes that were written.
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

    /// Drops the events of which no byte is written, and puts `last` behind the rest.
    pub(crate) fn finish_with(&mut self, last: Vec<u8>) {
        let mut started = self.started;
        // The dropped events still count as unsent.
        self.parts.retain(|part| std::mem::take(&mut started) || !part.events);
        let control = std::mem::take(&mut self.control);
        for bytes in [control, last].into_iter().filter(|bytes| !bytes.is_empty()) {
            self.parts.push_back(OutboxPart { bytes: bytes.into(), events: false });
        }
    }

    /// Returns how many bytes of events were taken from the log and not written.
    pub(crate) fn unsent(&self) -> usize {
        self.events
    }
}
