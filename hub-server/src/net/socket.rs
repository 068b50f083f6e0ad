//! Gives the session one interface to its socket, whether the socket is plain or encrypted.
//! `Socket` is an enum and not a `dyn`, because each read and each write goes through it.

use super::read_some::read_some;
use super::taken_by_tcp::{TakenByTcp, taken_by_tcp};
use super::tls::stream::TlsStream;
use crate::policy::access::PeerCertificate;
use crate::policy::tls::setup::TlsSetup;
use futures_util::FutureExt;
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Wraps a non-blocking socket. Only its session reads from it. Any thread may write to it, but
/// only one thread at a time.
#[derive(Debug)]
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Socket {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Socket::Plain(tcp) => tcp,
            Socket::Tls(tls) => tls.tcp(),
        }
    }

    /// Returns whether the client has reset the connection, so that it gets nothing of what is written. That
    /// is known without a read, which a session that is busy does not do.
    pub(crate) fn is_reset(&self) -> bool {
        let known = self.tcp().ready(Interest::READABLE | Interest::WRITABLE).now_or_never();
        known.is_some_and(|ready| ready.map_or(true, |ready| ready.is_write_closed()))
    }

    pub(crate) fn poll_read_ready(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tls(tls) if tls.is_ready() => Poll::Ready(Ok(())),
            _ => self.tcp().poll_read_ready(task),
        }
    }

    /// Reads once into `buffer`. Returns 0 if the client sends nothing more.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(tcp) => read_some(tcp, buffer),
            Socket::Tls(tls) => {
                let mut filled = 0;
                tls.read(buffer.len(), |bytes| {
                    buffer[filled..filled + bytes.len()].copy_from_slice(bytes);
                    filled += bytes.len();
                })
            }
        }
    }

    /// Reads once into the spare capacity of `buffer`, which must have some.
    pub(crate) fn read_to_end_of(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.try_read_buf(buffer),
            Socket::Tls(tls) => {
                let room = buffer.capacity() - buffer.len();
                tls.read(room, |bytes| buffer.extend_from_slice(bytes))
            }
        }
    }

    /// Writes once, and returns how many bytes were taken. Bytes that were taken count as written,
    /// even if they are encrypted and still wait, as [`Socket::has_unsent`] reports.
    pub(crate) fn write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.try_write_vectored(slices),
            Socket::Tls(tls) => tls.write_vectored(slices),
        }
    }

    /// Returns whether encrypted bytes wait for the TCP socket.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Socket::Plain(_) => false,
            Socket::Tls(tls) => tls.has_unsent(),
        }
    }

    /// Writes the encrypted bytes that wait. Returns whether none of them is left.
    pub(crate) fn flush(&self) -> io::Result<bool> {
        match self {
            Socket::Plain(_) => Ok(true),
            Socket::Tls(tls) => tls.flush(),
        }
    }

    /// Ends the direction to the client: sends close_notify if there is TLS, and then FIN. Returns
    /// false if the socket takes no more for now. The caller then has to flush, and to call this
    /// function again.
    pub(crate) fn finish(&self) -> io::Result<bool> {
        if let Socket::Tls(tls) = self
            && !tls.say_goodbye()?
        {
            return Ok(false);
        }
        SockRef::from(self.tcp()).shutdown(Shutdown::Write).map(|()| true)
    }

    /// Returns how far the TCP of the client has taken what the hub has sent, or `None` if the system
    /// does not say.
    pub(crate) fn taken_by_tcp(&self) -> Option<TakenByTcp> {
        let tcp = self.tcp();
        taken_by_tcp(tcp.local_addr().ok()?, tcp.peer_addr().ok()?)
    }

    /// Returns the names and the expiry of the client's certificate, or `None` if the client has
    /// shown none.
    pub(crate) fn certificate(&self) -> Option<PeerCertificate> {
        match self {
            Socket::Plain(_) => None,
            Socket::Tls(tls) => tls.certificate().cloned(),
        }
    }

    /// Returns when the connection was accepted if a TLS handshake came after that, and `None` for
    /// a plain connection.
    pub(crate) fn accepted(&self) -> Option<Instant> {
        match self {
            Socket::Plain(_) => None,
            Socket::Tls(tls) => Some(tls.accepted()),
        }
    }

    /// Returns whether the TLS setup in force would admit this client, with its certificate or
    /// without one. A connection without TLS is always trusted.
    pub(crate) fn is_trusted_by(&self, setup: Option<&TlsSetup>) -> bool {
        match (self, setup) {
            (Socket::Tls(tls), Some(setup)) => tls.is_trusted_by(setup),
            _ => true,
        }
    }
}
