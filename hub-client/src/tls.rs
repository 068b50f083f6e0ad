//! TLS on this side: whom to trust, what to show, and what its failures mean.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error as ThisError;

/// What client and hub agree to speak inside TLS (ALPN).
const ALPN: &[u8] = b"hub/1";

/// How a connection to a `hubs://` address is secured. The files are PEM, and are read again for
/// each connection: one that is replaced counts from the next reconnect on.
///
/// ```
/// use hub_client::TlsOptions;
/// let mut tls = TlsOptions::default();
/// tls.ca = Some("ca.pem".into());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// The CAs of which one has to have signed the hub's certificate. Default: those that the
    /// system trusts.
    pub ca: Option<PathBuf>,
    /// This client's certificate, and behind it those between it and its CA. Default: none.
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate, not encrypted. May be in the same file.
    pub key: Option<PathBuf>,
    /// The name that has to be in the hub's certificate. Default: the host in the address.
    pub server_name: Option<String>,
}

/// Why there is no TLS connection.
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
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// A file does not hold what it should. Says nothing of what it holds.
    #[error("{} {what}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("a client certificate and its key go together")]
    Incomplete,
    /// The system trusts nobody.
    #[error("this system has no CA certificates; name a file with the hub's CA")]
    NoRoots,
    /// The host, or the name set for it, cannot be in a certificate.
    #[error("{0:?} is no name that a certificate can have")]
    Name(String),
    /// What answers does not speak TLS.
    #[error("what answers does not speak TLS; a hub without TLS has an address with hub://")]
    NotTls,
    /// The hub's certificate is not accepted.
    #[error("the hub's certificate is not accepted: {0}")]
    Certificate(String),
    /// The hub does not accept this client's certificate, or its having none.
    #[error("the hub refuses this client: {0}")]
    Refused(&'static str),
    /// What answers speaks TLS, but not to hubs' clients.
    #[error("what answers over TLS is not a hub")]
    NotAHub,
    /// Another failure of TLS.
    #[error("TLS failed: {0}")]
    Failed(String),
}

impl TlsError {
    /// Whether it may be otherwise next time without a change on either side.
    pub(crate) fn can_retry(&self) -> bool {
        // What was garbled on the way, or by a hub that is just being replaced.
        matches!(self, TlsError::Failed(_))
    }

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

/// The library's error inside one of the socket's, if there is one.
pub(crate) fn inside(error: &io::Error) -> Option<TlsError> {
    error.get_ref()?.downcast_ref::<Error>().map(TlsError::from)
}

fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::UnknownIssuer => "it is not of a CA that this client trusts",
        CertificateError::Revoked => "it is revoked",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than the address has"
        }
        other => return other.to_string(),
    }
    .to_owned()
}

fn refused(alert: AlertDescription) -> TlsError {
    TlsError::Refused(match alert {
        AlertDescription::CertificateRequired => "it asks for a certificate",
        AlertDescription::CertificateExpired => "the certificate has expired",
        AlertDescription::CertificateRevoked => "the certificate is revoked",
        AlertDescription::UnknownCA => "it does not trust the CA of the certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => "it does not accept the certificate",
        AlertDescription::NoApplicationProtocol => return TlsError::NotAHub,
        AlertDescription::HandshakeFailure => "no agreement, or no certificate where one is needed",
        AlertDescription::ProtocolVersion => "it speaks no version of TLS that this client speaks",
        other => return TlsError::Failed(format!("the hub says {other:?}")),
    })
}

impl TlsOptions {
    /// Reads the files, and makes of them what a connection needs. Blocks for some milliseconds.
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
        // Hubs resume no sessions: see docs/tls.md.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// The name to look for in the certificate of a hub at `host`.
    #[doc(hidden)]
    pub fn name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
    }

    /// The certificates of the CAs that are trusted: those in the file, or else the system's.
    #[doc(hidden)]
    pub fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let trusted = match &self.ca {
            Some(path) => certificates(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        if trusted.is_empty() { Err(TlsError::NoRoots) } else { Ok(trusted) }
    }

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
                // Some systems have a few that nobody can read; the others count.
                roots.add_parsable_certificates(trusted);
            }
        }
        if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|error| TlsError::File { path: path.to_owned(), source: Arc::new(error) })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    match CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>() {
        Ok(all) if all.is_empty() => Err(TlsError::unusable(path, "holds no certificate (PEM)")),
        Ok(all) => Ok(all),
        Err(_) => Err(TlsError::unusable(path, "is not PEM")),
    }
}

/// No error of the library's is passed on: it may quote a line.
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
