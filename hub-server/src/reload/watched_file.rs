//! A file that is followed, and the state in which it was read. A file that changes while it is read may be
//! half old and half new; two equal readings show that it was not.

use std::fmt::Display;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How often a file is read at a time to get two equal readings.
pub(super) const ATTEMPTS: usize = 3;

/// A file that can be loaded again, together with the files that it names.
pub(crate) trait WatchedFile: Send + Sized + 'static {
    type Loaded: Send;
    type Error: Display + Send;

    fn path(&self) -> &Path;

    /// Returns every file that [`text`](WatchedFile::text) reads.
    fn files(&self) -> Vec<&PathBuf>;

    /// Returns the text of the file, and of everything else on which the result of `load` depends.
    /// The error says why a part of it cannot be read.
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

/// The state of a file, and which file it was at that moment.
///
/// Two snapshots that agree do not show that the file stayed as it was. A file that a program saves in
/// place again and again is empty at the beginning of each save, and two readings can meet two of these
/// moments. The hub would take the empty file. The stamps of these moments differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Observation {
    /// One for each file. `None` stands for a file that is not there.
    stamps: Vec<Option<FileStamp>>,
    pub(super) snapshot: FileSnapshot,
}

/// What changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// `None` where the file system keeps no such time.
    modified: Option<SystemTime>,
}

impl Observation {
    pub(super) fn of(file: &impl WatchedFile) -> Self {
        // The stamps come first: a write after this line changes the stamps of the next observation.
        let stamps = file.files().into_iter().map(|path| FileStamp::of(path)).collect();
        Observation { stamps, snapshot: FileSnapshot::of(file) }
    }
}

impl FileStamp {
    fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        let modified = file.modified().ok();
        Some(FileStamp { device: file.dev(), inode: file.ino(), bytes: file.len(), modified })
    }
}

/// Loads a file, and returns the state in which it was read.
pub(crate) fn load<S: WatchedFile, T>(
    file: &mut S,
    mut load: impl FnMut(&mut S) -> T,
) -> (FileSnapshot, T) {
    let mut seen = Observation::of(file);
    for _ in 1..ATTEMPTS {
        let loaded = load(file);
        // Only after loading it is known which other files it names.
        let after = Observation::of(file);
        if after == seen {
            return (seen.snapshot, loaded);
        }
        seen = after;
    }
    let loaded = load(file);
    (seen.snapshot, loaded)
}
