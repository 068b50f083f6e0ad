//! Reads a whole capture, and tells an observer what is in it.
//!
//! The inspector ties the layers together. Outputs are observers, so a new output needs no change in
//! any layer.

use crate::capture::{Capture, CaptureError, Packet};
use crate::connection::{Connection, Connections, Observed};
use crate::network::{Network, NotTcp};
use crate::segment::{Checksum, Segment, SegmentError};
use crate::stream::{Context, FrameSeen, Keeps, StreamItem, StreamSummary, Streams};
use crate::tls::{KeyLog, TlsStep};
use std::io::Read;

/// Gets what a capture holds, in the order of the capture. An observer overrides what it needs.
pub trait Observer {
    /// A segment was read.
    fn segment(&mut self, seen: &Seen<'_>) {
        let _ = seen;
    }

    /// A packet carries bytes that are no TCP segment, although its IP header says so.
    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        let _ = (packet, error);
    }

    /// A segment has completed a frame of Hub. The call comes behind that of [`Observer::segment`].
    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        let _ = (seen, frame);
    }

    /// A segment has shown something else about its streams: a step of TLS, or a conflict.
    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        let _ = (seen, finding);
    }

    /// A connection is over: its ports are used again, the table has given it up, or the capture ends.
    fn connection(&mut self, over: &Over<'_>) {
        let _ = over;
    }
}

impl<O: Observer> Observer for &mut O {
    fn segment(&mut self, seen: &Seen<'_>) {
        (**self).segment(seen);
    }

    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        (**self).unreadable(packet, error);
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        (**self).frame(seen, frame);
    }

    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        (**self).finding(seen, finding);
    }

    fn connection(&mut self, over: &Over<'_>) {
        (**self).connection(over);
    }
}

/// Two observers get everything one after the other.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn segment(&mut self, seen: &Seen<'_>) {
        self.0.segment(seen);
        self.1.segment(seen);
    }

    fn unreadable(&mut self, packet: &Packet<'_>, error: SegmentError) {
        self.0.unreadable(packet, error);
        self.1.unreadable(packet, error);
    }

    fn frame(&mut self, seen: &Seen<'_>, frame: &FrameSeen<'_>) {
        self.0.frame(seen, frame);
        self.1.frame(seen, frame);
    }

    fn finding(&mut self, seen: &Seen<'_>, finding: &Finding<'_>) {
        self.0.finding(seen, finding);
        self.1.finding(seen, finding);
    }

    fn connection(&mut self, over: &Over<'_>) {
        self.0.connection(over);
        self.1.connection(over);
    }
}

/// What a segment has shown about the streams of its connection, beside frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding<'a> {
    /// A step of the TLS connection, and the endpoint that took it.
    Tls(usize, &'a TlsStep),
    /// An endpoint has sent other bytes than it had sent for the same numbers.
    Conflict {
        /// The endpoint.
        sender: usize,
        /// The first different byte has this offset in the stream.
        offset: u64,
    },
}

/// Why no more segments of a connection are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// The capture has ended.
    Capture,
    /// A new connection uses the ports.
    PortsReused,
    /// The connection was silent for longer than others when the table was full.
    Forgotten,
}

/// A connection that is over.
#[derive(Debug)]
pub struct Over<'a> {
    /// The connection, with all its figures.
    pub connection: &'a Connection,
    /// What its streams held.
    pub streams: StreamSummary,
    /// Why it is over.
    pub end: ConnectionEnd,
}

/// A segment in its connection.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The packet that carried the segment.
    pub packet: &'a Packet<'a>,
    /// The fields of its header.
    pub segment: &'a Segment<'a>,
    /// The connection, with the segment taken over.
    pub connection: &'a Connection,
    /// What the segment has shown.
    pub observed: &'a Observed,
    /// The time since the first packet of the capture, in nanoseconds.
    pub since_start_ns: i64,
}

/// What is to be looked at.
#[derive(Debug)]
pub struct Options {
    /// Whether checksums are verified, which reads every byte.
    pub checksums: bool,
    /// Whether streams are put together and read as frames.
    pub frames: bool,
    /// At most this many connections are followed at once.
    pub max_connections: usize,
    /// The secrets with which TLS connections are decrypted.
    pub keys: Option<KeyLog>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            checksums: true,
            frames: true,
            max_connections: crate::connection::MAX_CONNECTIONS,
            keys: None,
        }
    }
}

/// How much of a capture was what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// All packets.
    pub packets: u64,
    /// TCP segments. A segment of several fragments counts once.
    pub segments: u64,
    /// Fragments whose segment was not complete yet.
    pub fragments: u64,
    /// Packets with another protocol.
    pub other: u64,
    /// Packets whose TCP header cannot be read.
    pub unreadable: u64,
}

/// Takes packets over one after another.
#[derive(Debug)]
pub struct Inspector {
    options: Options,
    network: Network,
    connections: Connections,
    /// The streams of each connection, by its slot.
    streams: Vec<Option<Box<Streams>>>,
    totals: Totals,
    start_ns: Option<i64>,
}

impl Inspector {
    /// Returns an inspector that has seen nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Inspector {
            network: Network::default(),
            connections: Connections::with_limit(options.max_connections),
            options,
            streams: Vec::new(),
            totals: Totals::default(),
            start_ns: None,
        }
    }

    /// Takes a packet over.
    pub fn packet(&mut self, packet: &Packet<'_>, observer: &mut impl Observer) {
        let start_ns = *self.start_ns.get_or_insert(packet.time_ns);
        self.totals.packets += 1;
        let bytes = match self.network.segment(packet) {
            Ok(bytes) => bytes,
            Err(NotTcp::Fragment) => return self.totals.fragments += 1,
            Err(NotTcp::NotIp | NotTcp::OtherProtocol) => return self.totals.other += 1,
        };
        let segment = match Segment::parse(&bytes) {
            Ok(segment) => segment,
            Err(error) => {
                self.totals.unreadable += 1;
                return observer.unreadable(packet, error);
            }
        };
        self.totals.segments += 1;
        let checksum =
            if self.options.checksums { segment.verify_checksum() } else { Checksum::Unverified };
        let Inspector { options, connections, streams, .. } = self;
        let (slot, new, observed) =
            connections.observe(packet, &segment, checksum, |slot, connection| {
                let (streams, held) = take(streams, slot);
                let end = ConnectionEnd::PortsReused;
                observer.connection(&Over { connection: &connection, streams, end });
                held
            });
        // When much is held, what may be needed is given up before what is needed.
        let keeps = if connections.is_half_full() { Keeps::None } else { Keeps::Latest };
        if let Some(connection) = connections.get(slot) {
            let since_start_ns = packet.time_ns.saturating_sub(start_ns);
            let (segment, observed) = (&segment, &observed);
            let seen = Seen { packet, segment, connection, observed, since_start_ns };
            observer.segment(&seen);
            if options.frames && is_received(connection, observed) {
                let streams = streams_of(streams, slot, new);
                let (packet, time_ns) = (packet.number, packet.time_ns);
                let context = Context { packet, time_ns, keys: options.keys.as_mut(), keeps };
                streams.segment(observed.sender, segment, context, &mut |item| match item {
                    StreamItem::Frame(frame) => observer.frame(&seen, frame),
                    StreamItem::Tls(sender, step) => {
                        observer.finding(&seen, &Finding::Tls(*sender, step));
                    }
                    StreamItem::Conflict { sender, offset } => {
                        let (sender, offset) = (*sender, *offset);
                        observer.finding(&seen, &Finding::Conflict { sender, offset });
                    }
                });
                let grown = streams.held().1;
                connections.hold(grown);
            }
        }
        connections.make_room(|slot, connection| {
            let (streams, held) = take(streams, slot);
            let end = ConnectionEnd::Forgotten;
            observer.connection(&Over { connection: &connection, streams, end });
            held
        });
    }

    /// Ends the capture: the observer gets all connections that are left. Returns the totals.
    pub fn finish(&mut self, observer: &mut impl Observer) -> Totals {
        for (slot, connection) in self.connections.finish() {
            let streams = take(&mut self.streams, slot).0;
            let end = ConnectionEnd::Capture;
            observer.connection(&Over { connection: &connection, streams, end });
        }
        self.totals
    }
}

/// Whether the receiver takes the segment. It drops one with a wrong checksum. But if most checksums of a
/// side are wrong, the capture was made before the network card filled them in.
fn is_received(connection: &Connection, observed: &Observed) -> bool {
    let figures = connection.figures(observed.sender);
    let mostly_wrong = figures.bad_checksums * 4 > figures.segments;
    mostly_wrong || !matches!(observed.checksum, Checksum::Bad { .. })
}

/// Returns the streams of a slot, which are new ones for a new connection.
fn streams_of(streams: &mut Vec<Option<Box<Streams>>>, slot: usize, new: bool) -> &mut Streams {
    if streams.len() <= slot {
        streams.resize_with(slot + 1, || None);
    }
    if new {
        streams[slot] = None;
    }
    streams[slot].get_or_insert_default()
}

/// Takes the streams of a slot out. Returns what they held, and how many bytes they took.
fn take(streams: &mut [Option<Box<Streams>>], slot: usize) -> (StreamSummary, usize) {
    let Some(mut taken) = streams.get_mut(slot).and_then(Option::take) else {
        return (StreamSummary::default(), 0);
    };
    (taken.summary(), taken.held().0)
}

/// Reads a capture to its end. The error of a damaged capture comes beside the totals of what was in
/// front of the damage.
pub fn inspect<R: Read>(
    capture: &mut Capture<R>,
    options: Options,
    observer: &mut impl Observer,
) -> (Totals, Option<CaptureError>) {
    let mut inspector = Inspector::new(options);
    let fault = loop {
        match capture.next_packet() {
            Ok(Some(packet)) => inspector.packet(&packet, observer),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    (inspector.finish(observer), fault)
}
