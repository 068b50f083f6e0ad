//! Each failure of TLS has its own finding. Without these tests, two of them could share a remedy.

use super::*;

fn seen(failure: Option<TlsFailure>, days_left: f64) -> TlsSeen {
    let own = CertificateSeen {
        issuer: "CN=Some CA".into(),
        names: vec!["hub.internal".into()],
        days_left,
        ..CertificateSeen::default()
    };
    TlsSeen { name: "other.internal".into(), chain: vec![own], failure, ..TlsSeen::default() }
}

fn judged(failure: TlsFailure) -> Finding {
    judge(&seen(Some(failure), 100.0), "h:1").remove(0)
}

#[test]
fn a_certificate_is_warned_of_before_it_expires() {
    assert!(judge(&seen(None, 14.0), "h:1").is_empty());
    let found = judge(&seen(None, 3.0), "h:1");
    assert_eq!((found[0].code, found[0].layer), ("expires_soon", Layer::Tls));
    let expired = judge(&seen(Some(TlsFailure::Expired), -5.5), "h:1");
    assert!(expired[0].what.contains("5.5 days ago"), "{}", expired[0].what);
}

#[test]
fn the_names_of_the_certificate_are_said() {
    let found = judged(TlsFailure::OtherName);
    assert!(found.what.contains("not for other.internal; it is for hub.internal"), "{found:?}");
    assert!(judged(TlsFailure::UnknownIssuer).what.contains("Some CA"));
}

#[test]
fn the_scheme_that_is_wrong_is_named() {
    assert!(judged(TlsFailure::TlsForPlain).remedy.contains("hubs://h:1"));
    let hub = Program { protocol: Protocol::Hub, said: String::new() };
    let plain = judged(TlsFailure::NotTls { program: Some(hub) });
    assert_eq!(plain.code, "plain_for_tls");
    assert!(plain.remedy.contains("hub://h:1"));
    let other = Program { protocol: Protocol::Nats, said: "INFO {".into() };
    assert!(judged(TlsFailure::NotTls { program: Some(other) }).what.contains("NATS"));
}

#[test]
fn alerts_about_client_certificates_are_told_from_others() {
    let code = |alert| judged(TlsFailure::of_alert(alert)).code;
    assert_eq!(code(AlertDescription::CertificateRequired), "client_certificate_required");
    assert_eq!(code(AlertDescription::UnknownCA), "client_certificate_refused");
    assert_eq!(code(AlertDescription::NoApplicationProtocol), "other_protocol");
    assert_eq!(code(AlertDescription::HandshakeFailure), "handshake_failed");
}

#[test]
fn a_black_hole_is_a_fault_of_the_route() {
    assert_eq!(judged(TlsFailure::BlackHole).layer, Layer::Route);
    assert_eq!(judged(TlsFailure::Silent).layer, Layer::Tls);
}
