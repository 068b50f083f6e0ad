//! Loads the files that a configuration names, before a hub starts. `hub config check` loads them in the
//! same way. If it had a way of its own, it would accept files that a hub refuses.

use crate::config::Config;
use crate::policy::access_file::AccessFile;
use crate::policy::rule_file::RuleFile;
use crate::policy::tls::files::TlsFiles;
use crate::reload::watched_file::{self, FileSnapshot, WatchedFile};
use crate::serve_error::ServeError;
use hub_scrub::Scrubber;
use std::sync::Arc;

/// Holds what was loaded from a file, the file, and the state in which the file was read.
pub(crate) type LoadedFile<F> = (<F as WatchedFile>::Loaded, F, FileSnapshot);

/// Holds the files that a configuration names.
pub(crate) struct StartupFiles {
    pub(crate) rules: Option<LoadedFile<RuleFile>>,
    pub(crate) access: Option<LoadedFile<AccessFile>>,
    pub(crate) tls: Option<LoadedFile<TlsFiles>>,
}

/// Loads the files that a configuration names. The rule file may name `scrubbers`.
pub(crate) fn load_files(
    config: &Config,
    scrubbers: Vec<Arc<dyn Scrubber>>,
) -> Result<StartupFiles, ServeError> {
    Ok(StartupFiles {
        rules: RuleFile::new(config, scrubbers).map(load).transpose()?,
        access: AccessFile::new(config).map(load).transpose()?,
        tls: TlsFiles::new(config).map(load).transpose()?,
    })
}

fn load<F: WatchedFile>(mut file: F) -> Result<LoadedFile<F>, F::Error> {
    let (seen, loaded) = watched_file::load(&mut file, F::load);
    Ok((loaded?, file, seen))
}

/// Checks the files that a configuration names, as a hub does when it starts. Returns the warnings
/// that the hub would log: parts of the files that it does not use, and what clients will refuse.
///
/// # Errors
/// Returns the error with which a hub would refuse to start.
pub fn check_files(config: &Config) -> Result<Vec<String>, ServeError> {
    let StartupFiles { rules, access, tls } = load_files(config, Vec::new())?;
    let mut warnings = Vec::new();
    if let Some((access, ..)) = access {
        warnings.extend(access.warnings());
        warnings.extend(access.unknown_names(rules.as_ref().map(|(rules, ..)| rules)));
    }
    if let Some((setup, ..)) = tls {
        warnings.extend(setup.warnings());
    }
    Ok(warnings)
}
