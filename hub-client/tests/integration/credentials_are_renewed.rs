//! Promise: a JWT that expires is replaced and not the end: a service goes on, and loses and repeats
//! nothing. If there is no other JWT, the service learns at once that its connection has ended for good,
//! and why.
//!
//! `HUB_JWT_LIFE_S` and `HUB_JWT_RUN_S` set how long a JWT and the test last.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_client::{
    Client, CloseCode, ClosedReason, ConnectionEvent, CredentialSource, Credentials, EmitError,
    Emitter, Event, ListenerFault, Received, SubscribeError, SubscriptionEnd,
};
use hub_server::{Config, RunningHub};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{event, soon};
use tempfile::TempDir;
use tokio::sync::mpsc;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed")]
struct Order(u64);

/// Issues JWTs, and runs a hub that accepts them.
struct Provider {
    pair: Ed25519KeyPair,
    folder: TempDir,
    issued: AtomicU64,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Provider {
    fn start() -> (Arc<Provider>, RunningHub) {
        let (pair, folder) = (Ed25519KeyPair::generate().unwrap(), TempDir::new().unwrap());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": b64(pair.public_key())});
        std::fs::write(folder.path().join("keys.json"), json!({"keys": [key]}).to_string())
            .unwrap();
        let access = "[roles.all]\npublish.allow = \"**\"\nsubscribe.allow = \"**\"\n[[jwt]]\n\
             issuer = \"https://id.example.org\"\naudience = \"hub\"\nkeys = \"keys.json\"\n\
             leeway_s = 0\nroles = \"all\"\n";
        let path = folder.path().join("access.toml");
        std::fs::write(&path, access).unwrap();
        let access = path.to_string_lossy().into_owned();
        let mut config = Config { access, ..Config::default() };
        config.listen.set_port(0);
        config.http.set_port(0);
        let hub = RunningHub::start(config.validate().unwrap()).unwrap();
        (Arc::new(Provider { pair, folder, issued: AtomicU64::new(0) }), hub)
    }

    /// Issues a JWT. Its life is in whole seconds, so it is up to a second shorter.
    fn jwt(&self, life: u64) -> String {
        self.issued.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let header = json!({"alg": "EdDSA", "kid": "a"});
        let claims = json!({
            "iss": "https://id.example.org", "aud": "hub", "sub": "ann", "exp": now + life
        });
        let said = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = b64(self.pair.sign(said.as_bytes()));
        format!("{said}.{signature}")
    }
}

fn seconds(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn url(hub: &RunningHub) -> String {
    format!("hub://{}", hub.clients())
}

/// Lets one service emit and another one listen, both with credentials that expire again and again.
async fn runs_on(hub: &RunningHub, provider: &Provider, source: CredentialSource) {
    let run = Duration::from_secs(seconds("HUB_JWT_RUN_S", 6));
    let connect = || Client::builder(&url(hub)).credentials(source.clone()).connect();
    let (publisher, subscriber) = (connect().await.unwrap(), connect().await.unwrap());
    let mut errors = subscriber.errors();
    let (seen, mut orders) = mpsc::unbounded_channel();
    subscriber.on(move |order: Received<Order>| seen.send(order.0).unwrap()).await.unwrap();
    let (begun, mut emitted) = (Instant::now(), 0);
    while begun.elapsed() < run {
        soon(publisher.emit(&Order(emitted))).await.unwrap();
        emitted += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for number in 0..emitted {
        assert_eq!(soon(orders.recv()).await, Some(number));
    }
    assert!(publisher.is_connected() || provider.issued.load(Ordering::Relaxed) > 2);
    soon(publisher.drain()).await.unwrap();
    soon(subscriber.drain()).await.unwrap();
    assert!(orders.recv().await.is_none(), "nothing came twice");
    drop((publisher, subscriber));
    let error = errors.next().await;
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_is_called_for_each_connection_keeps_a_service_running() {
    let (provider, hub) = Provider::start();
    let (life, issuing) = (seconds("HUB_JWT_LIFE_S", 2), provider.clone());
    let source = CredentialSource::callback(move || {
        let issuing = issuing.clone();
        async move { Ok(Credentials::Jwt(issuing.jwt(life))) }
    });
    runs_on(&hub, &provider, source).await;
    let issued = provider.issued.load(Ordering::Relaxed);
    eprintln!("{issued} JWTs");
    assert!(issued >= 6, "{issued}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_read_again_keeps_a_service_running() {
    let (provider, hub) = Provider::start();
    let life = seconds("HUB_JWT_LIFE_S", 2);
    let path = provider.folder.path().join("jwt");
    std::fs::write(&path, provider.jwt(life) + "\n").unwrap();
    let (replaced, issuing) = (path.clone(), provider.clone());
    // The file is replaced a little too late: for a while, it has a JWT that has expired.
    let replacing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(1000 * life + 300)).await;
            let new = replaced.with_extension("new");
            std::fs::write(&new, issuing.jwt(life)).unwrap();
            std::fs::rename(new, &replaced).unwrap();
        }
    });
    runs_on(&hub, &provider, CredentialSource::jwt_file(path)).await;
    replacing.abort();
}

#[tokio::test]
async fn an_end_for_good_says_why_to_everyone() {
    let (provider, hub) = Provider::start();
    let jwt = Credentials::Jwt(provider.jwt(2));
    let client = Client::builder(&url(&hub)).credentials(jwt).connect().await.unwrap();
    let (mut errors, closed) = (client.errors(), client.closed());
    client.on(|_: Received<Order>| ()).await.unwrap();
    assert!(client.is_connected());

    let reason = soon(closed).await;
    assert_eq!(reason.code(), Some(CloseCode::Unauthorized));
    assert_eq!(
        reason.to_string(),
        "the hub closed the connection: unauthorized (the credentials have expired)"
    );
    assert!(!client.is_connected());
    let fault = soon(errors.next()).await.unwrap().fault;
    assert!(
        matches!(&fault, ListenerFault::Ended(SubscriptionEnd::Ended(end)) if *end == reason),
        "{fault:?}"
    );
    let error = soon(client.emit(&Order(1))).await.unwrap_err();
    assert!(matches!(&error, EmitError::Ended(end) if *end == reason), "{error:?}");
    let error = soon(client.on(|_: Received<Order>| ())).await.unwrap_err();
    assert!(matches!(&error, SubscribeError::Ended(end) if *end == reason), "{error:?}");
    assert_eq!(soon(client.closed()).await, reason);
}

#[tokio::test]
async fn credentials_that_stay_bad_are_given_up() {
    let (provider, hub) = Provider::start();
    let path = provider.folder.path().join("jwt");
    std::fs::write(&path, provider.jwt(2)).unwrap();
    let builder = Client::builder(&url(&hub)).credentials(CredentialSource::jwt_file(&path));
    let builder = builder.credentials_patience(Duration::from_millis(500));
    let client = builder.connect().await.unwrap();
    let mut events = client.events();
    event(&mut events, |event| matches!(event, ConnectionEvent::Lost { .. }).then_some(())).await;
    let reason = soon(client.closed()).await;
    assert_eq!(reason.code(), Some(CloseCode::Unauthorized), "{reason}");
    std::fs::remove_file(&path).unwrap();
    let none = Client::builder(&url(&hub)).credentials(CredentialSource::jwt_file(&path));
    assert!(none.connect().await.unwrap_err().can_retry());
}

#[tokio::test]
async fn a_program_that_closes_its_client_learns_that_it_did() {
    let (provider, hub) = Provider::start();
    let jwt = Credentials::Jwt(provider.jwt(60));
    let client = Client::builder(&url(&hub)).credentials(jwt).connect().await.unwrap();
    let closed = client.closed();
    client.close().await;
    assert_eq!(soon(closed).await, ClosedReason::ByProgram);
    assert!(matches!(client.emit(&Order(1)).await, Err(EmitError::Closed)));
}
