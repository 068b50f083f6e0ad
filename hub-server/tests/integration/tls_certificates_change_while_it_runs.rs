//! Certificates, client CAs and revocation lists are taken over while the hub runs: new handshakes
//! use the new ones, running connections go on, and what is wrong changes nothing.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::{
    CloseCode, ConnectionEvent, ConnectionEvents, Emitter, Headers, LostReason, Overflow,
    SubscribeOptions,
};
use hub_server::RunningHub;
use hub_server::config::Switch;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{id_in, metric, numbered, wait_until};
use tls_support::{Ca, Files, HERE, Secured, filter, message, soon, text, topic};
use tokio::net::TcpStream;

fn reloads(hub: &RunningHub, outcome: &str) -> u64 {
    metric(hub, &format!("hub_tls_reloads_total{{outcome=\"{outcome}\"}}"))
}

/// The certificate that the hub shows clients now.
async fn shown(secured: &Secured) -> CertificateDer<'static> {
    shown_at(secured, secured.hub.clients()).await
}

async fn shown_at(secured: &Secured, address: SocketAddr) -> CertificateDer<'static> {
    let mut tls = hub_client::TlsOptions::default();
    tls.ca = Some(secured.files.path("ca.pem"));
    let mut config = tls.load().unwrap();
    Arc::make_mut(&mut config).alpn_protocols.clear();
    let connector = tokio_rustls::TlsConnector::from(config);
    let tcp = TcpStream::connect(address).await.unwrap();
    let stream = soon(connector.connect(tls.name("localhost").unwrap(), tcp)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// `..data` is a link to a folder, and each file one through it; the link is replaced at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_a_volume_of_kubernetes_changes() {
    let volume = Files::new();
    let put = |version: &str, issued: &tls_support::Issued| {
        let folder = volume.path(version);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("tls.crt"), &issued.cert).unwrap();
        std::fs::write(folder.join("tls.key"), &issued.key).unwrap();
        std::os::unix::fs::symlink(version, volume.path("..data_tmp")).unwrap();
        std::fs::rename(volume.path("..data_tmp"), volume.path("..data")).unwrap();
    };
    let secured = Secured::with(|ca, _, config| {
        put("..1", &ca.issue(&HERE));
        for name in ["tls.crt", "tls.key"] {
            std::os::unix::fs::symlink(format!("..data/{name}"), volume.path(name)).unwrap();
        }
        config.tls_cert = text(&volume.path("tls.crt"));
        config.tls_key = text(&volume.path("tls.key"));
    });
    let running = soon(secured.client().connect()).await.unwrap();
    let old = shown(&secured).await;
    put("..2", &secured.ca.issue(&HERE));
    std::fs::remove_dir_all(volume.path("..1")).unwrap();
    wait_until("it is taken over", || reloads(&secured.hub, "applied") == 1);
    assert_ne!(shown(&secured).await, old);
    assert_eq!(reloads(&secured.hub, "refused"), 0);
    running.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await.unwrap();
    // Those that were shown a certificate, and the one that went on.
    wait_until("all are counted", || metric(&secured.hub, "hub_connections_total") == 3);
    soon(running.drain()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_too() {
    let secured = Secured::with(|_, _, config| config.http_tls = Switch::On);
    let new = secured.ca.issue(&HERE);
    assert_ne!(shown_at(&secured, secured.hub.http()).await, der(&new));
    secured.files.keep("hub", &new);
    let until = Instant::now() + support::PATIENCE;
    while shown_at(&secured, secured.hub.http()).await != der(&new) {
        assert!(Instant::now() < until, "the old one is still shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn der(issued: &tls_support::Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.cert.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_changes_nothing() {
    let secured = Secured::mutual();
    let (files, ca) = (&secured.files, &secured.ca);
    let me = ca.issue(&["me.example.org"]);
    let running = soon(secured.client_as("me", &me).connect()).await.unwrap();
    let good = |name: &str| std::fs::read_to_string(files.path(name)).unwrap();
    let (cert, key, ca_pem) = (good("hub.pem"), good("hub.key"), good("ca.pem"));
    let expiry = metric(&secured.hub, "hub_tls_certificate_expiry_timestamp_seconds");
    let other = ca.issue(&HERE);
    let broken: [(&str, &str); 7] = [
        ("hub.key", &other.key),
        ("hub.key", ""),
        ("hub.key", "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n"),
        (
            "hub.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
        ("hub.pem", "nothing"),
        ("hub.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ];
    let mut refused = 0;
    for (file, text) in broken {
        files.write(file, text);
        wait_until("it is refused", || reloads(&secured.hub, "refused") > refused);
        refused = reloads(&secured.hub, "refused");
        let applied = reloads(&secured.hub, "applied");
        for (name, text) in [("hub.pem", &cert), ("hub.key", &key), ("ca.pem", &ca_pem)] {
            files.write(name, text);
        }
        // In force all the time was what was there before.
        let client = soon(secured.client_as("me", &me).connect()).await.unwrap();
        soon(client.drain()).await.unwrap();
        wait_until("the good one is back", || reloads(&secured.hub, "applied") > applied);
    }
    // One that is not there at all, or that may not be read.
    std::fs::remove_file(files.path("hub.key")).unwrap();
    wait_until("it is refused", || reloads(&secured.hub, "refused") > refused);
    let client = soon(secured.client_as("me", &me).connect()).await.unwrap();
    soon(client.drain()).await.unwrap();
    let now = metric(&secured.hub, "hub_tls_certificate_expiry_timestamp_seconds");
    assert_eq!((now, now > 1_700_000_000), (expiry, true));
    running.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await.unwrap();
    soon(running.drain()).await.unwrap();
}

/// An expired certificate is taken over: it may be the clock that is wrong. The gauge tells.
#[test]
fn an_expired_certificate_is_taken_over_and_shown() {
    let secured = Secured::new();
    let expired = secured.ca.issue_with(&HERE, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    secured.files.keep("hub", &expired);
    wait_until("it is taken over", || {
        metric(&secured.hub, "hub_tls_certificate_expiry_timestamp_seconds") == 1_609_459_200
    });
}

/// How a client's connection ends.
async fn lost(mut events: ConnectionEvents) -> LostReason {
    loop {
        match soon(events.next()).await {
            Some(ConnectionEvent::Lost { reason }) => return reason,
            Some(_) => {}
            None => panic!("it ended without being lost"),
        }
    }
}

fn is_told_that_rights_changed(reason: &LostReason) {
    let LostReason::Closed(close) = reason else { panic!("{reason:?}") };
    assert_eq!(close.code, CloseCode::RightsChanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_revoked_is_out_and_others_stay() {
    let secured = Secured::with(|ca, files, config| {
        config.tls_client_ca = text(&files.path("ca.pem"));
        config.tls_crl = files.write("crl.pem", &ca.crl(&[]));
    });
    let (one, two) = (secured.ca.issue(&["one"]), secured.ca.issue(&["two"]));
    let first = soon(secured.client_as("one", &one).connect()).await.unwrap();
    let second = soon(secured.client_as("two", &two).connect()).await.unwrap();
    let (events, mut after) = (first.events(), first.events());
    secured.files.write("crl.pem", &secured.ca.crl(&[&one]));
    is_told_that_rights_changed(&lost(events).await);
    // It tries to come back, and learns that it need not.
    while let Some(event) = soon(after.next()).await {
        if let ConnectionEvent::Closed { reason } = event {
            assert!(reason.contains("the certificate is revoked"), "{reason}");
        }
    }
    second.emit_raw(&topic("t"), vec![1].into(), &Headers::new()).await.unwrap();
    assert_eq!(metric(&secured.hub, "hub_connections_total"), 2);
    soon(second.drain()).await.unwrap();
}

/// The CA of clients is replaced by another. Who has a new certificate by then comes back with it,
/// and has lost nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_a_certificate_of_the_new_ca_comes_back() {
    let secured = Secured::with(|ca, files, config| {
        config.tls_client_ca = files.write("clients.pem", &ca.pem);
    });
    let old = secured.ca.issue(&["me.example.org"]);
    let client = soon(secured.client_as("me", &old).connect()).await.unwrap();
    let options = SubscribeOptions::new().overflow(Overflow::Block);
    let mut subscription = client.subscribe(filter("t"), options).await.unwrap();
    let new_ca = Ca::new("New CA");
    secured.files.keep("me", &new_ca.issue(&["me.example.org"]));
    let mut events = client.events();
    secured.files.write("clients.pem", &new_ca.pem);
    loop {
        match soon(events.next()).await.unwrap() {
            ConnectionEvent::Lost { reason } => is_told_that_rights_changed(&reason),
            ConnectionEvent::Connected { resumed: true, .. } => break,
            _ => {}
        }
    }
    client.emit_raw(&topic("t"), numbered(1, 10).into(), &Headers::new()).await.unwrap();
    assert_eq!(id_in(&message(&mut subscription).await.payload), 1);
    soon(client.drain()).await.unwrap();
}
