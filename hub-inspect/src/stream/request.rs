//! The headers `id`, `re` and `reply` of an event, which tie a reply to its request.
//!
//! A request and its reply are events like any other, and have different topics. Only these headers show
//! that they belong together.

use hub_wire::{Limits, Reader};

/// The headers that tie a reply to its request.
#[derive(Default)]
pub(super) struct RequestHeaders<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) re: Option<&'a str>,
    /// Whether there is a header `reply`, which makes an event a request.
    pub(super) is_request: bool,
}

impl<'a> RequestHeaders<'a> {
    /// Reads headers. Returns `None` if they are not well-formed.
    pub(super) fn of(headers: &'a [u8]) -> Option<Self> {
        let mut read = Reader::new(headers, &Limits::NONE);
        let mut found = RequestHeaders::default();
        for _ in 0..read.map("headers").ok()? {
            match read.str("key").ok()? {
                "id" => found.id = Some(read.str("id").ok()?),
                "re" => found.re = Some(read.str("re").ok()?),
                "reply" => {
                    found.is_request = true;
                    read.value("value").ok()?;
                }
                _ => {
                    read.value("value").ok()?;
                }
            }
        }
        Some(found)
    }
}
