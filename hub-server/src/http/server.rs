//! Runs the HTTP server: accepts connections and serves each of them within limits.
//!
//! axum has no limits of its own. Without the limits here and in `places`, a client that can reach the
//! port could hold as many connections as the process has file descriptors, each of them for as long as
//! it likes.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::places::{Place, Places};
use crate::limits::sockets::SocketBudget;
use crate::limits::system::yield_to_sessions;
use axum::Router;
use axum::http::Extensions;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

/// A client has this long to send the head of its first request, which fits into one packet.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// A client has this long to send the head of each further request of a connection. The connection
/// may be idle for this time.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// A client that takes nothing of its answers for this long is disconnected. Without this limit, a
/// client that sends many requests at once and reads nothing would keep its answers in memory for as
/// long as there are places for others.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// A client has this long for the TLS handshake, which takes several packets, and computing on both
/// sides.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// While the server stops, answers in progress may take this long.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// The server waits this long for a client that it disconnects to take the last bytes.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The server sends this answer when a head does not come in time, because hyper sends none.
const REQUEST_TIMEOUT_RESPONSE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// The head of a request may have at most this many bytes, and the server buffers at most this many
/// bytes of a connection. So all connections together make it buffer at most 8 MiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The server waits this long before it tries again to accept. Without the pause, a process without
/// free file descriptors would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// States the address from which a request comes. The server adds it to the request as an
/// extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(SocketAddr);

impl PeerAddress {
    /// Returns the address of the client of a request, or `None` if the request did not come over a
    /// connection.
    pub(crate) fn of(extensions: &Extensions) -> Option<SocketAddr> {
        extensions.get::<PeerAddress>().map(|peer| peer.0)
    }
}

/// Controls a running HTTP server. The server stops when this value is dropped.
#[derive(Debug)]
pub struct HttpServer {
    /// The server stops when this sender is dropped.
    stop: oneshot::Sender<()>,
    /// This receiver resolves when every connection has ended.
    ended: oneshot::Receiver<()>,
}

impl HttpServer {
    pub(super) fn start(
        listener: TcpListener,
        tls: Option<rustls::ServerConfig>,
        router: Router,
        sockets: SocketBudget,
    ) -> io::Result<HttpServer> {
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (started, starting) = mpsc::channel();
        thread::Builder::new().name("hub-http".to_owned()).spawn(move || {
            yield_to_sessions(); // An audit goes through all topics.
            let (runtime, listener) = match prepare(listener) {
                Ok(prepared) => prepared,
                Err(error) => return drop(started.send(Err(error))),
            };
            let _ = started.send(Ok(()));
            runtime.block_on(accept(
                listener,
                Places::new(sockets),
                tls.map(acceptor),
                router,
                stopped,
            ));
            // Dropping the runtime ends the connections that are left.
            drop(runtime);
            let _ = end.send(());
        })?;
        starting.recv().map_err(io::Error::other)??;
        Ok(HttpServer { stop, ended })
    }

    /// Accepts no further connection, lets answers in progress finish for at most a second, and
    /// returns when every connection has ended.
    ///
    /// # Errors
    ///
    /// Fails if the thread of the server has panicked.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.ended.await.map_err(|_| io::Error::other("the thread of the HTTP server panicked"))
    }
}

/// Creates a runtime for one thread, and registers the listener there.
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

/// Accepts and serves connections until the server is told to stop.
async fn accept(
    listener: tokio::net::TcpListener,
    places: Arc<Places>,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: oneshot::Receiver<()>,
) {
    let (stop, stopping) = watch::channel(());
    let accepting = async {
        loop {
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of HTTP");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let admitted = places.admit(peer.ip());
            let (tls, router, stopping) = (tls.clone(), router.clone(), stopping.clone());
            tokio::spawn(async move {
                let (place, give_way) = (admitted.place, admitted.give_way);
                tokio::select! {
                    () = encrypt_and_serve(socket, peer, &place, tls, router, stopping) => {}
                    _ = give_way => tracing::debug!("a connection of HTTP gave way to another"),
                }
                // The socket is closed here, so its file descriptor is free when the place is.
                drop(place);
            });
            if admitted.replaced_another {
                // The other connection ends before the next one is accepted. Otherwise many of them
                // would still have their file descriptors.
                yield_now().await;
            }
        }
    };
    tokio::select! { () = accepting => {}, _ = stopped => {} }
    drop((listener, stopping));
    stop.send_replace(());
    // Each connection holds a receiver of `stop` until the connection ends.
    if timeout(SHUTDOWN_TIMEOUT, stop.closed()).await.is_err() {
        tracing::debug!("connections of HTTP were cut off");
    }
}

async fn encrypt_and_serve(
    socket: TcpStream,
    peer: SocketAddr,
    place: &Place,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopping: watch::Receiver<()>,
) {
    let _ = socket.set_nodelay(true);
    // The timeout works below TLS, so that each byte that the client takes counts.
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(WRITE_TIMEOUT));
    let socket = Box::pin(socket);
    let Some(tls) = tls else { return serve(socket, peer, place, router, stopping).await };
    match timeout(HANDSHAKE_TIMEOUT, tls.accept(socket)).await {
        Ok(Ok(socket)) => serve(socket, peer, place, router, stopping).await,
        Ok(Err(error)) => tracing::debug!(%error, "no TLS connection for HTTP"),
        Err(_) => tracing::debug!("a TLS handshake for HTTP took too long"),
    }
}

/// Serves one connection. A client whose first head does not come in time gets status 408.
async fn serve<S>(
    mut socket: S,
    peer: SocketAddr,
    place: &Place,
    router: Router,
    stopping: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    if answer_requests(&mut socket, peer, place, router, stopping).await {
        return;
    }
    let _ = timeout(DISCONNECT_TIMEOUT, async {
        socket.write_all(REQUEST_TIMEOUT_RESPONSE).await?;
        socket.shutdown().await
    })
    .await;
}

/// Answers requests until the connection ends, and then returns true. Returns false if no head has
/// come within [`HEAD_TIMEOUT`], and then the connection is still open.
async fn answer_requests<S>(
    socket: &mut S,
    peer: SocketAddr,
    place: &Place,
    router: Router,
    mut stopping: watch::Receiver<()>,
) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let asked = AtomicBool::new(false);
    let service = service_fn(|mut request: hyper::Request<_>| {
        asked.store(true, Ordering::Relaxed);
        place.asked();
        request.extensions_mut().insert(PeerAddress(peer));
        // The router is always ready, so it can be called at once.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // hyper counts the time in which a connection is idle as time for the next head.
        .header_read_timeout(KEEP_ALIVE)
        .max_buf_size(MAX_HEAD_BYTES)
        // A client may close its direction of the connection after its request.
        .half_close(true)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let mut first_head_late = pin!(async {
        sleep(HEAD_TIMEOUT).await;
        if asked.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    });
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection of HTTP failed");
                }
                return true;
            }
            () = first_head_late.as_mut() => return false,
            _ = stopping.changed(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
