//! A way in for a client without TLS: each connection to the tunnel is one over TLS to the hub, and
//! ends as that one does. FIN stands for close_notify; without that, it is a reset.

use super::LONG;
use hub_client::TlsOptions;
use socket2::SockRef;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

pub(crate) struct Tunnel {
    pub(crate) address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Tunnel {
    pub(crate) fn new(hub: SocketAddr, tls: &TlsOptions) -> Tunnel {
        let connector = TlsConnector::from(tls.load().unwrap());
        let name = tls.name("localhost").unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (connector, name) = (connector.clone(), name.clone());
                tokio::spawn(async move {
                    // It holds little itself: what its client does not read waits in the hub.
                    let narrow = TcpSocket::new_v4().unwrap();
                    narrow.set_recv_buffer_size(32 * 1024).unwrap();
                    SockRef::from(&near).set_send_buffer_size(32 * 1024).unwrap();
                    let tcp = narrow.connect(hub).await.unwrap();
                    tcp.set_nodelay(true).unwrap();
                    let far = connector.connect(name, tcp).await.unwrap();
                    both(near, far).await;
                });
            }
        });
        Tunnel { address, _runtime: runtime }
    }
}

async fn both(near: TcpStream, far: tokio_rustls::client::TlsStream<TcpStream>) {
    near.set_nodelay(true).unwrap();
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = tokio::io::split(far);
    let up = async move {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match near_read.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    if far_write.write_all(&buffer[..read]).await.is_err() {
                        break;
                    }
                    let _ = far_write.flush().await;
                }
            }
        }
        let _ = far_write.shutdown().await;
        (near_read, far_write)
    };
    let down = async move {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match far_read.read(&mut buffer).await {
                Ok(0) => {
                    let _ = near_write.shutdown().await;
                    return (near_write, far_read);
                }
                Ok(read) => {
                    if near_write.write_all(&buffer[..read]).await.is_err() {
                        return (near_write, far_read);
                    }
                }
                Err(_) => {
                    #[allow(
                        deprecated,
                        reason = "a reset is what is wanted, and it does not block"
                    )]
                    near_write.as_ref().set_linger(Some(std::time::Duration::ZERO)).unwrap();
                    near_write.forget();
                    return std::future::pending().await;
                }
            }
        }
    };
    let _ = tokio::time::timeout(2 * LONG, async { tokio::join!(up, down) }).await;
}
