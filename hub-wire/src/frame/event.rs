//! Reads and writes the EVENT frame. It has the same bytes in both directions.
//!
//! If the two directions differed, the hub would have to encode every event again.

use super::{FrameError, FrameErrorKind, FrameType};
use crate::{Limits, Packer, Reader, frame_with};

/// Holds the frame EVENT, which is `[3, topic, payload]` or `[3, topic, payload, headers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFrame<'a> {
    /// The frame names this topic. The reader does not check the name.
    pub topic: &'a str,
    /// The payload is one well-formed MessagePack value.
    pub payload: &'a [u8],
    /// The headers are one well-formed MessagePack map.
    pub headers: Option<&'a [u8]>,
}

impl<'a> EventFrame<'a> {
    /// Reads an EVENT frame and walks every byte of its payload and headers.
    ///
    /// # Errors
    /// The error states the first fault of the frame, with its offset in the body.
    #[inline]
    pub fn parse(body: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let mut read = Reader::new(body, limits);
        let count = read.array("frame")?;
        read.uint("frame type")?;
        let topic = read.str("topic")?;
        Self::parse_rest(read, count, topic)
    }

    /// Reads the rest of an EVENT frame whose topic is already read and ends at `offset` of the body.
    ///
    /// # Errors
    /// The error states the first fault of the frame, with its offset in the body.
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

    /// Appends the frame to `out`, with its length in front.
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
