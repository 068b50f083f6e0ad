//! Provides a hub that a test controls frame by frame. With it, tests cause faults that a real hub does
//! not have.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

pub(crate) mod proxy;

use bytes::{Buf, BytesMut};
use hub_client::{Builder, Client, ConnectionEvent, ConnectionEvents};
use hub_wire::{TopicFilter, TopicName, *};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A step of a test must take less time than this. So a test fails instead of hanging.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it took too long")
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

pub(crate) fn filter(text: &str) -> TopicFilter {
    TopicFilter::parse(text).unwrap()
}

/// Holds the fields that tests check of a frame that a client sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sent {
    Event { topic: String, payload: Vec<u8>, headers: Vec<u8> },
    Subscribe(Subscribe),
    Unsubscribe(u64),
    Resume(Resume),
    Ping(u64),
    Pong(u64),
    Close(CloseCode),
}

pub(crate) struct FakeHub {
    listener: TcpListener,
    pub(crate) id: [u8; 16],
}

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    buffer: BytesMut,
    pub(crate) hello: Hello,
    /// The last TAKEN of each subscription.
    pub(crate) taken: HashMap<u64, Taken>,
}

impl FakeHub {
    pub(crate) async fn start() -> FakeHub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        FakeHub { listener, id: [1; 16] }
    }

    /// Returns a builder of a client that reconnects fast.
    pub(crate) fn client(&self) -> Builder {
        let url = format!("hub://{}", self.listener.local_addr().unwrap());
        Client::builder(&url)
            .backoff_min(Duration::from_millis(1))
            .backoff_max(Duration::from_millis(5))
            .drain_timeout(Duration::from_secs(5))
    }

    /// Connects a client, and returns it with the hub's end of its connection.
    pub(crate) async fn connect(&self, builder: Builder) -> (Client, Peer) {
        soon(async { tokio::join!(builder.connect(), self.accept(0)) }).await.unpack()
    }

    /// Accepts the next connection. If `received` is not 0, the hub states that it resumes the
    /// instance and has received this many of its events.
    pub(crate) async fn accept(&self, received: u64) -> Peer {
        self.accept_with(|welcome| {
            welcome.resumed = received > 0;
            welcome.received = received;
        })
        .await
    }

    pub(crate) async fn accept_with(&self, change: impl FnOnce(&mut Welcome)) -> Peer {
        self.accept_if_heard(change).await.expect("HELLO")
    }

    /// Accepts the next connection. Returns `None` if the connection ended before its HELLO.
    pub(crate) async fn accept_any(&self) -> Option<Peer> {
        self.accept_if_heard(|_| ()).await
    }

    /// Accepts the next connection, on which the hub sends nothing.
    pub(crate) async fn accept_silently(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    async fn accept_if_heard(&self, change: impl FnOnce(&mut Welcome)) -> Option<Peer> {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        let mut peer = Peer {
            stream,
            buffer: BytesMut::new(),
            hello: Hello::default(),
            taken: HashMap::new(),
        };
        let body = peer.body().await?;
        let Ok(Frame::Hello(hello)) = Frame::parse(&body, &Limits::default()) else {
            panic!("not a HELLO: {body:x?}");
        };
        peer.hello = hello;
        let mut welcome = Welcome {
            version: VERSION,
            hub: self.id,
            connection: 1,
            resumed: false,
            kept: false,
            received: 0,
            publisher: "test#1".into(),
            inbox: "$inbox.1".into(),
            limits: Limits::default(),
            keepalive_ms: 0,
            time_ms: 0,
        };
        change(&mut welcome);
        peer.send(&[Frame::Welcome(welcome)]).await;
        Some(peer)
    }
}

trait Unpack {
    fn unpack(self) -> (Client, Peer);
}

impl Unpack for (Result<Client, hub_client::ConnectError>, Peer) {
    fn unpack(self) -> (Client, Peer) {
        (self.0.unwrap(), self.1)
    }
}

impl Peer {
    async fn body(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(body) = split(&self.buffer, 16 << 20).unwrap() {
                let body = body.to_vec();
                self.buffer.advance(4 + body.len());
                return Some(body);
            }
            match soon(self.stream.read_buf(&mut self.buffer)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Waits until the client reports that a listener has finished so many events.
    pub(crate) async fn taken(&mut self, subscription: u64, events: u64) {
        while self.taken.get(&subscription).is_none_or(|taken| taken.taken < events) {
            let body = self.body().await.expect("TAKEN");
            self.note_taken(&body);
        }
    }

    /// Notes a TAKEN, and returns whether the frame is one.
    fn note_taken(&mut self, body: &[u8]) -> bool {
        let Frame::Taken(taken) = Frame::parse(body, &Limits::default()).unwrap() else {
            return false;
        };
        let before = self.taken.get(&taken.subscription).and_then(|before| before.events);
        let events = taken.events.or(before);
        self.taken.insert(taken.subscription, Taken { events, ..taken });
        true
    }

    /// Reads the next frame of the client other than TAKEN, whose moment depends on the time.
    /// Returns `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Sent> {
        let mut body = self.body().await?;
        while self.note_taken(&body) {
            body = self.body().await?;
        }
        Some(match Frame::parse(&body, &Limits::default()).unwrap() {
            Frame::Event(event) => Sent::Event {
                topic: event.topic.to_owned(),
                payload: event.payload.to_vec(),
                headers: event.headers.unwrap_or_default().to_vec(),
            },
            Frame::Subscribe(subscribe) => Sent::Subscribe(subscribe),
            Frame::Unsubscribe { id, .. } => Sent::Unsubscribe(id),
            Frame::Resume(resume) => Sent::Resume(resume),
            Frame::Ping { token } => Sent::Ping(token),
            Frame::Pong { token } => Sent::Pong(token),
            Frame::Close(close) => Sent::Close(close.code),
            other => panic!("a client does not send {other:?}"),
        })
    }

    /// Reads the next frame, which must be an event whose payload is a number, and returns the
    /// number.
    pub(crate) async fn number(&mut self) -> u8 {
        match self.next().await {
            Some(Sent::Event { payload, .. }) if payload.len() == 1 => payload[0],
            other => panic!("not an event with one number: {other:?}"),
        }
    }

    pub(crate) async fn subscribe(&mut self) -> Subscribe {
        match self.next().await {
            Some(Sent::Subscribe(subscribe)) => subscribe,
            other => panic!("not a SUBSCRIBE: {other:?}"),
        }
    }

    /// Answers the next frame, which must be a SUBSCRIBE, with SUBSCRIBED.
    pub(crate) async fn confirm(&mut self) -> Subscribe {
        let subscribe = self.subscribe().await;
        self.send(&[Frame::Subscribed { id: subscribe.id }]).await;
        subscribe
    }

    pub(crate) async fn send(&mut self, frames: &[Frame<'_>]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::to_bytes).collect();
        self.raw(&bytes).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        soon(self.stream.write_all(bytes)).await.unwrap();
    }

    /// Sends a run of events on the topic `t`. The payload of each event is its event number.
    pub(crate) async fn run(&mut self, first: u64, count: u32, subscriptions: &[u64]) {
        self.run_on("t", 1, first, count, subscriptions).await;
    }

    pub(crate) async fn run_on(
        &mut self,
        topic: &str,
        epoch: u64,
        first: u64,
        count: u32,
        subscriptions: &[u64],
    ) {
        let bytes = run_bytes(topic, epoch, first, count, subscriptions);
        self.raw(&bytes).await;
    }

    /// Waits until the client has handled everything that was sent to it.
    pub(crate) async fn settled(&mut self) {
        self.send(&[Frame::Ping { token: 99 }]).await;
        while self.next().await.expect("PONG") != Sent::Pong(99) {}
    }

    /// Waits as [`Peer::settled`] does, and checks that the client sent nothing but the PONG.
    pub(crate) async fn silent(&mut self) {
        self.send(&[Frame::Ping { token: 98 }]).await;
        assert_eq!(self.next().await, Some(Sent::Pong(98)));
    }

    /// Reads until the end of the client's stream, and returns the frames before it.
    pub(crate) async fn ended(&mut self) -> Vec<Sent> {
        let mut rest = Vec::new();
        while let Some(frame) = self.next().await {
            rest.push(frame);
        }
        rest
    }
}

pub(crate) fn run_bytes(
    topic: &str,
    epoch: u64,
    first: u64,
    count: u32,
    subscriptions: &[u64],
) -> Vec<u8> {
    let subscriptions = subscriptions.iter().copied().collect();
    let run = RunFrame {
        topic,
        epoch,
        first,
        count,
        publisher: "p#1",
        time_ms: 5,
        subscriptions,
        attempt: 1,
    };
    let mut bytes = Frame::Run(run).to_bytes();
    for seq in first..first + u64::from(count) {
        let mut payload = Vec::new();
        Packer(&mut payload).uint(seq);
        EventFrame { topic, payload: &payload, headers: None }.write(&mut bytes);
    }
    bytes
}

pub(crate) fn gap(from: u64, to: Option<u64>, reason: GapReason, subscriptions: &[u64]) -> Gap {
    let subscriptions = subscriptions.iter().copied().collect();
    Gap { topic: "t".into(), epoch: 1, from, to, reason, subscriptions }
}

pub(crate) fn refused(what: RefusedWhat, number: u64, code: RefusedCode) -> Refused {
    Refused {
        what,
        number,
        code,
        message: "because".into(),
        rule: Some("rule".into()),
        path: Some("a.b".into()),
        id: None,
    }
}

/// Waits for the next connection event that `wanted` accepts.
pub(crate) async fn event<T>(
    events: &mut ConnectionEvents,
    mut wanted: impl FnMut(&ConnectionEvent) -> Option<T>,
) -> T {
    loop {
        let event = soon(events.next()).await.expect("the client has ended");
        if let Some(found) = wanted(&event) {
            return found;
        }
    }
}

/// Polls a future once.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
