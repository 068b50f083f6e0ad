//! A client certificate that TLS has verified says who its client is: by its alternative names, or
//! by its common name where it has none. What cannot be a name never becomes one.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_client::{Client, ConnectError, ConnectionEvent, Credentials, EmitError, Emitter, Headers};
use hub_server::config::ClientAuth;
use hub_wire::CloseCode;
use rcgen::{CertificateParams, DnType, SanType};
use support::{metric, wait_until};
use tls_support::{Secured, soon, text, topic};

const ACCESS: &str = r#"
    [roles.device]
    publish.allow = "devices.{identity}.**"
    [roles.service]
    publish.allow = "orders.**"

    [identities.orders]
    roles = "service"
    certificates = ["spiffe://example.org/orders", "orders.example.org", "Orders of the shop"]
    [identities."ann@example.org"]
    roles = "service"
    certificates = "ann@example.org"

    [other_certificates]
    roles = "device"
    prefix = "device:"
"#;

fn with_access(access: &str) -> Secured {
    Secured::with(|_, files, config| {
        config.tls_client_ca = text(&files.path("ca.pem"));
        config.tls_client_auth = ClientAuth::Optional;
        config.access = files.write("access.toml", access);
    })
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

fn email(text: &str) -> SanType {
    SanType::Rfc822Name(text.try_into().unwrap())
}

fn common(name: &str) -> impl FnOnce(&mut CertificateParams) {
    move |params| params.distinguished_name.push(DnType::CommonName, name)
}

async fn connect(
    secured: &Secured,
    names: Vec<SanType>,
    common_name: &str,
) -> Result<Client, ConnectError> {
    let issued = secured.ca.issue_with(&[], |params| {
        common(common_name)(params);
        params.subject_alt_names = names;
    });
    soon(secured.client_as("someone", &issued).connect()).await
}

/// What the hub stamps on what such a client sends, without the connection's number.
async fn publisher(secured: &Secured, names: Vec<SanType>, common_name: &str) -> String {
    let client = connect(secured, names, common_name).await.unwrap();
    let Some(ConnectionEvent::Connected { publisher, .. }) = client.events().next().await else {
        panic!("not connected")
    };
    soon(client.drain()).await.unwrap();
    publisher.split_once('#').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_each_kind_of_name() {
    let secured = with_access(ACCESS);
    let orders = uri("spiffe://example.org/orders");
    let cases = [
        (vec![orders.clone()], "", "orders"),
        (vec![dns("orders.example.org")], "", "orders"),
        // Case means nothing in DNS.
        (vec![dns("Orders.EXAMPLE.org")], "", "orders"),
        (vec![email("ann@example.org")], "", "ann@example.org"),
        (vec![], "Orders of the shop", "orders"),
        // One of several that an identity lists; whatever comes first.
        (vec![dns("other.example.org"), dns("orders.example.org")], "", "orders"),
        // Nobody lists these: URIs before DNS names before addresses.
        (vec![dns("lamp-7")], "", "device:lamp-7"),
        (vec![], "lamp-7", "device:lamp-7"),
        (vec![email("l@x.org"), dns("lamp-8"), uri("urn:lamp:9")], "", "device:urn:lamp:9"),
        (vec![email("l@x.org"), dns("lamp-8")], "", "device:lamp-8"),
        (vec![email("l@x.org")], "", "device:l@x.org"),
        // With an alternative name, the common name is nothing.
        (vec![dns("lamp-7")], "Orders of the shop", "device:lamp-7"),
        // The first that can be a name.
        (vec![dns("*.example.org"), dns("lamp-7")], "", "device:lamp-7"),
    ];
    for (names, common_name, identity) in cases {
        let shown = format!("{names:?} {common_name:?}");
        assert_eq!(publisher(&secured, names, common_name).await, identity, "{shown}");
    }
}

/// They get no further than the handshake, and are not anonymous either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_a_name_gets_in_as_nobody() {
    let secured = with_access(&format!("{ACCESS}\n[anonymous]\nroles = \"service\"\n"));
    let hostile = [
        "",
        " ",
        "a b",
        "*",
        ">",
        "#",
        "a#1",
        "$hub",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        "a\u{202e}b",
        "é",
        "{identity}",
        "a,b",
        "a\"b",
    ];
    for name in hostile {
        let error = connect(&secured, Vec::new(), name).await.expect_err(name);
        let ConnectError::Closed(close) = &error else { panic!("{name:?}: {error:?}") };
        assert_eq!(close.code, CloseCode::Unauthorized, "{name:?}");
        if name.len() > 1 {
            assert!(!close.reason.contains(name), "{name:?} is repeated: {}", close.reason);
        }
        if name.is_ascii() {
            let error = connect(&secured, vec![dns(name)], "lamp-7").await.expect_err(name);
            assert!(matches!(error, ConnectError::Closed(_) | ConnectError::Tls(_)), "{name:?}");
        }
    }
    // No kind of name can pass for another.
    let disguised: [(Vec<SanType>, &str); 6] = [
        (vec![], "spiffe://example.org/orders"),
        (vec![], "ann@example.org"),
        (vec![dns("ann@example.org")], ""),
        (vec![dns("spiffe://example.org/orders")], ""),
        (vec![uri("orders.example.org")], ""),
        (vec![email("orders.example.org")], ""),
    ];
    for (names, common_name) in disguised {
        let shown = format!("{names:?} {common_name:?}");
        match connect(&secured, names, common_name).await {
            // Some are refused by TLS already.
            Err(ConnectError::Tls(_)) => {}
            Err(ConnectError::Closed(close)) => {
                assert_eq!(close.code, CloseCode::Unauthorized, "{shown}");
            }
            other => panic!("{shown} got in: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_rights_are_those_of_its_name() {
    let secured = with_access(ACCESS);
    let lamp = connect(&secured, vec![dns("lamp-7")], "").await.unwrap();
    let emit =
        async |name: &str| lamp.emit_raw(&topic(name), vec![1].into(), &Headers::new()).await;
    emit("devices.device:lamp-7.status").await.unwrap();
    for denied in ["devices.device:lamp-8.status", "orders.placed"] {
        assert!(matches!(emit(denied).await, Err(EmitError::Refused(_))), "{denied}");
    }
    // Other credentials count before the certificate, and wrong ones are not overlooked for it.
    let issued = secured.ca.issue(&["lamp-7"]);
    let wrong = secured.client_as("lamp", &issued).credentials(Credentials::Token("x".into()));
    let error = soon(wrong.connect()).await.expect_err("wrong token");
    assert!(matches!(error, ConnectError::Closed(_)), "{error:?}");
    soon(lamp.drain()).await.unwrap();
}

/// Without an access file, a certificate of the CA that the configuration names is what lets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_access_file_a_certificate_is_enough() {
    let secured = Secured::mutual();
    assert_eq!(
        publisher(&secured, vec![dns("orders.example.org")], "").await,
        "orders.example.org"
    );
}

/// The connection ends when the certificate does, and may come back with another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_expires_ends_its_connection() {
    let secured = Secured::mutual();
    let issued = secured.ca.issue_with(&["short.example.org"], |params| {
        let now = std::time::SystemTime::now();
        // Long enough to connect on a busy machine.
        params.not_after = (now + std::time::Duration::from_secs(8)).into();
    });
    let client = soon(secured.client_as("short", &issued).connect()).await.unwrap();
    secured.files.keep("short", &secured.ca.issue(&["short.example.org"]));
    let mut events = client.events();
    let mut lost = None;
    loop {
        match soon(events.next()).await.unwrap() {
            ConnectionEvent::Lost { reason } => lost = Some(reason.to_string()),
            ConnectionEvent::Connected { .. } if lost.is_some() => break,
            _ => {}
        }
    }
    assert!(lost.unwrap().contains("expired"));
    wait_until("it is counted", || {
        metric(&secured.hub, "hub_connections_closed_total{code=\"rights_changed\"}") == 1
    });
    soon(client.drain()).await.unwrap();
}
