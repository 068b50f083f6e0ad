//! Reads the files that an access file names: keys and CAs. They are read through a trait, because tests
//! and fuzzing would otherwise need files on disk.

use crate::bounded_read::MaxBytes;
use crate::text;

/// A file that an access file names may have at most this many bytes. Key sets and CAs are far
/// shorter.
pub(crate) const MAX_NAMED_FILE: MaxBytes = MaxBytes::fixed(1024 * 1024);

/// Reads the files that an access file names.
pub trait Files {
    /// Returns the text of a file.
    ///
    /// # Errors
    /// The error says why the file cannot be read.
    fn read(&self, path: &str) -> std::io::Result<String>;
}

/// Reads files on disk. Relative paths begin at this folder, which is the folder of the access
/// file.
#[derive(Clone, Debug)]
pub struct Folder(pub std::path::PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> std::io::Result<String> {
        text::read(&self.0.join(path), MAX_NAMED_FILE)
    }
}
