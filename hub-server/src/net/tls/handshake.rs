//! From an accepted socket to an encrypted one, within a time and a number of bytes.

use super::channel::Channel;
use crate::policy::access::PeerCertificate;
use crate::policy::tls::names;
use crate::policy::tls::setup::TlsSetup;
use hub_wire::{Close, CloseCode, Frame};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes that a client may send before it is known. Certificates with the largest keys in use,
/// and those above them, take a quarter of it.
const HANDSHAKE_BYTES: usize = 64 * 1024;
/// Bytes of one read.
const READ_BYTES: usize = 4 * 1024;
/// For how long, and for how many bytes, a client that is sent away is still listened to, so that
/// the end of the connection does not overtake the reason.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;
/// How the length of a HELLO begins, and no TLS record.
const PLAIN_HELLO: u8 = 0;
/// What a client without TLS is told.
const SPEAK_TLS: &str = "this hub speaks TLS here: connect with hubs://";

/// A connection that may begin a session, on any thread.
pub(crate) struct Handshaken {
    pub(super) tcp: std::net::TcpStream,
    pub(super) channel: Channel,
    pub(super) early: Vec<u8>,
    pub(super) certificate: Option<PeerCertificate>,
    pub(super) setup: Arc<TlsSetup>,
    pub(super) accepted: Instant,
}

/// Why a handshake failed.
#[derive(Debug)]
pub(crate) enum HandshakeFault {
    Timeout,
    TooLarge,
    /// A client that speaks the hub's protocol without TLS.
    Plain,
    /// A certificate that TLS accepts and that cannot be read.
    Unreadable,
    Io(io::Error),
    Tls(Error),
}

impl HandshakeFault {
    /// The label in metrics. There are only these.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            HandshakeFault::Timeout => "timeout",
            HandshakeFault::TooLarge => "too_large",
            HandshakeFault::Plain => "not_tls",
            HandshakeFault::Unreadable => "bad_certificate",
            HandshakeFault::Io(_) => "closed",
            HandshakeFault::Tls(error) => match error {
                Error::InvalidMessage(InvalidMessage::InvalidContentType) => "not_tls",
                Error::NoCertificatesPresented => "no_certificate",
                Error::InvalidCertificate(why) => match why {
                    CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                        "certificate_expired"
                    }
                    CertificateError::Revoked => "certificate_revoked",
                    CertificateError::UnknownIssuer => "certificate_of_unknown_ca",
                    _ => "bad_certificate",
                },
                Error::AlertReceived(AlertDescription::CloseNotify) => "closed",
                Error::AlertReceived(_) => "refused_by_client",
                Error::PeerIncompatible(_) | Error::NoApplicationProtocol => "incompatible",
                _ => "protocol",
            },
        }
    }
}

impl HandshakeFault {
    /// Whether one side does not accept who the other is, rather than what it says.
    pub(crate) fn is_about_certificates(&self) -> bool {
        self.label() == "refused_by_client" || self.label().contains("certificate")
    }
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeFault::Timeout => f.write_str("the handshake took too long"),
            HandshakeFault::TooLarge => f.write_str("the handshake took too many bytes"),
            HandshakeFault::Plain => f.write_str("the client speaks without TLS"),
            HandshakeFault::Unreadable => f.write_str("the certificate cannot be read"),
            HandshakeFault::Io(error) => error.fmt(f),
            HandshakeFault::Tls(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for HandshakeFault {
    fn from(error: io::Error) -> Self {
        HandshakeFault::Io(error)
    }
}

/// Holds the handshake, until `patience` is over. A client that fails is told why, as far as TLS
/// has words for it.
pub(crate) async fn shake_hands(
    mut tcp: TcpStream,
    setup: Arc<TlsSetup>,
    patience: Duration,
) -> Result<Handshaken, HandshakeFault> {
    let accepted = Instant::now();
    let mut channel = Channel::new(setup.clients()).map_err(HandshakeFault::Tls)?;
    let mut early = Vec::new();
    let shaken = shake(&mut tcp, &mut channel, &mut early);
    let outcome = match tokio::time::timeout(patience, shaken).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HandshakeFault::Timeout),
    };
    let outcome = outcome.and_then(|()| match channel.certificates() {
        None => Ok(None),
        Some(chain) => {
            let own = chain.first().and_then(names::read);
            own.map(Some).ok_or(HandshakeFault::Unreadable)
        }
    });
    match outcome {
        Ok(certificate) => {
            let tcp = tcp.into_std()?;
            Ok(Handshaken { tcp, channel, early, certificate, setup, accepted })
        }
        Err(fault) => {
            let last_words = match fault {
                HandshakeFault::Plain => refusal(),
                _ => std::mem::take(&mut channel.outgoing),
            };
            // Whether it hears it or not, it is sent away.
            let _ = tokio::time::timeout(LINGER, send_away(tcp, &last_words)).await;
            Err(fault)
        }
    }
}

async fn shake(
    tcp: &mut TcpStream,
    channel: &mut Channel,
    early: &mut Vec<u8>,
) -> Result<(), HandshakeFault> {
    let mut received = 0;
    loop {
        // What came that is not whole yet, and behind it what comes now.
        let mut records = std::mem::take(&mut channel.incoming);
        records.reserve(READ_BYTES);
        let read = (&mut *tcp).take(READ_BYTES as u64).read_buf(&mut records).await?;
        if read == 0 {
            return Err(HandshakeFault::Io(ErrorKind::UnexpectedEof.into()));
        }
        if received == 0 && records.first() == Some(&PLAIN_HELLO) {
            return Err(HandshakeFault::Plain);
        }
        received += read;
        if received > HANDSHAKE_BYTES {
            return Err(HandshakeFault::TooLarge);
        }
        let taken = channel.take_in(&mut records, |bytes| early.extend_from_slice(bytes));
        taken.map_err(HandshakeFault::Tls)?;
        tcp.write_all(&channel.outgoing).await?;
        channel.outgoing = Vec::new();
        if !channel.is_handshaking() {
            return Ok(());
        }
    }
}

/// A goodbye that a client without TLS understands.
fn refusal() -> Vec<u8> {
    let (code, reason) = (CloseCode::Protocol, SPEAK_TLS.to_owned());
    Frame::Close(Close { code, reason, retry_after_ms: None }).to_bytes()
}

/// Last words, FIN, and reading until the client's FIN: a socket that is closed with something
/// unread is reset, and what the client has not read by then is lost to it.
async fn send_away(mut tcp: TcpStream, last_words: &[u8]) -> io::Result<()> {
    tcp.write_all(last_words).await?;
    tcp.shutdown().await?;
    let mut rest = tcp.take(LINGER_BYTES as u64);
    let mut discarded = [0; READ_BYTES];
    while rest.read(&mut discarded).await? > 0 {}
    Ok(())
}
