//! Shows on the terminal how far a long capture is read.
//!
//! A capture of some gigabytes takes a while. Without a sign of progress, it looks like a command that
//! hangs.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

/// The display changes at most this often. A capture that is read faster shows nothing.
const EVERY: Duration = Duration::from_millis(500);

/// Passes reads on, and counts their bytes.
pub(super) struct Progress<R> {
    source: R,
    /// The length of the source, if it is known.
    length: Option<u64>,
    read: u64,
    shown: Instant,
    on: bool,
    /// Whether the line has to be cleared.
    dirty: bool,
}

impl<R> Progress<R> {
    pub(super) fn new(source: R, length: Option<u64>, on: bool) -> Self {
        Progress { source, length, read: 0, shown: Instant::now(), on, dirty: false }
    }

    fn show(&mut self) {
        self.shown = Instant::now();
        self.dirty = true;
        let mib = self.read >> 20;
        // A terminal that is gone does not matter.
        let _ = match self.length {
            Some(length) if length > 0 => {
                write!(
                    io::stderr(),
                    "\r{mib} MiB, {} %\x1b[K",
                    self.read.min(length) * 100 / length
                )
            }
            _ => write!(io::stderr(), "\r{mib} MiB\x1b[K"),
        };
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(to)?;
        self.read += read as u64;
        if self.on && self.shown.elapsed() >= EVERY {
            self.show();
        }
        Ok(read)
    }
}

impl<R> Drop for Progress<R> {
    fn drop(&mut self) {
        if self.dirty {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
