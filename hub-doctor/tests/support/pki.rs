//! Certificates for tests: a CA in a folder, and what it issues.

use super::{Hub, options};
use hub_doctor::Options;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::PathBuf;
use tempfile::TempDir;

/// The years between which a good certificate is valid.
pub(crate) const VALID: (i32, i32) = (2020, 2100);

/// A CA with certificates in a folder.
pub(crate) struct Pki {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub(crate) fn new() -> Pki {
        Pki::named("a CA")
    }

    pub(crate) fn named(name: &str) -> Pki {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem())
            .unwrap();
        Pki { folder, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Issues a certificate for a host or an address, valid between two years.
    pub(crate) fn issue(&self, file: &str, name: &str, years: (i32, i32)) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        self.sign(file, params);
    }

    /// Issues a certificate with any properties.
    pub(crate) fn sign(&self, file: &str, params: CertificateParams) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    /// The arguments with which a hub uses the certificate in `hub.pem`.
    pub(crate) fn hub_args(&self) -> [String; 4] {
        let text = |name| self.path(name).to_str().unwrap().to_owned();
        ["--tls-cert".into(), text("hub.pem"), "--tls-key".into(), text("hub.key")]
    }

    /// A hub with a certificate for a name, valid between two years.
    pub(crate) fn hub(&self, name: &str, years: (i32, i32), more: &[&str]) -> Hub {
        self.issue("hub", name, years);
        let files = self.hub_args();
        let args: Vec<_> = files.iter().map(String::as_str).chain(more.iter().copied()).collect();
        Hub::start(&args)
    }

    /// Options of a client that trusts this CA.
    pub(crate) fn client(&self, hub: &Hub) -> Options {
        let mut options = options(&hub.url.replace("127.0.0.1", "localhost"));
        options.tls.ca = Some(self.path("ca.pem"));
        options
    }
}
