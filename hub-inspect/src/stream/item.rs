//! What the streams of a connection give out: frames, steps of TLS and conflicts, and a summary at the end.
//!
//! Outputs know these types and nothing of how streams are put together. Otherwise a change of the one
//! would be a change of the other.

use super::frames::RawFrame;
use super::protocol::Protocol;
use super::relation::Relation;
use crate::tls::{TlsStep, TlsSummary};
use hub_wire::{Frame, FrameError, Limits};

/// A frame of Hub, and how it belongs to other frames.
#[derive(Debug)]
pub struct FrameSeen<'a> {
    /// Which endpoint of the connection sent the frame.
    pub sender: usize,
    /// Where the frame stands in its stream, and which packets carried it. With TLS, the stream is that
    /// of the decrypted bytes.
    pub raw: RawFrame<'a>,
    /// The offset in the TCP stream behind the frame, or behind the TLS record that completes it.
    pub tcp_end: u64,
    /// What the frame answers, or which number it has.
    pub relation: Relation,
}

impl<'a> FrameSeen<'a> {
    /// Reads the frame. This walks every byte of an event, so whoever only counts frames leaves it out.
    ///
    /// # Errors
    /// The frame is not well-formed.
    pub fn read(&self) -> Result<Frame<'a>, FrameError> {
        Frame::parse(self.raw.body, &Limits::NONE)
    }
}

/// What a segment has shown above TCP.
#[derive(Debug)]
pub enum StreamItem<'a> {
    /// A frame of Hub is complete.
    Frame(FrameSeen<'a>),
    /// Something has happened to the TLS connection. The number is the endpoint that sent it.
    Tls(usize, TlsStep),
    /// An endpoint sent other bytes than it had sent for the same sequence numbers.
    Conflict {
        /// The endpoint.
        sender: usize,
        /// The first different byte has this offset in the stream.
        offset: u64,
    },
}

/// What the streams of a connection held, when the connection is over.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamSummary {
    /// What each endpoint speaks.
    pub protocols: [Option<Protocol>; 2],
    /// What each endpoint speaks inside TLS, if it was decrypted.
    pub inside: [Option<Protocol>; 2],
    /// What is known of the TLS connection, if there is one.
    pub tls: Option<TlsSummary>,
    /// How many frames of Hub each endpoint sent.
    pub frames: [u64; 2],
    /// How many bytes of each stream are not in the capture.
    pub lost: [u64; 2],
    /// How often a segment brought other bytes than an earlier one had brought for the same numbers.
    pub conflicts: [u64; 2],
}
