//! Splits the bytes of a connection into whole frames.
//!
//! The events of one read share its buffer. Otherwise each event would cost a copy.

use crate::events::LostReason;
use bytes::{Bytes, BytesMut};
use hub_wire::split;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// One read takes at most this many bytes.
const READ: usize = 64 << 10;

/// Holds the bytes that were read: whole frames, whose memory the events in them share, and the
/// start of the next frame.
#[derive(Debug)]
pub(super) struct Incoming {
    /// These bytes are not a whole frame yet.
    partial: BytesMut,
    /// These bytes are whole frames. The frames before the offset `at` are already handled.
    frames: Bytes,
    at: usize,
    limit: u32,
}

impl Incoming {
    pub(super) fn new(received: BytesMut, limit: u32) -> Self {
        Incoming { partial: received, frames: Bytes::new(), at: 0, limit }
    }

    /// Reads once. The call is cancel-safe: a dropped call has read nothing.
    ///
    /// Memory grows with the bytes that arrive, and not with the length that a frame announces.
    pub(super) async fn read(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<usize> {
        if self.partial.capacity() - self.partial.len() < READ / 4 {
            self.partial.reserve(READ);
        }
        socket.read_buf(&mut self.partial).await
    }

    /// Makes the whole frames of a read available. The caller has handled all earlier frames.
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

    /// Returns the body of the next frame.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let length = self.frames.get(self.at..)?.first_chunk::<4>()?;
        let start = self.at + 4;
        self.at = start + u32::from_be_bytes(*length) as usize;
        Some(self.frames.slice(start..self.at))
    }
}
