//! The rule file on disk, and its errors. The scrubbers that it may name are kept with it, so that a reload
//! knows them too.

use crate::reload::watched_file::WatchedFile;
use crate::text;
use hub_scrub::{RuleErrors, RuleSet, Scrubber, SystemKeys};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a rule file cannot be used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("cannot read the rule file {}: {cause}", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system, or the line that is not UTF-8.
        cause: io::Error,
    },
    /// The contents of the file are wrong.
    #[error(transparent)]
    Wrong(RuleErrors),
}

/// The rule file, which can be loaded again, and the scrubbers that it may name.
pub(crate) struct RuleFile {
    path: PathBuf,
    scrubbers: Vec<Arc<dyn Scrubber>>,
}

impl RuleFile {
    pub(crate) fn new(path: &str, scrubbers: Vec<Arc<dyn Scrubber>>) -> Option<Self> {
        (!path.is_empty()).then(|| RuleFile { path: path.into(), scrubbers })
    }
}

impl WatchedFile for RuleFile {
    type Loaded = RuleSet;
    type Error = RulesError;

    fn path(&self) -> &Path {
        &self.path
    }

    fn files(&self) -> Vec<&PathBuf> {
        vec![&self.path]
    }

    fn text(&self) -> io::Result<String> {
        text::read(&self.path)
    }

    fn load(&mut self) -> Result<RuleSet, RulesError> {
        let text =
            self.text().map_err(|cause| RulesError::Read { path: self.path.clone(), cause })?;
        let source = self.path.to_string_lossy();
        RuleSet::load_with(&text, &source, &SystemKeys, &self.scrubbers).map_err(RulesError::Wrong)
    }
}
