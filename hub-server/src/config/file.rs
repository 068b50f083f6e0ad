//! Loads the configuration file, at the start and again while the hub runs. Each load applies the
//! environment and the flags again, because a reload would otherwise undo what they set.

use super::error::{ConfigError, ValueOrigin};
use super::keys::Config;
use crate::bounded_read::{self, MaxBytes};
use crate::reload::watched_file::{FileSnapshot, WatchedFile};
use crate::text;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A configuration file may have at most this many bytes. One with every key is far shorter.
const MAX_FILE: MaxBytes = MaxBytes::fixed(1024 * 1024);

/// Holds a configuration file, and the environment and the flags that take precedence over it. So a
/// reload differs from the start only in what has changed in the file.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    env: Vec<(String, String)>,
    flags: Vec<(String, String)>,
}

/// States why a configuration file cannot be loaded again.
#[derive(Debug, Error)]
pub(crate) enum ConfigFileError {
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Wrong(ConfigError),
}

impl ConfigFile {
    /// Creates a configuration file with the contents `text`. The hub reads `path` only when it
    /// reloads the file. `env` and `flags` have the form that [`Config::load`] takes.
    pub fn new(
        path: PathBuf,
        text: String,
        env: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let (env, flags) = (env.into_iter().collect(), flags.into_iter().collect());
        ConfigFile { path, text, env, flags }
    }

    /// Reads the text of a configuration file for [`ConfigFile::new`]. A pipe is read to its end.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, has more than 1 MiB, is not UTF-8, or if its
    /// file system does not answer.
    pub fn read(path: &Path) -> io::Result<String> {
        text::read_once(path, MAX_FILE)
    }

    /// Loads the configuration.
    ///
    /// # Errors
    /// The errors are those of [`Config::load`]. A file without any text is an error, too, because it
    /// was most likely cut off.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let is_gone = |char: char| char.is_whitespace() || char == '\u{feff}';
        if self.text.trim_matches(is_gone).is_empty() && self.can_be_followed() {
            let origin = ValueOrigin::File { path: self.path.clone(), line: 1, column: 1 };
            let message =
                "the file is empty; for the defaults alone, leave the file out".to_owned();
            return Err(ConfigError::Syntax { origin, message });
        }
        let file = Some((self.path.as_path(), self.text.as_str()));
        Config::load(file, self.env.iter().cloned(), self.flags.iter().cloned())
    }

    /// Returns whether the hub can read the file again. A pipe, for example, can be read only once.
    pub(crate) fn can_be_followed(&self) -> bool {
        bounded_read::stamp(&self.path).is_ok_and(|file| file.is_file)
    }

    /// Returns the contents of the file as the hub read them last.
    pub(crate) fn seen(&self) -> FileSnapshot {
        FileSnapshot::Text(self.text.clone())
    }
}

impl WatchedFile for ConfigFile {
    type Loaded = Config;
    type Error = ConfigFileError;

    fn path(&self) -> &Path {
        &self.path
    }

    fn files(&self) -> Vec<&PathBuf> {
        vec![&self.path]
    }

    fn text(&self) -> io::Result<String> {
        text::read(&self.path, MAX_FILE)
    }

    fn load(&mut self) -> Result<Config, ConfigFileError> {
        self.text = WatchedFile::text(self)
            .map_err(|cause| ConfigFileError::Read { path: self.path.clone(), cause })?;
        ConfigFile::load(self).map_err(ConfigFileError::Wrong)
    }
}
