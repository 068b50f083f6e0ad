//! The protocols that the generator speaks, each no further than a measurement needs.

mod hub;
mod nats;
mod raw;
mod redis;

pub use hub::Hub;
pub use nats::Nats;
pub use raw::{HELLO_PUBLISH, HELLO_SUBSCRIBE, Raw, WELCOME as RELAY_WELCOME};
pub use redis::Redis;

use crate::{BenchError, Payload};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take to answer during set-up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How to talk to one kind of server.
pub trait Dialect: Sync + Send {
    /// What the server is called.
    fn name(&self) -> &'static str;

    /// Makes a connection ready to publish.
    ///
    /// # Errors
    /// The server refused it or did not answer.
    fn open_publisher(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError>;

    /// Makes a connection a subscriber of `topics`. When this returns, the subscriptions are in
    /// place.
    ///
    /// # Errors
    /// The server refused it or did not answer.
    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError>;

    /// Appends the bytes that publish one message.
    fn publish(&self, topic: &str, payload: &Payload, out: &mut Vec<u8>);

    /// The bytes that a subscriber gets for it. With Hub, these follow a RUN frame.
    fn delivered(&self, topic: &str, payload: &Payload) -> Vec<u8>;

    /// The length of the message with which `bytes` begin, which may be one of others; `None` if
    /// that cannot be seen yet.
    ///
    /// # Errors
    /// The protocol does not tell.
    fn length(&self, _bytes: &[u8]) -> Result<Option<usize>, BenchError> {
        Err(BenchError::Plan(format!("messages of {} are known by their length", self.name())))
    }

    /// Whether the server acknowledges each message to its publisher.
    fn acknowledges(&self) -> bool {
        false
    }

    /// How to ask and to answer, if the protocol knows that.
    ///
    /// # Errors
    /// The server refused it or did not answer.
    fn open_requester(
        &self,
        _link: &mut Link,
        _topic: &str,
        _payload: &Payload,
    ) -> Result<Exchange, BenchError> {
        Err(BenchError::Plan(format!("{} knows no requests", self.name())))
    }

    /// What stands at the beginning of `bytes`, which is a boundary between messages.
    ///
    /// # Errors
    /// What the server said, if it is not what a subscriber or publisher may hear.
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError>;
}

/// The eight characters of a request's id; replaced by a number of as many digits.
pub const ID_MARK: &str = "00id00id";

/// The bytes of a request and its reply, as they are sent and as they are delivered. Each has
/// [`ID_MARK`] where the request's id belongs and [`crate::payload::MARK`] where the time does.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What who asks sends.
    pub request: Vec<u8>,
    /// What who answers gets.
    pub delivered_request: Vec<u8>,
    /// What who answers sends.
    pub reply: Vec<u8>,
    /// What who asked gets.
    pub delivered_reply: Vec<u8>,
}

/// What comes next in what a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It is not complete yet.
    More,
    /// After `skip` bytes stand `count` messages.
    Messages {
        /// Bytes in front of the first one.
        skip: usize,
        /// How many.
        count: u64,
    },
    /// Something else, of `len` bytes.
    Control {
        /// Its length.
        len: usize,
        /// What it says.
        what: Control,
    },
}

/// What a server says besides messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// Nothing that matters here.
    Nothing,
    /// It wants this answer.
    Answer(Vec<u8>),
    /// So many messages were acknowledged in all.
    Acknowledged(u64),
    /// One more message was acknowledged.
    AcknowledgedOne,
    /// So many messages are announced as missing.
    Missing(u64),
}

/// A connection during set-up: blocking, with what was read and not yet used.
#[derive(Debug)]
pub struct Link {
    /// The socket.
    pub stream: TcpStream,
    /// What came and was not used.
    pub unused: Vec<u8>,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there, or this process has no file descriptor left.
    pub fn connect(addr: SocketAddr) -> Result<Link, BenchError> {
        let stream = TcpStream::connect(addr)
            .and_then(|stream| {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(stream)
            })
            .map_err(|source| BenchError::Connect { addr, source })?;
        Ok(Link { stream, unused: Vec::new() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BenchError> {
        self.stream.write_all(bytes).map_err(BenchError::io("cannot write to the server"))
    }

    /// Reads until `enough` finds what it waits for, and says how many bytes that took.
    pub(crate) fn read_until<T>(
        &mut self,
        mut enough: impl FnMut(&[u8]) -> Result<Option<(usize, T)>, BenchError>,
    ) -> Result<T, BenchError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some((used, found)) = enough(&self.unused)? {
                self.unused.drain(..used);
                return Ok(found);
            }
            let read = match self.stream.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Err(BenchError::Silent(PATIENCE));
                }
                Err(error) => return Err(BenchError::io("cannot read from the server")(error)),
            };
            if read == 0 {
                return Err(BenchError::Server("the connection was closed".into()));
            }
            self.unused.extend_from_slice(&buffer[..read]);
        }
    }
}

/// The first line of `bytes` with its end, if it is complete.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(&bytes[..=end])
}

fn said(bytes: &[u8]) -> BenchError {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    BenchError::Server(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is delivered is one message to the reader, and no part of it is.
    #[test]
    fn a_delivered_message_is_recognised() {
        let dialects: [&dyn Dialect; 3] = [&Hub::default(), &Nats, &Redis::default()];
        for dialect in dialects {
            for payload in [Payload::bin(16), Payload::bin(16 << 10), Payload::map(1024)] {
                let mut bytes = match dialect.name() {
                    "hub" => hub::run_head("bench.00", 1),
                    _ => Vec::new(),
                };
                let head = bytes.len();
                bytes.extend(dialect.delivered("bench.00", &payload));
                let found = dialect.next(&bytes).unwrap();
                assert_eq!(found, Next::Messages { skip: head, count: 1 }, "{}", dialect.name());
                assert_eq!(dialect.next(&bytes[..head.min(3)]).unwrap(), Next::More);
            }
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_or_control() {
        assert_eq!(
            Nats.next(b"PING\r\nMSG").unwrap(),
            Next::Control { len: 6, what: Control::Answer(b"PONG\r\n".to_vec()) }
        );
        assert_eq!(Nats.next(b"PIN").unwrap(), Next::More);
        assert!(Nats.next(b"-ERR 'Slow Consumer'\r\n").is_err());
        assert!(Redis::default().next(b"-ERR unknown\r\n").is_err());
        assert!(Hub::default().next(b"HTTP/1.1 400\r\n").is_err());
    }
}
