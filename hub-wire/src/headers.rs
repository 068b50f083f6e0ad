//! Checks the headers of an event, and finds the two headers that the hub acts on: `reply` and
//! `key`.
//!
//! Without this check, a publisher could put any value into a map that every subscriber has to read, and
//! a reply could go to an invalid topic name.

use crate::{FrameError, FrameErrorKind, Limits, Reader, RefusedCode, WalkErrorKind};
use crate::{NameError, TopicName};
use std::fmt;
use thiserror::Error;

/// An event has at most this many headers.
pub const MAX_HEADERS: usize = 64;

/// Holds the headers of an event that the hub acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderFacts<'a> {
    /// The reply to the event goes to the topic with this name, which is valid.
    pub reply: Option<&'a str>,
    /// The event has this key. Of events with equal keys, the overflow policy `latest` keeps the
    /// newest.
    pub key: Option<&'a str>,
}

/// States why the hub refuses the headers of an event.
///
/// The field `key` comes from the publisher. The hub may send it back to the publisher, and to
/// nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{kind}", Named(.key.as_deref()))]
pub struct HeaderError {
    /// The header with this key has the fault, if the fault is in a single header. The key is cut
    /// to 64 bytes.
    pub key: Option<Box<str>>,
    /// The headers have this fault.
    pub kind: HeaderErrorKind,
}

/// Describes a fault of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderErrorKind {
    /// The headers are not one well-formed map.
    #[error("headers: {0}")]
    Malformed(FrameError),
    /// A key is not a string.
    #[error("a header's key must be a string")]
    KeyNotText,
    /// The event has more than [`MAX_HEADERS`] headers.
    #[error("more than {MAX_HEADERS} headers")]
    TooMany,
    /// Two headers have the same key.
    #[error("stands there twice")]
    Duplicate,
    /// Only the hub may set a header with this key.
    #[error("is the hub's own")]
    Reserved,
    /// A known header has a value of another type than the type with this name.
    #[error("must be {0}")]
    WrongType(&'static str),
    /// The header `reply` is not a valid topic name.
    #[error("must be a topic: {0}")]
    BadTopic(NameError),
}

impl HeaderError {
    /// Returns the error for headers that are not one well-formed map.
    #[must_use]
    pub fn malformed(error: FrameError) -> Self {
        HeaderErrorKind::Malformed(error).of(None)
    }

    /// Returns the code with which the hub refuses the event.
    #[must_use]
    pub fn code(&self) -> RefusedCode {
        match self.kind {
            HeaderErrorKind::Reserved => RefusedCode::ReservedHeader,
            HeaderErrorKind::Malformed(error) => match error.kind {
                FrameErrorKind::Value { fault: WalkErrorKind::TooDeep, .. } => RefusedCode::TooDeep,
                FrameErrorKind::Value { fault: WalkErrorKind::TooManyElements, .. } => {
                    RefusedCode::TooManyElements
                }
                _ => RefusedCode::Malformed,
            },
            _ => RefusedCode::BadHeader,
        }
    }
}

/// Checks the headers of an event, and returns the headers that the hub acts on.
///
/// The headers must be one map of at most [`MAX_HEADERS`] entries. Its keys must be strings, all
/// different, and none may begin with `$`. The values of known headers must have the type of this
/// table. The function allocates only for an error.
///
/// | key | value |
/// |---|---|
/// | `id`, `re`, `trace`, `type`, `key` | a string |
/// | `reply` | a string that is a topic name |
/// | `ttl` | an unsigned integer |
///
/// ```
/// use hub_wire::{HeaderErrorKind, check_headers};
/// use hub_wire::Limits;
///
/// let facts = check_headers(b"\x81\xa3key\xa2eu", &Limits::default())?;
/// assert_eq!(facts.key, Some("eu"));
///
/// let error = check_headers(b"\x81\xa3ttl\xa2eu", &Limits::default()).unwrap_err();
/// assert_eq!(error.kind, HeaderErrorKind::WrongType("an unsigned integer"));
/// assert_eq!(error.to_string(), "header \"ttl\" must be an unsigned integer");
/// # Ok::<(), hub_wire::HeaderError>(())
/// ```
///
/// # Errors
/// The error states the first fault, and the key of the header that has it.
pub fn check_headers<'a>(
    map_bytes: &'a [u8],
    limits: &Limits,
) -> Result<HeaderFacts<'a>, HeaderError> {
    let malformed = HeaderError::malformed;
    let mut read = Reader::new(map_bytes, limits);
    let mut facts = HeaderFacts::default();
    let count = read.map("headers").map_err(malformed)? as usize;
    if count > MAX_HEADERS {
        return Err(HeaderErrorKind::TooMany.of(None));
    }
    // A search through at most 64 keys needs no table, and no publisher can make it slow.
    let mut seen = [""; MAX_HEADERS];
    for n in 0..count {
        let key = read.str("header key").map_err(|_| HeaderErrorKind::KeyNotText.of(None))?;
        if seen[..n].contains(&key) {
            return Err(HeaderErrorKind::Duplicate.of(Some(key)));
        }
        seen[n] = key;
        match key {
            "reply" => facts.reply = Some(topic(&mut read)?),
            "key" => facts.key = Some(text(&mut read, key)?),
            "id" | "re" | "trace" | "type" => {
                text(&mut read, key)?;
            }
            "ttl" => {
                let wrong = HeaderErrorKind::WrongType("an unsigned integer");
                read.uint("ttl").map_err(|_| wrong.of(Some(key)))?;
            }
            _ if key.starts_with('$') => return Err(HeaderErrorKind::Reserved.of(Some(key))),
            _ => {
                read.value("header").map_err(malformed)?;
            }
        }
    }
    if read.at_end() {
        return Ok(facts);
    }
    Err(malformed(FrameErrorKind::Trailing.at(read.position())))
}

/// Reads the value of a header that must be a string.
fn text<'a>(read: &mut Reader<'a>, key: &str) -> Result<&'a str, HeaderError> {
    read.str("header").map_err(|_| HeaderErrorKind::WrongType("a string").of(Some(key)))
}

/// Reads the value of the header `reply`, which must be a topic name.
fn topic<'a>(read: &mut Reader<'a>) -> Result<&'a str, HeaderError> {
    let name = text(read, "reply")?;
    // `TopicName::parse` decides. This check only avoids its allocation for valid names.
    let plainly_good = name.len() <= TopicName::MAX_BYTES
        && name.bytes().filter(|byte| *byte == b'.').count() < TopicName::MAX_TOKENS
        && name
            .split('.')
            .all(|token| !token.is_empty() && token.bytes().all(TopicName::is_allowed));
    if !plainly_good && let Err(error) = TopicName::parse(name) {
        return Err(HeaderErrorKind::BadTopic(error).of(Some("reply")));
    }
    Ok(name)
}

impl HeaderErrorKind {
    fn of(self, key: Option<&str>) -> HeaderError {
        HeaderError { key: key.map(|key| key[..key.floor_char_boundary(64)].into()), kind: self }
    }
}

/// Prints the key of a header, if there is one, in front of its fault.
struct Named<'a>(Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, "header {key:?} "),
            None => Ok(()),
        }
    }
}
