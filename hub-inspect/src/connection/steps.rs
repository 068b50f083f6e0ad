//! How the segments of a capture move the sides of a connection from one state to the next.
//!
//! A capture shows segments, not states. So a state begins with the segment that shows it: the side that
//! closes is in FIN-WAIT-1 from its FIN on.

use super::State;
use super::side::Side;
use crate::segment::{Segment, Seq};

/// A step in the life of a connection. The numbers are as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first SYN: the client asks for a connection, and tells its first number.
    Syn {
        /// The first number of the client.
        seq: Seq,
    },
    /// The server agrees, acknowledges the number of the client, and tells its own.
    SynAck {
        /// The first number of the server.
        seq: Seq,
        /// The number of the client plus one.
        ack: Seq,
    },
    /// The client acknowledges the number of the server: the connection is established.
    Established {
        /// The number of the server plus one.
        ack: Seq,
        /// The time since the SYN, in nanoseconds.
        after_ns: i64,
    },
    /// The capture begins within the connection.
    Joined,
    /// The sender has no more data. The other direction may go on.
    Fin {
        /// The number that the FIN takes.
        seq: Seq,
        /// Whether the peer had sent its FIN before.
        second: bool,
    },
    /// The sender acknowledges the FIN of its peer.
    FinAcknowledged {
        /// The number of the FIN plus one.
        ack: Seq,
        /// Whether the sender of the acknowledgement still may send: the connection is half closed.
        half_closed: bool,
    },
    /// Both FINs are acknowledged.
    Closed,
    /// The sender resets the connection.
    Reset,
}

/// The steps of one segment: at most a SYN or FIN, the acknowledgement of one, and the end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    steps: [Option<Step>; 4],
    count: usize,
}

impl Steps {
    fn push(&mut self, step: Step) {
        if let Some(place) = self.steps.get_mut(self.count) {
            *place = Some(step);
            self.count += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Step> {
        self.steps.into_iter().flatten()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Moves both sides by a segment from `me` to `peer`.
///
/// `first` says whether the segment is the first one of the connection, and `syn_ns` is the time of the
/// first SYN, if the capture has it.
pub(super) fn advance(
    me: &mut Side,
    peer: &mut Side,
    segment: &Segment<'_>,
    time_ns: i64,
    first: bool,
    syn_ns: Option<i64>,
) -> Steps {
    let mut steps = Steps::default();
    let flags = segment.flags;
    if flags.rst() {
        if first || (me.state, peer.state) != (State::Closed, State::Closed) {
            steps.push(Step::Reset);
        }
        me.enter(State::Closed, time_ns);
        peer.enter(State::Closed, time_ns);
        return steps;
    }
    if flags.syn() {
        synchronise(me, peer, segment, time_ns, &mut steps);
        return steps;
    }
    if first {
        steps.push(Step::Joined);
        me.enter(State::Established, time_ns);
        peer.enter(State::Established, time_ns);
    }
    if flags.ack() {
        acknowledge(me, peer, segment, time_ns, syn_ns, &mut steps);
    }
    if flags.fin() && me.fin.is_none() {
        me.fin = Some(segment.end());
        let second = peer.fin.is_some();
        steps.push(Step::Fin { seq: segment.end() - 1, second });
        let next = match me.state {
            State::CloseWait => State::LastAck,
            _ => State::FinWait1,
        };
        me.enter(next, time_ns);
    }
    steps
}

/// Takes a SYN over.
fn synchronise(
    me: &mut Side,
    peer: &mut Side,
    segment: &Segment<'_>,
    time_ns: i64,
    steps: &mut Steps,
) {
    let (seq, ack) = (segment.seq, segment.ack);
    match (segment.flags.ack(), me.state) {
        (false, State::Closed | State::Listen) => {
            steps.push(Step::Syn { seq });
            me.enter(State::SynSent, time_ns);
            if peer.state == State::Closed {
                peer.enter(State::Listen, time_ns);
            }
        }
        (true, State::Closed | State::Listen | State::SynSent) => {
            steps.push(Step::SynAck { seq, ack });
            me.enter(State::SynReceived, time_ns);
            if peer.state == State::Closed {
                peer.enter(State::SynSent, time_ns); // its SYN is not in the capture
            }
        }
        _ => {} // sent again
    }
}

/// Takes an acknowledgement over.
fn acknowledge(
    me: &mut Side,
    peer: &mut Side,
    segment: &Segment<'_>,
    time_ns: i64,
    syn_ns: Option<i64>,
    steps: &mut Steps,
) {
    let ack = segment.ack;
    if peer.state == State::SynReceived && peer.first.is_some_and(|first| ack.after(first)) {
        let after_ns = syn_ns.map_or(0, |syn| time_ns - syn);
        steps.push(Step::Established { ack, after_ns });
        me.enter(State::Established, time_ns);
        peer.enter(State::Established, time_ns);
    }
    if peer.fin.is_none_or(|fin| ack.before(fin)) {
        return;
    }
    let (mine, its) = match (me.state, peer.state) {
        (State::Established, State::FinWait1) => (State::CloseWait, State::FinWait2),
        (State::FinWait1, State::FinWait1) => (State::Closing, State::FinWait2),
        (State::FinWait2, State::FinWait1 | State::LastAck) => (State::TimeWait, State::Closed),
        (State::FinWait1, State::LastAck) => (State::TimeWait, State::Closed),
        (State::Closing | State::FinWait1, State::FinWait2) => return,
        (State::FinWait2, State::Closing) => (State::TimeWait, State::TimeWait),
        (mine, State::LastAck) => (mine, State::Closed),
        _ => return,
    };
    let half_closed = mine == State::CloseWait && !segment.flags.fin();
    steps.push(Step::FinAcknowledged { ack, half_closed });
    me.enter(mine, time_ns);
    peer.enter(its, time_ns);
    if its == State::Closed || (mine, its) == (State::TimeWait, State::TimeWait) {
        steps.push(Step::Closed);
    }
}
