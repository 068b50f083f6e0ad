//! What the two sides of a connection say to one another: which protocol, and which frames of Hub.
//!
//! With TLS, there is a protocol inside another one. Here they are peeled off, so that a frame is read in
//! the same way whether it was encrypted or not.

use super::dialogue::Dialogue;
use super::frames::{FrameReader, RawFrame};
use super::item::{FrameSeen, StreamItem, StreamSummary};
use super::protocol::Protocol;
use super::reassembly::Delivery;
use crate::tls::{KeyLog, Session, TlsItem};

/// One side.
#[derive(Debug, Default)]
struct Side {
    protocol: Option<Protocol>,
    /// The protocol inside TLS.
    inside: Option<Protocol>,
    frames: FrameReader,
    count: u64,
    lost: u64,
    /// How many bytes have been decrypted.
    decrypted: u64,
}

/// Both sides.
#[derive(Debug, Default)]
pub(super) struct Speech {
    sides: [Side; 2],
    dialogue: Dialogue,
    tls: Option<Box<Session>>,
}

/// What an item came with.
#[derive(Clone, Copy)]
struct From {
    sender: usize,
    time_ns: i64,
    /// The offset in the TCP stream behind the TLS record with the bytes.
    record_end: Option<u64>,
}

impl Speech {
    /// Takes the next part of a stream over. `item` gets what it completes.
    pub(super) fn deliver(
        &mut self,
        sender: usize,
        time_ns: i64,
        delivery: Delivery<'_>,
        keys: Option<&mut KeyLog>,
        item: &mut dyn FnMut(&StreamItem<'_>),
    ) {
        match delivery {
            Delivery::Conflict { offset } => {
                return item(&StreamItem::Conflict { sender, offset });
            }
            Delivery::Lost { count, .. } => self.sides[sender].lost += count,
            Delivery::Bytes { bytes, .. } => {
                let hub = |it: &Side| it.protocol == Some(Protocol::Hub);
                let peer_speaks_hub = hub(&self.sides[1 - sender]);
                let Side { protocol, frames, .. } = &mut self.sides[sender];
                name(protocol, bytes, peer_speaks_hub, frames);
            }
        }
        let from = From { sender, time_ns, record_end: None };
        match self.sides[sender].protocol {
            Some(Protocol::Hub) => {
                read_frames(&mut self.sides, &mut self.dialogue, from, delivery, item);
            }
            Some(Protocol::Tls) => self.decrypt(sender, time_ns, delivery, keys, item),
            _ => {}
        }
    }

    fn decrypt(
        &mut self,
        sender: usize,
        time_ns: i64,
        delivery: Delivery<'_>,
        keys: Option<&mut KeyLog>,
        item: &mut dyn FnMut(&StreamItem<'_>),
    ) {
        let Speech { sides, dialogue, tls } = self;
        let tls = tls.get_or_insert_default();
        let mut inner = |sender: usize, inner: TlsItem<'_>| match inner {
            TlsItem::Step(step) => item(&StreamItem::Tls(sender, step)),
            TlsItem::Lost => {
                let offset = sides[sender].decrypted;
                let from = From { sender, time_ns, record_end: None };
                read_frames(sides, dialogue, from, Delivery::Lost { offset, count: 0 }, item);
            }
            TlsItem::Content { bytes, first_packet, last_packet, end } => {
                let peer_speaks_hub = sides[1 - sender].inside == Some(Protocol::Hub);
                let Side { inside, frames, decrypted, .. } = &mut sides[sender];
                name(inside, bytes, peer_speaks_hub, frames);
                let offset = *decrypted;
                *decrypted += bytes.len() as u64;
                if *inside == Some(Protocol::Hub) {
                    let delivery =
                        Delivery::Bytes { offset, bytes, first_packet, packet: last_packet };
                    let from = From { sender, time_ns, record_end: Some(end) };
                    read_frames(sides, dialogue, from, delivery, item);
                }
            }
        };
        match delivery {
            Delivery::Lost { .. } => tls.lose(sender, &mut inner),
            Delivery::Conflict { .. } => {}
            Delivery::Bytes { offset, bytes, packet, .. } => {
                tls.feed(sender, (offset, bytes, packet), keys, &mut inner);
            }
        }
    }

    /// Returns how many bytes of memory wait.
    pub(super) fn held(&self) -> usize {
        let frames = self.sides.iter().map(|side| side.frames.held()).sum::<usize>();
        frames + self.dialogue.held() + self.tls.as_ref().map_or(0, |tls| tls.held())
    }

    /// Returns what was said, without what only the streams know.
    pub(super) fn summary(&self) -> StreamSummary {
        let both = [&self.sides[0], &self.sides[1]];
        StreamSummary {
            protocols: both.map(|side| side.protocol),
            inside: both.map(|side| side.inside),
            tls: self.tls.as_ref().map(|tls| tls.summary()),
            frames: both.map(|side| side.count),
            lost: both.map(|side| side.lost),
            conflicts: [0; 2],
        }
    }
}

/// Names the protocol of a side by its first bytes.
fn name(
    protocol: &mut Option<Protocol>,
    bytes: &[u8],
    peer_speaks_hub: bool,
    frames: &mut FrameReader,
) {
    let named = *protocol.get_or_insert_with(|| Protocol::of(bytes));
    if named == Protocol::Unknown && peer_speaks_hub {
        // The capture begins within a frame.
        *protocol = Some(Protocol::Hub);
        frames.lose();
    }
}

/// Reads the frames of Hub in the next part of a stream.
fn read_frames(
    sides: &mut [Side; 2],
    dialogue: &mut Dialogue,
    from: From,
    delivery: Delivery<'_>,
    item: &mut dyn FnMut(&StreamItem<'_>),
) {
    let From { sender, time_ns, record_end } = from;
    let Side { frames, count, .. } = &mut sides[sender];
    frames.feed(delivery, &mut |raw: RawFrame<'_>| {
        *count += 1;
        let relation = dialogue.relate(sender, raw.last_packet, time_ns, raw.body);
        let tcp_end = record_end.unwrap_or(raw.offset + 4 + raw.body.len() as u64);
        item(&StreamItem::Frame(FrameSeen { sender, raw, tcp_end, relation }));
    });
}
