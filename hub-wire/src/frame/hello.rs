//! Reads and writes the handshake frames: HELLO introduces the client, and WELCOME states the facts
//! and limits of the connection.
//!
//! Both frames carry a map of named values, so that a later version can add a value. A peer ignores a
//! name that it does not know.

use super::values::{read_id16, read_map, read_u16, read_u32};
use super::{Credentials, FrameError, FrameErrorKind, FrameType};
use crate::{Limits, MAGIC, Packer, Reader, VERSION};

/// States which versions of the protocol a client speaks: all from `oldest` to `newest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The client speaks this version, and no older one.
    pub oldest: u64,
    /// The client speaks this version, and no newer one.
    pub newest: u64,
}

impl VersionRange {
    /// Returns the newest version that both this crate and the client speak. Returns `None` if there
    /// is no such version.
    #[must_use]
    pub fn common(self) -> Option<u64> {
        (self.oldest..=self.newest).contains(&VERSION).then_some(VERSION)
    }

    /// Reads one version, or an array of the oldest and the newest.
    fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        const EXPECTED: &str = "a version, or an array of the oldest and the newest";
        let what = "version";
        if !read.is_array() {
            let version = read.uint(what)?;
            return Ok(VersionRange { oldest: version, newest: version });
        }
        let at = read.position();
        if read.array(what)? != 2 {
            return Err(FrameErrorKind::WrongType { what, expected: EXPECTED }.at(at));
        }
        let (oldest, newest) = (read.uint("oldest version")?, read.uint("newest version")?);
        if oldest > newest {
            return Err(FrameErrorKind::NoSuchValue { what }.at(at));
        }
        Ok(VersionRange { oldest, newest })
    }

    fn write(self, pack: &mut Packer<'_>) {
        if self.oldest == self.newest {
            pack.uint(self.oldest);
        } else {
            pack.array(2).uint(self.oldest).uint(self.newest);
        }
    }
}

impl Default for VersionRange {
    fn default() -> Self {
        VersionRange { oldest: VERSION, newest: VERSION }
    }
}

/// Holds the frame HELLO, which is `[1, "hub", version, {options}]`. The version is a number, or an
/// array of the oldest and the newest version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The client speaks these versions of the protocol.
    pub versions: VersionRange,
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

impl Hello {
    /// Returns the versions that a HELLO frame with this body states. Nothing behind them is read,
    /// because another version of the protocol may have anything there.
    ///
    /// # Errors
    /// The body is not a HELLO frame, or its versions cannot be read.
    pub fn versions(body: &[u8]) -> Result<VersionRange, FrameError> {
        let mut read = Reader::new(body, &Limits::NONE);
        read.array_begun("frame")?;
        let at = read.position();
        if read.uint("frame type")? != FrameType::Hello.number().into() {
            return Err(FrameErrorKind::NoSuchValue { what: "frame type" }.at(at));
        }
        Self::read_versions(&mut read)
    }

    fn read_versions(read: &mut Reader<'_>) -> Result<VersionRange, FrameError> {
        let at = read.position();
        if read.str("magic word")? != MAGIC {
            return Err(FrameErrorKind::NoSuchValue { what: "magic word" }.at(at));
        }
        VersionRange::read(read)
    }

    pub(super) fn read(read: &mut Reader<'_>) -> Result<Self, FrameError> {
        let mut hello = Hello { versions: Self::read_versions(read)?, ..Hello::default() };
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
        pack.str(MAGIC);
        self.versions.write(pack);
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
    /// If this is true, the hub has kept subscriptions of the last connection of the instance.
    pub kept: bool,
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
const FACTS: [&str; 12] = [
    "hub",
    "connection",
    "resumed",
    "kept",
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
            kept: false,
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
                "kept" => welcome.kept = read.bool("kept")?,
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
        pack.str("resumed").bool(self.resumed).str("kept").bool(self.kept);
        pack.str("received").uint(self.received);
        pack.str("publisher").str(&self.publisher).str("inbox").str(&self.inbox);
        pack.str("max_frame").uint(self.limits.frame.into());
        pack.str("max_depth").uint(self.limits.depth.into());
        pack.str("max_elements").uint(self.limits.elements.into());
        pack.str("keepalive_ms").uint(self.keepalive_ms).str("time_ms").uint(self.time_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(body: &[u8]) -> Result<(u64, u64), FrameErrorKind> {
        let range = Hello::versions(body).map_err(|error| error.kind)?;
        Ok((range.oldest, range.newest))
    }

    #[test]
    fn the_versions_are_read_whatever_follows_them() {
        assert_eq!(versions(b"\x94\x01\xa3hub\x01\x80"), Ok((1, 1)));
        assert_eq!(versions(b"\x9f\x01\xa3hub\x92\x02\x09\xc1\xff nothing known"), Ok((2, 9)));
        assert_eq!(versions(b"\x93\x01\xa3hub\x07"), Ok((7, 7)), "nothing follows");
        assert_eq!(versions(b"\x93\x01\xa3hub\xdc\x00\x02\xcc\x02\xcd\x01\x00"), Ok((2, 256)));
    }

    #[test]
    fn what_is_no_hello_or_no_version_is_an_error() {
        for body in [
            b"\x94\x02\xa3hub\x02\x80".as_slice(),
            b"\x94\x01\xa3bus\x02\x80",
            b"\x94\x01\xa3hub\xa12\x80",
            b"\x94\x01\xa3hub\xc0\x80",
            b"\x94\x01\xa3hub\x91\x02\x80",
            b"\x94\x01\xa3hub\x93\x02\x03\x04\x80",
            b"\x94\x01\xa3hub\x92\x03\x02\x80",
            b"\x94\x01\xa3hub",
            b"\x94\x01\xa3hub\xcb\x40\x00\x00\x00\x00\x00\x00\x00",
            b"\x81\x01\xa3hub\x02",
            b"",
        ] {
            assert!(versions(body).is_err(), "{body:02x?}");
        }
    }

    #[test]
    fn the_newest_common_version_counts() {
        let range = |oldest, newest| VersionRange { oldest, newest };
        assert_eq!(range(0, 1).common(), Some(1));
        assert_eq!(range(1, u64::MAX).common(), Some(1));
        assert_eq!(range(2, 3).common(), None);
        assert_eq!(range(0, 0).common(), None);
    }
}
