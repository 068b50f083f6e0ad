//! The two byte streams of a connection, the protocol that they speak, and Hub's frames in them.
//!
//! TCP promises a stream of bytes, and a capture shows segments of it: some twice, some in another
//! order, some not at all. This module puts the stream together again, in bounded memory, and remembers
//! which packet carried which byte. Without it, no frame could be tied to the segments that carried it.

mod dialogue;
mod frames;
mod protocol;
mod reassembly;
mod recent;
mod relation;
mod request;
mod shape;
mod speech;

pub use dialogue::Dialogue;
pub use frames::{FrameReader, MAX_FRAME, RawFrame};
pub use protocol::Protocol;
pub use reassembly::{Delivery, Keeps, MAX_BUFFERED, Reassembly};
pub use relation::{Earlier, Relation};
pub use shape::Shape;

use crate::segment::Segment;
use crate::tls::{KeyLog, TlsStep, TlsSummary};
use hub_wire::{Frame, FrameError, Limits};
use speech::Speech;

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

/// What a segment comes with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The number of its packet.
    pub packet: u64,
    /// The time of its packet, in nanoseconds since the Unix epoch.
    pub time_ns: i64,
    /// The secrets of TLS connections.
    pub keys: Option<&'a mut KeyLog>,
    /// Whether there is memory to keep delivered bytes.
    pub keeps: Keeps,
}

/// The two streams of a connection.
#[derive(Debug, Default)]
pub struct Streams {
    bytes: [Reassembly; 2],
    speech: Speech,
    held: usize,
}

impl Streams {
    /// Takes a segment of endpoint `sender` over. `item` gets what it completes.
    pub fn segment(
        &mut self,
        sender: usize,
        segment: &Segment<'_>,
        context: Context<'_>,
        item: &mut dyn FnMut(&StreamItem<'_>),
    ) {
        let Context { packet, time_ns, mut keys, keeps } = context;
        let Streams { bytes, speech, .. } = self;
        bytes[sender].keep_delivered(keeps);
        if segment.flags.syn() {
            bytes[sender].start(segment.seq + 1);
        }
        if segment.len > 0 && !segment.flags.syn() {
            bytes[sender].push(segment, packet, &mut |delivery| {
                speech.deliver(sender, time_ns, delivery, keys.as_deref_mut(), item);
            });
        }
        if segment.flags.fin() {
            bytes[sender].end(segment.end() - 1);
        }
        if segment.flags.ack() {
            let peer = 1 - sender;
            bytes[peer].acknowledged(segment.ack, &mut |delivery| {
                speech.deliver(peer, time_ns, delivery, keys.as_deref_mut(), item);
            });
        }
    }

    /// Returns how many bytes the streams hold now, and how many more these are than at the last call.
    pub fn held(&mut self) -> (usize, isize) {
        let waiting = self.bytes.iter().map(Reassembly::held).sum::<usize>();
        let held = waiting + self.speech.held() + size_of::<Self>();
        let grown = held as isize - self.held as isize;
        self.held = held;
        (held, grown)
    }

    /// Returns what the streams held.
    #[must_use]
    pub fn summary(&self) -> StreamSummary {
        let [left, right] = &self.bytes;
        StreamSummary { conflicts: [left.conflicts(), right.conflicts()], ..self.speech.summary() }
    }
}
