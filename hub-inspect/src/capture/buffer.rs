//! The bytes of a capture that have been read ahead.
//!
//! The buffer counts every byte that it gives out, so that an error can say where a file broke. It
//! waits for a slow pipe, and it never holds more than one record and one read.

use std::io::{self, Read};

/// So many bytes are read at once, if the source has them.
const READ: usize = 256 << 10;

/// A window over the bytes of a source.
pub(super) struct Buffer<R> {
    source: R,
    bytes: Vec<u8>,
    /// The unread bytes are `bytes[start..end]`.
    start: usize,
    end: usize,
    /// The record that was consumed last begins here.
    last: usize,
    /// The byte at `start` has this offset in the source.
    offset: u64,
    at_end: bool,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(source: R) -> Self {
        let bytes = vec![0; READ];
        Buffer { source, bytes, start: 0, end: 0, last: 0, offset: 0, at_end: false }
    }

    /// Reads until at least `needed` unread bytes are there, or the source has ended. Returns how many
    /// there are, which is at most `needed`.
    #[inline]
    pub(super) fn ensure(&mut self, needed: usize) -> io::Result<usize> {
        if self.end - self.start < needed {
            self.fill(needed)?;
        }
        Ok((self.end - self.start).min(needed))
    }

    fn fill(&mut self, needed: usize) -> io::Result<()> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        (self.start, self.last) = (0, 0);
        if self.bytes.len() < needed {
            self.bytes.resize(needed.next_multiple_of(READ), 0);
        }
        while self.end < needed && !self.at_end {
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the unread bytes that are there.
    #[inline]
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Goes on behind the next `length` bytes. They stay until the next call of [`Buffer::ensure`].
    #[inline]
    pub(super) fn consume(&mut self, length: usize) {
        self.last = self.start;
        self.start = (self.start + length).min(self.end);
        self.offset += (self.start - self.last) as u64;
    }

    /// Returns the bytes from the start of the record that was consumed last.
    #[inline]
    pub(super) fn last(&self) -> &[u8] {
        &self.bytes[self.last..self.end]
    }

    /// Returns the offset of the next unread byte in the source.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}
