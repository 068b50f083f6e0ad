//! A file that is followed, and the state in which it was read. A file that changes while it is read may be
//! half old and half new; two equal readings show that it was not.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// How often a file is read at a time to get two equal readings.
pub(super) const ATTEMPTS: usize = 3;

/// A file that can be loaded again, together with the files that it names.
pub(crate) trait WatchedFile: Send + Sized + 'static {
    type Loaded: Send;
    type Error: Display + Send;

    fn path(&self) -> &Path;

    /// The text of the file, and of everything else on which the result of `load` depends. The
    /// error says why a part of it cannot be read.
    fn text(&self) -> io::Result<String>;

    /// Reads and checks the file. It puts nothing in force.
    fn load(&mut self) -> Result<Self::Loaded, Self::Error>;
}

/// The state in which a file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileSnapshot {
    Text(String),
    /// The file is missing. It may be being replaced.
    Missing,
    /// The file cannot be read, for this cause. Another cause is a change.
    Unreadable(String),
}

impl FileSnapshot {
    pub(crate) fn of(file: &impl WatchedFile) -> Self {
        match file.text() {
            Ok(text) => FileSnapshot::Text(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileSnapshot::Missing,
            Err(error) => FileSnapshot::Unreadable(error.to_string()),
        }
    }
}

/// Loads a file, and returns the state in which it was read.
pub(crate) fn load<S: WatchedFile, T>(
    file: &mut S,
    mut load: impl FnMut(&mut S) -> T,
) -> (FileSnapshot, T) {
    let mut seen = FileSnapshot::of(file);
    for _ in 1..ATTEMPTS {
        let loaded = load(file);
        // Only after loading it is known which other files it names.
        let after = FileSnapshot::of(file);
        if after == seen {
            return (seen, loaded);
        }
        seen = after;
    }
    let loaded = load(file);
    (seen, loaded)
}
