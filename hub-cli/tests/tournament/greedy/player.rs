//! Gives greedy clients what they share: sockets from addresses of their own, raw frames, and no
//! patience. A greedy client never panics: whatever the hub does to it, it tries again.

use crate::support::Random;
use crate::wire::frames::*;
use hub_wire::{Credentials, Frame, Hello, split};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// REFUSED frames have this type.
const REFUSED: u8 = 9;

/// Has what all greedy clients of a round know.
#[derive(Clone)]
pub(crate) struct Ring {
    pub(crate) clients: SocketAddr,
    pub(crate) http: SocketAddr,
    /// The access tokens of the identities that greedy clients may use.
    pub(crate) tokens: Arc<Vec<String>>,
    pub(crate) operator: String,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Is one greedy client: its random choices, its identity and its address.
pub(crate) struct Player {
    pub(crate) ring: Ring,
    pub(crate) random: Random,
    /// The token of the identity, or `None` for an anonymous client.
    token: Option<String>,
    from: Ipv4Addr,
    /// Tells the topics of this client from those of others.
    pub(crate) name: String,
}

impl Player {
    pub(crate) fn new(ring: Ring, mut random: Random) -> Player {
        let owner = random.below(ring.tokens.len() * 3 / 2);
        let token = ring.tokens.get(owner).cloned();
        let from = Ipv4Addr::new(127, 0, 1, 1 + random.below(6) as u8);
        let name = format!("{:x}", random.next() & 0xffff);
        Player { ring, random, token, from, name }
    }

    /// Returns a client with this identity, at an address of its own, which greedy clients do not use.
    pub(crate) fn newcomer(ring: Ring, token: String) -> Player {
        let name = "newcomer".to_owned();
        let from = Ipv4Addr::new(127, 0, 2, 1);
        Player { ring, random: Random(1), token: Some(token), from, name }
    }

    pub(crate) fn stopped(&self) -> bool {
        self.ring.stop.load(Ordering::Relaxed)
    }

    /// Returns a number from `least` to `most`. Small numbers are as likely as large ones.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.random.below(most - least + 1)
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.random.below(100) < percent
    }

    /// Waits, but not beyond the end of the round. Returns an error when the round is over.
    pub(crate) fn pause(&self, time: Duration) -> io::Result<()> {
        let until = Instant::now() + time;
        loop {
            if self.stopped() {
                return Err(over());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    /// Keeps what was opened until the round is over.
    pub(crate) fn stay(&self) -> io::Result<()> {
        self.pause(Duration::from_secs(3600))
    }

    pub(crate) fn socket(&mut self) -> io::Result<TcpStream> {
        self.socket_to(self.ring.clients)
    }

    pub(crate) fn http(&mut self) -> io::Result<TcpStream> {
        self.socket_to(self.ring.http)
    }

    fn socket_to(&mut self, to: SocketAddr) -> io::Result<TcpStream> {
        if self.stopped() {
            return Err(over());
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((self.from, 0)).into())?;
        // A reader with a small buffer stalls at once.
        if self.chance(50) {
            socket.set_recv_buffer_size(4096)?;
        }
        socket.connect_timeout(&to.into(), Duration::from_secs(2))?;
        let socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    pub(crate) fn hello(&self) -> Hello {
        let credentials = self.token.clone().map(Credentials::Token);
        Hello { credentials, ..hello("greedy") }
    }

    pub(crate) fn open(&mut self) -> io::Result<Link> {
        let hello = self.hello();
        self.open_as(&hello)
    }

    pub(crate) fn open_as(&mut self, hello: &Hello) -> io::Result<Link> {
        let socket = self.socket()?;
        let mut link = Link {
            socket,
            bytes: Vec::new(),
            unwritten: Vec::new(),
            inbox: String::new(),
            stop: self.ring.stop.clone(),
        };
        link.send(&Frame::Hello(hello.clone()).to_bytes())?;
        let welcome = link.wait_for(2)?;
        if let Ok(Frame::Welcome(welcome)) = Frame::parse(&welcome, &hub_wire::Limits::NONE) {
            link.inbox = welcome.inbox;
        }
        Ok(link)
    }

    /// Opens so many connections, or fewer if the hub does not want them.
    pub(crate) fn open_many(&mut self, count: usize) -> io::Result<Vec<Link>> {
        let mut all = Vec::new();
        for _ in 0..count {
            match self.open() {
                Ok(link) => all.push(link),
                Err(_) if self.stopped() => return Err(over()),
                Err(_) => self.pause(Duration::from_millis(20))?,
            }
        }
        Ok(all)
    }

    pub(crate) fn topic(&mut self, kind: &str) -> String {
        format!("greedy.{kind}.{}.{:x}", self.name, self.random.next() & 0xffff_ffff)
    }

    /// Makes a topic of nearly the greatest length, under `greedy.`.
    pub(crate) fn long_topic(&mut self) -> String {
        let length = self.between(180, 240);
        let mut topic = self.topic("long");
        topic.push('.');
        while topic.len() < length {
            topic.push(char::from(b'a' + self.random.below(26) as u8));
        }
        topic
    }

    /// Makes a payload of so many bytes, which is a `bin`, or text if that is drawn.
    pub(crate) fn payload(&mut self, length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(length + 8);
        let byte = b'a' + self.random.below(26) as u8;
        if self.chance(50) {
            hub_wire::Packer(&mut out).bin(&vec![byte; length]);
        } else {
            hub_wire::Packer(&mut out)
                .str(&String::from_utf8(vec![byte; length]).unwrap_or_default());
        }
        out
    }
}

/// Is a greedy client's connection.
pub(crate) struct Link {
    pub(crate) socket: TcpStream,
    bytes: Vec<u8>,
    /// Has what [`Link::offer`] could not write yet.
    unwritten: Vec<u8>,
    pub(crate) inbox: String,
    stop: Arc<AtomicBool>,
}

impl Link {
    /// Sends all bytes and reads nothing.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes, false)
    }

    /// Sends all bytes, and throws away what comes in the meantime, as a client that always reads.
    pub(crate) fn send_reading(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes, true)
    }

    fn write(&mut self, mut bytes: &[u8], reading: bool) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(over());
            }
            if reading {
                self.drain()?;
            }
            match self.socket.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => nap(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends as much as the socket takes at once, and the rest at the next call. If an earlier rest
    /// is still there, the new bytes are not sent. Reads nothing.
    pub(crate) fn offer(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.unwritten.is_empty() {
            self.unwritten.extend_from_slice(bytes);
        }
        match self.socket.write(&self.unwritten) {
            Ok(written) => self.unwritten.drain(..written),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Throws away what has come. Returns how many bytes that were.
    pub(crate) fn drain(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 64 * 1024];
        let mut all = 0;
        self.bytes.clear();
        loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => all += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(all),
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads until a frame of this type comes, and returns its body. Others are thrown away.
    pub(crate) fn wait_for(&mut self, kind: u8) -> io::Result<Vec<u8>> {
        self.first_of(&[kind])
    }

    /// Reads until a frame of this type comes. REFUSED is an error, so that the client can try again.
    pub(crate) fn answered_with(&mut self, kind: u8) -> io::Result<()> {
        match self.first_of(&[kind, REFUSED])?.get(1) {
            Some(&REFUSED) => Err(io::Error::other("the hub refuses")),
            _ => Ok(()),
        }
    }

    fn first_of(&mut self, kinds: &[u8]) -> io::Result<Vec<u8>> {
        let until = Instant::now() + Duration::from_secs(10);
        let mut chunk = [0; 16 * 1024];
        loop {
            while let Some(body) = split(&self.bytes, u32::MAX).map_err(io::Error::other)? {
                let body = body.to_vec();
                self.bytes.drain(..4 + body.len());
                if body.get(1).is_some_and(|kind| kinds.contains(kind)) {
                    return Ok(body);
                }
            }
            if self.stop.load(Ordering::Relaxed) || Instant::now() > until {
                return Err(over());
            }
            match self.socket.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.bytes.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => nap(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the hub has handled everything that was sent.
    pub(crate) fn barrier(&mut self) -> io::Result<()> {
        self.send(&ping(7))?;
        self.wait_for(12).map(|_| ())
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(self) {
        let _ = Socket::from(self.socket).set_linger(Some(Duration::ZERO));
    }
}

pub(crate) fn over() -> io::Error {
    ErrorKind::TimedOut.into()
}

fn nap() {
    std::thread::sleep(Duration::from_millis(1));
}
