//! Loads the rule file from disk. The scrubbers that the file may name are kept with it, because a
//! reload needs them too.

use crate::reload::watched_file::WatchedFile;
use crate::text;
use hub_scrub::{RuleErrors, RuleSet, Scrubber, SystemKeys};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// States why a rule file cannot be used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// The rule file cannot be read.
    #[error("cannot read the rule file {}: {cause}", path.display())]
    Read {
        /// The rule file has this path.
        path: PathBuf,
        /// Reading failed with this error of the operating system, or with one that names the line
        /// that is not UTF-8.
        cause: io::Error,
    },
    /// The contents of the file are wrong.
    #[error(transparent)]
    Wrong(RuleErrors),
}

/// Holds the path of the rule file, which can be loaded again, and the scrubbers that the file may
/// name.
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
