//! Reads and writes the handshake frames: HELLO introduces the client, and WELCOME states the facts
//! and limits of the connection.
//!
//! Both frames carry a map of named values, so that a later version can add a value. A peer ignores a
//! name that it does not know.

use super::values::{read_id16, read_map, read_u16, read_u32};
use super::{Credentials, FrameError, FrameErrorKind};
use crate::{Limits, MAGIC, Packer, Reader, VERSION};

/// Holds the frame HELLO, which is `[1, "hub", version, {options}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The client speaks this version of the protocol.
    pub version: u64,
    /// The client gives itself this name. It is a hint for people and not an identity.
    pub name: Option<String>,
    /// The client keeps this random instance id when it connects again, so that it can resume.
    pub instance: Option<[u8; 16]>,
    /// If this is true, the hub sends RECEIPT frames.
    pub receipts: bool,
    /// The last RECEIPT that the client got had this number. The hub repeats the refusals from this
    /// publish number on.
    pub receipted: Option<u64>,
    /// The client proves its identity by these credentials.
    pub credentials: Option<Credentials>,
}

impl Default for Hello {
    fn default() -> Self {
        Hello {
            version: VERSION,
            name: None,
            instance: None,
            receipts: false,
            receipted: None,
            credentials: None,
        }
    }
}

impl Hello {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let at = read.position();
        if read.str("magic word")? != MAGIC {
            return Err(FrameErrorKind::NoSuchValue { what: "magic word" }.at(at));
        }
        let mut hello = Hello { version: read.uint("version")?, ..Hello::default() };
        read_map(read, "options", |key, read| {
            match key {
                "name" => hello.name = read.str_or_nil("name")?.map(str::to_owned),
                "instance" => hello.instance = Some(read_id16(read, "instance")?),
                "receipts" => hello.receipts = read.bool("receipts")?,
                "receipted" => hello.receipted = read.uint_or_nil("receipted")?,
                "credentials" => hello.credentials = Credentials::read(read)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(hello)
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        let options = [
            self.name.is_some(),
            self.instance.is_some(),
            self.receipted.is_some(),
            self.credentials.is_some(),
        ];
        let count = options.into_iter().map(u32::from).sum::<u32>() + 1;
        pack.str(MAGIC).uint(self.version);
        pack.map(count).str("receipts").bool(self.receipts);
        if let Some(name) = &self.name {
            pack.str("name").str(name);
        }
        if let Some(instance) = &self.instance {
            pack.str("instance").bin(instance);
        }
        if let Some(receipted) = self.receipted {
            pack.str("receipted").uint(receipted);
        }
        if let Some(credentials) = &self.credentials {
            pack.str("credentials");
            credentials.write(pack);
        }
    }
}

/// Holds the frame WELCOME, which is `[2, version, {facts}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Both sides use this version of the protocol.
    pub version: u64,
    /// The hub draws this random number when it starts, so the number changes when the hub restarts.
    pub hub: [u8; 16],
    /// The hub gives the connection this number.
    pub connection: u64,
    /// If this is true, the hub knows the instance of the client, and its publish numbers continue.
    pub resumed: bool,
    /// The hub has received this many events of the instance. The next event gets this publish number.
    pub received: u64,
    /// The hub writes this publisher stamp in front of the events of the client.
    pub publisher: String,
    /// The client gets replies on this topic, which is its inbox.
    pub inbox: String,
    /// These limits apply to the frames of the connection.
    pub limits: Limits,
    /// After this many milliseconds without a byte from the other side, a side sends PING.
    pub keepalive_ms: u64,
    /// The clock of the hub shows this time, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// The facts in WELCOME have these names. A hub of this version sends all of them.
const FACTS: [&str; 11] = [
    "hub",
    "connection",
    "resumed",
    "received",
    "publisher",
    "inbox",
    "max_frame",
    "max_depth",
    "max_elements",
    "keepalive_ms",
    "time_ms",
];

impl Welcome {
    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let mut welcome = Welcome {
            version: read.uint("version")?,
            hub: [0; 16],
            connection: 0,
            resumed: false,
            received: 0,
            publisher: String::new(),
            inbox: String::new(),
            limits: Limits::default(),
            keepalive_ms: 0,
            time_ms: 0,
        };
        let at = read.position();
        let mut missing = FACTS.to_vec();
        read_map(read, "facts", |key, read| {
            missing.retain(|fact| *fact != key);
            match key {
                "hub" => welcome.hub = read_id16(read, "hub")?,
                "connection" => welcome.connection = read.uint("connection")?,
                "resumed" => welcome.resumed = read.bool("resumed")?,
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
        match missing.first() {
            Some(what) => Err(FrameErrorKind::Missing { what }.at(at)),
            None => Ok(welcome),
        }
    }

    pub(super) fn write(&self, pack: &mut Packer<'_>) {
        pack.uint(self.version).map(FACTS.len() as u32);
        pack.str("hub").bin(&self.hub).str("connection").uint(self.connection);
        pack.str("resumed").bool(self.resumed).str("received").uint(self.received);
        pack.str("publisher").str(&self.publisher).str("inbox").str(&self.inbox);
        pack.str("max_frame").uint(self.limits.frame.into());
        pack.str("max_depth").uint(self.limits.depth.into());
        pack.str("max_elements").uint(self.limits.elements.into());
        pack.str("keepalive_ms").uint(self.keepalive_ms).str("time_ms").uint(self.time_ms);
    }
}
