//! The two byte streams of a connection, the protocol that they speak, and Hub's frames in them.
//!
//! TCP promises a stream of bytes, and a capture shows segments of it: some twice, some in another
//! order, some not at all. This module puts the stream together again, in bounded memory, and remembers
//! which packet carried which byte. Without it, no frame could be tied to the segments that carried it.

mod dialogue;
mod frames;
mod item;
mod protocol;
mod reassembly;
mod recent;
mod relation;
mod request;
mod shape;
mod speech;

pub use dialogue::Dialogue;
pub use frames::{FrameReader, MAX_FRAME, RawFrame};
pub use item::{FrameSeen, StreamItem, StreamSummary};
pub use protocol::Protocol;
pub use reassembly::{Delivery, Keeps, MAX_BUFFERED, Reassembly};
pub use relation::{Earlier, Relation};
pub use shape::Shape;

use crate::segment::Segment;
use crate::tls::KeyLog;
use speech::Speech;

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
