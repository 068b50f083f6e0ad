//! Hides whether the byte stream of a connection is plain or encrypted. Without this module, every
//! read and write would have to tell the two apart.

use crate::{ConnectError, HubUrl, Options};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

#[cfg(feature = "tls")]
type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Reads from a connection, plain or encrypted.
#[derive(Debug)]
pub(crate) enum ReadHalf {
    Plain(OwnedReadHalf),
    #[cfg(feature = "tls")]
    Tls(tokio::io::ReadHalf<TlsStream>),
}

/// Writes to a connection, plain or encrypted. Encrypted bytes may wait in this half until it is
/// flushed.
#[derive(Debug)]
pub(crate) enum WriteHalf {
    Plain(OwnedWriteHalf),
    #[cfg(feature = "tls")]
    Tls(tokio::io::WriteHalf<TlsStream>),
}

impl WriteHalf {
    /// Returns whether written bytes may wait for a flush.
    pub(crate) fn must_flush(&self) -> bool {
        !matches!(self, WriteHalf::Plain(_))
    }
}

/// Connects, and encrypts the connection if the address is `hubs://`.
pub(crate) async fn open(
    url: &HubUrl,
    options: &Options,
) -> Result<(ReadHalf, WriteHalf), ConnectError> {
    #[cfg(not(feature = "tls"))]
    if url.is_tls() {
        return Err(ConnectError::TlsNotBuilt);
    }
    #[cfg(feature = "tls")]
    let tls = if url.is_tls() { Some(setup(url, options).await?) } else { None };
    let _ = options;
    let tcp = TcpStream::connect((url.host(), url.port())).await?;
    tcp.set_nodelay(true)?;
    #[cfg(feature = "tls")]
    if let Some((connector, name)) = tls {
        let (read, write) = tokio::io::split(connector.connect(name, tcp).await?);
        return Ok((ReadHalf::Tls(read), WriteHalf::Tls(write)));
    }
    let (read, write) = tcp.into_split();
    Ok((ReadHalf::Plain(read), WriteHalf::Plain(write)))
}

/// Loads the TLS configuration, and the name that the hub's certificate must have.
#[cfg(feature = "tls")]
async fn setup(
    url: &HubUrl,
    options: &Options,
) -> Result<(tokio_rustls::TlsConnector, rustls::pki_types::ServerName<'static>), ConnectError> {
    let name = options.tls.name(url.host())?;
    let tls = options.tls.clone();
    // This call reads files, so it must not run on a thread that serves other tasks.
    let config = tokio::task::spawn_blocking(move || tls.load()).await;
    let config = config.map_err(|error| ConnectError::from(io::Error::other(error)))??;
    Ok((config.into(), name))
}

macro_rules! with_half {
    ($enum:ident, $self:ident, $half:ident => $do:expr) => {
        match $self.get_mut() {
            $enum::Plain($half) => $do,
            #[cfg(feature = "tls")]
            $enum::Tls($half) => $do,
        }
    };
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with_half!(ReadHalf, self, half => Pin::new(half).poll_read(task, buffer))
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        with_half!(WriteHalf, self, half => Pin::new(half).poll_write(task, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_half!(WriteHalf, self, half => Pin::new(half).poll_write_vectored(task, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            WriteHalf::Plain(half) => half.is_write_vectored(),
            #[cfg(feature = "tls")]
            WriteHalf::Tls(half) => half.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_half!(WriteHalf, self, half => Pin::new(half).poll_flush(task))
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_half!(WriteHalf, self, half => Pin::new(half).poll_shutdown(task))
    }
}
