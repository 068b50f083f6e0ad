//! Accepts connections and gives each to an arbiter in turn.

use crate::hub::Hub;
use crate::limits::Limit;
use crate::session::Session;
use actix::{Actor, ArbiterHandle};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// Accepts until it is dropped.
pub(crate) async fn accept(
    hub: Arc<Hub>,
    listener: TcpListener,
    arbiters: Vec<ArbiterHandle>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
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
        let Ok(socket) = socket.into_std() else { continue };
        let hub = hub.clone();
        let connection = hub.connection_number();
        arbiter.spawn_fn(move || {
            let socket =
                socket.set_nodelay(true).and_then(|()| tokio::net::TcpStream::from_std(socket));
            match socket {
                Ok(socket) => {
                    Session::new(hub, connection, socket).start();
                }
                Err(error) => tracing::warn!(%error, "cannot use a connection"),
            }
        });
    }
    Ok(())
}
