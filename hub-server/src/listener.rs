//! Accepts connections and gives each to an arbiter in turn.

use crate::hub::Hub;
use crate::limits::Limit;
use crate::limits::door::{Door, Place};
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
    door: Arc<Door>,
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
        let place = match door.enter(Some(peer.ip())) {
            Ok(place) => place,
            Err(why) => {
                door.turn_away(socket, &why);
                continue;
            }
        };
        match hub.tls.current() {
            None => {
                let Ok(socket) = socket.into_std() else { continue };
                let socket = || TcpStream::from_std(socket).map(Socket::Plain);
                start(hub.clone(), arbiter, place, socket);
            }
            Some(setup) => {
                let (hub, arbiter) = (hub.clone(), arbiter.clone());
                actix_rt::spawn(encrypt(hub, arbiter, place, socket, setup));
            }
        }
    }
    Ok(())
}

/// Begins a session once the handshake is done.
async fn encrypt(
    hub: Arc<Hub>,
    arbiter: ArbiterHandle,
    place: Place,
    socket: TcpStream,
    setup: Arc<TlsSetup>,
) {
    let patience = Duration::from_millis(hub.limits_in_force.current().handshake_ms);
    let peer = socket.peer_addr().ok();
    match shake_hands(socket, setup, patience).await {
        Ok(shaken) => {
            hub.metrics.tls.handshakes.inc();
            let held = hub.registry.ledger().held().clone();
            start(hub, &arbiter, place, || {
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
    place: Place,
    socket: impl FnOnce() -> io::Result<Socket> + Send + 'static,
) {
    let connection = hub.connection_number();
    arbiter.spawn_fn(move || match socket() {
        Ok(socket) => {
            Session::new(hub, connection, socket, place).start();
        }
        Err(error) => tracing::warn!(%error, "cannot use a connection"),
    });
}
