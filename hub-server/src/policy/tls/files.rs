//! Reads and checks the TLS files as a whole. If only some of them were replaced, they might not fit
//! together.

use super::contents::{Contents, Problem, digest_of};
use super::key_log::{self, KeyLogFault};
use super::setup::TlsSetup;
use crate::bounded_read::{self, MaxBytes};
use crate::config::{ClientAuth, Config, Switch};
use crate::reload::watched_file::WatchedFile;
use rustls::KeyLog;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// A file with a certificate, a key or CAs may have at most this many bytes.
const MAX_FILE: MaxBytes = MaxBytes::fixed(1024 * 1024);
/// A file with revocation lists may have at most this many bytes. Revocation lists can be long, so
/// the bound is high.
const MAX_CRL: MaxBytes = MaxBytes::fixed(64 * 1024 * 1024);

/// These keys of the configuration name the TLS files.
const CERT: &str = "tls_cert";
const KEY: &str = "tls_key";
const CLIENT_CA: &str = "tls_client_ca";
const CRL: &str = "tls_crl";

/// States why the TLS files cannot be used. The error contains nothing of the files.
#[derive(Debug, Error)]
#[error("{} ({key}) {fault}", path.display())]
pub struct TlsError {
    /// The error is about the file with this path.
    pub path: PathBuf,
    /// This key of the configuration names the file.
    pub key: &'static str,
    /// States what is wrong with the file.
    pub fault: TlsFileFault,
}

/// States what is wrong with a TLS file.
#[derive(Debug, Error)]
pub enum TlsFileFault {
    /// The file cannot be read, because of this error of the operating system.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file cannot be written, because of this error of the operating system.
    #[error("cannot be written: {0}")]
    Unwritable(io::Error),
    /// The contents of the file cannot be used.
    #[error("{0}")]
    Unusable(&'static str),
}

/// Holds the paths of certificate, key, client CAs and revocation lists.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    crl: Option<PathBuf>,
    client_auth: ClientAuth,
    key_logging: Switch,
    /// The key log, from the first load on. Later loads keep it, because a reload must not open
    /// another file.
    key_log: Option<Arc<dyn KeyLog>>,
}

impl TlsFiles {
    /// Returns the files that the configuration names, or `None` without TLS.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        let named = |path: &String| (!path.is_empty()).then(|| PathBuf::from(path));
        Some(TlsFiles {
            cert: named(&config.tls_cert)?,
            key: named(&config.tls_key)?,
            client_ca: named(&config.tls_client_ca),
            crl: named(&config.tls_crl),
            client_auth: config.tls_client_auth,
            key_logging: config.tls_key_log,
            key_log: None,
        })
    }

    /// Returns each file with the key of the configuration that names it.
    fn named(&self) -> impl Iterator<Item = (&PathBuf, &'static str)> {
        let optional = [(self.client_ca.as_ref(), CLIENT_CA), (self.crl.as_ref(), CRL)];
        let optional = optional.into_iter().filter_map(|(path, key)| Some((path?, key)));
        [(&self.cert, CERT), (&self.key, KEY)].into_iter().chain(optional)
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let read_if =
            |path: &Option<PathBuf>, key| path.as_deref().map(|path| read(path, key)).transpose();
        Ok(Contents {
            cert: read(&self.cert, CERT)?,
            key: read(&self.key, KEY)?,
            client_ca: read_if(&self.client_ca, CLIENT_CA)?,
            crl: read_if(&self.crl, CRL)?,
        })
    }
}

/// Makes the error for a key log that cannot be opened.
fn without_key_log(fault: KeyLogFault) -> TlsError {
    let (path, fault) = match fault {
        KeyLogFault::NotNamed => {
            let fault = TlsFileFault::Unusable("names no file, but tls_key_log is on");
            (PathBuf::from(key_log::VARIABLE), fault)
        }
        KeyLogFault::Unwritable(path, error) => (path, TlsFileFault::Unwritable(error)),
    };
    TlsError { path, key: "tls_key_log", fault }
}

/// Reads a TLS file. `key` is the key of the configuration that names it.
fn read(path: &Path, key: &'static str) -> Result<Vec<u8>, TlsError> {
    let most = if key == CRL { MAX_CRL } else { MAX_FILE };
    bounded_read::read(path, most).map_err(|error| TlsError {
        path: path.to_owned(),
        key,
        fault: TlsFileFault::Unreadable(error),
    })
}

impl WatchedFile for TlsFiles {
    type Loaded = TlsSetup;
    type Error = TlsError;

    fn path(&self) -> &Path {
        &self.cert
    }

    fn files(&self) -> Vec<&PathBuf> {
        self.named().map(|(path, _)| path).collect()
    }

    /// Returns digests of the files, so that no copy of the private key is kept.
    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        for (path, key) in self.named() {
            let bytes = read(path, key).map_err(|error| match error.fault {
                TlsFileFault::Unreadable(error) => error,
                fault => io::Error::other(fault),
            })?;
            let digest = digest_of(std::iter::once(bytes.as_slice()));
            text.extend(digest.iter().map(|byte| format!("{byte:02x}")));
            text.push('\n');
        }
        Ok(text)
    }

    fn load(&mut self) -> Result<TlsSetup, TlsError> {
        if self.key_logging == Switch::On && self.key_log.is_none() {
            self.key_log = Some(key_log::open().map_err(without_key_log)?);
        }
        TlsSetup::new(&self.read()?, self.client_auth, self.key_log.clone()).map_err(|problem| {
            let none = PathBuf::new;
            let (path, key, what) = match problem {
                Problem::Certificate(what) => (self.cert.clone(), CERT, what),
                Problem::Key(what) => (self.key.clone(), KEY, what),
                Problem::ClientCa(what) => {
                    (self.client_ca.clone().unwrap_or_else(none), CLIENT_CA, what)
                }
                Problem::Crl(what) => (self.crl.clone().unwrap_or_else(none), CRL, what),
            };
            TlsError { path, key, fault: TlsFileFault::Unusable(what) }
        })
    }
}
