//! The frames, and how each is read and written.

use super::{
    CloseCode, GapReason, Limits, MAGIC, Packer, Reader, RefusedCode, VERSION, WalkErrorKind,
};
use super::{RunHead, frame_with};
use thiserror::Error;

/// A frame that cannot be understood: what was expected, and the offset in the frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} (byte {at} of the frame)")]
pub struct FrameError {
    /// Offset in the frame's body, that is without the 4-byte length.
    pub at: usize,
    /// What is wrong there.
    pub kind: FrameErrorKind,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameErrorKind {
    /// Not an array of 1 to 15 values that starts with a type from 0 to 127.
    #[error("a frame is a MessagePack array that starts with its type")]
    NotAFrame,
    /// A type this version does not know.
    #[error("unknown frame type {0}")]
    UnknownType(u8),
    /// The frame ends where a value should be.
    #[error("{what} is missing or cut short")]
    Missing {
        /// The value's name.
        what: &'static str,
    },
    /// A value of the wrong type.
    #[error("{what} must be {expected}")]
    WrongType {
        /// The value's name.
        what: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
    /// A value that is not well-formed or over the limits.
    #[error("{what}: {fault}")]
    Value {
        /// The value's name.
        what: &'static str,
        /// What the walker found.
        fault: WalkErrorKind,
    },
    /// A value with a meaning that does not exist.
    #[error("{what} has no such value")]
    NoSuchValue {
        /// The value's name.
        what: &'static str,
    },
    /// The frame goes on where it should end.
    #[error("bytes after the frame's last value")]
    Trailing,
}

impl FrameErrorKind {
    pub(crate) fn at(self, at: usize) -> FrameError {
        FrameError { at, kind: self }
    }
}

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

/// One frame, read.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<'a> {
    /// See [`Hello`].
    Hello(Hello),
    /// See [`Welcome`].
    Welcome(Welcome),
    /// See [`EventFrame`].
    Event(EventFrame<'a>),
    /// See [`RunFrame`].
    Run(RunFrame<'a>),
    /// See [`Subscribe`].
    Subscribe(Subscribe),
    /// The subscription with this id is in place.
    Subscribed {
        /// The id from SUBSCRIBE.
        id: u64,
    },
    /// Ends the subscription with this id.
    Unsubscribe {
        /// The id from SUBSCRIBE.
        id: u64,
    },
    /// Every event of this connection with a smaller number was accepted or refused.
    Receipt {
        /// The number the hub expects next.
        next: u64,
    },
    /// See [`Refused`].
    Refused(Refused),
    /// See [`Gap`].
    Gap(Gap),
    /// To be answered with the same token.
    Ping {
        /// Any number.
        token: u64,
    },
    /// Answers a PING.
    Pong {
        /// The PING's number.
        token: u64,
    },
    /// See [`Close`].
    Close(Close),
}

/// HELLO: `[1, "hub", version, {options}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The protocol version the client speaks.
    pub version: u64,
    /// What the client calls itself; a hint for people, not an identity.
    pub name: Option<String>,
    /// A random number that the client keeps over reconnects, to resume publishing.
    pub instance: Option<[u8; 16]>,
    /// Whether the hub should send RECEIPT frames.
    pub receipts: bool,
    /// Whether `credentials` was something else than nil.
    pub has_credentials: bool,
}

/// WELCOME: `[2, version, {facts}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The protocol version both will use.
    pub version: u64,
    /// A random number for this run of the hub; it changes when the hub restarts.
    pub hub: [u8; 16],
    /// The connection's number at the hub.
    pub connection: u64,
    /// How many events of this client's instance the hub has received; the next is this number.
    pub received: u64,
    /// What the hub stamps as publisher on this client's events.
    pub publisher: String,
    /// The topic on which this client may await replies.
    pub inbox: String,
    /// The limits that hold for this connection.
    pub limits: Limits,
    /// After how many milliseconds of silence a PING is due.
    pub keepalive_ms: u64,
    /// The hub's clock in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// EVENT: `[3, topic, payload]` or `[3, topic, payload, headers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFrame<'a> {
    /// The topic's name as it stands in the frame; not checked here.
    pub topic: &'a str,
    /// The payload: one well-formed MessagePack value.
    pub payload: &'a [u8],
    /// The headers: one well-formed MessagePack map.
    pub headers: Option<&'a [u8]>,
}

/// RUN: `[4, topic, epoch, first, count, publisher, time_ms, subscription or nil]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunFrame<'a> {
    /// The topic of the EVENT frames that follow.
    pub topic: &'a str,
    /// Numbers are comparable within one epoch of a topic.
    pub epoch: u64,
    /// The first of the EVENT frames has this number, the others count on.
    pub first: u64,
    /// How many EVENT frames follow. Zero only says where the topic stands.
    pub count: u32,
    /// Who sent them, as the hub knows it.
    pub publisher: &'a str,
    /// When the hub accepted them, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The one subscription they are for; `None` stands for all plain ones that match.
    pub subscription: Option<u64>,
}

/// SUBSCRIBE: `[5, id, filter, {options}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// Chosen by the client, unique within its connection.
    pub id: u64,
    /// The topic filter; not checked here.
    pub filter: String,
    /// What happens when too much waits for this client.
    pub overflow: Overflow,
    /// The queue group of which this subscription is a member.
    pub group: Option<String>,
    /// Where to start.
    pub start: Start,
    /// Whether the hub says where each existing topic stands (a RUN with count 0).
    pub positions: bool,
}

/// What happens to a subscription's events when its connection's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Overflow {
    /// Keep the newest event of each key.
    Latest,
    /// Drop the event that does not fit.
    DropNewest,
    /// Drop the oldest events that wait, so that the new one fits.
    #[default]
    DropOldest,
    /// Close the connection; the client may reconnect and resume.
    Disconnect,
    /// Make publishers wait.
    Block,
}

impl Overflow {
    /// Every policy. Where several subscriptions share one copy, the last in this order counts.
    pub const ALL: [Overflow; 5] = [
        Overflow::Latest,
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Disconnect,
        Overflow::Block,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Overflow::Latest => "latest",
            Overflow::DropNewest => "drop-newest",
            Overflow::DropOldest => "drop-oldest",
            Overflow::Disconnect => "disconnect",
            Overflow::Block => "block",
        }
    }
}

impl std::str::FromStr for Overflow {
    type Err = FrameErrorKind;

    fn from_str(name: &str) -> Result<Self, FrameErrorKind> {
        Overflow::ALL
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or(FrameErrorKind::NoSuchValue { what: "overflow" })
    }
}

/// Where a subscription starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// With what is published from now on.
    #[default]
    Live,
    /// With the last event of each topic, if it has one.
    Last,
    /// After what was already seen of each topic; a topic that is not named here begins with
    /// its first event.
    After(Vec<(String, Position)>),
}

/// How far a subscriber has come in a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The topic's epoch.
    pub epoch: u64,
    /// The last number seen, or 0.
    pub seq: u64,
}

/// REFUSED: `[9, what, number, code, message, rule or nil, path or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind of frame was refused.
    pub what: RefusedWhat,
    /// The event's number, or the subscription's id; 0 for other frames.
    pub number: u64,
    /// Why, for programs.
    pub code: RefusedCode,
    /// Why, for people. It never quotes a payload.
    pub message: String,
    /// The scrub rule that refused it.
    pub rule: Option<String>,
    /// Where in the payload.
    pub path: Option<String>,
}

/// What a REFUSED frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedWhat {
    /// An EVENT, by its number.
    Event = 0,
    /// A SUBSCRIBE, by its id.
    Subscribe = 1,
    /// An UNSUBSCRIBE, by its id.
    Unsubscribe = 2,
    /// Another frame.
    Frame = 3,
}

impl RefusedWhat {
    fn from_number(number: u64) -> Option<Self> {
        [Self::Event, Self::Subscribe, Self::Unsubscribe, Self::Frame]
            .into_iter()
            .find(|what| *what as u64 == number)
    }
}

/// GAP: `[10, topic, epoch, from, to or nil, reason, subscription or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The topic in which events are missing.
    pub topic: String,
    /// The epoch of the numbers.
    pub epoch: u64,
    /// The first number that is missing.
    pub from: u64,
    /// The last number that is missing; `None` if it cannot be known.
    pub to: Option<u64>,
    /// Why.
    pub reason: GapReason,
    /// The one subscription that misses them; `None` stands for all plain ones that match.
    pub subscription: Option<u64>,
}

/// CLOSE: `[13, code, reason, retry_after_ms or nil]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why, for programs.
    pub code: CloseCode,
    /// Why, for people.
    pub reason: String,
    /// After how many milliseconds to reconnect, where that makes sense.
    pub retry_after_ms: Option<u64>,
}

impl<'a> Frame<'a> {
    /// Reads the frame with this body (that is, without the 4-byte length).
    ///
    /// Values behind the known ones are walked and then ignored, so that a later version can
    /// add some; EVENT frames, which are forwarded as they came, may not have any.
    ///
    /// # Errors
    /// What is wrong, and at which offset.
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let kind = FrameType::of(body)?;
        let mut read = Reader::new(body, limits);
        let count = read.array("frame")?;
        read.uint("frame type")?;
        let frame = match kind {
            FrameType::Hello => Frame::Hello(read_hello(&mut read)?),
            FrameType::Welcome => Frame::Welcome(read_welcome(&mut read)?),
            FrameType::Event => return EventFrame::parse(body, limits).map(Frame::Event),
            FrameType::Run => Frame::Run(RunFrame {
                topic: read.str("topic")?,
                epoch: read.uint("epoch")?,
                first: read.uint("first number")?,
                count: read_u32(&mut read, "count")?,
                publisher: read.str("publisher")?,
                time_ms: read.uint("time")?,
                subscription: read.uint_or_nil("subscription")?,
            }),
            FrameType::Subscribe => Frame::Subscribe(read_subscribe(&mut read)?),
            FrameType::Subscribed => Frame::Subscribed { id: read.uint("id")? },
            FrameType::Unsubscribe => Frame::Unsubscribe { id: read.uint("id")? },
            FrameType::Receipt => Frame::Receipt { next: read.uint("next number")? },
            FrameType::Refused => Frame::Refused(read_refused(&mut read)?),
            FrameType::Gap => Frame::Gap(Gap {
                topic: read.str("topic")?.to_owned(),
                epoch: read.uint("epoch")?,
                from: read.uint("from")?,
                to: read.uint_or_nil("to")?,
                reason: GapReason::from_number(read_u16(&mut read, "reason")?),
                subscription: read.uint_or_nil("subscription")?,
            }),
            FrameType::Ping => Frame::Ping { token: read.uint("token")? },
            FrameType::Pong => Frame::Pong { token: read.uint("token")? },
            FrameType::Close => Frame::Close(Close {
                code: CloseCode::from_number(read_u16(&mut read, "code")?),
                reason: read.str("reason")?.to_owned(),
                retry_after_ms: read.uint_or_nil("retry time")?,
            }),
        };
        if count < frame.values() {
            // The values were there, but the array does not hold them.
            return Err(FrameErrorKind::Missing { what: "a value of the frame" }.at(0));
        }
        for _ in frame.values()..count {
            read.value("extra value")?;
        }
        if read.at_end() { Ok(frame) } else { Err(FrameErrorKind::Trailing.at(read.position())) }
    }

    /// How many values this version knows in the frame, its type included.
    fn values(&self) -> u32 {
        match self {
            Frame::Subscribed { .. }
            | Frame::Unsubscribe { .. }
            | Frame::Receipt { .. }
            | Frame::Ping { .. }
            | Frame::Pong { .. } => 2,
            Frame::Welcome(_) => 3,
            Frame::Hello(_) | Frame::Event(_) | Frame::Subscribe(_) | Frame::Close(_) => 4,
            Frame::Refused(_) | Frame::Gap(_) => 7,
            Frame::Run(_) => 8,
        }
    }

    /// Appends the frame to `out`, its length in front.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Frame::Event(event) => event.write(out),
            Frame::Run(run) => {
                let head = RunHead::new(run.topic, run.epoch, run.publisher);
                out.extend_from_slice(&match run.subscription {
                    None => head.for_all(run.first, run.count, run.time_ms),
                    Some(id) => head.for_subscription(id, run.first, run.count, run.time_ms),
                });
            }
            other => frame_with(out, |out| other.write_control(&mut Packer(out))),
        }
    }

    /// The frame's bytes, its length in front.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write_control(&self, pack: &mut Packer<'_>) {
        let mut open = |kind: FrameType| {
            pack.array(self.values()).uint(kind.number().into());
        };
        match self {
            Frame::Hello(hello) => {
                open(FrameType::Hello);
                write_hello(hello, pack);
            }
            Frame::Welcome(welcome) => {
                open(FrameType::Welcome);
                write_welcome(welcome, pack);
            }
            Frame::Subscribe(subscribe) => {
                open(FrameType::Subscribe);
                write_subscribe(subscribe, pack);
            }
            Frame::Subscribed { id } => {
                open(FrameType::Subscribed);
                pack.uint(*id);
            }
            Frame::Unsubscribe { id } => {
                open(FrameType::Unsubscribe);
                pack.uint(*id);
            }
            Frame::Receipt { next } => {
                open(FrameType::Receipt);
                pack.uint(*next);
            }
            Frame::Refused(refused) => {
                open(FrameType::Refused);
                pack.uint(refused.what as u64).uint(refused.number);
                pack.uint(refused.code.number().into()).str(&refused.message);
                pack.str_or_nil(refused.rule.as_deref()).str_or_nil(refused.path.as_deref());
            }
            Frame::Gap(gap) => {
                open(FrameType::Gap);
                pack.str(&gap.topic).uint(gap.epoch).uint(gap.from).uint_or_nil(gap.to);
                pack.uint(gap.reason.number().into()).uint_or_nil(gap.subscription);
            }
            Frame::Ping { token } => {
                open(FrameType::Ping);
                pack.uint(*token);
            }
            Frame::Pong { token } => {
                open(FrameType::Pong);
                pack.uint(*token);
            }
            Frame::Close(close) => {
                open(FrameType::Close);
                pack.uint(close.code.number().into()).str(&close.reason);
                pack.uint_or_nil(close.retry_after_ms);
            }
            Frame::Event(_) | Frame::Run(_) => unreachable!("written by Frame::write"),
        }
    }
}

impl<'a> EventFrame<'a> {
    /// Reads an EVENT frame and walks every byte of its payload and headers.
    ///
    /// # Errors
    /// What is wrong, and at which offset of the body.
    #[inline]
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let mut read = Reader::new(body, limits);
        let count = read.array("frame")?;
        read.uint("frame type")?;
        let topic = read.str("topic")?;
        Self::parse_rest(read, count, topic)
    }

    /// Reads what follows the topic, where that is known to end at `offset` of the body.
    ///
    /// # Errors
    /// As [`EventFrame::parse`].
    #[inline]
    pub fn parse_after_topic(
        body: &'a [u8],
        offset: usize,
        topic: &'a str,
        limits: &Limits,
    ) -> Result<Self, FrameError> {
        let count = u32::from(body[0] & 0x0f);
        Self::parse_rest(Reader::starting_at(body, offset, limits), count, topic)
    }

    #[inline]
    fn parse_rest(mut read: Reader<'a>, count: u32, topic: &'a str) -> Result<Self, FrameError> {
        let payload = read.value("payload")?;
        let headers = match count {
            0..=2 => return Err(FrameErrorKind::Missing { what: "payload" }.at(0)),
            3 => None,
            4 => {
                let at = read.position();
                let headers = read.value("headers")?;
                if !matches!(headers[0], 0x80..=0x8f | 0xde | 0xdf) {
                    let expected = "a map";
                    return Err(FrameErrorKind::WrongType { what: "headers", expected }.at(at));
                }
                Some(headers)
            }
            _ => return Err(FrameErrorKind::Trailing.at(read.position())),
        };
        if !read.at_end() {
            return Err(FrameErrorKind::Trailing.at(read.position()));
        }
        Ok(EventFrame { topic, payload, headers })
    }

    /// Appends the frame to `out`, its length in front.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame_with(out, |out| {
            let mut pack = Packer(out);
            pack.array(if self.headers.is_some() { 4 } else { 3 });
            pack.uint(FrameType::Event.number().into()).str(self.topic).raw(self.payload);
            if let Some(headers) = self.headers {
                pack.raw(headers);
            }
        });
    }
}

fn read_u32(read: &mut Reader<'_>, what: &'static str) -> Result<u32, FrameError> {
    let at = read.position();
    u32::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

fn read_u16(read: &mut Reader<'_>, what: &'static str) -> Result<u16, FrameError> {
    let at = read.position();
    u16::try_from(read.uint(what)?).map_err(|_| FrameErrorKind::NoSuchValue { what }.at(at))
}

fn read_id16(read: &mut Reader<'_>, what: &'static str) -> Result<[u8; 16], FrameError> {
    let at = read.position();
    let expected = "16 bytes";
    read.bin(what)?.try_into().map_err(|_| FrameErrorKind::WrongType { what, expected }.at(at))
}

/// Reads a map's entries: `entry` takes the value of a key it knows and returns whether it did.
fn read_map<'a>(
    read: &mut Reader<'a>,
    what: &'static str,
    mut entry: impl FnMut(&'a str, &mut Reader<'a>) -> Result<bool, FrameError>,
) -> Result<(), FrameError> {
    for _ in 0..read.map(what)? {
        let key = read.str("key")?;
        if !entry(key, read)? {
            read.value("value of an unknown key")?;
        }
    }
    Ok(())
}

fn read_hello(read: &mut Reader<'_>) -> Result<Hello, FrameError> {
    let at = read.position();
    if read.str("magic word")? != MAGIC {
        return Err(FrameErrorKind::NoSuchValue { what: "magic word" }.at(at));
    }
    let version = read.uint("version")?;
    let mut hello =
        Hello { version, name: None, instance: None, receipts: false, has_credentials: false };
    read_map(read, "options", |key, read| {
        match key {
            "name" => hello.name = read.str_or_nil("name")?.map(str::to_owned),
            "instance" => hello.instance = Some(read_id16(read, "instance")?),
            "receipts" => hello.receipts = read.bool("receipts")?,
            "credentials" => hello.has_credentials = read.value("credentials")? != [0xc0],
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(hello)
}

fn write_hello(hello: &Hello, pack: &mut Packer<'_>) {
    pack.str(MAGIC).uint(hello.version);
    let count = 1 + u32::from(hello.name.is_some()) + u32::from(hello.instance.is_some());
    pack.map(count).str("receipts").bool(hello.receipts);
    if let Some(name) = &hello.name {
        pack.str("name").str(name);
    }
    if let Some(instance) = &hello.instance {
        pack.str("instance").bin(instance);
    }
}

fn read_welcome(read: &mut Reader<'_>) -> Result<Welcome, FrameError> {
    let mut welcome = Welcome {
        version: read.uint("version")?,
        hub: [0; 16],
        connection: 0,
        received: 0,
        publisher: String::new(),
        inbox: String::new(),
        limits: Limits::default(),
        keepalive_ms: 0,
        time_ms: 0,
    };
    read_map(read, "facts", |key, read| {
        match key {
            "hub" => welcome.hub = read_id16(read, "hub")?,
            "connection" => welcome.connection = read.uint("connection")?,
            "received" => welcome.received = read.uint("received")?,
            "publisher" => welcome.publisher = read.str("publisher")?.to_owned(),
            "inbox" => welcome.inbox = read.str("inbox")?.to_owned(),
            "max_frame" => welcome.limits.frame = read_u32(read, "max_frame")?,
            "max_depth" => {
                let depth = read_u16(read, "max_depth")?.min(Limits::MAX_DEPTH.into());
                welcome.limits.depth = depth as u8;
            }
            "max_elements" => welcome.limits.elements = read_u32(read, "max_elements")?,
            "keepalive_ms" => welcome.keepalive_ms = read.uint("keepalive_ms")?,
            "time_ms" => welcome.time_ms = read.uint("time_ms")?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(welcome)
}

fn write_welcome(welcome: &Welcome, pack: &mut Packer<'_>) {
    pack.uint(welcome.version).map(10);
    pack.str("hub").bin(&welcome.hub).str("connection").uint(welcome.connection);
    pack.str("received").uint(welcome.received);
    pack.str("publisher").str(&welcome.publisher).str("inbox").str(&welcome.inbox);
    pack.str("max_frame").uint(welcome.limits.frame.into());
    pack.str("max_depth").uint(welcome.limits.depth.into());
    pack.str("max_elements").uint(welcome.limits.elements.into());
    pack.str("keepalive_ms").uint(welcome.keepalive_ms).str("time_ms").uint(welcome.time_ms);
}

fn read_subscribe(read: &mut Reader<'_>) -> Result<Subscribe, FrameError> {
    let mut subscribe = Subscribe {
        id: read.uint("id")?,
        filter: read.str("filter")?.to_owned(),
        overflow: Overflow::default(),
        group: None,
        start: Start::Live,
        positions: false,
    };
    let at = read.position();
    let mut start_given = false;
    read_map(read, "options", |key, read| {
        let at = read.position();
        if matches!(key, "start" | "after") && std::mem::replace(&mut start_given, true) {
            // Otherwise the order of a map's keys would decide where the subscription starts.
            return Err(FrameErrorKind::NoSuchValue { what: "second start" }.at(at));
        }
        match key {
            "overflow" => {
                subscribe.overflow =
                    read.str("overflow")?.parse().map_err(|kind: FrameErrorKind| kind.at(at))?;
            }
            "group" => subscribe.group = read.str_or_nil("group")?.map(str::to_owned),
            "start" => match read.str("start")? {
                "live" => subscribe.start = Start::Live,
                "last" => subscribe.start = Start::Last,
                _ => return Err(FrameErrorKind::NoSuchValue { what: "start" }.at(at)),
            },
            "after" => subscribe.start = Start::After(read_positions(read)?),
            "positions" => subscribe.positions = read.bool("positions")?,
            // An option that the hub silently ignored would be a promise broken silently.
            _ => return Err(FrameErrorKind::NoSuchValue { what: "subscription option" }.at(at)),
        }
        Ok(true)
    })?;
    if subscribe.group.is_some() && subscribe.start != Start::Live {
        // The group, not its newest member, has a position in the topic.
        return Err(FrameErrorKind::NoSuchValue { what: "start of a queue group" }.at(at));
    }
    Ok(subscribe)
}

fn read_positions(read: &mut Reader<'_>) -> Result<Vec<(String, Position)>, FrameError> {
    let mut positions = Vec::new();
    for _ in 0..read.map("after")? {
        let topic = read.str("topic")?.to_owned();
        let at = read.position();
        if read.array("position")? != 2 {
            let expected = "an array of epoch and number";
            return Err(FrameErrorKind::WrongType { what: "position", expected }.at(at));
        }
        let position = Position { epoch: read.uint("epoch")?, seq: read.uint("number")? };
        positions.push((topic, position));
    }
    Ok(positions)
}

fn write_subscribe(subscribe: &Subscribe, pack: &mut Packer<'_>) {
    pack.uint(subscribe.id).str(&subscribe.filter);
    let count = 1
        + u32::from(subscribe.group.is_some())
        + u32::from(subscribe.start != Start::Live)
        + u32::from(subscribe.positions);
    pack.map(count).str("overflow").str(subscribe.overflow.name());
    if let Some(group) = &subscribe.group {
        pack.str("group").str(group);
    }
    match &subscribe.start {
        Start::Live => {}
        Start::Last => {
            pack.str("start").str("last");
        }
        Start::After(positions) => {
            pack.str("after").map(positions.len() as u32);
            for (topic, position) in positions {
                pack.str(topic).array(2).uint(position.epoch).uint(position.seq);
            }
        }
    }
    if subscribe.positions {
        pack.str("positions").bool(true);
    }
}

fn read_refused(read: &mut Reader<'_>) -> Result<Refused, FrameError> {
    let at = read.position();
    let what = RefusedWhat::from_number(read.uint("what")?)
        .ok_or(FrameErrorKind::NoSuchValue { what: "what" }.at(at))?;
    Ok(Refused {
        what,
        number: read.uint("number")?,
        code: RefusedCode::from_number(read_u16(read, "code")?),
        message: read.str("message")?.to_owned(),
        rule: read.str_or_nil("rule")?.map(str::to_owned),
        path: read.str_or_nil("path")?.map(str::to_owned),
    })
}

impl Default for Hello {
    fn default() -> Self {
        Hello {
            version: VERSION,
            name: None,
            instance: None,
            receipts: false,
            has_credentials: false,
        }
    }
}
