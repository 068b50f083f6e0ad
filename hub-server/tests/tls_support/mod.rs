//! Certificates made for one test, a hub that uses them, and ways to connect to it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

pub(crate) mod tunnel;

use hub_client::{Builder, Delivery, Message, Subscription, TopicFilter, TopicName};
use hub_server::{Config, RunningHub};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything takes; a test that hangs fails instead.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it took too long")
}

/// Somebody who signs certificates.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    next: AtomicU64,
}

/// A certificate with its key.
pub(crate) struct Issued {
    pub(crate) cert: String,
    pub(crate) key: String,
    serial: u64,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Ca {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Ca { issuer: Issuer::new(params, key), pem, next: AtomicU64::new(1) }
    }

    /// For these DNS names or IP addresses.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let serial = self.next.fetch_add(1, Ordering::Relaxed);
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { cert, key: key.serialize_pem(), serial }
    }

    /// A revocation list, in force until that year.
    pub(crate) fn crl_until(&self, year: i32, revoked: &[&Issued]) -> String {
        let revoked = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(self.next.fetch_add(1, Ordering::Relaxed)),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub(crate) fn crl(&self, revoked: &[&Issued]) -> String {
        self.crl_until(2200, revoked)
    }
}

/// A certificate that signed itself.
pub(crate) fn self_signed(names: &[&str]) -> Issued {
    self_signed_with(names, |_| {})
}

pub(crate) fn self_signed_with(
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Issued {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let cert = params.self_signed(&key).unwrap().pem();
    Issued { cert, key: key.serialize_pem(), serial: 0 }
}

/// Where the hub of a test is.
pub(crate) const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

/// A folder with files.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Files {
        Files(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        // In one step, as who replaces a file carefully does.
        let new = self.path(&format!("{name}.new"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Certificate and key in `NAME.pem` and `NAME.key`.
    pub(crate) fn keep(&self, name: &str, issued: &Issued) -> (String, String) {
        let cert = self.write(&format!("{name}.pem"), &issued.cert);
        (cert, self.write(&format!("{name}.key"), &issued.key))
    }
}

/// A hub with a certificate of a CA whose own is in `ca.pem`; clients' are of the same CA.
pub(crate) struct Secured {
    pub(crate) ca: Ca,
    pub(crate) files: Files,
    pub(crate) hub: RunningHub,
}

impl Secured {
    pub(crate) fn new() -> Secured {
        Secured::with(|_, _, _| {})
    }

    /// That asks clients for certificates.
    pub(crate) fn mutual() -> Secured {
        Secured::with(|_, files, config| config.tls_client_ca = text(&files.path("ca.pem")))
    }

    pub(crate) fn with(change: impl FnOnce(&Ca, &Files, &mut Config)) -> Secured {
        let (ca, files) = (Ca::new("Test CA"), Files::new());
        files.write("ca.pem", &ca.pem);
        let (cert, key) = files.keep("hub", &ca.issue(&HERE));
        let hub = crate::support::hub_with(|config| {
            (config.tls_cert, config.tls_key) = (cert, key);
            change(&ca, &files, config);
        });
        Secured { ca, files, hub }
    }

    /// A client that trusts the CA.
    pub(crate) fn client(&self) -> Builder {
        client(&self.hub.url()).ca_file(self.files.path("ca.pem"))
    }

    /// A client that also shows this certificate.
    pub(crate) fn client_as(&self, name: &str, issued: &Issued) -> Builder {
        let (cert, key) = self.files.keep(name, issued);
        self.client().client_certificate(cert, key)
    }
}

pub(crate) fn client(url: &str) -> Builder {
    hub_client::Client::builder(url)
        .connect_timeout(LONG)
        .keepalive(LONG)
        .backoff_min(Duration::from_millis(1))
        .backoff_max(Duration::from_millis(20))
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

pub(crate) fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

/// What a subscription gets next, which has to be an event.
pub(crate) async fn message(subscription: &mut Subscription) -> Message {
    match soon(subscription.next()).await {
        Some(Delivery::Message(message)) => message,
        other => panic!("{other:?} instead of an event"),
    }
}
