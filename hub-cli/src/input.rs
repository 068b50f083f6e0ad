//! Splits stdin into payloads while it arrives.
//!
//! Without this module, a command would have to hold all of stdin in memory, and a pipe that never
//! ends could not be used. Memory holds one value and the bytes of one read.

use crate::exact_json::{Place, to_msgpack, without_bom};
use crate::exit::{Exit, Failure};
use bytes::{Buf, Bytes, BytesMut};
use hub_wire::{Limits, WalkErrorKind, walk};
use tokio::io::{AsyncRead, AsyncReadExt};

/// One value may have at most this many bytes. A hub accepts far fewer, so a user normally sees the
/// hub's own refusal. The bound only keeps a wrong length from filling the memory.
const LONGEST: usize = 64 << 20;

/// One read asks for this many bytes.
const CHUNK: usize = 64 << 10;

/// Says which format stdin has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Each line is one JSON value. Empty lines are skipped, and so is a byte order mark in front of the
    /// first line.
    Json,
    /// MessagePack values follow one another, with nothing between them.
    Msgpack,
}

/// Splits a stream into payloads.
pub(crate) struct Input<R> {
    from: R,
    format: Format,
    buffer: BytesMut,
    ended: bool,
    /// Counts the values or lines that were taken from the input. Errors name the position with it.
    taken: u64,
    /// Counts the bytes of the MessagePack values that were taken. Errors name the position with it.
    offset: u64,
}

impl<R: AsyncRead + Unpin> Input<R> {
    pub(crate) fn new(from: R, format: Format) -> Self {
        Input { from, format, buffer: BytesMut::new(), ended: false, taken: 0, offset: 0 }
    }

    /// Returns the next payload as MessagePack, or `None` at the end of the input.
    ///
    /// The call is cancel-safe, because everything that was read stays in the buffer.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(payload) = self.split()? {
                return Ok(Some(payload));
            }
            if self.ended {
                return Ok(None);
            }
            if self.buffer.len() > LONGEST {
                return Err(self.bad(format!("the value is longer than {LONGEST} bytes")));
            }
            self.buffer.reserve(CHUNK);
            self.ended = self.from.read_buf(&mut self.buffer).await? == 0;
        }
    }

    /// Takes the next payload from the buffer, if it is whole.
    fn split(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.format {
            Format::Json => self.split_line(),
            Format::Msgpack => self.split_value(),
        }
    }

    /// Takes the next MessagePack value from the buffer, if it is whole.
    fn split_value(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        match walk(&self.buffer, 0, &Limits::NONE) {
            Ok(end) => {
                self.taken += 1;
                self.offset += end as u64;
                Ok(Some(self.buffer.split_to(end).freeze()))
            }
            Err(error) if error.kind == WalkErrorKind::Truncated && !self.ended => Ok(None),
            Err(error) => {
                self.offset += error.at as u64;
                Err(self.bad(error.kind.to_string()))
            }
        }
    }

    /// Takes the next line of JSON from the buffer, if it is whole.
    fn split_line(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let newline = self.buffer.iter().position(|byte| *byte == b'\n');
            let line = match newline {
                Some(at) => self.buffer.split_to(at),
                None if self.ended => self.buffer.split(),
                None => return Ok(None),
            };
            if newline.is_some() {
                self.buffer.advance(1);
            }
            self.taken += 1;
            let line = if self.taken == 1 { without_bom(&line) } else { &line };
            if !line.trim_ascii().is_empty() {
                return to_msgpack(line, Place::Line(self.taken)).map(Some).map_err(|error| {
                    Failure::new(Exit::Usage, format!("line {}: {error}", self.taken))
                });
            }
            if newline.is_none() {
                return Ok(None);
            }
        }
    }

    /// Makes the failure for a value that cannot be read.
    fn bad(&self, what: String) -> Failure {
        let (number, at) = (self.taken + 1, self.offset);
        Failure::new(Exit::Usage, format!("stdin, value {number}, byte {at}: {what}"))
    }
}

/// Converts a JSON text that is not a line of stdin to MessagePack.
pub(crate) fn from_json(text: &[u8]) -> Result<Bytes, Failure> {
    let payload = to_msgpack(without_bom(text), Place::Whole);
    payload.map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte from each read.
    struct Slowly<'a>(&'a [u8]);

    impl AsyncRead for Slowly<'_> {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buf: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            if let Some((first, rest)) = self.0.split_first() {
                buf.put_slice(&[*first]);
                self.0 = rest;
            }
            std::task::Poll::Ready(Ok(()))
        }
    }

    async fn all(bytes: &[u8], format: Format) -> Result<Vec<Vec<u8>>, String> {
        let mut input = Input::new(Slowly(bytes), format);
        let mut payloads = Vec::new();
        while let Some(payload) = input.next().await.map_err(|failure| failure.message)? {
            payloads.push(payload.to_vec());
        }
        Ok(payloads)
    }

    #[tokio::test]
    async fn messagepack_is_split_byte_for_byte_however_it_comes() {
        // The values are a map with an ext, the number 1 in five bytes (not its shortest form), and an
        // empty string.
        let values: [&[u8]; 3] =
            [&[0x81, 0xa1, b'k', 0xd4, 0x05, 0xff], &[0xce, 0, 0, 0, 1], &[0xa0]];
        assert_eq!(all(&values.concat(), Format::Msgpack).await.unwrap(), values);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_its_place() {
        let said = all(&[1, 2, 0x92, 1], Format::Msgpack).await.unwrap_err();
        assert_eq!(said, "stdin, value 3, byte 2: value is cut short");
        let said = all(b"1\n\n{\"a\":}\n", Format::Json).await.unwrap_err();
        assert!(said.starts_with("line 3: not JSON"), "{said}");
    }

    #[tokio::test]
    async fn json_lines_may_be_empty_and_the_last_may_lack_its_newline() {
        let payloads = all(b"1\n\r\n  \n\"a\"\r\n{\"b\":[2]}", Format::Json).await.unwrap();
        let expected: [&[u8]; 3] = [&[1], &[0xa1, b'a'], &[0x81, 0xa1, b'b', 0x91, 2]];
        assert_eq!(payloads, expected);
    }
}
