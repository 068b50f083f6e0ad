//! The numbers that frames carry for "why". They are stable: a number is never reused.

use std::fmt;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A number from a newer peer.
            Unknown(u16),
        }

        impl $name {
            /// Every code this version knows.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $($name::$variant => $number,)*
                    $name::Unknown(number) => number,
                }
            }

            /// The code for a number on the wire.
            #[must_use]
            pub fn from_number(number: u16) -> Self {
                match number {
                    $($number => $name::$variant,)*
                    number => $name::Unknown(number),
                }
            }

            /// The stable name, as logs, metrics and the command line print it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                    $name::Unknown(_) => "unknown",
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $name::Unknown(number) => write!(f, "unknown code {number}"),
                    known => f.write_str(known.name()),
                }
            }
        }
    };
}

codes! {
    /// Why a connection ends. Numbers below 200 mean "reconnect", from 200 on "do not".
    CloseCode {
        /// The hub is stopping; come back after the retry time.
        GoingAway = 100, "going_away";
        /// Too much was waiting for this client, and its overflow policy is `disconnect`.
        SlowConsumer = 101, "slow_consumer";
        /// The client was silent for longer than the keep-alive time allows.
        Silent = 102, "silent";
        /// The hub has no room for another connection, is short of memory, or cannot have the keys
        /// for a JWT yet.
        Overloaded = 103, "overloaded";
        /// A fault in the hub, not in the client.
        Internal = 104, "internal";
        /// What the client may do has changed; come back to find out.
        RightsChanged = 105, "rights_changed";
        /// This client has as many connections as it may have; come back when it has fewer.
        TooManyConnections = 106, "too_many_connections";
        /// The client said goodbye first.
        Normal = 200, "normal";
        /// A frame that cannot be understood, or that has no place here.
        Protocol = 201, "protocol_error";
        /// The hub does not speak the client's protocol version.
        Version = 202, "unsupported_version";
        /// The client may not connect with these credentials, or without any.
        Unauthorized = 203, "unauthorized";
        /// No complete HELLO came within the handshake time.
        HandshakeTimeout = 204, "handshake_timeout";
        /// A frame that is larger than the limit in WELCOME.
        FrameTooLarge = 205, "frame_too_large";
        /// A newer connection of the same instance took over.
        Replaced = 206, "replaced";
        /// A rule of the scrub ends the connections of those who send what it finds.
        Policy = 207, "policy";
    }
}

impl CloseCode {
    /// Whether a client should connect again. True for unknown numbers below 200.
    #[must_use]
    pub fn should_reconnect(self) -> bool {
        self.number() < 200
    }
}

codes! {
    /// Why the hub did not do what one frame asked for.
    RefusedCode {
        /// The frame or its payload is not well-formed.
        Malformed = 1, "malformed";
        /// The payload or the headers are nested deeper than the limit.
        TooDeep = 2, "too_deep";
        /// The payload or the headers hold more values than the limit.
        TooManyElements = 3, "too_many_elements";
        /// Not a topic name; a filter is none.
        BadTopic = 4, "bad_topic";
        /// The topic belongs to the hub.
        ReservedTopic = 5, "reserved_topic";
        /// A known header with a value of the wrong type.
        BadHeader = 6, "bad_header";
        /// A header that only the hub may set.
        ReservedHeader = 7, "reserved_header";
        /// A request that nobody is there to answer.
        NoSubscriber = 8, "no_subscriber";
        /// Not a topic filter.
        BadFilter = 9, "bad_filter";
        /// A subscription option with an unknown name or value.
        BadOption = 10, "bad_option";
        /// The connection already has a subscription with this id.
        DuplicateSubscription = 11, "duplicate_subscription";
        /// The connection has no subscription with this id.
        UnknownSubscription = 12, "unknown_subscription";
        /// The connection has as many subscriptions as it may have.
        TooManySubscriptions = 13, "too_many_subscriptions";
        /// A frame type this hub does not know.
        UnknownFrame = 14, "unknown_frame";
        /// This client may not do that.
        Forbidden = 15, "forbidden";
        /// The hub, or this client's identity, has as many topics as it may have.
        TooManyTopics = 16, "too_many_topics";
        /// A rule of the scrub rejects it.
        Rejected = 17, "rejected";
        /// The scrub put it into quarantine: nobody else sees it.
        Quarantined = 18, "quarantined";
        /// The hub is short of memory.
        Overloaded = 19, "overloaded";
    }
}

codes! {
    /// Why events of a topic are missing.
    GapReason {
        /// The subscriber's queue was full, and its policy dropped them.
        Overflow = 1, "overflow";
        /// Newer events with the same key replaced them (`latest`).
        Conflated = 2, "conflated";
        /// They were published while the subscriber was away, and the topic's history no longer has them.
        Away = 3, "away";
        /// The topic began anew (the hub restarted, or the topic was idle for long), so it is unknown how
        /// many events of the old epoch were missed.
        NewEpoch = 4, "new_epoch";
    }
}
