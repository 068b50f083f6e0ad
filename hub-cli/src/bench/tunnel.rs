//! Makes a tunnel to a hub that uses TLS. The load generator connects to a port of this process, and the
//! tunnel forwards each such connection to the hub over TLS.
//!
//! The load generator itself does not use TLS. Without the tunnel, it could not measure a hub that does.

use super::options::address;
use crate::connect::tls;
use crate::exit::Failure;
use clap::ArgMatches;
use hub_client::ConnectError;
use rustls::pki_types::ServerName;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The connection that is tried before the measurement may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The tunnel copies at most this many bytes at once in each direction.
const BUFFER: usize = 128 * 1024;

/// Says which hub is measured.
pub(super) struct Target {
    /// The hub itself listens at this address.
    pub(super) hub: SocketAddr,
    tunnel: Option<Tunnel>,
}

/// Holds a tunnel. The tunnel ends when its runtime is dropped.
struct Tunnel {
    addr: SocketAddr,
    _runtime: Runtime,
}

impl Target {
    /// Returns the address to which the load generator connects.
    pub(super) fn addr(&self) -> SocketAddr {
        self.tunnel.as_ref().map_or(self.hub, |tunnel| tunnel.addr)
    }
}

/// Returns the hub that `--server` names. With TLS, this function tries one connection, so that the
/// user sees an error of TLS before the measurement begins.
pub(super) fn target(args: &ArgMatches) -> Result<Target, Failure> {
    let (url, hub) = address(args)?;
    if !url.is_tls() {
        return Ok(Target { hub, tunnel: None });
    }
    let tls = tls(args);
    let secured = tls.load().and_then(|config| Ok((config, tls.name(url.host())?)));
    let (config, name) = secured.map_err(ConnectError::from)?;
    let far = Far { hub, name, connector: config.into() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let addr = runtime.block_on(async {
        let unreachable = |error: ConnectError| {
            let failure = Failure::from(error);
            Failure::new(failure.exit, format!("{url}: {}", failure.message))
        };
        match tokio::time::timeout(PATIENCE, far.connect()).await {
            Ok(tried) => drop(tried.map_err(|error| unreachable(error.into()))?),
            Err(_) => return Err(unreachable(ConnectError::TimedOut)),
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        tokio::spawn(serve(listener, far));
        Ok::<_, Failure>(addr)
    })?;
    Ok(Target { hub, tunnel: Some(Tunnel { addr, _runtime: runtime }) })
}

/// Makes the connections from the tunnel to the hub.
#[derive(Clone)]
struct Far {
    hub: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl Far {
    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.hub).await?;
        tcp.set_nodelay(true)?;
        self.connector.connect(self.name.clone(), tcp).await
    }
}

async fn serve(listener: TcpListener, far: Far) {
    while let Ok((mut near, _)) = listener.accept().await {
        let far = far.clone();
        tokio::spawn(async move {
            // The load generator notices when a connection ends, so errors are ignored here.
            let _ = near.set_nodelay(true);
            if let Ok(mut far) = far.connect().await {
                let copied =
                    tokio::io::copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER);
                let _ = copied.await;
            }
        });
    }
}
