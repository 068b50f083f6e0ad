//! The types of frames: the number that each frame begins with.
//!
//! The table is apart from the frames, because [`crate::RunHead`] writes a type without reading any frame.
//! Without one table, the number of a type could differ between what writes a frame and what reads it.

use super::error::{FrameError, FrameErrorKind};

macro_rules! frame_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The first value of a frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum FrameType { $($(#[$doc])* $name = $number,)* }

        impl FrameType {
            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> u8 {
                self as u8
            }

            /// The type for a number on the wire.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(FrameType::$name),)* _ => None }
            }
        }
    };
}

frame_types! {
    /// The client's first frame.
    Hello = 1,
    /// The hub's answer.
    Welcome = 2,
    /// One event.
    Event = 3,
    /// What the hub says of the EVENT frames that follow.
    Run = 4,
    /// Asks for a filter's events.
    Subscribe = 5,
    /// The subscription is in place.
    Subscribed = 6,
    /// Ends a subscription.
    Unsubscribe = 7,
    /// Acknowledges events.
    Receipt = 8,
    /// Says what was not done.
    Refused = 9,
    /// Says what is missing.
    Gap = 10,
    /// Asks for a PONG.
    Ping = 11,
    /// Answers a PING.
    Pong = 12,
    /// Goodbye.
    Close = 13,
}

impl FrameType {
    /// The type of the frame with this body, which is otherwise not looked at.
    ///
    /// # Errors
    /// A body that is no frame, or a type that is unknown.
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
