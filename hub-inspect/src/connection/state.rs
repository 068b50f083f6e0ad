//! The states of TCP, as RFC 9293 names them.
//!
//! Without the states, a report could not say who closed the connection, and for how long the other side
//! kept it open.

/// The state of one side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The side has no connection: none yet, or none any more.
    Closed,
    /// The side waits for a SYN. It is taken for granted of a side that gets one.
    Listen,
    /// The side has sent a SYN.
    SynSent,
    /// The side has answered a SYN with its own.
    SynReceived,
    /// Both sides may send data.
    Established,
    /// The side has sent FIN.
    FinWait1,
    /// The FIN of the side is acknowledged, and the peer still sends.
    FinWait2,
    /// The peer has sent FIN, and the side still sends.
    CloseWait,
    /// Both sides have sent FIN, before either FIN was acknowledged.
    Closing,
    /// The side has sent FIN behind that of its peer.
    LastAck,
    /// Both FINs are acknowledged. The side that closed first waits for late segments.
    TimeWait,
}

impl State {
    /// All states, in the order of their numbers.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// Returns the name that RFC 9293 uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        }
    }
}
