//! Defines the frame types. Each frame begins with the number of its type.
//!
//! The table is separate from the frames, because [`crate::RunHead`] writes a type and reads no frame.
//! Without one table, the code that writes a frame and the code that reads it could use different
//! numbers for one type.

use super::error::{FrameError, FrameErrorKind};

macro_rules! frame_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Names the type of a frame, which is the first value of the frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FrameType { $($(#[$doc])* $name = $number,)* }

        impl FrameType {
            /// Returns the number on the wire.
            #[must_use]
            pub fn number(self) -> u8 {
                self as u8
            }

            /// Returns the type for a number on the wire, if this version knows the type.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(FrameType::$name),)* _ => None }
            }
        }
    };
}

frame_types! {
    /// The client sends HELLO as its first frame.
    Hello = 1,
    /// The hub answers HELLO with WELCOME.
    Welcome = 2,
    /// EVENT carries one event.
    Event = 3,
    /// RUN stands in front of EVENT frames, and states their topic, numbers, publisher and time.
    Run = 4,
    /// SUBSCRIBE asks for the events whose topics match a filter.
    Subscribe = 5,
    /// SUBSCRIBED states that a subscription is in place.
    Subscribed = 6,
    /// UNSUBSCRIBE ends a subscription.
    Unsubscribe = 7,
    /// RECEIPT confirms that events are accepted or refused.
    Receipt = 8,
    /// REFUSED states that the hub did not do what one frame asked for.
    Refused = 9,
    /// GAP announces missing events.
    Gap = 10,
    /// PING asks for a PONG.
    Ping = 11,
    /// PONG answers a PING.
    Pong = 12,
    /// CLOSE announces the end of the connection.
    Close = 13,
    /// TAKEN states how many events of a subscription the listener has finished.
    Taken = 14,
    /// ACK states what a handler has done with events of a subscription.
    Ack = 15,
    /// RESUME continues a subscription that the hub kept.
    Resume = 16,
}

impl FrameType {
    /// Returns the type of the frame with this body. The rest of the body is not checked.
    ///
    /// # Errors
    /// The body is not a frame, or this version does not know its type.
    #[inline]
    pub fn of(body: &[u8]) -> Result<Self, FrameError> {
        match *body {
            [0x91..=0x9f, number @ 0..=0x7f, ..] => {
                FrameType::from_number(number).ok_or(FrameErrorKind::UnknownType(number).at(1))
            }
            _ => Err(FrameErrorKind::NotAFrame.at(0)),
        }
    }
}
