//! An identity provider: it signs JWTs, and serves its keys over HTTP or HTTPS, well or badly.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const ISSUER: &str = "https://id.example.org";

/// A key of the provider's.
pub(crate) struct Key {
    pub(crate) kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Key {
        Key { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    /// A JWT for `ann`, good for an hour.
    pub(crate) fn jwt(&self) -> String {
        self.jwt_of(ISSUER)
    }

    pub(crate) fn jwt_of(&self, issuer: &str) -> String {
        self.jwt_for(issuer, Duration::from_secs(3_600))
    }

    /// A JWT that expires after this time, in whole seconds.
    pub(crate) fn jwt_for(&self, issuer: &str, time: Duration) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let header = json!({"alg": "EdDSA", "kid": self.kid});
        let claims =
            json!({"iss": issuer, "aud": "hub", "sub": "ann", "exp": now + time.as_secs()});
        let said = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = b64(self.pair.sign(said.as_bytes()));
        format!("{said}.{signature}")
    }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn jwks(keys: &[&Key]) -> String {
    let jwk = |key: &&Key| json!({"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": b64(key.pair.public_key())});
    json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() }).to_string()
}

/// What it says to whoever asks.
#[derive(Clone)]
pub(crate) enum Answer {
    Text(String),
    /// Head and body as they are.
    Raw(String),
    /// Then this again and again, with so much time between.
    Endless(String, Duration),
}

impl Answer {
    pub(crate) fn keys(keys: &[&Key]) -> Answer {
        Answer::Text(jwks(keys))
    }
}

struct Shared {
    answer: Mutex<(Answer, u64)>,
    stopping: AtomicBool,
}

pub(crate) struct Provider {
    pub(crate) at: SocketAddr,
    shared: Arc<Shared>,
}

impl Provider {
    pub(crate) fn new(answer: Answer) -> Provider {
        Provider::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer, None)
    }

    /// Over TLS, with a certificate and its key in PEM.
    pub(crate) fn secured(answer: Answer, cert: &str, key: &str) -> Provider {
        let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Provider::on(listener, answer, Some(Arc::new(config)))
    }

    pub(crate) fn on(
        listener: TcpListener,
        answer: Answer,
        tls: Option<Arc<ServerConfig>>,
    ) -> Provider {
        let at = listener.local_addr().unwrap();
        let answer = Mutex::new((answer, 0));
        let shared = Arc::new(Shared { answer, stopping: AtomicBool::new(false) });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                if serving.stopping.load(Ordering::Acquire) {
                    return;
                }
                let (socket, shared, tls) = (socket.unwrap(), serving.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => shared.serve(socket),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        shared.serve(StreamOwned::new(connection, socket));
                    }
                });
            }
        });
        Provider { at, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks", self.at)
    }

    /// From now on it says this; requests are counted anew.
    pub(crate) fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = (answer, 0);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.shared.answer.lock().unwrap().1
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // So that it notices.
        drop(TcpStream::connect(self.at));
    }
}

impl Shared {
    /// Who hangs up, or does not trust the certificate, gets no answer.
    fn serve(&self, mut stream: impl Read + Write) {
        let lines = BufReader::new(&mut stream).lines();
        let head: Vec<_> =
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let Some(first) = head.first() else { return };
        assert!(first.starts_with("GET /jwks "), "{first}");
        let answer = {
            let mut answer = self.answer.lock().unwrap();
            answer.1 += 1;
            answer.0.clone()
        };
        let _ = match answer {
            Answer::Text(text) => {
                let length = text.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
                stream.write_all((head + &text).as_bytes())
            }
            Answer::Raw(text) => stream.write_all(text.as_bytes()),
            Answer::Endless(text, pause) => {
                let mut said = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                while said.is_ok() && !self.stopping.load(Ordering::Acquire) {
                    said = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
                    std::thread::sleep(pause);
                }
                said
            }
        };
        let _ = stream.flush();
    }
}
