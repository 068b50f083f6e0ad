//! What one segment shows, by tshark's definitions.
//!
//! The definitions are those of the chapter "TCP Analysis" in the user's guide of Wireshark. These are
//! the differences, each with its reason:
//!
//! - [`Signs::TAIL_LOSS`] and [`Signs::WINDOW_PROBE`] are additions. They stand beside tshark's
//!   retransmission and keep-alive.
//! - Data is out of order only if the capture does not have it yet. tshark 4.0 goes by the time alone, and
//!   takes data that is sent again soon behind newer data for reordered.
//! - An acknowledgement of data that the capture lacks is told each time that it acknowledges more of it.
//!   tshark 4.0 leaves some of them out, so that one loss is not told twice.
//! - A header whose options the capture has cut is analysed as far as it is there. tshark shows nothing
//!   of what it finds in such a segment.
//! - The scale of windows counts in a SYN only, as RFC 7323 says. tshark takes it from any segment.
//! - tshark takes a sequence number, an acknowledgement or a window of 0 for one that it has not seen
//!   yet. Here, each is known or not, so a connection whose numbers pass 0 is no special case.
//! - A connection that the table has forgotten begins anew. tshark forgets nothing, and its memory grows
//!   with the capture.

use super::side::{InFlight, Side};
use super::{Acked, Signs};
use crate::segment::{Flags, Segment, Seq};

/// A retransmission within this time of a duplicate acknowledgement is a fast one.
const FAST_NS: i64 = 20_000_000;
/// Without a measured round-trip time, data that is late by less than this is taken for reordered.
const REORDERED_NS: i64 = 3_000_000;

/// What the segment has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Analysis {
    pub(super) signs: Signs,
    pub(super) acked: Option<Acked>,
    /// For a duplicate acknowledgement: the packet that it repeats, and how many repetitions there are.
    pub(super) duplicate_of: Option<(u64, u32)>,
}

/// What is known of a segment beside its header.
pub(super) struct Around {
    pub(super) time_ns: i64,
    /// The window, scaled.
    pub(super) window: u32,
    /// The round-trip time of the handshake.
    pub(super) handshake_ns: Option<i64>,
}

/// The facts of a segment that the definitions compare.
struct Facts {
    seq: Seq,
    end: Seq,
    ack: Option<Seq>,
    len: u32,
    window: u32,
    flags: Flags,
    time_ns: i64,
}

impl Facts {
    /// Whether none of the flags is set that begin or end a connection.
    fn plain(&self) -> bool {
        !self.flags.any(Flags::SYN | Flags::FIN | Flags::RST)
    }

    /// Whether the segment takes sequence numbers.
    fn takes_numbers(&self) -> bool {
        self.len > 0 || self.flags.any(Flags::SYN | Flags::FIN)
    }

    /// Whether the segment has no data and repeats both numbers of the last one.
    fn repeats(&self, me: &Side) -> bool {
        self.len == 0
            && self.plain()
            && me.next == Some(self.seq)
            && self.ack.is_some()
            && me.last_ack == self.ack
    }
}

/// Analyses a segment from `me` to `peer`, and takes its numbers over.
pub(super) fn analyse(
    me: &mut Side,
    peer: &mut Side,
    packet: u64,
    segment: &Segment<'_>,
    around: &Around,
) -> Analysis {
    let &Around { time_ns, window, handshake_ns } = around;
    let facts = Facts {
        seq: segment.seq,
        end: segment.end(),
        ack: segment.flags.ack().then_some(segment.ack),
        len: segment.len,
        window,
        flags: segment.flags,
        time_ns,
    };
    let mut found = Analysis::default();
    windows_and_acks(me, peer, &facts, &mut found);
    if facts.ack != me.last_ack {
        (me.first_ack_packet, me.duplicates) = (packet, 0);
    }
    if let (Some(ack), Some(contiguous)) = (facts.ack, peer.contiguous)
        && ack.after(contiguous)
        && facts.ack != me.last_ack
    {
        found.signs.add(Signs::ACK_LOST_SEGMENT);
        peer.contiguous = peer.next;
    }
    let probe = found.signs.any(Signs::ZERO_WINDOW_PROBE);
    if facts.takes_numbers() && !probe && !found.signs.any(Signs::KEEP_ALIVE) {
        found.signs.add(retransmission(me, peer, &facts, handshake_ns));
    }
    take_over(me, packet, &facts, &found, probe);
    if let Some(ack) = facts.ack {
        found.acked = peer.acknowledged(ack, time_ns);
    }
    found
}

/// Finds what a segment says about windows, lost segments and acknowledgements.
fn windows_and_acks(me: &mut Side, peer: &mut Side, facts: &Facts, found: &mut Analysis) {
    if facts.len == 1 && me.next == Some(facts.seq) && peer.window == Some(0) {
        found.signs.add(Signs::ZERO_WINDOW_PROBE);
        return;
    }
    if facts.window == 0 && facts.plain() {
        found.signs.add(Signs::ZERO_WINDOW);
    }
    if let Some(next) = me.next {
        if facts.seq.after(next) && !facts.flags.rst() {
            found.signs.add(Signs::LOST_SEGMENT);
        }
        if facts.len <= 1 && facts.seq == next - 1 && facts.plain() {
            found.signs.add(Signs::KEEP_ALIVE);
            if peer.window == Some(0) {
                found.signs.add(Signs::WINDOW_PROBE);
            }
        }
    }
    let same_window = me.window == Some(facts.window);
    let repeats = facts.repeats(me);
    if repeats && facts.window != 0 && !same_window {
        found.signs.add(Signs::WINDOW_UPDATE);
    }
    if let (Some(window), Some(ack)) = (peer.window, peer.last_ack)
        && facts.len > 0
        && facts.plain()
        && peer.scale.is_known()
        && facts.seq + facts.len == ack + window
    {
        found.signs.add(Signs::WINDOW_FULL);
    }
    if repeats && same_window && facts.window != 0 && peer.last_signs.any(Signs::KEEP_ALIVE) {
        found.signs.add(Signs::KEEP_ALIVE_ACK);
    } else if repeats
        && same_window
        && facts.window == 0
        && peer.last_signs.any(Signs::ZERO_WINDOW_PROBE)
    {
        found.signs.add(Signs::ZERO_WINDOW_PROBE_ACK);
    } else if repeats && same_window && facts.window != 0 {
        me.duplicates += 1;
        found.signs.add(Signs::DUPLICATE_ACK);
        found.duplicate_of = Some((me.first_ack_packet, me.duplicates));
    }
}

/// Finds out whether data came before, and if so, why it comes again.
fn retransmission(me: &Side, peer: &Side, facts: &Facts, handshake_ns: Option<i64>) -> Signs {
    let Some(next) = me.next else { return Signs::NONE };
    if !facts.seq.before(next) {
        return Signs::NONE;
    }
    if facts.len > 0 && peer.last_ack.is_some_and(|ack| !(facts.seq + facts.len).after(ack)) {
        return Signs::RETRANSMISSION | Signs::SPURIOUS_RETRANSMISSION;
    }
    let asked_for = peer.duplicates >= 2 && peer.last_ack == Some(facts.seq);
    if asked_for && facts.time_ns - peer.last_ack_time_ns < FAST_NS {
        return Signs::RETRANSMISSION | Signs::FAST_RETRANSMISSION;
    }
    let late_by = facts.time_ns - me.next_time_ns;
    let under_way = |it: &InFlight| !facts.seq.before(it.seq) && !facts.end.after(it.end);
    if late_by < handshake_ns.unwrap_or(REORDERED_NS)
        && facts.end != next
        && !me.in_flight.iter().any(under_way)
    {
        return Signs::OUT_OF_ORDER;
    }
    let mut signs = Signs::RETRANSMISSION;
    if facts.end == next && facts.len > 0 && peer.duplicates == 0 {
        signs.add(Signs::TAIL_LOSS);
    }
    signs
}

/// Takes the numbers of the segment over.
fn take_over(me: &mut Side, packet: u64, facts: &Facts, found: &Analysis, probe: bool) {
    let repeated = found.signs.any(Signs::RETRANSMISSIONS | Signs::OUT_OF_ORDER);
    if facts.takes_numbers() {
        let (seq, end, time_ns) = (facts.seq, facts.end, facts.time_ns);
        me.send(InFlight { seq, end, packet, time_ns, repeated });
    }
    if !probe {
        if me.next.is_none_or(|next| facts.end.after(next)) {
            (me.next, me.next_time_ns) = (Some(facts.end), facts.time_ns);
        }
        if me.contiguous.is_none_or(|contiguous| contiguous == facts.seq) {
            // A segment that fills the hole makes everything behind it contiguous, unless there is a second
            // hole. That is rare, and taking it for filled tells too little rather than too much.
            me.contiguous = me.next;
        }
    }
    if facts.ack.is_some() {
        (me.last_ack, me.last_ack_time_ns) = (facts.ack, facts.time_ns);
    }
    me.window = Some(facts.window);
    me.last_signs = found.signs;
}
