//! What the generator must know of a protocol, and no more.
//!
//! Everything else of the generator is the same code for every server. So what differs between
//! servers in a measurement is the bytes that an implementation of [`Dialect`] names.

use super::link::Link;
use crate::error::BenchError;
use crate::payload::Message;

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
    fn publish(&self, topic: &str, message: &Message, out: &mut Vec<u8>);

    /// The bytes that a subscriber gets for it. With Hub, these follow a RUN frame.
    fn delivered(&self, topic: &str, message: &Message) -> Vec<u8>;

    /// Whether a delivered message tells its length. Otherwise a subscriber has to know which
    /// message comes next.
    fn tells_length(&self) -> bool {
        true
    }

    /// The length of the delivered message with which `bytes` begin; `None` if that cannot be seen
    /// yet. Other bytes may follow the message.
    ///
    /// # Errors
    /// The bytes are no message, or the protocol does not tell a message's length.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BenchError>;

    /// Whether the server acknowledges each message to its publisher.
    fn acknowledges(&self) -> bool {
        false
    }

    /// Makes a connection ready to ask on `topic`, and encodes a request and its reply for each of
    /// `messages`, if the protocol knows requests.
    ///
    /// # Errors
    /// The server refused it or did not answer.
    fn open_requester(
        &self,
        _link: &mut Link,
        _topic: &str,
        _messages: &[Message],
    ) -> Result<Vec<Exchange>, BenchError> {
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
    /// What the asking client sends.
    pub request: Vec<u8>,
    /// What the answering client gets.
    pub delivered_request: Vec<u8>,
    /// What the answering client sends.
    pub reply: Vec<u8>,
    /// What the asking client gets.
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
