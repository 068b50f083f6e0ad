//! The HTTP server: accepts connections and serves each within bounds.
//!
//! axum has no bounds of its own. Without those here, whoever can reach the port could hold as many
//! connections as the process has file descriptors, each for as long as it likes.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::Extensions;
use hyper::rt::{Sleep, Timer};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

/// Connections that are served at a time; further ones wait to be accepted. Together with
/// [`HEAD_TIMEOUT`]: whoever wants to keep others from an answer has to open so many each second.
const MAX_CONNECTIONS: usize = 1024;
/// For the head of the first request, which is one packet.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// For the head of each further request of a connection, which may be idle until then.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// For the TLS handshake, which is several packets, and computing on both sides.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// For answers that are being given while the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of a head at most, and of what is buffered for a connection.
const MAX_HEAD_BYTES: usize = 128 * 1024;
/// Before accepting is tried again. Without a pause, a process without file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The address from which a request comes, as an extension of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(SocketAddr);

impl PeerAddress {
    /// The address of the client of a request. None only in a request that no connection brought.
    pub(crate) fn of(extensions: &Extensions) -> Option<SocketAddr> {
        extensions.get::<PeerAddress>().map(|peer| peer.0)
    }
}

/// A running HTTP server. It stops when dropped.
#[derive(Debug)]
pub struct HttpServer {
    /// Sending, or dropping it, makes the server stop.
    stop: oneshot::Sender<()>,
    /// Resolves when every connection has ended.
    ended: oneshot::Receiver<()>,
}

impl HttpServer {
    pub(super) fn start(
        listener: TcpListener,
        tls: Option<rustls::ServerConfig>,
        router: Router,
    ) -> io::Result<HttpServer> {
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (started, starting) = mpsc::channel();
        thread::Builder::new().name("hub-http".to_owned()).spawn(move || {
            let (runtime, listener) = match prepare(listener) {
                Ok(prepared) => prepared,
                Err(error) => return drop(started.send(Err(error))),
            };
            let _ = started.send(Ok(()));
            runtime.block_on(accept(listener, tls.map(acceptor), router, stopped));
            // Ends the connections that are left.
            drop(runtime);
            let _ = end.send(());
        })?;
        starting.recv().map_err(io::Error::other)??;
        Ok(HttpServer { stop, ended })
    }

    /// Accepts no further connection, lets answers that are being given be finished for at most a
    /// second, and returns when every connection has ended.
    ///
    /// # Errors
    ///
    /// When the thread of the server has panicked.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.ended.await.map_err(|_| io::Error::other("the thread of the HTTP server panicked"))
    }
}

/// A runtime for one thread, and the listener within it.
fn prepare(
    listener: TcpListener,
) -> io::Result<(tokio::runtime::Runtime, tokio::net::TcpListener)> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(async { tokio::net::TcpListener::from_std(listener) })?;
    Ok((runtime, listener))
}

fn acceptor(mut tls: rustls::ServerConfig) -> TlsAcceptor {
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(tls))
}

/// Accepts and serves connections until `stopped` resolves.
async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: oneshot::Receiver<()>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let accepting = async {
        // The semaphore is never closed.
        while let Ok(place) = places.clone().acquire_owned().await {
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of HTTP");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
            tokio::spawn(async move {
                encrypt_and_serve(socket, peer, tls, router, watcher).await;
                drop(place);
            });
        }
    };
    tokio::select! { () = accepting => {}, _ = stopped => {} }
    drop(listener);
    if timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::debug!("connections of HTTP were cut off");
    }
}

async fn encrypt_and_serve(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
) {
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return serve(socket, peer, router, watcher).await };
    match timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await {
        Ok(Ok(socket)) => serve(socket, peer, router, watcher).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS connection for HTTP"),
        Err(_) => tracing::debug!("a TLS handshake for HTTP took too long"),
    }
}

/// Answers the requests of one connection.
async fn serve<S>(socket: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|mut request: hyper::Request<_>| {
        request.extensions_mut().insert(PeerAddress(peer));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(HeadTimer::default())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        // A client may close its side once it has sent its request.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection of HTTP failed");
    }
}

/// Gives the first head of a connection the [`HEAD_TIMEOUT`] that hyper asks for, and each further
/// one [`KEEP_ALIVE`], because hyper counts the time in which a connection is idle as time for the
/// next head. hyper asks for one deadline for each head.
#[derive(Debug, Default)]
struct HeadTimer {
    had_first: AtomicBool,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let more = match self.had_first.swap(true, Ordering::Relaxed) {
            false => Duration::ZERO,
            true => KEEP_ALIVE - HEAD_TIMEOUT,
        };
        TokioTimer::new().sleep_until(deadline + more)
    }
}
