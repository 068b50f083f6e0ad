//! What one segment shows about its connection: a retransmission, a closed window, and so on.
//!
//! The names and the definitions are those of tshark's TCP analysis, so that both tools can be
//! compared. `analysis.rs` lists the differences.

use std::fmt;

/// A set of signs. Most segments have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signs(u32);

macro_rules! signs {
    ($($(#[$doc:meta])* $constant:ident = $bit:literal, $name:literal, $text:literal;)*) => {
        impl Signs {
            $($(#[$doc])* pub const $constant: Signs = Signs(1 << $bit);)*

            /// All signs: each with tshark's name without its prefix, and with a text for people.
            pub const NAMED: &'static [(Signs, &'static str, &'static str)] =
                &[$((Signs::$constant, $name, $text)),*];
        }
    };
}

signs! {
    /// The data was sent before.
    RETRANSMISSION = 0, "retransmission", "retransmission";
    /// The data was sent before, and at least two duplicate acknowledgements asked for it.
    FAST_RETRANSMISSION = 1, "fast_retransmission", "fast retransmission";
    /// The data was sent before, and its receiver has already acknowledged it.
    SPURIOUS_RETRANSMISSION = 2, "spurious_retransmission", "spurious retransmission";
    /// The data is older than other data, and comes so soon behind it that it was not sent again.
    OUT_OF_ORDER = 3, "out_of_order", "out of order";
    /// Data in front of this segment is not in the capture.
    LOST_SEGMENT = 4, "lost_segment", "previous segment not captured";
    /// The segment acknowledges data that is not in the capture.
    ACK_LOST_SEGMENT = 5, "ack_lost_segment", "acknowledges a segment not captured";
    /// The segment repeats an acknowledgement: its sender misses data.
    DUPLICATE_ACK = 6, "duplicate_ack", "duplicate ACK";
    /// The segment asks whether the peer is still there.
    KEEP_ALIVE = 7, "keep_alive", "keep-alive";
    /// The segment answers a keep-alive.
    KEEP_ALIVE_ACK = 8, "keep_alive_ack", "keep-alive ACK";
    /// The segment changes nothing but the window.
    WINDOW_UPDATE = 9, "window_update", "window update";
    /// The segment fills the window of its receiver up.
    WINDOW_FULL = 10, "window_full", "window full";
    /// The sender of the segment accepts no data at present.
    ZERO_WINDOW = 11, "zero_window", "zero window";
    /// The segment asks with one byte whether a closed window has opened.
    ZERO_WINDOW_PROBE = 12, "zero_window_probe", "zero window probe";
    /// The segment answers such a probe: the window is still closed.
    ZERO_WINDOW_PROBE_ACK = 13, "zero_window_probe_ack", "zero window probe ACK";
    /// The segment begins a connection between two ports that had one before.
    REUSED_PORTS = 14, "reused_ports", "ports used again";
    /// The segment repeats the last data that was sent, after its receiver said nothing about it. Its
    /// first copy, or the answer, was lost at the tail, where no duplicate acknowledgement tells.
    /// tshark has no such sign.
    TAIL_LOSS = 15, "tail_loss", "tail loss";
    /// The segment looks like a keep-alive, and asks whether a closed window has opened: Linux probes so,
    /// with no byte. tshark has no such sign.
    WINDOW_PROBE = 16, "window_probe", "probe of a closed window";
}

impl Signs {
    /// No sign.
    pub const NONE: Signs = Signs(0);
    /// The three kinds of retransmission.
    pub const RETRANSMISSIONS: Signs = Signs(0b111);

    /// Returns whether any of the other signs is here.
    #[inline]
    #[must_use]
    pub fn any(self, other: Signs) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether there is no sign.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds signs.
    #[inline]
    pub(super) fn add(&mut self, other: Signs) {
        self.0 |= other.0;
    }

    /// Returns the names that tshark uses.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Signs::NAMED.iter().filter(move |sign| self.any(sign.0)).map(|sign| sign.1)
    }
}

impl fmt::Display for Signs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for (_, _, text) in Signs::NAMED.iter().filter(|sign| self.any(sign.0)) {
            write!(f, "{comma}{text}")?;
            comma = ", ";
        }
        Ok(())
    }
}

impl std::ops::BitOr for Signs {
    type Output = Signs;

    fn bitor(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }
}
