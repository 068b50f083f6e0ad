//! Makes a TLS setup of the TLS files. Every TLS handshake uses the setup until the files change.
//! Without it, each TLS handshake would have to read the files.

use super::alpn::ALPN;
use super::authorities::{CUT_OFF, authorities, certificates, is_cut_off};
use super::contents::{Contents, Problem};
use super::names;
use crate::config::ClientAuth;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, KeyLog, ServerConfig};
use std::fmt;
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// Holds certificate, key and trusted client CAs of one moment.
pub(crate) struct TlsSetup {
    clients: Arc<ServerConfig>,
    pub(super) certificate: Arc<CertifiedKey>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Holds a digest of the files with client CAs and revocation lists.
    trust: [u8; 32],
    /// The first of the certificates in the file expires at this time, in seconds since the Unix
    /// epoch.
    pub(crate) expiry: i64,
    /// The first of the revocation lists expires at this time, in seconds since the Unix epoch.
    /// `None` means that there are no lists.
    pub(crate) crl_expiry: Option<i64>,
    /// Is true if the hub's certificate is that of a CA.
    is_ca: bool,
}

/// Says what is wrong with the certificate of a CA as the certificate of a hub. It says what to do,
/// because `openssl req -x509` makes such a certificate unless told otherwise.
const CA_CERTIFICATE: &str = "tls_cert begins with the certificate of a CA (CA:TRUE), which clients \
    do not accept as the certificate of a hub; let that CA issue a certificate for the hub, or make a \
    self-signed one with -addext basicConstraints=critical,CA:FALSE";

impl TlsSetup {
    /// Creates a setup from the contents of the files.
    pub(super) fn new(
        files: &Contents,
        client_auth: ClientAuth,
        key_log: Option<Arc<dyn KeyLog>>,
    ) -> Result<Self, Problem> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&files.cert).map_err(Problem::Certificate)?;
        let is_ca = chain.first().is_some_and(names::is_ca);
        let mut expiry = i64::MAX;
        for certificate in &chain {
            let until = names::expiry(certificate);
            expiry = expiry.min(until.ok_or(Problem::Certificate(MALFORMED))?);
        }
        let key = private_key(&files.key).map_err(Problem::Key)?;
        let key = provider.key_provider.load_private_key(key);
        let key = key.map_err(|_| Problem::Key("holds a key of a kind that is not supported"))?;
        let certificate = CertifiedKey::new(chain, key);
        match certificate.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(Problem::Key("does not hold the key of the certificate"));
            }
            Err(_) => return Err(Problem::Certificate(MALFORMED)),
        }
        let certificate = Arc::new(certificate);
        let mut crl_expiry = None;
        let verifier = match &files.client_ca {
            None => None,
            Some(ca) => {
                let (_, roots) = authorities(ca).map_err(Problem::ClientCa)?;
                let roots = Arc::new(roots);
                let mut builder =
                    WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
                if let Some(crl) = &files.crl {
                    let lists = revocation_lists(crl)?;
                    crl_expiry = Some(next_update(&lists)?);
                    // An expired list counts as missing, because the certificate in question may
                    // have been revoked since.
                    builder = builder.with_crls(lists).enforce_revocation_expiration();
                }
                if client_auth == ClientAuth::Optional {
                    builder = builder.allow_unauthenticated();
                }
                Some(builder.build().map_err(|_| Problem::Crl(MALFORMED))?)
            }
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Problem::Certificate("cannot be used with any version of TLS"))?;
        let builder = match &verifier {
            None => builder.with_no_client_auth(),
            Some(verifier) => builder.with_client_cert_verifier(verifier.clone()),
        };
        let resolver = SingleCertAndKey::from(certificate.clone());
        let mut clients = builder.with_cert_resolver(Arc::new(resolver));
        clients.alpn_protocols = vec![ALPN.to_vec()];
        if let Some(key_log) = key_log {
            clients.key_log = key_log;
        }
        clients.session_storage = Arc::new(NoServerSessionStorage {});
        clients.send_tls13_tickets = 0;
        Ok(TlsSetup {
            clients: Arc::new(clients),
            certificate,
            verifier,
            trust: files.trust(),
            expiry,
            crl_expiry,
            is_ca,
        })
    }

    /// Says why clients will refuse the hub, although the files fit together.
    pub(crate) fn warnings(&self) -> Option<String> {
        self.is_ca.then(|| CA_CERTIFICATE.to_owned())
    }

    pub(crate) fn clients(&self) -> Arc<ServerConfig> {
        self.clients.clone()
    }

    /// Returns whether this setup accepts the same client certificates as `other`.
    pub(crate) fn has_the_trust_of(&self, other: &TlsSetup) -> bool {
        self.trust == other.trust
    }

    /// Checks whether a client with this chain is accepted. An empty chain means that the client
    /// has no certificate.
    pub(crate) fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let Some(verifier) = &self.verifier else { return Ok(()) };
        match chain {
            [] if verifier.client_auth_mandatory() => Err(Error::NoCertificatesPresented),
            [] => Ok(()),
            [own, above @ ..] => {
                verifier.verify_client_cert(own, above, UnixTime::now()).map(|_| ())
            }
        }
    }
}

/// Shows nothing of the private key.
impl fmt::Debug for TlsSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSetup").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

const MALFORMED: &str = "holds something that cannot be read";

/// Reads the private key. No error of the library is passed on, because it may quote a line of the
/// file.
fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, &'static str> {
    let has = |word: &[u8]| pem.windows(word.len()).any(|at| at == word);
    match PrivateKeyDer::from_pem_slice(pem) {
        _ if has(b"ENCRYPTED") => Err("holds an encrypted key, which the hub cannot open"),
        Ok(key) => Ok(key),
        Err(rustls::pki_types::pem::Error::NoItemsFound) => Err("holds no private key (PEM)"),
        Err(_) => Err("is not PEM"),
    }
}

fn revocation_lists(pem: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, Problem> {
    let all = CertificateRevocationListDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    match all {
        _ if is_cut_off(pem) => Err(Problem::Crl(CUT_OFF)),
        Ok(all) if all.is_empty() => Err(Problem::Crl("holds no revocation list (PEM)")),
        Ok(all) => Ok(all),
        Err(_) => Err(Problem::Crl("is not PEM")),
    }
}

fn next_update(lists: &[CertificateRevocationListDer<'_>]) -> Result<i64, Problem> {
    let mut first = i64::MAX;
    for list in lists {
        let (_, list) =
            CertificateRevocationList::from_der(list).map_err(|_| Problem::Crl(MALFORMED))?;
        let next = list.next_update();
        first =
            first.min(next.ok_or(Problem::Crl("holds a list without a next update"))?.timestamp());
    }
    Ok(first)
}
