//! A small hub that keeps everything it gets, and a proxy that cuts connections.
#![allow(dead_code, reason = "each test file uses a part of it")]

use bytes::{Buf, BytesMut};
use hub_core::wire::*;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// One topic, `t`, with all its history; publishers are counted by instance.
#[derive(Default)]
pub(crate) struct Model {
    received: HashMap<[u8; 16], (u64, u64)>,
    /// The EVENT frames, by number - 1.
    log: Vec<Vec<u8>>,
    members: HashMap<u64, mpsc::UnboundedSender<Vec<u8>>>,
    connections: u64,
}

type Shared = Arc<Mutex<Model>>;

/// Starts the hub; it ends with the runtime.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let model = Shared::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let model = model.clone();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let mut connection = 0;
                let _ = serve(stream, &model, &mut connection).await;
                model.lock().unwrap().members.remove(&connection);
            });
        }
    });
    address
}

async fn serve(stream: TcpStream, model: &Shared, id: &mut u64) -> std::io::Result<()> {
    let (mut read, mut write) = stream.into_split();
    let (out, mut outbox) = mpsc::unbounded_channel::<Vec<u8>>();
    let writer = tokio::spawn(async move {
        while let Some(bytes) = outbox.recv().await {
            write.write_all(&bytes).await?;
        }
        write.shutdown().await
    });
    let mut buffer = BytesMut::new();
    let mut instance = [0; 16];
    let mut next = 0;
    loop {
        if read.read_buf(&mut buffer).await? == 0 {
            break;
        }
        while let Some(body) = split(&buffer, 1 << 20).unwrap().map(<[u8]>::to_vec) {
            let frame = buffer[..4 + body.len()].to_vec();
            buffer.advance(frame.len());
            let mut hub = model.lock().unwrap();
            match Frame::parse(&body, &Limits::default()).unwrap() {
                Frame::Hello(hello) => {
                    instance = hello.instance.unwrap();
                    hub.connections += 1;
                    *id = hub.connections;
                    let entry = hub.received.entry(instance).or_default();
                    entry.1 = *id;
                    next = entry.0;
                    let _ = out.send(Frame::Welcome(welcome(*id, next)).to_bytes());
                }
                Frame::Event(_) => {
                    let entry = hub.received.entry(instance).or_default();
                    if entry.1 != *id {
                        return Ok(()); // a newer connection took over
                    }
                    entry.0 += 1;
                    next = entry.0;
                    hub.log.push(frame);
                    let seq = hub.log.len();
                    let run = run(&hub.log, seq, seq, None);
                    hub.members.retain(|_, member| member.send(run.clone()).is_ok());
                }
                Frame::Subscribe(subscribe) => {
                    let (seq, end) = (subscribe.id, hub.log.len());
                    let _ = out.send(stands(end as u64 + 1, seq));
                    if let Start::After(seen) = subscribe.start {
                        let from = seen.first().map_or(0, |(_, position)| position.seq) + 1;
                        if from as usize <= end {
                            let _ = out.send(run(&hub.log, from as usize, end, Some(seq)));
                        }
                    }
                    let _ = out.send(Frame::Subscribed { id: seq }.to_bytes());
                    hub.members.insert(*id, out.clone());
                }
                Frame::Unsubscribe { .. } => drop(hub.members.remove(id)),
                Frame::Ping { token } => drop(out.send(Frame::Pong { token }.to_bytes())),
                Frame::Pong { .. } => {}
                Frame::Close(close) => {
                    let _ = out.send(Frame::Close(close).to_bytes());
                }
                other => panic!("{other:?}"),
            }
        }
        let _ = out.send(Frame::Receipt { next }.to_bytes());
    }
    model.lock().unwrap().members.remove(id);
    drop(out);
    let _ = writer.await;
    Ok(())
}

fn welcome(connection: u64, received: u64) -> Welcome {
    Welcome {
        version: VERSION,
        hub: [7; 16],
        connection,
        received,
        publisher: format!("p#{connection}"),
        inbox: format!("$inbox.{connection}"),
        limits: Limits::default(),
        keepalive_ms: 0,
        time_ms: 0,
    }
}

fn head(first: u64, count: u32, subscription: Option<u64>) -> Vec<u8> {
    let (topic, publisher) = ("t", "p#1");
    Frame::Run(RunFrame { topic, epoch: 1, first, count, publisher, time_ms: 0, subscription })
        .to_bytes()
}

fn stands(next: u64, subscription: u64) -> Vec<u8> {
    head(next, 0, Some(subscription))
}

fn run(log: &[Vec<u8>], first: usize, last: usize, subscription: Option<u64>) -> Vec<u8> {
    let mut bytes = head(first as u64, (last - first + 1) as u32, subscription);
    log[first - 1..last].iter().for_each(|frame| bytes.extend_from_slice(frame));
    bytes
}

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

/// A small generator of random numbers (splitmix64), so that a seed repeats a run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
