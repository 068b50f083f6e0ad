//! Loads the access file from disk. The keys and CAs that it names are loaded with it, so that the hub
//! notices a change of one of these files too.

use super::access::{Access, AccessError, FOR_NOBODY, Files, Folder, MAX_NAMED_FILE};
use crate::bounded_read::MaxBytes;
use crate::config::Config;
use crate::reload::watched_file::WatchedFile;
use crate::text;
use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// States why an access file cannot be used.
#[derive(Debug, Error)]
pub enum AccessFileError {
    /// The access file cannot be read.
    #[error("cannot read the access file {}: {cause}", path.display())]
    Read {
        /// The access file has this path.
        path: PathBuf,
        /// Reading failed with this error of the operating system, or with one that names the line
        /// that is not UTF-8.
        cause: io::Error,
    },
    /// The contents of the file are wrong.
    #[error(transparent)]
    Wrong(AccessError),
    /// The file is empty, or it lets nobody in although the file before let somebody in.
    #[error("{}: was most likely cut off, because {FOR_NOBODY}", path.display())]
    ForNobody {
        /// The access file has this path.
        path: PathBuf,
    },
}

/// Holds the path of the access file, which can be loaded again.
#[derive(Debug)]
pub(crate) struct AccessFile {
    path: PathBuf,
    most: MaxBytes,
    /// Is true if the access file that was loaded last lets anybody in.
    lets_in: bool,
    /// These files were read when the access file was loaded last, with success or without.
    named: Vec<PathBuf>,
}

impl AccessFile {
    /// Returns the access file that the configuration names, if it names one.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let path = PathBuf::from(&config.access);
        let most = config.max_rule_or_access_file();
        (!config.access.is_empty()).then(|| AccessFile {
            path,
            most,
            lets_in: false,
            named: Vec::new(),
        })
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }
}

/// Reads files in a folder, and remembers which ones.
struct RecordingFolder {
    folder: PathBuf,
    read: RefCell<Vec<PathBuf>>,
}

impl Files for RecordingFolder {
    fn read(&self, path: &str) -> io::Result<String> {
        let file = self.folder.join(path);
        let mut read = self.read.borrow_mut();
        if !read.contains(&file) {
            read.push(file);
        }
        Folder(self.folder.clone()).read(path)
    }
}

impl WatchedFile for AccessFile {
    type Loaded = Access;
    type Error = AccessFileError;

    fn path(&self) -> &Path {
        &self.path
    }

    fn files(&self) -> Vec<&PathBuf> {
        std::iter::once(&self.path).chain(&self.named).collect()
    }

    fn text(&self) -> io::Result<String> {
        let mut all = text::read(&self.path, self.most)?;
        for file in &self.named {
            all += &text::read(file, MAX_NAMED_FILE)?;
        }
        Ok(all)
    }

    fn load(&mut self) -> Result<Access, AccessFileError> {
        let text = text::read(&self.path, self.most)
            .map_err(|cause| AccessFileError::Read { path: self.path.clone(), cause })?;
        let files = RecordingFolder { folder: self.folder(), read: RefCell::default() };
        let access = Access::load(&text, &self.path.to_string_lossy(), &files);
        // If one of the files cannot be used, the hub has to notice when it can.
        self.named = files.read.into_inner();
        let access = access.map_err(AccessFileError::Wrong)?;
        if access.is_empty() || (access.is_for_nobody() && self.lets_in) {
            return Err(AccessFileError::ForNobody { path: self.path.clone() });
        }
        self.lets_in = !access.is_for_nobody();
        Ok(access)
    }
}
