//! Provides a blocking client that hides nothing from a test. The test sends bytes and gets frames.
//!
//! The client answers no PING and sends no CLOSE by itself. It makes only one check by itself: exactly
//! the EVENTs of a RUN must follow the RUN, on its topic.

use hub_wire::{Close, Frame, Gap, Hello, Limits, Refused, Subscribe, Welcome, split};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A test waits at most this long for something that must happen. The time is long enough for a machine
/// under load, so only a test that fails reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Holds an EVENT, with the fields that its RUN states for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivered {
    pub(crate) topic: String,
    pub(crate) epoch: u64,
    pub(crate) number: u64,
    pub(crate) publisher: String,
    pub(crate) subscriptions: Vec<u64>,
    pub(crate) attempt: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: Option<Vec<u8>>,
}

/// Says what a client got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    Welcome(Welcome),
    Event(Delivered),
    /// The hub sent a RUN without events.
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
    /// The hub ended the stream (FIN) behind a whole frame.
    End,
    /// The hub reset the connection (RST).
    Reset,
}

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    welcome: Option<Welcome>,
    bytes: Vec<u8>,
    parsed: usize,
    ready: VecDeque<Got>,
    /// Holds the next EVENT of the RUN that is under way, and how many EVENTs are still to come.
    run: Option<(Delivered, u32)>,
}

impl Client {
    /// Opens a TCP connection, and sends nothing on it.
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

    /// Opens a connection with receipts, and waits for WELCOME.
    pub(crate) fn open(address: SocketAddr) -> Client {
        Client::open_as(address, &super::frames::hello("test"))
    }

    pub(crate) fn open_as(address: SocketAddr, hello: &Hello) -> Client {
        let mut client = Client::connect(address);
        client.hello(hello);
        client
    }

    /// Sends HELLO, and waits for WELCOME.
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

    /// Sends bytes to a hub that may have ended the connection. Errors are ignored.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
    }

    /// Returns the socket for a thread that writes while this client reads.
    pub(crate) fn writer(&self) -> TcpStream {
        self.socket.try_clone().expect("a socket")
    }

    /// Ends the direction from this client to the hub (FIN).
    pub(crate) fn finish(&mut self) {
        self.socket.shutdown(Shutdown::Write).expect("a connected socket");
    }

    /// Sends SUBSCRIBE, and returns everything that came before SUBSCRIBED.
    pub(crate) fn subscribe(&mut self, subscribe: &Subscribe) -> Vec<Got> {
        self.send(&super::frames::subscribe(subscribe));
        self.until(|got| *got == Got::Subscribed(subscribe.id))
    }

    /// Sends PING, and returns everything that came before its PONG.
    pub(crate) fn barrier(&mut self) -> Vec<Got> {
        const TOKEN: u64 = 0x0062_6172_7269_6572;
        self.send(&super::frames::ping(TOKEN));
        self.until(|got| *got == Got::Pong(TOKEN))
    }

    /// Returns everything that comes before the frame for which `is_it` returns true. Fails the test
    /// if the stream ends before that.
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

    /// Returns everything until the stream ends. The last element is the end.
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

    /// Returns the next event. Receipts before it are skipped, and anything else fails the test.
    pub(crate) fn event(&mut self) -> Delivered {
        loop {
            match self.next() {
                Got::Event(event) => return event,
                Got::Receipt(_) => {}
                other => panic!("{other:?} instead of an event"),
            }
        }
    }

    /// Returns the next frame or the end of the stream. Fails the test if nothing comes within
    /// [`PATIENCE`].
    pub(crate) fn next(&mut self) -> Got {
        match self.next_within(PATIENCE) {
            Some(got) => got,
            None => panic!("nothing came for {PATIENCE:?}"),
        }
    }

    /// Returns the next frame or the end of the stream, or `None` if nothing comes within `time`.
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
                        subscriptions: run.subscriptions.as_slice().to_vec(),
                        attempt: run.attempt,
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

/// Returns the events in `got`.
pub(crate) fn events(got: &[Got]) -> Vec<&Delivered> {
    got.iter()
        .filter_map(|got| if let Got::Event(event) = got { Some(event) } else { None })
        .collect()
}
