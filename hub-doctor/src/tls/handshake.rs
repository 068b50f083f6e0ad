//! Does a TLS handshake, and tells whether a port speaks TLS at all.

use super::observer::{self, Observed};
use super::{TlsFailure, TlsSeen, certificate};
use crate::program::identify;
use crate::route;
use crate::wire::{Recorder, Stream};
use hub_client::{TlsError, TlsOptions};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handshake may take this long. A hub ends handshakes after 5 s unless configured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// A port may take this long to show that it speaks TLS.
const PROBE: Duration = Duration::from_millis(1500);

/// Holds how this client does TLS.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    config: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
    name: ServerName<'static>,
}

impl Setup {
    /// Reads the files of the options.
    pub(crate) fn new(options: &TlsOptions, host: &str) -> Result<Setup, TlsError> {
        let config = options.load()?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(options.trusted()?);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| TlsError::Failed(error.to_string()))?;
        Ok(Setup { config, verifier, name: options.name(host)? })
    }
}

/// Does the handshake on a connection.
pub(crate) fn shake(tcp: TcpStream, setup: &Setup) -> (TlsSeen, Option<Stream>) {
    let start = Instant::now();
    let mut seen = TlsSeen { name: setup.name.to_str().into_owned(), ..TlsSeen::default() };
    let mut config = (*setup.config).clone();
    let observed = observer::observe(&mut config, setup.verifier.clone());
    let mut recorder = Recorder::new(tcp);
    let connection = ClientConnection::new(Arc::new(config), setup.name.clone());
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(error) => {
            seen.failure = Some(TlsFailure::Other { error: error.to_string() });
            return (seen, None);
        }
    };
    let outcome = run(&mut connection, &mut recorder, start + PATIENCE);
    seen.took_ms = start.elapsed().as_secs_f64() * 1000.0;
    note(&mut seen, &connection, &observed);
    match outcome {
        Ok(()) => {
            let stream = Stream::Tls(Box::new(StreamOwned::new(connection, recorder)));
            (seen, Some(stream))
        }
        Err(error) => {
            seen.failure = Some(failure(&error, recorder.first()));
            (seen, None)
        }
    }
}

/// Runs a handshake to its end.
fn run(
    connection: &mut ClientConnection,
    recorder: &mut Recorder,
    deadline: Instant,
) -> io::Result<()> {
    while connection.is_handshaking() {
        recorder.until(deadline)?;
        connection.complete_io(recorder)?;
    }
    // The last message of this side, without waiting for anything to read.
    while connection.wants_write() {
        connection.write_tls(recorder)?;
    }
    Ok(())
}

/// Notes what the handshake agreed on, as far as it came.
fn note(seen: &mut TlsSeen, connection: &ClientConnection, observed: &Observed) {
    seen.version = connection.protocol_version().and_then(|v| v.as_str().map(str::to_owned));
    seen.cipher = connection
        .negotiated_cipher_suite()
        .and_then(|suite| suite.suite().as_str().map(str::to_owned));
    seen.key_exchange = connection
        .negotiated_key_exchange_group()
        .and_then(|group| group.name().as_str().map(str::to_owned));
    seen.alpn = connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    seen.chain = observed.chain().iter().filter_map(certificate::read).collect();
    (seen.client_certificate_asked, seen.client_certificate_shown) =
        (observed.asked(), observed.shown());
}

/// Returns why a handshake failed. `first` are the first bytes from the server.
fn failure(error: &io::Error, first: &[u8]) -> TlsFailure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let Some(tls) = inner else {
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TlsFailure::Silent,
            io::ErrorKind::UnexpectedEof => TlsFailure::Ended,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => TlsFailure::Reset,
            _ => TlsFailure::Other { error: error.to_string() },
        };
    };
    match tls {
        Error::InvalidCertificate(why) => certificate_failure(why),
        Error::InvalidMessage(_) => TlsFailure::NotTls { program: identify(first) },
        Error::NoApplicationProtocol => TlsFailure::NotAHub,
        Error::AlertReceived(alert) => TlsFailure::of_alert(*alert),
        other => TlsFailure::Other { error: other.to_string() },
    }
}

/// Returns why a certificate is not accepted.
fn certificate_failure(why: &CertificateError) -> TlsFailure {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::NotYetValid
        }
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        CertificateError::BadSignature => TlsFailure::OtherCaKey,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::OtherName
        }
        CertificateError::Revoked => TlsFailure::Revoked,
        // The client has words for the other causes.
        other => match TlsError::from(&Error::InvalidCertificate(other.clone())) {
            TlsError::Certificate(error) => TlsFailure::Certificate { error },
            error => TlsFailure::Certificate { error: error.to_string() },
        },
    }
}

/// Returns whether a port answers a TLS handshake with TLS. The certificate does not matter, and
/// nothing secret is sent: the handshake ends as soon as the server has answered.
pub(crate) fn speaks(address: SocketAddr) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Ok(builder) =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    else {
        return false;
    };
    let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let name = ServerName::from(address.ip());
    let Ok(mut hello) = ClientConnection::new(Arc::new(config), name) else { return false };
    let Ok(mut tcp) = route::connect(address, None) else { return false };
    let mut bytes = Vec::new();
    let sent = hello.write_tls(&mut bytes).and_then(|_| {
        tcp.set_read_timeout(Some(PROBE))?;
        tcp.write_all(&bytes)
    });
    let mut head = [0; 3];
    // A record of TLS: alert or handshake, and a version 3.x.
    sent.is_ok() && tcp.read_exact(&mut head).is_ok() && matches!(head, [0x15 | 0x16, 3, 0..=4])
}
