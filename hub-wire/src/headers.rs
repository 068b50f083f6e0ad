//! Checks the headers of an event, and finds the two headers that the hub acts on: `reply` and
//! `key`.
//!
//! Without this check, a publisher could put any value into a map that every subscriber has to read, and
//! a reply could go to an invalid topic name.

use crate::{EventFrame, FrameError, FrameErrorKind, Limits, Reader, RefusedCode, WalkErrorKind};
use crate::{NameError, TopicName};
use std::fmt;
use thiserror::Error;

/// A REFUSED frame repeats the header `id` of the event if the header has at most this many bytes.
pub const MAX_REFUSED_ID: usize = 255;

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
///
/// ```
/// use hub_wire::{HeaderErrorKind, check_headers};
/// use hub_wire::Limits;
///
/// let facts = check_headers(b"\x81\xa3key\xa2eu", &Limits::default())?;
/// assert_eq!(facts.key, Some("eu"));
///
/// let error = check_headers(b"\x81\xa4type\x07", &Limits::default()).unwrap_err();
/// assert_eq!(error.kind, HeaderErrorKind::WrongType("a string"));
/// assert_eq!(error.to_string(), "header \"type\" must be a string");
/// # Ok::<(), hub_wire::HeaderError>(())
/// ```
///
/// # Errors
/// The error states the first fault, and the key of the header that has it.
pub fn check_headers<'a>(
    map_bytes: &'a [u8],
    limits: &Limits,
) -> Result<HeaderFacts<'a>, HeaderError> {
    check(map_bytes, limits, Sender::Client)
}

/// Checks the headers of an event that comes from the hub, as [`check_headers`] does. The hub adds
/// headers to dead letters whose keys begin with `$`.
///
/// # Errors
/// The error states the first fault, and the key of the header that has it.
pub fn check_headers_of_hub<'a>(
    map_bytes: &'a [u8],
    limits: &Limits,
) -> Result<HeaderFacts<'a>, HeaderError> {
    check(map_bytes, limits, Sender::Hub)
}

/// States who has sent an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Hub,
}

/// The hub adds at most this many headers.
const MAX_ADDED: usize = 8;

fn check<'a>(
    map_bytes: &'a [u8],
    limits: &Limits,
    sender: Sender,
) -> Result<HeaderFacts<'a>, HeaderError> {
    let malformed = HeaderError::malformed;
    let mut read = Reader::new(map_bytes, limits);
    let mut facts = HeaderFacts::default();
    let count = read.map("headers").map_err(malformed)? as usize;
    let most = if sender == Sender::Hub { MAX_HEADERS + MAX_ADDED } else { MAX_HEADERS };
    if count > most {
        return Err(HeaderErrorKind::TooMany.of(None));
    }
    // A search through so few keys needs no table, and no publisher can make it slow.
    let mut seen = [""; MAX_HEADERS + MAX_ADDED];
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
            _ if key.starts_with('$') && sender == Sender::Client => {
                return Err(HeaderErrorKind::Reserved.of(Some(key)));
            }
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

/// Returns the text of the header `id` of an EVENT frame, for a hub that refuses the event. Returns
/// `None` if the event has no such header or has it twice, if its text is longer than
/// [`MAX_REFUSED_ID`], or if the frame is malformed.
///
/// The event may be refused because of its limits, so no limits apply here but those of the walker.
#[must_use]
pub fn event_id(body: &[u8]) -> Option<&str> {
    header_id(EventFrame::parse(body, &Limits::NONE).ok()?.headers?)
}

/// Returns what [`event_id`] returns, for the headers of an event alone.
#[must_use]
pub fn header_id(map_bytes: &[u8]) -> Option<&str> {
    let mut read = Reader::new(map_bytes, &Limits::NONE);
    let mut found = None;
    for _ in 0..read.map("headers").ok()? {
        if Reader::new(read.value("header key").ok()?, &Limits::NONE).str("header key") != Ok("id")
        {
            read.value("header").ok()?;
            continue;
        }
        let id = Reader::new(read.value("header").ok()?, &Limits::NONE).str("header").ok()?;
        if id.len() > MAX_REFUSED_ID || found.replace(id).is_some() {
            return None;
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(headers: &[u8]) -> Option<&str> {
        header_id(headers)
    }

    #[test]
    fn the_id_of_an_event_is_found_whatever_else_is_wrong_with_it() {
        assert_eq!(id(b"\x81\xa2id\xa1a"), Some("a"));
        assert_eq!(id(b"\x83\x01\x02\xa2$x\x01\xa2id\xa1a"), Some("a"), "other bad headers");
        assert_eq!(id(b"\x81\xa2id\x01"), None, "no text");
        assert_eq!(id(b"\x82\xa2id\xa1a\xa2id\xa1a"), None, "twice");
        assert_eq!(id(b"\x81\xa1a\xa1b"), None);
        for (length, known) in [(MAX_REFUSED_ID, true), (MAX_REFUSED_ID + 1, false)] {
            let mut headers = Vec::new();
            crate::Packer(&mut headers).map(1).str("id").str(&"i".repeat(length));
            assert_eq!(id(&headers).is_some(), known, "{length}");
        }
        let deep = [b"\x94\x03\xa1t".as_slice(), &[0x91; 40], b"\xc0\x81\xa2id\xa1a"].concat();
        assert_eq!(event_id(&deep), Some("a"), "the payload is too deep for the hub");
        assert_eq!(event_id(b"\x94\x03\xa1t\xc1\x81\xa2id\xa1a"), None, "malformed");
        assert_eq!(event_id(b"\x93\x03\xa1t\x01"), None, "no headers");
    }
}
