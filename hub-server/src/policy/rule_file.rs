//! The rule file on disk, and its errors.

use crate::reload::watched_file::WatchedFile;
use crate::text;
use hub_scrub::{RuleErrors, RuleSet, Scrubber, SystemKeys};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a rule file is not used.
#[derive(Debug, Error)]
pub enum RulesError {
    /// It cannot be read.
    #[error("cannot read the rule file {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says, or the line that is not UTF-8.
        cause: io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Wrong(RuleErrors),
}

/// A rule file, and the scrubbers that it may name.
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
