//! Describes a file that is followed, and the state in which it was read. A file that changes while it
//! is read may be half old and half new. Two equal observations show that the file was not changed
//! between them.

use crate::bounded_read::{self, FileStamp};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// A file that changes while it is loaded is loaded at most this many times in a row.
pub(super) const ATTEMPTS: usize = 3;

/// Describes a file that can be loaded again, together with the files that it names.
pub(crate) trait WatchedFile: Send + Sized + 'static {
    type Loaded: Send;
    type Error: Display + Send;

    fn path(&self) -> &Path;

    /// Returns every file that [`text`](WatchedFile::text) reads.
    fn files(&self) -> Vec<&PathBuf>;

    /// Returns the text of the file, and of everything else on which the result of `load` depends.
    /// The error says why a part of the text cannot be read.
    fn text(&self) -> io::Result<String>;

    /// Reads and checks the file, and puts nothing in force.
    fn load(&mut self) -> Result<Self::Loaded, Self::Error>;
}

/// Holds what was found when a file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileSnapshot {
    Text(String),
    /// The file is missing. A program may be replacing it.
    Missing,
    /// The file cannot be read, for this cause. A different cause counts as a change of the file.
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

/// Holds the state of a file, and the stamps that identify the file at that moment.
///
/// Two snapshots that agree do not show that the file stayed as it was. A file that a program saves
/// in place again and again is empty at the beginning of each save, and two readings can meet two
/// of these moments. The hub would then load the empty file. The stamps of the two moments differ,
/// so an observation shows the change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Observation {
    /// There is one stamp for each file. `None` stands for a file that does not exist or
    /// cannot be asked.
    stamps: Vec<Option<FileStamp>>,
    pub(super) snapshot: FileSnapshot,
}

impl Observation {
    pub(super) fn of(file: &impl WatchedFile) -> Self {
        // The stamps are taken before the text, so a write after this line changes the stamps of
        // the next observation.
        let stamps = file.files().into_iter().map(|path| bounded_read::stamp(path).ok()).collect();
        Observation { stamps, snapshot: FileSnapshot::of(file) }
    }
}

/// Loads a file, again if it changed meanwhile, and returns the state in which it was read. The
/// result of `load` comes with it.
pub(crate) fn load<S: WatchedFile, T>(
    file: &mut S,
    mut load: impl FnMut(&mut S) -> T,
) -> (FileSnapshot, T) {
    let mut seen = Observation::of(file);
    for _ in 1..ATTEMPTS {
        let loaded = load(file);
        // Only after a load is it known which other files the file names.
        let after = Observation::of(file);
        if after == seen {
            return (seen.snapshot, loaded);
        }
        seen = after;
    }
    let loaded = load(file);
    (seen.snapshot, loaded)
}
