//! Accepts connections, and gives each of them to an arbiter in turn. Admission is decided here,
//! before anything else is done, so a client over a limit costs neither a TLS handshake nor a
//! session. Only the limit for each identity is checked later, because no identity is known here.

use super::rejection::RejectedClients;
use super::socket::Socket;
use super::tls::handshake::{HandshakeFault, handshake};
use super::tls::stream::TlsStream;
use crate::limits::admission::{Admission, ConnectionPermit, Rejection};
use crate::limits::sockets::SocketBudget;
use crate::limits::{ClientLimits, Limit};
use crate::policy::Policy;
use crate::policy::tls::setup::TlsSetup;
use crate::telemetry::metrics::Metrics;
use actix::ArbiterHandle;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// A function of this type begins the session of a connection. It runs on the arbiter with which
/// the socket is registered.
pub(crate) type BeginSession = Box<dyn FnOnce(Socket, ConnectionPermit) + Send>;

/// Accepts connections within the limits.
pub(crate) struct Listener {
    policy: Arc<Policy>,
    limits: Arc<ClientLimits>,
    metrics: Arc<Metrics>,
    /// A rejected client is told to come back after this many milliseconds.
    retry_after_ms: u64,
    admission: Admission,
    rejected: RejectedClients,
    /// This function creates the function that begins the session of the next connection.
    next_session: Box<dyn Fn() -> BeginSession + Send + Sync>,
}

impl Listener {
    pub(crate) fn new(
        policy: Arc<Policy>,
        limits: Arc<ClientLimits>,
        sockets: SocketBudget,
        metrics: Arc<Metrics>,
        retry_after_ms: u64,
        next_session: Box<dyn Fn() -> BeginSession + Send + Sync>,
    ) -> Self {
        let admission = Admission::new(limits.clone(), sockets);
        let rejected = RejectedClients::default();
        Listener { policy, limits, metrics, retry_after_ms, admission, rejected, next_session }
    }

    /// Accepts connections until the returned future is dropped.
    pub(crate) async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        arbiters: Vec<ArbiterHandle>,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        for arbiter in arbiters.iter().cycle() {
            let (socket, peer) = loop {
                match listener.accept().await {
                    Ok(accepted) => break accepted,
                    Err(error) => {
                        self.metrics.limited(Limit::FileDescriptors);
                        // The process may be out of file descriptors, for example. Without a pause,
                        // this loop would spin.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            };
            if let Err(error) = socket.set_nodelay(true) {
                tracing::warn!(%error, "cannot use a connection");
                continue;
            }
            let permit = match self.admission.admit(Some(peer.ip())) {
                Ok(permit) => permit,
                Err(why) => {
                    self.reject(socket, &why);
                    continue;
                }
            };
            match self.policy.tls.current() {
                None => {
                    let Ok(socket) = socket.into_std() else { continue };
                    let socket = || TcpStream::from_std(socket).map(Socket::Plain);
                    self.start(arbiter, permit, socket);
                }
                Some(setup) => {
                    let (this, arbiter) = (self.clone(), arbiter.clone());
                    actix_rt::spawn(this.encrypt(arbiter, permit, socket, setup));
                }
            }
        }
        Ok(())
    }

    fn reject(&self, socket: TcpStream, why: &Rejection) {
        self.metrics.limited(why.limit);
        if self.policy.tls.current().is_some() {
            // A client that has not shown yet that it speaks TLS cannot be told the reason.
            self.metrics.tls.failed.with_label_values(&["overloaded"]).inc();
            return;
        }
        self.metrics.connections_total.inc();
        self.metrics.closed.with_label_values(&[why.code.name()]).inc();
        self.rejected.reject(socket, why, self.retry_after_ms);
    }

    /// Does the TLS handshake of a connection, and then begins its session.
    async fn encrypt(
        self: Arc<Self>,
        arbiter: ArbiterHandle,
        permit: ConnectionPermit,
        socket: TcpStream,
        setup: Arc<TlsSetup>,
    ) {
        let patience = Duration::from_millis(self.limits.in_force.current().handshake_ms);
        let patience = permit.patience(patience);
        let peer = socket.peer_addr().ok();
        match handshake(socket, setup, patience).await {
            Ok(shaken) => {
                self.metrics.tls.handshakes.inc();
                let held = self.limits.memory.held().clone();
                self.start(&arbiter, permit, || {
                    TlsStream::new(shaken, held).map(|tls| Socket::Tls(Box::new(tls)))
                });
            }
            Err(HandshakeFault::Timeout) if permit.rejection().is_some() => {
                permit.rejection().into_iter().for_each(|over| self.metrics.limited(over.limit));
                self.metrics.tls.failed.with_label_values(&["overloaded"]).inc();
            }
            Err(fault) => {
                self.metrics.tls.failed.with_label_values(&[fault.label()]).inc();
                if fault.is_about_certificates() {
                    tracing::info!(?peer, %fault, "a client was refused");
                } else {
                    tracing::debug!(?peer, %fault, "no TLS connection");
                }
            }
        }
    }

    /// Begins a session on an arbiter. `socket` runs there, because the socket has to be registered
    /// with that arbiter.
    fn start(
        &self,
        arbiter: &ArbiterHandle,
        permit: ConnectionPermit,
        socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
    ) {
        let begin = (self.next_session)();
        arbiter.spawn_fn(move || match socket() {
            Ok(socket) => begin(socket, permit),
            Err(error) => tracing::warn!(%error, "cannot use a connection"),
        });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("admission", &self.admission).finish_non_exhaustive()
    }
}
