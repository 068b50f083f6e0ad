//! Connections: what the segments between two endpoints mean together.
//!
//! The module follows each connection from segment to segment: its states, what each segment shows,
//! its round-trip times, its pauses and its end. Without it, a report would be a list of numbers, and
//! its reader would have to find the story in them.

mod analysis;
mod figures;
mod reset;
mod scale;
mod side;
mod signs;
mod stall;
mod state;
mod steps;
mod table;

pub use figures::{SideFigures, Times};
pub use reset::ResetReason;
pub use scale::Scale;
pub use side::Acked;
pub use signs::Signs;
pub use stall::{STALL_NS, Stall, StallCause};
pub use state::State;
pub use steps::Step;
pub use table::{Connections, MAX_CONNECTIONS, MAX_HELD};

use crate::capture::Packet;
use crate::segment::{Checksum, Segment, Seq, TcpOption};
use side::Side;
use stall::Before;
use std::net::SocketAddr;
use steps::Steps;

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// The number of the connection in the capture, counted from 0 as tshark does.
    pub id: u64,
    /// The two endpoints. The first one sent the first segment of the capture.
    pub endpoints: [SocketAddr; 2],
    /// Which endpoint opened the connection. Without a SYN, the one with the higher port is taken for it.
    pub client: usize,
    /// The time of the first segment, in nanoseconds since the Unix epoch.
    pub first_ns: i64,
    /// The time of the latest segment.
    pub last_ns: i64,
    /// The time from the SYN to the acknowledgement that established the connection, in nanoseconds.
    pub handshake_ns: Option<i64>,
    /// Who reset the connection, and probably why.
    pub reset: Option<(usize, ResetReason)>,
    sides: [Side; 2],
    syn_ns: Option<i64>,
}

/// What one segment has done to its connection.
#[derive(Debug)]
pub struct Observed {
    /// Which endpoint of the connection sent the segment.
    pub sender: usize,
    /// The sequence number, relative to the first one of its direction.
    pub seq: u32,
    /// The acknowledgement number, relative to the first number of the other direction. Without the flag
    /// ACK it is the number as it was sent.
    pub ack: u32,
    /// The window in bytes, scaled if the scale is known.
    pub window: u32,
    /// What the segment shows.
    pub signs: Signs,
    /// The segment that this one acknowledges.
    pub acked: Option<Acked>,
    /// For a duplicate acknowledgement: the packet that it repeats, and how many repetitions there are.
    pub duplicate_of: Option<(u64, u32)>,
    /// The bytes that the sender has under way, this segment included.
    pub in_flight: u32,
    /// Whether the checksum is right.
    pub checksum: Checksum,
    /// The pause in front of the segment, if it was a long one.
    pub stall: Option<Stall>,
    /// The probable reason, if the segment resets the connection.
    pub reset: Option<ResetReason>,
    steps: Steps,
}

impl Observed {
    /// Returns the steps in the life of the connection that the segment has taken.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        self.steps.iter()
    }

    /// Returns whether the segment is worth a line in a story.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        !self.signs.is_empty() || !self.steps.is_empty() || self.stall.is_some()
    }
}

impl Connection {
    fn new(id: u64, time_ns: i64, segment: &Segment<'_>) -> Self {
        let endpoints = [segment.from(), segment.to()];
        let client = match (segment.flags.syn(), segment.flags.ack()) {
            (true, answers) => usize::from(answers),
            _ => usize::from(segment.source_port < segment.destination_port),
        };
        let sides = [Side::new(), Side::new()];
        Connection {
            id,
            endpoints,
            client,
            first_ns: time_ns,
            last_ns: time_ns,
            handshake_ns: None,
            reset: None,
            sides,
            syn_ns: None,
        }
    }

    /// Returns the state of an endpoint.
    #[must_use]
    pub fn state(&self, endpoint: usize) -> State {
        self.sides[endpoint].state
    }

    /// Returns the figures of what an endpoint has sent.
    #[must_use]
    pub fn figures(&self, endpoint: usize) -> &SideFigures {
        &self.sides[endpoint].figures
    }

    /// Returns the scale of an endpoint's windows.
    #[must_use]
    pub fn scale(&self, endpoint: usize) -> Scale {
        self.sides[endpoint].scale
    }

    /// Returns the first sequence number of an endpoint, from which relative numbers count.
    #[must_use]
    pub fn first_seq(&self, endpoint: usize) -> Option<Seq> {
        self.sides[endpoint].first
    }

    /// Returns how many bytes the lists of the connection take.
    fn held(&self) -> usize {
        self.sides.iter().map(Side::held).sum()
    }

    /// Counts the time of the current states, at the end of the capture.
    fn finish(&mut self) {
        for side in &mut self.sides {
            let spent = self.last_ns.saturating_sub(side.state_since_ns).max(0);
            side.figures.spend(side.state, spent);
            side.state_since_ns = self.last_ns;
        }
    }

    /// Takes a segment over.
    fn observe(
        &mut self,
        packet: &Packet<'_>,
        segment: &Segment<'_>,
        checksum: Checksum,
    ) -> Observed {
        let sender = usize::from(self.endpoints[0] != segment.from());
        let first = self.sides.iter().all(|side| side.figures.segments == 0);
        let time_ns = packet.time_ns;
        if first {
            self.sides.iter_mut().for_each(|side| side.state_since_ns = time_ns);
        }
        let [left, right] = &mut self.sides;
        let (me, peer) = if sender == 0 { (left, right) } else { (right, left) };
        number(me, peer, segment);
        if segment.flags.syn() && !segment.flags.ack() {
            self.syn_ns = Some(time_ns);
        }
        if segment.flags.syn() {
            read_scale(me, peer, segment);
        }
        let window = if segment.flags.syn() {
            segment.window.into()
        } else {
            me.scale.scaled(segment.window)
        };
        let pause_ns = if first { 0 } else { time_ns.saturating_sub(self.last_ns) };
        let before = if pause_ns < STALL_NS { Before::default() } else { Before::of(me, peer) };
        let reset = segment.flags.rst().then(|| reset::reason(me, peer, segment));
        let found = analysis::analyse(
            me,
            peer,
            packet.number,
            segment,
            &analysis::Around { time_ns, window, handshake_ns: self.handshake_ns },
        );
        let stall = stall::cause(pause_ns, found.signs, me, peer, &before);
        let steps = steps::advance(me, peer, segment, time_ns, first, self.syn_ns);
        let in_flight = if segment.len > 0 { me.bytes_in_flight() } else { 0 };
        count(me, peer, time_ns, segment, window, &found, in_flight, checksum);
        count_stall(me, peer, stall);
        let (seq, ack) = (
            segment.seq.relative(me.first.unwrap_or_default()),
            if segment.flags.ack() {
                segment.ack.relative(peer.first.unwrap_or_default())
            } else {
                segment.ack.0
            },
        );
        for step in steps.iter() {
            match step {
                Step::Established { after_ns, .. } if self.syn_ns.is_some() => {
                    self.handshake_ns = Some(after_ns);
                }
                Step::Reset => self.reset = reset.map(|reason| (sender, reason)),
                _ => {}
            }
        }
        self.last_ns = self.last_ns.max(time_ns);
        Observed {
            sender,
            seq,
            ack,
            window,
            signs: found.signs,
            acked: found.acked,
            duplicate_of: found.duplicate_of,
            in_flight,
            checksum,
            stall,
            reset: reset.filter(|_| !steps.is_empty()),
            steps,
        }
    }
}

/// Sets the numbers from which relative numbers count. In front of data whose SYN is not in the capture
/// stands a SYN that took one number.
fn number(me: &mut Side, peer: &mut Side, segment: &Segment<'_>) {
    if me.first.is_none() {
        me.first = Some(if segment.flags.syn() { segment.seq } else { segment.seq - 1 });
    }
    if peer.first.is_none() && segment.flags.ack() {
        peer.first = Some(segment.ack - 1);
    }
}

/// Takes over what a SYN says of the scale of windows.
fn read_scale(me: &mut Side, peer: &mut Side, segment: &Segment<'_>) {
    let shift = segment.options().find_map(|option| match option {
        TcpOption::WindowScale(shift) => Some(shift.min(14)),
        _ => None,
    });
    if let Some(shift) = shift {
        me.scale = Scale::Shift(shift);
    } else if !segment.has_all_options() {
        return; // what the capture has cut off may have been a scale
    }
    if me.scale == Scale::Unknown {
        (me.scale, peer.scale) = (Scale::Unused, Scale::Unused);
    } else if segment.flags.ack() && peer.scale == Scale::Unused {
        me.scale = Scale::Unused;
    }
}

/// Counts a segment.
#[expect(clippy::too_many_arguments, reason = "these are what one segment has shown")]
fn count(
    me: &mut Side,
    peer: &mut Side,
    time_ns: i64,
    segment: &Segment<'_>,
    window: u32,
    found: &analysis::Analysis,
    in_flight: u32,
    checksum: Checksum,
) {
    let figures = &mut me.figures;
    figures.segments += 1;
    figures.bytes += u64::from(segment.len);
    figures.count(found.signs);
    if found.signs.any(Signs::RETRANSMISSIONS) {
        figures.repeated_bytes += u64::from(segment.len);
    }
    if segment.len > 0 {
        let (first, _) = figures.data_ns.unwrap_or((time_ns, time_ns));
        figures.data_ns = Some((first, time_ns));
    }
    figures.largest = figures.largest.max(segment.len);
    figures.most_in_flight = figures.most_in_flight.max(in_flight);
    figures.bad_checksums += u64::from(matches!(checksum, Checksum::Bad { .. }));
    if !segment.flags.rst() && !segment.flags.syn() {
        let (least, most) = figures.window.unwrap_or((window, window));
        figures.window = Some((least.min(window), most.max(window)));
    }
    if let Some(acked) = found.acked.filter(|acked| acked.certain) {
        peer.figures.rtt.add(acked.rtt_ns);
    }
}

/// Counts a pause for the side that caused it.
fn count_stall(me: &mut Side, peer: &mut Side, stall: Option<Stall>) {
    let Some(stall) = stall else { return };
    let figures = if stall.at_sender { &mut me.figures } else { &mut peer.figures };
    let sum = match stall.cause {
        StallCause::ReceiverWindow => &mut figures.window_closed_ns,
        StallCause::Network => &mut figures.network_ns,
        StallCause::LateAcknowledgement => &mut figures.late_ns,
        StallCause::Idle => &mut figures.idle_ns,
    };
    *sum = sum.saturating_add(stall.pause_ns);
}
