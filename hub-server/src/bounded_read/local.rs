//! Reads a file in this process, and describes it. Without its limits, a device or a growing file would
//! be read until memory is gone.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// States how many bytes a file may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MaxBytes {
    pub(crate) bytes: u64,
    /// This key of the configuration sets the number. It is empty if no key does.
    pub(crate) key: &'static str,
}

impl MaxBytes {
    /// Returns a limit that no key of the configuration changes.
    pub(crate) const fn fixed(bytes: u64) -> Self {
        MaxBytes { bytes, key: "" }
    }

    /// Returns the error about a file that is larger.
    pub(crate) fn exceeded(self) -> io::Error {
        let MaxBytes { bytes, key } = self;
        let by = if key.is_empty() { String::new() } else { format!(" (`{key}`)") };
        let why = format!("it has more than {bytes} bytes, which is the limit{by}");
        io::Error::new(io::ErrorKind::FileTooLarge, why)
    }
}

/// Holds the properties of a file that change when it is written or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) bytes: u64,
    /// The file was modified at this time, in seconds since 1970 and nanoseconds.
    pub(super) modified: (i64, i64),
    /// Is true for a regular file, and not for a pipe or a device.
    pub(crate) is_file: bool,
}

impl FileStamp {
    fn of(file: &Metadata) -> Self {
        FileStamp {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            is_file: file.is_file(),
        }
    }
}

/// Returns the stamp of a file.
pub(super) fn stamp(path: &Path) -> io::Result<FileStamp> {
    std::fs::metadata(path).map(|file| FileStamp::of(&file))
}

/// Reads a file of at most `most` bytes.
pub(super) fn read(path: &Path, most: MaxBytes) -> io::Result<Vec<u8>> {
    // Opening a pipe would otherwise wait until a program writes to it.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    let found = file.metadata()?;
    // Reading a directory fails with an error that says so.
    if !found.is_file() && !found.is_dir() {
        let why = "it is a pipe, a device or a socket, and not a file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    if found.is_file() && found.len() > most.bytes {
        return Err(most.exceeded());
    }
    let mut bytes = Vec::new();
    file.take(most.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most.bytes { Err(most.exceeded()) } else { Ok(bytes) }
}
