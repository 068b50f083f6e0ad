//! A blocking client that hides nothing: what it sends is bytes, what it gets is frames.
//!
//! It answers no PING and sends no CLOSE by itself. It checks one thing on its own: after a RUN
//! come exactly its EVENTs, on its topic.

use hub_wire::{Close, Frame, Gap, Hello, Limits, Refused, Subscribe, Welcome, split};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Long enough for a loaded machine; reached only by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An EVENT with what its RUN said of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivered {
    pub(crate) topic: String,
    pub(crate) epoch: u64,
    pub(crate) number: u64,
    pub(crate) publisher: String,
    pub(crate) subscription: Option<u64>,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: Option<Vec<u8>>,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    Welcome(Welcome),
    Event(Delivered),
    /// A RUN without events.
    Position {
        topic: String,
        epoch: u64,
        next: u64,
    },
    Subscribed(u64),
    Receipt(u64),
    Refused(Refused),
    Gap(Gap),
    Ping(u64),
    Pong(u64),
    Close(Close),
    /// FIN, at the end of a frame.
    End,
    /// RST.
    Reset,
}

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    welcome: Option<Welcome>,
    bytes: Vec<u8>,
    parsed: usize,
    ready: VecDeque<Got>,
    /// The RUN whose EVENTs are coming, and how many are still to come.
    run: Option<(Delivered, u32)>,
}

impl Client {
    /// A TCP connection on which nothing was said yet.
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).expect("the hub accepts"))
    }

    pub(crate) fn over(socket: TcpStream) -> Client {
        socket.set_nodelay(true).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        socket.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Client {
            socket,
            welcome: None,
            bytes: Vec::new(),
            parsed: 0,
            ready: VecDeque::new(),
            run: None,
        }
    }

    /// A connection that was welcomed, with receipts.
    pub(crate) fn open(address: SocketAddr) -> Client {
        Client::open_as(address, &super::frames::hello("test"))
    }

    pub(crate) fn open_as(address: SocketAddr, hello: &Hello) -> Client {
        let mut client = Client::connect(address);
        client.hello(hello);
        client
    }

    /// Says HELLO and waits for WELCOME.
    pub(crate) fn hello(&mut self, hello: &Hello) {
        self.send(&Frame::Hello(hello.clone()).to_bytes());
        match self.next() {
            Got::Welcome(welcome) => self.welcome = Some(welcome),
            other => panic!("{other:?} instead of WELCOME"),
        }
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("this client was welcomed")
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the hub reads");
    }

    /// Sends what the hub may not want any more.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
    }

    /// For a thread that writes while this client reads.
    pub(crate) fn writer(&self) -> TcpStream {
        self.socket.try_clone().expect("a socket")
    }

    /// FIN: this client sends no more.
    pub(crate) fn finish(&mut self) {
        self.socket.shutdown(Shutdown::Write).expect("a connected socket");
    }

    /// SUBSCRIBE; returns what came before SUBSCRIBED.
    pub(crate) fn subscribe(&mut self, subscribe: &Subscribe) -> Vec<Got> {
        self.send(&super::frames::subscribe(subscribe));
        self.until(|got| *got == Got::Subscribed(subscribe.id))
    }

    /// PING; returns what came before its PONG.
    pub(crate) fn barrier(&mut self) -> Vec<Got> {
        const TOKEN: u64 = 0x0062_6172_7269_6572;
        self.send(&super::frames::ping(TOKEN));
        self.until(|got| *got == Got::Pong(TOKEN))
    }

    /// What comes before the frame for which `is_it` holds.
    pub(crate) fn until(&mut self, mut is_it: impl FnMut(&Got) -> bool) -> Vec<Got> {
        let mut before = Vec::new();
        loop {
            let got = self.next();
            if is_it(&got) {
                return before;
            }
            assert!(!matches!(got, Got::End | Got::Reset), "the stream ended: {before:?}, {got:?}");
            before.push(got);
        }
    }

    /// Everything until the stream ends, its end included.
    pub(crate) fn rest(&mut self) -> Vec<Got> {
        let mut all = Vec::new();
        loop {
            let got = self.next();
            let ended = matches!(got, Got::End | Got::Reset);
            all.push(got);
            if ended {
                return all;
            }
        }
    }

    /// The next event; anything else but receipts fails the test.
    pub(crate) fn event(&mut self) -> Delivered {
        loop {
            match self.next() {
                Got::Event(event) => return event,
                Got::Receipt(_) => {}
                other => panic!("{other:?} instead of an event"),
            }
        }
    }

    /// The next thing the hub says.
    pub(crate) fn next(&mut self) -> Got {
        match self.next_within(PATIENCE) {
            Some(got) => got,
            None => panic!("nothing came for {PATIENCE:?}"),
        }
    }

    /// The next thing the hub says, if it says something in this time.
    pub(crate) fn next_within(&mut self, time: Duration) -> Option<Got> {
        loop {
            if let Some(got) = self.take() {
                return Some(got);
            }
            self.socket.set_read_timeout(Some(time)).expect("a socket");
            let mut chunk = [0; 64 * 1024];
            match self.socket.read(&mut chunk) {
                Ok(0) => {
                    assert!(self.run.is_none(), "the stream ended within a run");
                    assert_eq!(self.parsed, self.bytes.len(), "the stream ended within a frame");
                    return Some(Got::End);
                }
                Ok(read) => {
                    self.bytes.drain(..std::mem::take(&mut self.parsed));
                    self.bytes.extend_from_slice(&chunk[..read]);
                    self.parse();
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Some(Got::Reset);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(error) => panic!("reading from the hub: {error}"),
            }
        }
    }

    fn take(&mut self) -> Option<Got> {
        self.ready.pop_front()
    }

    fn parse(&mut self) {
        while let Some(body) =
            split(&self.bytes[self.parsed..], u32::MAX).expect("the hub sends no empty frame")
        {
            self.parsed += 4 + body.len();
            let frame = Frame::parse(body, &Limits::NONE)
                .unwrap_or_else(|error| panic!("the hub sent {body:02x?}: {error}"));
            let got = match frame {
                Frame::Event(event) => {
                    let Some((run, left)) = &mut self.run else {
                        panic!("an EVENT without a RUN: {event:?}");
                    };
                    assert_eq!(event.topic, run.topic, "an EVENT within the RUN of another topic");
                    let delivered = Delivered {
                        payload: event.payload.to_vec(),
                        headers: event.headers.map(<[u8]>::to_vec),
                        ..run.clone()
                    };
                    run.number += 1;
                    *left -= 1;
                    if *left == 0 {
                        self.run = None;
                    }
                    self.ready.push_back(Got::Event(delivered));
                    continue;
                }
                other => other,
            };
            assert!(self.run.is_none(), "{got:?} between a RUN and its EVENTs");
            let got = match got {
                Frame::Run(run) if run.count == 0 => {
                    Got::Position { topic: run.topic.to_owned(), epoch: run.epoch, next: run.first }
                }
                Frame::Run(run) => {
                    let next = Delivered {
                        topic: run.topic.to_owned(),
                        epoch: run.epoch,
                        number: run.first,
                        publisher: run.publisher.to_owned(),
                        subscription: run.subscription,
                        payload: Vec::new(),
                        headers: None,
                    };
                    self.run = Some((next, run.count));
                    continue;
                }
                Frame::Welcome(welcome) => Got::Welcome(welcome),
                Frame::Subscribed { id } => Got::Subscribed(id),
                Frame::Receipt { next } => Got::Receipt(next),
                Frame::Refused(refused) => Got::Refused(refused),
                Frame::Gap(gap) => Got::Gap(gap),
                Frame::Ping { token } => Got::Ping(token),
                Frame::Pong { token } => Got::Pong(token),
                Frame::Close(close) => Got::Close(close),
                frame => panic!("the hub sent {frame:?}"),
            };
            self.ready.push_back(got);
        }
    }
}

/// The events of what was got.
pub(crate) fn events(got: &[Got]) -> Vec<&Delivered> {
    got.iter()
        .filter_map(|got| if let Got::Event(event) = got { Some(event) } else { None })
        .collect()
}
