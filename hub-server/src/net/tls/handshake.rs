//! Does the TLS handshake: it turns an accepted socket into an encrypted one, within a bounded time
//! and a bounded number of bytes. Without these bounds, clients that never finish the TLS handshake
//! would use up the hub's connections and memory.

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

/// A client may send at most this many bytes in its TLS handshake. A certificate with the largest
/// keys in use, together with the certificates above it, takes a quarter of them.
const HANDSHAKE_BYTES: usize = 64 * 1024;
/// One read during the TLS handshake takes at most this many bytes.
const READ_BYTES: usize = 4 * 1024;
/// The hub reads from a client whose TLS handshake failed for at most this long, so that the end of
/// the connection does not overtake the reason.
const LINGER: Duration = Duration::from_secs(1);
/// In this time, the hub reads at most this many bytes from such a client.
const LINGER_BYTES: usize = 64 * 1024;
/// The head of a TLS record has this many bytes: its type, a version of 2 bytes, and its length.
const RECORD_HEAD: usize = 5;
/// A client without TLS gets this reason in CLOSE.
const SPEAK_TLS: &str = "this hub speaks TLS here: connect with hubs://";

/// Holds a connection after its TLS handshake. It can be moved to the thread of its session.
pub(crate) struct Handshaken {
    pub(super) tcp: std::net::TcpStream,
    pub(super) channel: Channel,
    pub(super) certificate: Option<PeerCertificate>,
    pub(super) setup: Arc<TlsSetup>,
    pub(super) accepted: Instant,
}

/// States why a TLS handshake failed.
#[derive(Debug)]
pub(crate) enum HandshakeFault {
    Timeout,
    TooLarge,
    /// The client does not speak TLS.
    Plain,
    /// The certificate passes the checks of TLS, but the hub cannot read it.
    Unreadable,
    Io(io::Error),
    Tls(Error),
}

impl HandshakeFault {
    /// Returns the label of this fault in the metrics. All labels are fixed texts, so a client
    /// cannot add a new one to the metrics.
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
    /// Returns whether the fault is about a certificate: the client showed none, or the hub did not
    /// accept the certificate of the client. An alert of the client counts too, because it can mean
    /// that the client did not accept the certificate of the hub.
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

/// Does the TLS handshake, for at most `patience`. A client whose TLS handshake fails is told the
/// reason, as far as TLS has an alert for it.
pub(crate) async fn handshake(
    mut tcp: TcpStream,
    setup: Arc<TlsSetup>,
    patience: Duration,
) -> Result<Handshaken, HandshakeFault> {
    let accepted = Instant::now();
    let mut channel = Channel::new(setup.clients()).map_err(HandshakeFault::Tls)?;
    let shaken = exchange_records(&mut tcp, &mut channel);
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
            Ok(Handshaken { tcp, channel, certificate, setup, accepted })
        }
        Err(fault) => {
            let last_words = match fault {
                HandshakeFault::Plain => refusal(),
                _ => std::mem::take(&mut channel.outgoing),
            };
            // The connection ends whether the client has read the last bytes or not.
            let _ = tokio::time::timeout(LINGER, send_away(tcp, &last_words)).await;
            Err(fault)
        }
    }
}

async fn exchange_records(
    tcp: &mut TcpStream,
    channel: &mut Channel,
) -> Result<(), HandshakeFault> {
    let mut received = 0;
    loop {
        // The incomplete record comes first in `records`, and the bytes of this read follow.
        let mut records = std::mem::take(&mut channel.incoming);
        records.reserve(READ_BYTES);
        let read = (&mut *tcp).take(READ_BYTES as u64).read_buf(&mut records).await?;
        if received < RECORD_HEAD && is_plain(&records, read == 0) {
            return Err(HandshakeFault::Plain);
        }
        if read == 0 {
            return Err(HandshakeFault::Io(ErrorKind::UnexpectedEof.into()));
        }
        received += read;
        if received > HANDSHAKE_BYTES {
            return Err(HandshakeFault::TooLarge);
        }
        let mut early = Vec::new();
        let taken = channel.take_in(&mut records, |bytes| early.extend_from_slice(bytes));
        taken.map_err(HandshakeFault::Tls)?;
        channel.decrypted = early;
        tcp.write_all(&channel.outgoing).await?;
        channel.outgoing = Vec::new();
        if !channel.is_handshaking() {
            return Ok(());
        }
    }
}

/// Returns whether the first bytes of a client are not the beginning of a TLS record. `ended` states
/// that no more bytes come.
fn is_plain(first: &[u8], ended: bool) -> bool {
    let of_a_record = |(at, byte): (usize, &u8)| match at {
        0 => (0x14..=0x17).contains(byte),
        1 => *byte == 3,
        2 => *byte <= 4,
        _ => true,
    };
    let begins_a_record = first.iter().enumerate().all(of_a_record);
    !begins_a_record || ended && !first.is_empty() && first.len() < RECORD_HEAD
}

/// Returns a CLOSE frame for a client that does not speak TLS.
fn refusal() -> Vec<u8> {
    let (code, reason) = (CloseCode::Protocol, SPEAK_TLS.to_owned());
    Frame::Close(Close { code, reason, retry_after_ms: None }).to_bytes()
}

/// Sends the last bytes and FIN, and reads until the client's FIN. When a socket with unread bytes
/// is closed, TCP resets the connection, and then the client loses the bytes that it has not read
/// yet.
async fn send_away(mut tcp: TcpStream, last_words: &[u8]) -> io::Result<()> {
    tcp.write_all(last_words).await?;
    tcp.shutdown().await?;
    let mut rest = tcp.take(LINGER_BYTES as u64);
    let mut discarded = [0; READ_BYTES];
    while rest.read(&mut discarded).await? > 0 {}
    Ok(())
}
