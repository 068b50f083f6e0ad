//! Loads the rule file from disk. The scrubbers that the file may name are kept with it, because a
//! reload needs them too.

use crate::bounded_read::{self, MaxBytes};
use crate::config::Config;
use crate::reload::watched_file::WatchedFile;
use crate::text;
use hub_scrub::{KeyOrigin, KeySource, RuleErrors, RuleSet, Scrubber, SystemKeys};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// A file with a secret that a rule file names may have at most this many bytes.
const MAX_SECRET: MaxBytes = MaxBytes::fixed(64 * 1024);

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

/// Reads the text of a rule file for a program that loads it only once. The file may have as many bytes as
/// a hub allows without configuration (`max_file_bytes`). A pipe is read to its end.
///
/// # Errors
/// Returns [`RulesError::Read`] if the file cannot be read, is too large or not UTF-8, or if its file system
/// does not answer.
pub fn read_rule_file(path: &Path) -> Result<String, RulesError> {
    text::read_once(path, Config::default().max_rule_or_access_file())
        .map_err(|cause| RulesError::Read { path: path.to_owned(), cause })
}

/// Holds the path of the rule file, which can be loaded again, and the scrubbers that the file may
/// name.
pub(crate) struct RuleFile {
    path: PathBuf,
    most: MaxBytes,
    scrubbers: Vec<Arc<dyn Scrubber>>,
}

impl RuleFile {
    /// Returns the rule file that the configuration names, if it names one.
    pub(crate) fn new(config: &Config, scrubbers: Vec<Arc<dyn Scrubber>>) -> Option<Self> {
        let path = PathBuf::from(&config.rules);
        let most = config.max_rule_or_access_file();
        (!config.rules.is_empty()).then_some(RuleFile { path, most, scrubbers })
    }
}

/// Reads the secrets that a rule file names. A file with a secret is read like the rule file
/// itself, because it may hang or be of any size, too.
#[derive(Debug, Clone, Copy)]
pub struct BoundedKeys;

impl KeySource for BoundedKeys {
    fn secret(&self, origin: KeyOrigin<'_>) -> Result<Vec<u8>, String> {
        let KeyOrigin::File(path) = origin else { return SystemKeys.secret(origin) };
        bounded_read::read(Path::new(path), MAX_SECRET)
            .map_err(|error| format!("cannot read `{path}`: {error}"))
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
        text::read(&self.path, self.most)
    }

    fn load(&mut self) -> Result<RuleSet, RulesError> {
        let text =
            self.text().map_err(|cause| RulesError::Read { path: self.path.clone(), cause })?;
        let source = self.path.to_string_lossy();
        RuleSet::load_with(&text, &source, &BoundedKeys, &self.scrubbers).map_err(RulesError::Wrong)
    }
}
