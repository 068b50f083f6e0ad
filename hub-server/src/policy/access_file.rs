//! Loads the access file from disk. The keys and CAs that it names are loaded with it, so that the hub
//! notices a change of one of these files too.

use super::access::{Access, AccessError, Folder};
use crate::reload::watched_file::WatchedFile;
use crate::text;
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
}

/// Holds the path of the access file, which can be loaded again.
#[derive(Debug)]
pub(crate) struct AccessFile {
    path: PathBuf,
    /// The access file named these files when it was loaded last.
    named: Vec<PathBuf>,
}

impl AccessFile {
    pub(crate) fn new(path: &str) -> Option<Self> {
        (!path.is_empty()).then(|| AccessFile { path: path.into(), named: Vec::new() })
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
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
        self.files().into_iter().map(|file| text::read(file)).collect()
    }

    fn load(&mut self) -> Result<Access, AccessFileError> {
        let text = text::read(&self.path)
            .map_err(|cause| AccessFileError::Read { path: self.path.clone(), cause })?;
        let folder = self.folder();
        let access = Access::load(&text, &self.path.to_string_lossy(), &Folder(folder.clone()))
            .map_err(AccessFileError::Wrong)?;
        self.named = access.files().map(|file| folder.join(file)).collect();
        Ok(access)
    }
}
