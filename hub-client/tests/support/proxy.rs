//! Runs a proxy between a client and a real hub. The proxy causes the faults that networks cause.

#[path = "../../../hub-server/tests/support/random.rs"]
mod random;

pub(crate) use random::Random;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Says what happens to a connection, or to one direction of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Both ends see the end of the stream, in the middle of the bytes that were being sent.
    Cut,
    /// Both ends get RST. Bytes that they had not read yet may be lost.
    Reset,
    /// One direction ends. The other direction goes on until its sender ends it.
    HalfClose,
    /// In one direction, nothing passes for a while.
    Stall,
    /// In one direction, each piece is late for a while.
    Delay,
    /// In one direction, each write has one byte for a while.
    Drip,
}

impl Fault {
    pub(crate) const ALL: [Fault; 6] =
        [Fault::Cut, Fault::Reset, Fault::HalfClose, Fault::Stall, Fault::Delay, Fault::Drip];
}

/// Says how a direction of a connection ended.
enum End {
    Both(Fault),
    /// This direction ended alone.
    One,
}

struct Plan {
    faults: &'static [Fault],
    /// A fault strikes a direction after at most this many bytes.
    bytes: u64,
    /// The proxy causes this many faults, and then none.
    most: u64,
    struck: Mutex<Vec<Fault>>,
    connections: AtomicU64,
}

impl Plan {
    /// Counts a fault that is about to strike. Returns false if there were enough faults already.
    fn strikes(&self, fault: Fault) -> bool {
        let mut struck = self.struck.lock().expect("nobody panics with it");
        let more = (struck.len() as u64) < self.most;
        if more {
            struck.push(fault);
        }
        more
    }
}

/// Forwards connections to `hub`, until a fault strikes them.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    plan: Arc<Plan>,
}

impl Proxy {
    /// Cuts each connection after a random number of bytes, until it has cut `cuts` of them.
    pub(crate) async fn start(hub: SocketAddr, cuts: u64, bytes: u64, seed: u64) -> Proxy {
        Proxy::with_faults(hub, &[Fault::Cut], cuts, bytes, seed).await
    }

    /// Makes a proxy in which one of `faults` strikes each direction of a connection after at most
    /// `bytes` bytes, again and again, `most` times in all.
    pub(crate) async fn with_faults(
        hub: SocketAddr,
        faults: &'static [Fault],
        most: u64,
        bytes: u64,
        seed: u64,
    ) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (struck, connections) = (Mutex::default(), AtomicU64::new(0));
        let plan = Arc::new(Plan { faults, bytes, most, struck, connections });
        tokio::spawn({
            let plan = plan.clone();
            async move {
                let mut random = Random(seed);
                while let Ok((client, _)) = listener.accept().await {
                    let Ok(server) = TcpStream::connect(hub).await else { continue };
                    plan.connections.fetch_add(1, Ordering::Relaxed);
                    let seeds = [random.next(), random.next()];
                    tokio::spawn(connection(client, server, seeds, plan.clone()));
                }
            }
        });
        Proxy { address, plan }
    }

    /// Returns how many faults have struck.
    pub(crate) fn cuts(&self) -> u64 {
        self.struck().len() as u64
    }

    /// Returns the faults that have struck, in the order in which they struck.
    pub(crate) fn struck(&self) -> Vec<Fault> {
        self.plan.struck.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn connections(&self) -> u64 {
        self.plan.connections.load(Ordering::Relaxed)
    }
}

async fn connection(client: TcpStream, server: TcpStream, seeds: [u64; 2], plan: Arc<Plan>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let end = {
        let up = pass(&mut client_read, &mut server_write, Random(seeds[0]), &plan);
        let down = pass(&mut server_read, &mut client_write, Random(seeds[1]), &plan);
        tokio::pin!(up, down);
        let (end, up_goes_on) = tokio::select! {
            end = &mut up => (end, false),
            end = &mut down => (end, true),
        };
        match end {
            End::Both(fault) => End::Both(fault),
            End::One if up_goes_on => up.await,
            End::One => down.await,
        }
    };
    if let End::Both(Fault::Reset) = end {
        // With this option, closing sends RST even if bytes are under way.
        let _ = client_read.as_ref().set_zero_linger();
        let _ = server_read.as_ref().set_zero_linger();
    }
}

async fn pass(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut random: Random,
    plan: &Plan,
) -> End {
    let mut buffer = vec![0; 16 << 10];
    let mut left = random.next() % plan.bytes;
    // `drip` bytes are still to be sent one by one, and `late` bytes are still to be delayed.
    let (mut drip, mut late) = (0_usize, 0_usize);
    loop {
        let room = if drip > 0 { 1 } else { buffer.len() };
        let Ok(count @ 1..) = from.read(&mut buffer[..room]).await else {
            let _ = to.shutdown().await;
            return End::One;
        };
        if late > 0 {
            late = late.saturating_sub(count);
            tokio::time::sleep(Duration::from_millis(1 + random.next() % 4)).await;
        }
        drip = drip.saturating_sub(count);
        let now = (count as u64).min(left) as usize;
        if to.write_all(&buffer[..now]).await.is_err() {
            return End::One;
        }
        left -= now as u64;
        if now == count && left > 0 {
            continue;
        }
        let fault = plan.faults[random.below(plan.faults.len())];
        left = random.next() % plan.bytes + 1;
        if !plan.strikes(fault) {
            left = u64::MAX;
        } else {
            match fault {
                Fault::Cut | Fault::Reset => return End::Both(fault),
                Fault::HalfClose => {
                    let _ = to.shutdown().await;
                    return End::One;
                }
                Fault::Stall => {
                    tokio::time::sleep(Duration::from_millis(random.next() % 200)).await;
                }
                Fault::Delay => late = 20_000,
                Fault::Drip => drip = 300,
            }
        }
        if to.write_all(&buffer[now..count]).await.is_err() {
            return End::One;
        }
        left = left.saturating_sub((count - now) as u64).max(1);
    }
}
