//! Watches a TLS handshake: which certificates the server shows, and whether it asks for one of this
//! client. The checks stay those of the library: whatever it refuses ends the handshake, so no
//! secret reaches a server that has not proven its name.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Holds what was observed.
#[derive(Debug, Default)]
pub(super) struct Observed {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    asked: AtomicBool,
    shown: AtomicBool,
}

impl Observed {
    /// Returns the certificates that the server showed, its own first.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether the server asked for a certificate of this client.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Returns whether this client showed one.
    pub(super) fn shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed)
    }
}

/// Puts the observer into a configuration.
pub(super) fn observe(
    config: &mut ClientConfig,
    inner: Arc<WebPkiServerVerifier>,
) -> Arc<Observed> {
    let observed = Arc::new(Observed::default());
    let keys = config.client_auth_cert_resolver.clone();
    config.client_auth_cert_resolver = Arc::new(Keys { inner: keys, observed: observed.clone() });
    let verifier = Verifier { inner, observed: observed.clone() };
    config.dangerous().set_certificate_verifier(Arc::new(verifier));
    observed
}

/// Notes the certificates of the server, and checks them as the SDK does.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    observed: Arc<Observed>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = std::iter::once(end_entity).chain(intermediates);
        let shown = shown.map(|certificate| certificate.clone().into_owned()).collect();
        *self.observed.chain.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}

/// Notes whether the server asks for a certificate, and shows the one of the configuration.
#[derive(Debug)]
struct Keys {
    inner: Arc<dyn ResolvesClientCert>,
    observed: Arc<Observed>,
}

impl ResolvesClientCert for Keys {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.observed.asked.store(true, Ordering::Relaxed);
        let key = self.inner.resolve(root_hint_subjects, sigschemes);
        self.observed.shown.store(key.is_some(), Ordering::Relaxed);
        key
    }

    fn has_certs(&self) -> bool {
        // Otherwise the library would not ask, and the question of the server would go unnoticed.
        true
    }
}
