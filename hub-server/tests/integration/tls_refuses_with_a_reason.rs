//! Whoever is not who he should be is refused, on either side, with an error that says why and that
//! is not retried for ever.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::{Builder, ConnectError, TlsError};
use hub_server::RunningHub;
use hub_server::config::ClientAuth;
use hub_wire::CloseCode;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa};
use support::metric;
use tls_support::{
    Ca, Files, HERE, LONG, Secured, client, self_signed, self_signed_with, soon, text,
};

/// Why it did not connect, although it would have tried for long.
async fn refused(builder: Builder) -> ConnectError {
    let error = soon(builder.patience(2 * LONG).connect()).await.expect_err("refused");
    assert!(!error.can_retry(), "{error:?} is retried");
    error
}

async fn tls_error(builder: Builder) -> TlsError {
    match refused(builder).await {
        ConnectError::Tls(error) => error,
        other => panic!("{other:?} is not about TLS"),
    }
}

fn failed(hub: &RunningHub, reason: &str) -> u64 {
    metric(hub, &format!("hub_tls_handshakes_failed_total{{reason=\"{reason}\"}}"))
}

/// A hub with a certificate other than it should have.
fn with_certificate(make: impl FnOnce(&Ca) -> tls_support::Issued) -> Secured {
    Secured::with(|ca, files, config| {
        (config.tls_cert, config.tls_key) = files.keep("other", &make(ca));
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_whose_certificate_is_not_good() {
    let cases: [(&str, Secured); 4] = [
        ("for another name", with_certificate(|ca| ca.issue(&["hub.example.org"]))),
        (
            "has expired",
            with_certificate(|ca| {
                ca.issue_with(&HERE, |params| {
                    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
                    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
                })
            }),
        ),
        (
            "not valid yet",
            with_certificate(|ca| {
                ca.issue_with(&HERE, |params| {
                    params.not_before = rcgen::date_time_ymd(2200, 1, 1);
                    params.not_after = rcgen::date_time_ymd(2201, 1, 1);
                })
            }),
        ),
        ("not issued by a CA that this client trusts", with_certificate(|_| self_signed(&HERE))),
    ];
    for (why, secured) in cases {
        match tls_error(secured.client()).await {
            TlsError::Certificate(said) => assert!(said.contains(why), "{said} instead of {why}"),
            other => panic!("{other:?} instead of {why}"),
        }
        support::wait_until("the hub counts it", || failed(&secured.hub, "refused_by_client") > 0);
        assert_eq!(metric(&secured.hub, "hub_connections_total"), 0);
    }
}

/// The library that verifies has names of its own for these, which say nothing to whoever made the
/// certificate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_whose_certificate_is_of_a_wrong_kind_is_told_in_words() {
    let purpose = |purpose| {
        with_certificate(move |ca| {
            ca.issue_with(&HERE, |params| params.extended_key_usages = vec![purpose])
        })
    };
    let a_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issued_ca = a_ca;
    // Each client trusts the file with this name.
    let cases: [(&str, Secured, &str); 3] = [
        (
            "basicConstraints=critical,CA:FALSE",
            with_certificate(|ca| ca.issue_with(&HERE, |params| params.is_ca = issued_ca)),
            "ca.pem",
        ),
        (
            "basicConstraints=critical,CA:FALSE",
            with_certificate(|_| self_signed_with(&HERE, |params| params.is_ca = a_ca)),
            "other.pem",
        ),
        ("not for servers", purpose(ExtendedKeyUsagePurpose::ClientAuth), "ca.pem"),
    ];
    for (why, secured, trusted) in cases {
        let builder = client(&secured.hub.url()).ca_file(secured.files.path(trusted));
        let said = tls_error(builder).await.to_string();
        assert!(said.contains(why), "{said} instead of {why}");
        for debug in ["Other(", "Error", "UsedAs", "Violation", "InvalidPurpose"] {
            assert!(!said.contains(debug), "{said}");
        }
    }
}

/// The name that is asked for counts, not the one that answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_by_another_name() {
    let secured = Secured::new();
    let error = tls_error(secured.client().server_name("hub.example.org")).await;
    assert!(matches!(&error, TlsError::Certificate(_)), "{error:?}");
    let error = tls_error(secured.client().server_name("not a name")).await;
    assert!(matches!(&error, TlsError::Name(_)), "{error:?}");
}

/// The CAs of the system do not know the one of the test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_of_a_ca_that_the_system_does_not_know() {
    let secured = Secured::new();
    let error = tls_error(client(&secured.hub.url())).await;
    assert!(matches!(&error, TlsError::Certificate(_) | TlsError::NoRoots), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_certificate_is_not_good() {
    let secured = Secured::with(|ca, files, config| {
        let revoked = ca.issue(&["revoked.example.org"]);
        files.keep("revoked", &revoked);
        config.tls_client_ca = text(&files.path("ca.pem"));
        config.tls_crl = files.write("crl.pem", &ca.crl(&[&revoked]));
    });
    let (files, ca) = (&secured.files, &secured.ca);
    let expired = ca.issue_with(&["old.example.org"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    // A certificate for servers alone.
    let server = ca.issue_with(&["server.example.org"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let stranger = Ca::new("Another CA").issue(&["orders.example.org"]);
    let impostor = Ca::new("Test CA").issue(&["orders.example.org"]);
    let revoked =
        secured.client().client_certificate(files.path("revoked.pem"), files.path("revoked.key"));
    let cases = [
        (secured.client(), "requires a certificate", "no_certificate"),
        (revoked, "revoked", "certificate_revoked"),
        (secured.client_as("old", &expired), "expired", "certificate_expired"),
        (secured.client_as("x", &stranger), "does not trust the CA", "certificate_of_unknown_ca"),
        (secured.client_as("i", &impostor), "does not accept", "bad_certificate"),
        (secured.client_as("s", &server), "does not accept", "bad_certificate"),
        (
            secured.client_as("self", &self_signed(&["orders.example.org"])),
            "does not trust the CA",
            "certificate_of_unknown_ca",
        ),
    ];
    for (builder, why, label) in cases {
        let before = failed(&secured.hub, label);
        match tls_error(builder).await {
            TlsError::Refused(said) => assert!(said.contains(why), "{said:?} instead of {why:?}"),
            other => panic!("{other:?} instead of {why:?}"),
        }
        support::wait_until("the hub counts it", || failed(&secured.hub, label) == before + 1);
    }
    assert_eq!(metric(&secured.hub, "hub_connections_total"), 0);
    let good = secured.client_as("good", &ca.issue(&["orders.example.org"]));
    soon(soon(good.connect()).await.unwrap().drain()).await.unwrap();
}

/// A list that is too old may lack the one that matters; so it lets nobody in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_list_that_is_too_old_lets_nobody_in() {
    let secured = Secured::with(|ca, files, config| {
        config.tls_client_ca = text(&files.path("ca.pem"));
        config.tls_crl = files.write("crl.pem", &ca.crl_until(2021, &[]));
    });
    let good = secured.client_as("good", &secured.ca.issue(&["orders.example.org"]));
    let error = tls_error(good).await;
    assert!(matches!(error, TlsError::Refused(_)), "{error:?}");
    let until = metric(&secured.hub, "hub_tls_crl_next_update_timestamp_seconds");
    assert_eq!(until, 1_609_459_200);
}

/// Where certificates are optional, a bad one is still refused, and none is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_optional_certificate_that_is_bad_is_worse_than_none() {
    let secured = Secured::with(|_, files, config| {
        config.tls_client_ca = text(&files.path("ca.pem"));
        config.tls_client_auth = ClientAuth::Optional;
    });
    let stranger = Ca::new("Another CA").issue(&["orders.example.org"]);
    let error = tls_error(secured.client_as("stranger", &stranger)).await;
    assert!(matches!(error, TlsError::Refused(_)), "{error:?}");
    soon(soon(secured.client().connect()).await.unwrap().drain()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_tls_on_a_port_with_it() {
    let secured = Secured::new();
    let url = secured.hub.url().replace("hubs://", "hub://");
    match refused(client(&url)).await {
        ConnectError::Closed(close) => {
            assert_eq!(close.code, CloseCode::Protocol);
            assert!(close.reason.contains("hubs://"), "{}", close.reason);
        }
        other => panic!("{other:?}"),
    }
    // Counted when the connection has ended.
    support::wait_until("the hub counts it", || failed(&secured.hub, "not_tls") == 1);
}

/// The first byte of a plain client can be any byte, also one with which TLS begins.
#[test]
fn plain_bytes_on_a_port_with_tls_get_close_whatever_they_are() {
    use support::{Client, Got};
    let secured = Secured::new();
    let told = |bytes: &[u8], finish: bool| {
        let mut client = Client::connect(secured.hub.clients());
        client.send(bytes);
        if finish {
            client.finish();
        }
        let got = client.rest();
        let [Got::Close(close), Got::End] = got.as_slice() else { panic!("{bytes:02x?}: {got:?}") };
        assert_eq!(close.code, CloseCode::Protocol, "{bytes:02x?}");
        assert!(close.reason.contains("hubs://"), "{}", close.reason);
    };
    for first in 0..=u8::MAX {
        told(&[first, 0, 0, 57, 0x94, 1], false);
        told(&[first], true);
    }
    told(b"GET / HTTP/1.1\r\n\r\n", false);
    told(b"\x16\x03\x09\x00\x01\x00", false);
    told(b"\x16\x03\x01", true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_tls_on_a_port_without_it() {
    let hub = support::hub();
    let url = hub.url().replace("hub://", "hubs://");
    let files = Files::new();
    let error = tls_error(client(&url).ca_file(files.write("ca.pem", &Ca::new("CA").pem))).await;
    assert!(matches!(error, TlsError::NotTls), "{error:?}");
    assert!(error.to_string().contains("hub://"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_the_client_that_are_no_good_are_named() {
    let secured = Secured::new();
    let files = &secured.files;
    let (one, two) = (secured.ca.issue(&["a"]), secured.ca.issue(&["b"]));
    let (cert, _) = files.keep("one", &one);
    let (_, key) = files.keep("two", &two);
    let junk = files.write("junk.pem", "no certificate");
    let with = |cert: &str, key: &str| secured.client().client_certificate(cert, key);
    let cases = [
        (secured.client().ca_file(files.path("none.pem")), "none.pem"),
        (secured.client().ca_file(&junk), "junk.pem holds no certificate"),
        (secured.client().ca_file(files.path("one.key")), "one.key holds no certificate"),
        (with(&junk, &key), "junk.pem holds no certificate"),
        (with(&cert, &junk), "junk.pem holds no private key"),
        (with(&cert, &key), "two.key does not hold a key for the certificate"),
    ];
    for (builder, wanted) in cases {
        let error = tls_error(builder).await;
        assert!(error.to_string().contains(wanted), "{error} instead of {wanted}");
    }
}
