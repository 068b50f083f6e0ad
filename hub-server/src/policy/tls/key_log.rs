//! Opens the key log, the file that gets the secrets of TLS connections. Without this module, a mistake
//! in its path would leave an operator with an empty file and no word about the reason, and a hub that
//! gives its secrets away would not say so.

use rustls::{KeyLog, KeyLogFile};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The environment variable with this name holds the path of the file. Other programs with TLS use
/// the same variable, and the format of the file is theirs too.
pub(super) const VARIABLE: &str = "SSLKEYLOGFILE";

/// States why the key log cannot be opened.
pub(super) enum KeyLogFault {
    /// The environment variable names no file.
    NotNamed,
    /// The file with this path cannot be written, because of this error of the operating system.
    Unwritable(PathBuf, io::Error),
}

/// Opens the key log, and warns in the log that the hub writes secrets.
///
/// # Errors
/// Returns an error if the variable names no file, or a file that cannot be written.
pub(super) fn open() -> Result<Arc<dyn KeyLog>, KeyLogFault> {
    let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let path = PathBuf::from(path.ok_or(KeyLogFault::NotNamed)?);
    // The library opens the file again, and would not say that it cannot.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| KeyLogFault::Unwritable(path.clone(), error))?;
    tracing::warn!(
        file = %path.display(),
        "tls_key_log is on: the secrets of all clients' TLS connections go to a file, and whoever reads it can decrypt them"
    );
    Ok(Arc::new(KeyLogFile::new()))
}
