//! The bytes that were read, split into whole frames.
//!
//! Events share the buffer of their read. Without it, each event would cost a copy.

use crate::events::LostReason;
use bytes::{Bytes, BytesMut};
use hub_wire::split;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for one read.
const READ: usize = 64 << 10;

/// What was read: whole frames, state by the events in them, and the start of the next.
#[derive(Debug)]
pub(super) struct Incoming {
    /// What does not make a whole frame yet.
    partial: BytesMut,
    /// Whole frames, of which those before `at` are dealt with.
    frames: Bytes,
    at: usize,
    limit: u32,
}

impl Incoming {
    pub(super) fn new(received: BytesMut, limit: u32) -> Self {
        Incoming { partial: received, frames: Bytes::new(), at: 0, limit }
    }

    /// Reads once. Cancel-safe: a dropped call has read nothing.
    ///
    /// Memory grows with what comes, not with the length a frame announces.
    pub(super) async fn read(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<usize> {
        if self.partial.capacity() - self.partial.len() < READ / 4 {
            self.partial.reserve(READ);
        }
        socket.read_buf(&mut self.partial).await
    }

    /// Makes the whole frames of what was read available. Called when those before are dealt
    /// with.
    pub(super) fn split(&mut self) -> Result<(), LostReason> {
        let bad = |error: hub_wire::LengthError| LostReason::Protocol(error.to_string());
        let mut end = 0;
        while let Some(body) = split(&self.partial[end..], self.limit).map_err(bad)? {
            end += 4 + body.len();
        }
        self.frames = self.partial.split_to(end).freeze();
        self.at = 0;
        Ok(())
    }

    /// The next frame's body.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = self.frames.get(self.at..)?.first_chunk::<4>()?;
        let start = self.at + 4;
        self.at = start + u32::from_be_bytes(*length) as usize;
        Some(self.frames.slice(start..self.at))
    }
}
