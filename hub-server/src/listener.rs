//! Accepts connections and gives each to an arbiter in turn.

use crate::hub::Hub;
use crate::limits::Limit;
use crate::session::{Session, Socket};
use crate::tls::{TlsSetup, TlsStream, shake_hands};
use actix::{Actor, ArbiterHandle};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Accepts until it is dropped.
pub(crate) async fn accept(
    hub: Arc<Hub>,
    listener: TcpListener,
    arbiters: Vec<ArbiterHandle>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    // Cloned for each handshake that is under way.
    let shaking = Arc::new(());
    for arbiter in arbiters.iter().cycle() {
        let socket = loop {
            match listener.accept().await {
                Ok((socket, _)) => break socket,
                Err(error) => {
                    hub.metrics.limited(Limit::FileDescriptors);
                    // Out of file descriptors, for example: accepting again at once would only spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        if let Err(error) = socket.set_nodelay(true) {
            tracing::warn!(%error, "cannot use a connection");
            continue;
        }
        match hub.tls.current() {
            None => {
                let Ok(socket) = socket.into_std() else { continue };
                start(hub.clone(), arbiter, || TcpStream::from_std(socket).map(Socket::Plain));
            }
            // There is no way to tell a client why before it is known to speak TLS.
            Some(_)
                if hub.sessions.len() + Arc::strong_count(&shaking)
                    > hub.limits_in_force.current().max_connections =>
            {
                hub.metrics.tls.failed.with_label_values(&["overloaded"]).inc();
            }
            Some(setup) => {
                let (hub, arbiter, shaking) = (hub.clone(), arbiter.clone(), shaking.clone());
                actix_rt::spawn(async move {
                    encrypt(hub, &arbiter, socket, setup).await;
                    drop(shaking);
                });
            }
        }
    }
    Ok(())
}

/// Begins a session once the handshake is done.
async fn encrypt(hub: Arc<Hub>, arbiter: &ArbiterHandle, socket: TcpStream, setup: Arc<TlsSetup>) {
    let patience = Duration::from_millis(hub.limits_in_force.current().handshake_ms);
    let peer = socket.peer_addr().ok();
    match shake_hands(socket, setup, patience).await {
        Ok(shaken) => {
            hub.metrics.tls.handshakes.inc();
            let held = hub.registry.ledger().held().clone();
            start(hub, arbiter, || {
                TlsStream::new(shaken, held).map(|tls| Socket::Tls(Box::new(tls)))
            });
        }
        Err(fault) => {
            hub.metrics.tls.failed.with_label_values(&[fault.label()]).inc();
            if fault.is_about_certificates() {
                tracing::info!(?peer, %fault, "a client was not let in");
            } else {
                tracing::debug!(?peer, %fault, "no TLS connection");
            }
        }
    }
}

/// Begins a session on an arbiter, which has to be the one to register the socket.
fn start(
    hub: Arc<Hub>,
    arbiter: &ArbiterHandle,
    socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
) {
    let connection = hub.connection_number();
    arbiter.spawn_fn(move || match socket() {
        Ok(socket) => {
            Session::new(hub, connection, socket).start();
        }
        Err(error) => tracing::warn!(%error, "cannot use a connection"),
    });
}
