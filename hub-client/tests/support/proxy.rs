//! Between a client and a real hub: cuts connections.

#[allow(dead_code, reason = "these tests have a use for a part of it")]
#[path = "../../../hub-server/tests/support/random.rs"]
mod random;

pub(crate) use random::Random;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Passes connections on to `hub`, and cuts each after a random number of bytes, until it has
/// cut `cuts` of them.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cut: Arc<AtomicU64>,
}

impl Proxy {
    pub(crate) async fn start(hub: SocketAddr, cuts: u64, bytes: u64, seed: u64) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicU64::new(0));
        let counter = cut.clone();
        tokio::spawn(async move {
            let mut random = Random(seed);
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(hub).await else { continue };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let budget = match counter.load(Ordering::Relaxed) < cuts {
                    true => random.next() % bytes,
                    false => u64::MAX,
                };
                let counter = counter.clone();
                tokio::spawn(async move {
                    let budget = AtomicU64::new(budget);
                    let (client_read, client_write) = client.into_split();
                    let (server_read, server_write) = server.into_split();
                    let ended = tokio::select! {
                        ended = pass(client_read, server_write, &budget) => ended,
                        ended = pass(server_read, client_write, &budget) => ended,
                    };
                    if ended {
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Proxy { address, cut }
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }
}

/// Returns whether the budget was used up.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    budget: &AtomicU64,
) -> bool {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => {
                let _ = to.shutdown().await;
                return std::future::pending().await;
            }
            Ok(count) => count as u64,
        };
        let left = budget.load(Ordering::Relaxed);
        let count = count.min(left);
        budget.fetch_sub(count, Ordering::Relaxed);
        if to.write_all(&buffer[..count as usize]).await.is_err() {
            return false;
        }
        if count == left {
            return true;
        }
    }
}
