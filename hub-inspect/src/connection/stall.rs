//! Pauses of an open connection, and on whose side they are.
//!
//! A pause with nothing under way is a program with nothing to say, and no fault. A pause with data
//! under way, or with a closed window, is one: of the receiver, or of the network between them.
//! Without this distinction, a slow subscriber would look like a slow network.

use super::side::Side;
use super::{Signs, State};

/// A pause of at least this time is a stall.
pub const STALL_NS: i64 = 200_000_000;

/// Why a connection paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StallCause {
    /// The window of the receiver was closed or full.
    ReceiverWindow,
    /// Data or its acknowledgement was lost, and had to be sent again.
    Network,
    /// Data was under way, and its receiver acknowledged it late.
    LateAcknowledgement,
    /// Neither side had anything to send.
    Idle,
}

impl StallCause {
    /// Returns the text for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            StallCause::ReceiverWindow => "the receiver's window was closed or full",
            StallCause::Network => "the network lost data or its acknowledgement",
            StallCause::LateAcknowledgement => "the receiver acknowledged late",
            StallCause::Idle => "neither side had anything to send",
        }
    }
}

/// A pause of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// The pause in nanoseconds.
    pub pause_ns: i64,
    /// The cause.
    pub cause: StallCause,
    /// Whether the cause is on the side that sent the segment behind the pause. A side with a closed
    /// window is the cause of the pause, and a side that lost data is where it was lost.
    pub at_sender: bool,
}

/// Finds the cause of a pause that ends with a segment from `me`. The sides are as the segment has left
/// them; `under_way` and `full` are as they were in front of it, for `me` and for `peer`.
pub(super) fn cause(
    pause_ns: i64,
    signs: Signs,
    me: &Side,
    peer: &Side,
    before: &Before,
) -> Option<Stall> {
    if pause_ns < STALL_NS || me.state != State::Established && peer.state != State::Established {
        return None;
    }
    let stall = |cause, at_sender| Some(Stall { pause_ns, cause, at_sender });
    // A window of the side that was closed keeps the other side waiting.
    if before.closed[0] {
        return stall(StallCause::ReceiverWindow, true);
    }
    if before.closed[1] {
        return stall(StallCause::ReceiverWindow, false);
    }
    if signs.any(Signs::RETRANSMISSIONS) {
        return stall(StallCause::Network, true);
    }
    if signs.any(Signs::KEEP_ALIVE) || before.under_way == [0, 0] {
        return stall(StallCause::Idle, true);
    }
    if before.under_way[1] > 0 && me.figures.segments > 0 {
        return stall(StallCause::LateAcknowledgement, true);
    }
    stall(StallCause::LateAcknowledgement, false)
}

/// How the connection stood in front of a segment: of its sender, and of its receiver.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// The bytes that each side had under way.
    pub(super) under_way: [u32; 2],
    /// Whether the window of each side was closed, or full with what its peer had under way.
    pub(super) closed: [bool; 2],
}

impl Before {
    pub(super) fn of(me: &Side, peer: &Side) -> Self {
        let under_way = [me.bytes_in_flight(), peer.bytes_in_flight()];
        let closed = |receiver: &Side, under_way: u32| {
            receiver.scale.is_known() && receiver.window.is_some_and(|window| window <= under_way)
        };
        Before { under_way, closed: [closed(me, under_way[1]), closed(peer, under_way[0])] }
    }
}
