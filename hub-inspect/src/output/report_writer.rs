//! Writes a report until its writer fails. An observer cannot return an error, so the first one is kept
//! for the end. Lines behind a lost line would look like a whole report.

use std::io::{self, Write};

/// Wraps a writer and keeps its first error.
#[derive(Debug)]
pub(super) struct ReportWriter<W> {
    to: W,
    /// The first error of the writer. Nothing is written behind it.
    error: Option<io::Error>,
}

impl<W: Write> ReportWriter<W> {
    pub(super) fn new(to: W) -> Self {
        ReportWriter { to, error: None }
    }

    /// Writes with `write`, unless an earlier line could not be written.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = write(&mut self.to).err();
        }
    }

    /// Flushes, and returns the writer.
    ///
    /// # Errors
    /// The first error of the writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.to.flush()?;
        Ok(self.to)
    }
}
