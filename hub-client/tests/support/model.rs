//! A small hub that keeps everything it gets, and a proxy that cuts connections.
#![allow(dead_code, reason = "each test file uses a part of it")]

use bytes::{Buf, BytesMut};
use hub_client::Headers;
use hub_core::topic::{TopicFilter, TopicName};
use hub_core::wire::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Topics with all their history; publishers are counted by instance.
#[derive(Default)]
pub(crate) struct Model {
    received: HashMap<[u8; 16], (u64, u64)>,
    /// The EVENT frames of each topic, by number - 1.
    topics: BTreeMap<String, Vec<Vec<u8>>>,
    members: Vec<Member>,
    connections: u64,
    turn: usize,
}

/// A subscription.
struct Member {
    connection: u64,
    id: u64,
    filter: TopicFilter,
    group: Option<String>,
    out: mpsc::UnboundedSender<Vec<u8>>,
}

impl Model {
    fn leave(&mut self, connection: u64, id: Option<u64>) {
        self.members.retain(|m| m.connection != connection || id.is_some_and(|id| m.id != id));
    }

    /// Publishes an EVENT frame; false if it is a request and nobody is there.
    fn publish(&mut self, topic: &str, frame: Vec<u8>, request: bool) -> bool {
        let name = TopicName::parse(topic).unwrap();
        let due: Vec<&Member> = self.members.iter().filter(|m| m.filter.matches(&name)).collect();
        if request && due.is_empty() {
            return false;
        }
        let log = self.topics.entry(topic.to_owned()).or_default();
        log.push(frame);
        let seq = log.len();
        // One copy a connection for plain subscriptions, one a group.
        let mut told = Vec::new();
        for member in due.iter().filter(|m| m.group.is_none()) {
            if !told.contains(&member.connection) {
                told.push(member.connection);
                let _ = member.out.send(run(topic, log, seq, seq, None));
            }
        }
        let groups: BTreeSet<&str> = due.iter().filter_map(|m| m.group.as_deref()).collect();
        for group in groups {
            let members: Vec<_> =
                due.iter().filter(|m| m.group.as_deref() == Some(group)).collect();
            let member = members[self.turn % members.len()];
            let _ = member.out.send(run(topic, log, seq, seq, Some(member.id)));
        }
        self.turn += 1;
        true
    }

    fn subscribe(&mut self, subscribe: Subscribe, member: Member) {
        for (topic, log) in &self.topics {
            let matches = member.filter.matches(&TopicName::parse(topic).unwrap());
            if !matches || member.group.is_some() {
                continue;
            }
            let end = log.len();
            let _ = member.out.send(head(topic, end as u64 + 1, 0, Some(member.id)));
            let from = match &subscribe.start {
                Start::Live => end,
                Start::Last => end - 1,
                Start::After(seen) => {
                    let seen = seen.iter().find(|(name, _)| name == topic);
                    seen.map_or(0, |(_, position)| position.seq as usize)
                }
            };
            if from < end {
                let _ = member.out.send(run(topic, log, from + 1, end, Some(member.id)));
            }
        }
        let _ = member.out.send(Frame::Subscribed { id: member.id }.to_bytes());
        self.members.push(member);
    }
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
                model.lock().unwrap().leave(connection, None);
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
                Frame::Event(event) => {
                    let entry = hub.received.entry(instance).or_default();
                    if entry.1 != *id {
                        return Ok(()); // a newer connection took over
                    }
                    let number = entry.0;
                    entry.0 += 1;
                    next = entry.0;
                    let headers = event.headers.map(|map| Headers::parse(map, &Limits::default()));
                    let request = headers.is_some_and(|headers| headers.unwrap().reply().is_some());
                    if !hub.publish(event.topic, frame, request) {
                        let no = Refused {
                            what: RefusedWhat::Event,
                            number,
                            code: RefusedCode::NoSubscriber,
                            message: "nobody is there".into(),
                            rule: None,
                            path: None,
                        };
                        let _ = out.send(Frame::Refused(no).to_bytes());
                    }
                }
                Frame::Subscribe(subscribe) => {
                    let member = Member {
                        connection: *id,
                        id: subscribe.id,
                        filter: TopicFilter::parse(&subscribe.filter).unwrap(),
                        group: subscribe.group.clone(),
                        out: out.clone(),
                    };
                    hub.subscribe(subscribe, member);
                }
                Frame::Unsubscribe { id: subscription } => hub.leave(*id, Some(subscription)),
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
    model.lock().unwrap().leave(*id, None);
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

fn head(topic: &str, first: u64, count: u32, subscription: Option<u64>) -> Vec<u8> {
    let publisher = "p#1";
    Frame::Run(RunFrame { topic, epoch: 1, first, count, publisher, time_ms: 0, subscription })
        .to_bytes()
}

fn run(
    topic: &str,
    log: &[Vec<u8>],
    first: usize,
    last: usize,
    subscription: Option<u64>,
) -> Vec<u8> {
    let mut bytes = head(topic, first as u64, (last - first + 1) as u32, subscription);
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
