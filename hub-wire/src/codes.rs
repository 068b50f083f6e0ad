//! Defines the codes by which frames state a reason. A number is never used again for another
//! reason. Otherwise an old client would take one reason for another.

use std::fmt;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// The number comes from a peer with a newer version, and this version does not know it.
            Unknown(u16),
        }

        impl $name {
            /// This list has every code that this version knows.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Returns the number on the wire.
            #[must_use]
            pub fn number(self) -> u16 {
                match self {
                    $($name::$variant => $number,)*
                    $name::Unknown(number) => number,
                }
            }

            /// Returns the code for a number on the wire.
            #[must_use]
            pub fn from_number(number: u16) -> Self {
                match number {
                    $($number => $name::$variant,)*
                    number => $name::Unknown(number),
                }
            }

            /// Returns the stable name, which logs, metrics and the command line print.
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
    /// States why a connection ends. Below 200 the client connects again, and from 200 on it does
    /// not.
    CloseCode {
        /// The hub is stopping. The client should connect again after the retry time.
        GoingAway = 100, "going_away";
        /// Too many bytes waited for this client, and a subscription of it has the overflow policy
        /// `disconnect`.
        SlowConsumer = 101, "slow_consumer";
        /// The client was silent for longer than the keep-alive time allows.
        Silent = 102, "silent";
        /// The hub has no room for another connection, is short of memory, or has not fetched the keys for
        /// a JWT yet.
        Overloaded = 103, "overloaded";
        /// The hub has a fault, and not the client.
        Internal = 104, "internal";
        /// The rights of the client have changed. The client gets the new rights when it connects again.
        RightsChanged = 105, "rights_changed";
        /// The client has as many connections as it may have. It should connect again when it has fewer.
        TooManyConnections = 106, "too_many_connections";
        /// The client has sent CLOSE first.
        Normal = 200, "normal";
        /// The peer has sent a frame that is not valid, or that is not allowed in this state.
        Protocol = 201, "protocol_error";
        /// The hub does not speak the client's protocol version.
        Version = 202, "unsupported_version";
        /// The client may not connect with these credentials, or without any.
        Unauthorized = 203, "unauthorized";
        /// No complete HELLO has come within the handshake time.
        HandshakeTimeout = 204, "handshake_timeout";
        /// The client has sent a frame that is larger than the limit in WELCOME.
        FrameTooLarge = 205, "frame_too_large";
        /// A newer connection of the same instance has replaced this one.
        Replaced = 206, "replaced";
        /// A scrub rule has found something in an event of the client, and disconnects publishers of such
        /// events.
        Policy = 207, "policy";
    }
}

impl CloseCode {
    /// Returns whether a client should connect again. It should for every number below 200, even if
    /// this version does not know the number.
    #[must_use]
    pub fn should_reconnect(self) -> bool {
        self.number() < 200
    }
}

codes! {
    /// States why the hub did not do what one frame asked for.
    RefusedCode {
        /// The frame or its payload is not well-formed.
        Malformed = 1, "malformed";
        /// The payload or the headers are nested deeper than the limit.
        TooDeep = 2, "too_deep";
        /// The payload or the headers have more elements than the limit.
        TooManyElements = 3, "too_many_elements";
        /// The topic of the event is not a valid topic name. A filter with wildcards is not a valid
        /// name either.
        BadTopic = 4, "bad_topic";
        /// The topic is reserved for the hub.
        ReservedTopic = 5, "reserved_topic";
        /// A known header has a value of the wrong type.
        BadHeader = 6, "bad_header";
        /// The event has a header that only the hub may set.
        ReservedHeader = 7, "reserved_header";
        /// The event is a request, and its topic has no subscriber.
        NoSubscriber = 8, "no_subscriber";
        /// The filter of the subscription is not a valid topic filter.
        BadFilter = 9, "bad_filter";
        /// An option of the subscription has an unknown name or value.
        BadOption = 10, "bad_option";
        /// The connection already has a subscription with this id.
        DuplicateSubscription = 11, "duplicate_subscription";
        /// The connection has no subscription with this id.
        UnknownSubscription = 12, "unknown_subscription";
        /// The connection has as many subscriptions as it may have.
        TooManySubscriptions = 13, "too_many_subscriptions";
        /// The hub does not know the frame type.
        UnknownFrame = 14, "unknown_frame";
        /// The rights of the client do not allow what the frame asks for.
        Forbidden = 15, "forbidden";
        /// The hub, or the identity of the client, has as many topics as it may have.
        TooManyTopics = 16, "too_many_topics";
        /// A scrub rule rejects the event.
        Rejected = 17, "rejected";
        /// The scrub has put the event into quarantine, and no subscriber gets it.
        Quarantined = 18, "quarantined";
        /// The hub is short of memory.
        Overloaded = 19, "overloaded";
        /// A subscription of the client itself, with the policy `block`, has no room for the event. The
        /// client would wait for itself.
        SelfBlocked = 20, "self_blocked";
        /// The client does not hold these deliveries any more: their time is over, or it has settled
        /// them before.
        NotHeld = 21, "not_held";
    }
}

codes! {
    /// States why events of a topic are missing.
    GapReason {
        /// The delivery queue of the subscriber was full, and the overflow policy dropped the events.
        Overflow = 1, "overflow";
        /// Newer events with the same key replaced the events (policy `latest`).
        Conflated = 2, "conflated";
        /// The events were published while the subscriber was away, and the history of the topic no longer
        /// has them.
        Away = 3, "away";
        /// The topic began anew, because the hub restarted or the topic was idle for a long time. So the
        /// hub does not know how many events of the old epoch the subscriber missed.
        NewEpoch = 4, "new_epoch";
        /// Handlers have failed on the events as often as the subscription allows.
        GivenUp = 5, "given_up";
    }
}
