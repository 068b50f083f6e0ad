//! Sets up TLS for a client: which CAs it trusts, which certificate it shows, and what a failure
//! means. Without this module, an error of TLS would be a text of the library that names no file.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// The client and the hub agree on this protocol name inside TLS (ALPN).
const ALPN: &[u8] = b"hub/1";

/// States the TLS options of a client. The files are PEM. They are read again for each connection,
/// so a file that is replaced takes effect at the next reconnect.
///
/// ```
/// use hub_client::TlsOptions;
/// let mut tls = TlsOptions::default();
/// tls.ca = Some("ca.pem".into());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsOptions {
    /// This file has CA certificates, one of which must have signed the hub's certificate. By
    /// default, the client trusts the CAs that the system trusts.
    pub ca: Option<PathBuf>,
    /// This file has the client's certificate, followed by the certificates between it and its CA.
    /// By default, the client shows no certificate.
    pub certificate: Option<PathBuf>,
    /// This file has the private key of the certificate, unencrypted. It may be the file of the
    /// certificate.
    pub key: Option<PathBuf>,
    /// This name must be in the hub's certificate. By default, it is the host in the address.
    pub server_name: Option<String>,
    /// If this is true and the environment variable `SSLKEYLOGFILE` names a file, the client appends
    /// the secrets of each of its TLS connections to that file, as curl, Firefox and Python do.
    /// Wireshark and `hub inspect` decrypt captures with it. **Whoever has the file can read all that
    /// these connections carry**, credentials too; each connection logs a warning. The default is
    /// true. Set it to false if others choose the environment of this program.
    pub key_log: bool,
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions { ca: None, certificate: None, key: None, server_name: None, key_log: true }
    }
}

/// States why a TLS connection could not be made.
///
/// ```
/// use hub_client::TlsError;
/// assert!(TlsError::NotTls.to_string().contains("hub://"));
/// ```
#[derive(Debug, Clone, ThisError)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The error is about the file with this path.
        path: PathBuf,
        /// The operating system gave this error.
        source: Arc<io::Error>,
    },
    /// A file does not contain what it should contain. The message quotes nothing of the file.
    #[error("{} {what}", path.display())]
    Unusable {
        /// The error is about the file with this path.
        path: PathBuf,
        /// The text states what is wrong with the file.
        what: &'static str,
    },
    /// The options set only the certificate or only the key.
    #[error("a client certificate and its key go together: set both or neither")]
    Incomplete,
    /// The system has no trusted CA certificates.
    #[error("this system has no CA certificates; name a file with the hub's CA")]
    NoRoots,
    /// A certificate cannot contain the host, or the server name that was set.
    #[error("{0:?} is not a name that a certificate can contain")]
    Name(String),
    /// The server does not speak TLS.
    #[error("the server does not speak TLS; the address of a hub without TLS begins with hub://")]
    NotTls,
    /// The client does not accept the hub's certificate.
    #[error("the hub's certificate is not accepted: {0}")]
    Certificate(String),
    /// The hub does not accept this client's certificate, or requires one.
    #[error("the hub refuses this client: {0}")]
    Refused(&'static str),
    /// The server speaks TLS, but not the protocol of a hub.
    #[error("the server speaks TLS, but it is not a hub")]
    NotAHub,
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Failed(String),
}

impl TlsError {
    /// Returns whether another attempt can succeed although neither side changes anything.
    pub(crate) fn can_retry(&self) -> bool {
        // Bytes may have been damaged on the way, or sent by a hub that is just being replaced.
        matches!(self, TlsError::Failed(_))
    }

    /// Makes the error for a file that does not contain what it should contain.
    fn unusable(path: &Path, what: &'static str) -> Self {
        TlsError::Unusable { path: path.to_owned(), what }
    }
}

impl From<&Error> for TlsError {
    fn from(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(why) => TlsError::Certificate(reason(why)),
            Error::InvalidMessage(_) => TlsError::NotTls,
            Error::AlertReceived(alert) => refused(*alert),
            Error::NoApplicationProtocol => TlsError::NotAHub,
            other => TlsError::Failed(other.to_string()),
        }
    }
}

/// Returns the TLS error inside an I/O error, if there is one.
pub(crate) fn inside(error: &io::Error) -> Option<TlsError> {
    error.get_ref()?.downcast_ref::<Error>().map(TlsError::from)
}

/// Returns why the hub's certificate is not accepted, in words.
fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::UnknownIssuer => "it was not issued by a CA that this client trusts",
        CertificateError::Revoked => "it is revoked",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than the host of the address"
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not for servers (its extended key usage lacks serverAuth)"
        }
        CertificateError::BadEncoding => "it cannot be read",
        CertificateError::BadSignature => "its signature is not that of its CA",
        CertificateError::Other(other) => return verifier_reason(&other.to_string()),
        other => return other.to_string(),
    }
    .to_owned()
}

/// Returns in words why the library that verifies certificates does not accept one. `name` is the
/// library's own name of the reason, which says nothing to whoever made the certificate.
fn verifier_reason(name: &str) -> String {
    match name {
        "CaUsedAsEndEntity" => {
            "it is the certificate of a CA (CA:TRUE), which cannot stand for a server; let that CA \
             issue a certificate for the hub, or make a self-signed one with \
             -addext basicConstraints=critical,CA:FALSE"
        }
        "EndEntityUsedAsCa" => "it was issued by a certificate that is not that of a CA (CA:FALSE)",
        "UnsupportedCertVersion" => {
            "it is of an old version of X.509; make it with a subjectAltName, as version 3"
        }
        "NameConstraintViolation" => "its CA may not issue certificates for its names",
        "PathLenConstraintViolated" => "there are more CAs above it than one of them allows",
        other => return format!("it cannot be verified ({other})"),
    }
    .to_owned()
}

/// Returns the error for an alert of the hub.
fn refused(alert: AlertDescription) -> TlsError {
    TlsError::Refused(match alert {
        AlertDescription::CertificateRequired => "it requires a certificate",
        AlertDescription::CertificateExpired => "the certificate has expired",
        AlertDescription::CertificateRevoked => "the certificate is revoked",
        AlertDescription::UnknownCA => "it does not trust the CA of the certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => "it does not accept the certificate",
        AlertDescription::NoApplicationProtocol => return TlsError::NotAHub,
        AlertDescription::HandshakeFailure => {
            "the two sides did not agree, or the hub requires a certificate"
        }
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that this client speaks",
        other => return TlsError::Failed(format!("the hub says {other:?}")),
    })
}

impl TlsOptions {
    /// Reads the files and makes the TLS configuration of a connection. The call blocks the thread
    /// for some milliseconds.
    #[doc(hidden)]
    pub fn load(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::from(&error))?;
        let builder = builder.with_root_certificates(self.roots()?);
        let mut config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(|_| {
                    TlsError::unusable(key, "does not hold a key for the certificate")
                })?
            }
            _ => return Err(TlsError::Incomplete),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        if self.key_log
            && let Some(file) = std::env::var_os("SSLKEYLOGFILE").filter(|file| !file.is_empty())
        {
            let file = Path::new(&file).display();
            tracing::warn!(%file, "SSLKEYLOGFILE is set: the secrets of this TLS connection go to a file");
            config.key_log = Arc::new(rustls::KeyLogFile::new());
        }
        // A hub does not resume TLS sessions. The file docs/tls.md states why.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// Returns the name that the certificate of a hub at `host` must have.
    #[doc(hidden)]
    pub fn name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
    }

    /// Returns the certificates of the trusted CAs. If no file is set, these are the CAs of the
    /// system.
    #[doc(hidden)]
    pub fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let trusted = match &self.ca {
            Some(path) => certificates(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        if trusted.is_empty() { Err(TlsError::NoRoots) } else { Ok(trusted) }
    }

    /// Returns the store of the trusted CAs.
    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        let trusted = self.trusted()?;
        match &self.ca {
            Some(path) => {
                for root in trusted {
                    let added = roots.add(root);
                    added.map_err(|_| TlsError::unusable(path, "holds no CA certificate"))?;
                }
            }
            None => {
                // Some systems have a few certificates that cannot be parsed. The client trusts the
                // others.
                roots.add_parsable_certificates(trusted);
            }
        }
        if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
    }
}

/// Reads a file.
fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|error| TlsError::File { path: path.to_owned(), source: Arc::new(error) })
}

/// Reads the certificates in a file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    match CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>() {
        Ok(all) if all.is_empty() => Err(TlsError::unusable(path, "holds no certificate (PEM)")),
        Ok(all) => Ok(all),
        Err(_) => Err(TlsError::unusable(path, "is not PEM")),
    }
}

/// Reads a private key. The function does not pass an error of the library on, because such an
/// error may quote a line of the file.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => {
            Err(TlsError::unusable(path, "holds no private key (PEM) that is not encrypted"))
        }
        Err(_) => Err(TlsError::unusable(path, "is not PEM")),
    }
}
