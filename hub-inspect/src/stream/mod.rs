//! The two byte streams of a connection, the protocol that they speak, and Hub's frames in them.
//!
//! TCP promises a stream of bytes, and a capture shows segments of it: some twice, some in another
//! order, some not at all. This module puts the stream together again, in bounded memory, and remembers
//! which packet carried which byte. Without it, no frame could be tied to the segments that carried it.

mod dialogue;
mod frames;
mod protocol;
mod reassembly;
mod shape;

pub use dialogue::{Dialogue, Relation};
pub use frames::{FrameReader, MAX_FRAME, RawFrame};
pub use protocol::Protocol;
pub use reassembly::{Delivery, MAX_BUFFERED, Reassembly};
pub use shape::Shape;

use crate::segment::Segment;
use hub_wire::{Frame, FrameError, Limits};

/// A frame of Hub, and how it belongs to other frames.
#[derive(Debug)]
pub struct FrameSeen<'a> {
    /// Which endpoint of the connection sent the frame.
    pub sender: usize,
    /// Where the frame stands in its stream, and which packets carried it.
    pub raw: RawFrame<'a>,
    /// The frame, or why it cannot be read.
    pub frame: Result<Frame<'a>, FrameError>,
    /// What the frame answers, or which number it has.
    pub relation: Relation,
}

/// What the streams of a connection held, when the connection is over.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamSummary {
    /// What each endpoint speaks.
    pub protocols: [Option<Protocol>; 2],
    /// How many frames of Hub each endpoint sent.
    pub frames: [u64; 2],
    /// How many bytes of each stream are not in the capture.
    pub lost: [u64; 2],
    /// How often a segment brought other bytes than an earlier one had brought for the same numbers.
    pub conflicts: [u64; 2],
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    bytes: Reassembly,
    protocol: Option<Protocol>,
    frames: FrameReader,
    count: u64,
    lost: u64,
}

/// The two streams of a connection.
#[derive(Debug, Default)]
pub struct Streams {
    halves: [Half; 2],
    dialogue: Dialogue,
    held: usize,
}

impl Streams {
    /// Takes a segment of endpoint `sender` over. `frame` gets each frame of Hub that it completes.
    pub fn segment(
        &mut self,
        sender: usize,
        packet: u64,
        time_ns: i64,
        segment: &Segment<'_>,
        frame: &mut dyn FnMut(&FrameSeen<'_>),
    ) {
        let Streams { halves, dialogue, .. } = self;
        let [left, right] = halves;
        let (me, peer) = if sender == 0 { (left, right) } else { (right, left) };
        if segment.flags.syn() {
            me.bytes.start(segment.seq + 1);
        }
        let speaks_hub = peer.protocol == Some(Protocol::Hub);
        if segment.len > 0 && !segment.flags.syn() {
            let Half { bytes, protocol, frames, count, lost } = me;
            bytes.push(segment, packet, &mut |delivery| {
                deliver(delivery, protocol, speaks_hub, frames, lost, &mut |raw| {
                    *count += 1;
                    seen(dialogue, sender, time_ns, raw, frame);
                });
            });
        }
        if segment.flags.fin() {
            me.bytes.end(segment.end() - 1);
        }
        if segment.flags.ack() {
            let Half { bytes, protocol, frames, count, lost } = peer;
            bytes.acknowledged(segment.ack, &mut |delivery| {
                deliver(delivery, protocol, false, frames, lost, &mut |raw| {
                    *count += 1;
                    seen(dialogue, 1 - sender, time_ns, raw, frame);
                });
            });
        }
    }

    /// Returns how many bytes the streams hold now, and how many more these are than at the last call.
    pub fn held(&mut self) -> (usize, isize) {
        let halves = self.halves.iter().map(|half| half.bytes.held() + half.frames.held());
        let held = halves.sum::<usize>() + self.dialogue.held() + size_of::<Self>();
        let grown = held as isize - self.held as isize;
        self.held = held;
        (held, grown)
    }

    /// Returns what the streams held.
    #[must_use]
    pub fn summary(&self) -> StreamSummary {
        let [left, right] = &self.halves;
        StreamSummary {
            protocols: [left.protocol, right.protocol],
            frames: [left.count, right.count],
            lost: [left.lost, right.lost],
            conflicts: [left.bytes.conflicts(), right.bytes.conflicts()],
        }
    }
}

/// Passes bytes of a stream on to the reader of frames, if they are Hub's.
fn deliver(
    delivery: Delivery<'_>,
    protocol: &mut Option<Protocol>,
    peer_speaks_hub: bool,
    frames: &mut FrameReader,
    lost: &mut u64,
    frame: &mut dyn FnMut(RawFrame<'_>),
) {
    match delivery {
        Delivery::Lost { count, .. } => *lost += count,
        Delivery::Bytes { bytes, .. } => {
            let named = *protocol.get_or_insert_with(|| Protocol::of(bytes));
            if named == Protocol::Unknown && peer_speaks_hub {
                // The capture begins within a frame.
                *protocol = Some(Protocol::Hub);
                frames.lose();
            }
        }
    }
    if *protocol == Some(Protocol::Hub) {
        frames.feed(delivery, frame);
    }
}

fn seen(
    dialogue: &mut Dialogue,
    sender: usize,
    time_ns: i64,
    raw: RawFrame<'_>,
    to: &mut dyn FnMut(&FrameSeen<'_>),
) {
    let frame = Frame::parse(raw.body, &Limits::NONE);
    let relation = match &frame {
        Ok(frame) => dialogue.relate(sender, raw.last_packet, time_ns, frame),
        Err(_) => Relation::None,
    };
    to(&FrameSeen { sender, raw, frame, relation });
}
