//! The claim: each fault of TLS is told from the others, and a healthy hub with TLS gets no complaint.

use crate::support::pki::{Pki, VALID};
use crate::support::{Hub, assert_fault, assert_healthy, examined, options, said};
use hub_client::TlsOptions;
use hub_doctor::{Layer, Options, Severity, Verdict, examine, text};
use rcgen::CertificateParams;
use std::time::{Duration, SystemTime};

#[test]
fn a_healthy_hub_with_tls() {
    let pki = Pki::new();
    let hub = pki.hub("localhost", VALID, &[]);
    for _ in 0..3 {
        let report = examine(&pki.client(&hub)).unwrap();
        assert_healthy(&report);
        assert_eq!(report.verdict(Layer::Tls), Verdict::Ok);
        let seen = report.seen.tls.unwrap();
        assert_eq!(seen.version.as_deref(), Some("TLSv1_3"));
        assert_eq!(seen.alpn.as_deref(), Some("hub/1"));
        assert_eq!(seen.chain[0].names, ["localhost"]);
        assert!(seen.chain[0].days_left > 365.0 && !seen.client_certificate_asked);
    }
}

#[test]
fn an_expired_certificate() {
    let pki = Pki::new();
    let hub = pki.hub("localhost", (2020, 2021), &[]);
    let report = examine(&pki.client(&hub)).unwrap();
    assert_fault(&report, Layer::Tls, "certificate_expired");
    assert!(report.seen.tls.as_ref().unwrap().chain[0].days_left < -365.0);
    assert!(said(&report, Layer::Tls).contains("Renew"), "{}", text(&report));
}

#[test]
fn a_certificate_that_expires_soon_is_a_warning() {
    let pki = Pki::new();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = (SystemTime::now() + Duration::from_secs(3 * 86_400 + 3600)).into();
    pki.sign("hub", params);
    let hub = Hub::start(&pki.hub_args());
    let report = examine(&pki.client(&hub)).unwrap();
    assert_fault(&report, Layer::Tls, "expires_soon");
    assert!(report.findings.iter().all(|found| found.severity == Severity::Warning));
    assert!(said(&report, Layer::Tls).contains("expires in 3 days"), "{}", text(&report));
    // The layers above were examined all the same.
    assert_eq!(report.verdict(Layer::Clock), Verdict::Ok);
}

#[test]
fn a_certificate_for_another_name() {
    let pki = Pki::new();
    let hub = pki.hub("hub.internal", VALID, &[]);
    let report = examine(&pki.client(&hub)).unwrap();
    assert_fault(&report, Layer::Tls, "certificate_for_other_name");
    let said = said(&report, Layer::Tls);
    assert!(said.contains("not for localhost; it is for hub.internal"), "{said}");
    let mut named = pki.client(&hub);
    named.tls.server_name = Some("hub.internal".into());
    assert_healthy(&examine(&named).unwrap());
}

#[test]
fn a_certificate_of_an_unknown_ca() {
    let (pki, other) = (Pki::new(), Pki::named("another CA"));
    let hub = pki.hub("localhost", VALID, &[]);
    let report = examine(&other.client(&hub)).unwrap();
    assert_fault(&report, Layer::Tls, "unknown_ca");
    let told = said(&report, Layer::Tls);
    assert!(told.contains("CN=a CA") && told.contains("--ca"), "{told}");
    // The CA was made anew under its old name.
    let report = examine(&Pki::new().client(&hub)).unwrap();
    assert_fault(&report, Layer::Tls, "other_ca_key");
}

#[test]
fn a_client_certificate_that_is_missing_or_of_another_ca() {
    let (pki, other) = (Pki::new(), Pki::new());
    let ca = pki.path("ca.pem");
    let hub = pki.hub("localhost", VALID, &["--tls-client-ca", ca.to_str().unwrap()]);
    let mut options = pki.client(&hub);
    let report = examine(&options).unwrap();
    assert_fault(&report, Layer::Tls, "client_certificate_required");
    assert!(said(&report, Layer::Tls).contains("--cert and --key"), "{}", text(&report));
    assert!(report.seen.tls.unwrap().client_certificate_asked);
    let show = |options: &mut Options, pki: &Pki| {
        pki.issue("client", "orders", VALID);
        options.tls.certificate = Some(pki.path("client.pem"));
        options.tls.key = Some(pki.path("client.key"));
    };
    show(&mut options, &other);
    assert_fault(&examine(&options).unwrap(), Layer::Tls, "client_certificate_refused");
    show(&mut options, &pki);
    let report = examine(&options).unwrap();
    assert_healthy(&report);
    assert!(report.seen.tls.unwrap().client_certificate_shown);
}

#[test]
fn the_wrong_scheme() {
    let pki = Pki::new();
    let secured = pki.hub("localhost", VALID, &[]);
    let report = examined(&secured.url.replace("hubs://", "hub://"));
    assert_fault(&report, Layer::Tls, "tls_for_plain");
    assert!(said(&report, Layer::Tls).contains("hubs://"), "{}", text(&report));
    let plain = Hub::start::<&str>(&[]);
    let report = examined(&plain.url.replace("hub://", "hubs://"));
    assert_fault(&report, Layer::Tls, "plain_for_tls");
    assert!(said(&report, Layer::Tls).contains("Use hub://"), "{}", text(&report));
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_and_no_report() {
    let mut options = options("hubs://localhost:1");
    options.tls = TlsOptions::default();
    options.tls.ca = Some("/nonexistent/ca.pem".into());
    let error = examine(&options).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
}
