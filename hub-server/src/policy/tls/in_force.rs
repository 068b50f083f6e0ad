//! Holds the TLS setup in force, for the TLS handshakes of clients and of the HTTP server. A reload
//! replaces it as a whole, because a certificate with the key of another one would make every TLS
//! handshake fail.

use super::setup::TlsSetup;
use parking_lot::RwLock;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use std::fmt;
use std::sync::Arc;

/// Holds the TLS setup in force, which the listener reads and a reload replaces. It is empty
/// without TLS.
#[derive(Debug, Default)]
pub(crate) struct TlsInForce(RwLock<Option<Arc<TlsSetup>>>);

impl TlsInForce {
    pub(crate) fn current(&self) -> Option<Arc<TlsSetup>> {
        self.0.read().clone()
    }

    pub(crate) fn replace(&self, setup: Arc<TlsSetup>) -> Option<Arc<TlsSetup>> {
        self.0.write().replace(setup)
    }
}

/// Shows the certificate in force to the clients of the HTTP server.
pub(crate) struct CurrentCertificate(Arc<TlsInForce>);

impl CurrentCertificate {
    /// Returns the TLS configuration of the HTTP server. The server asks for no client certificate,
    /// because probes and scrapers have none.
    pub(crate) fn config(tls: Arc<TlsInForce>) -> Result<ServerConfig, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let resolver = Arc::new(CurrentCertificate(tls));
        Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.current().map(|setup| setup.certificate.clone())
    }
}

impl fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentCertificate")
    }
}
