//! The trait [`Dialect`]: what the generator must know of a protocol, and no more.
//!
//! All other code of the generator is common to all servers. So two servers in a measurement differ
//! only in the bytes that their implementations of [`Dialect`] name.

use super::link::Link;
use crate::error::BenchError;
use crate::payload::Message;

/// The protocol of one kind of server.
pub trait Dialect: Sync + Send {
    /// Returns the name of the server.
    fn name(&self) -> &'static str;

    /// Makes a connection ready to publish.
    ///
    /// # Errors
    /// Returns an error if the server refused it or did not answer.
    fn open_publisher(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError>;

    /// Makes a connection a subscriber of `topics`. When this returns, the subscriptions are in
    /// place.
    ///
    /// # Errors
    /// Returns an error if the server refused it or did not answer.
    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError>;

    /// Appends the bytes that publish one message.
    fn publish(&self, topic: &str, message: &Message, out: &mut Vec<u8>);

    /// Returns the bytes that a subscriber gets for the message. With Hub, they follow a RUN frame.
    fn delivered(&self, topic: &str, message: &Message) -> Vec<u8>;

    /// Returns whether a delivered message states its length. Otherwise a subscriber has to know
    /// which message comes next.
    fn tells_length(&self) -> bool {
        true
    }

    /// Returns the length of the delivered message at the start of `bytes`, or `None` if it cannot
    /// be read yet. Other bytes may follow the message.
    ///
    /// # Errors
    /// Returns an error if the bytes are no message, or if the protocol does not state the length
    /// of a message.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BenchError>;

    /// Returns whether the server acknowledges each message to its publisher.
    fn acknowledges(&self) -> bool {
        false
    }

    /// Makes a connection ready to send requests on `topic`, and encodes a request and its reply
    /// for each of `messages`, if the protocol has requests.
    ///
    /// # Errors
    /// Returns an error if the server refused it or did not answer.
    fn open_requester(
        &self,
        _link: &mut Link,
        _topic: &str,
        _messages: &[Message],
    ) -> Result<Vec<Exchange>, BenchError> {
        Err(BenchError::Plan(format!("{} knows no requests", self.name())))
    }

    /// Reads what is at the start of `bytes`, which is a boundary between messages.
    ///
    /// # Errors
    /// Returns an error if the server sent something that neither a subscriber nor a publisher may
    /// get.
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError>;
}

/// The eight characters in the place of a request's id. A number of eight digits replaces them.
pub const ID_MARK: &str = "00id00id";

/// The bytes of a request and its reply, as they are sent and as they are delivered. Each has
/// [`ID_MARK`] in the place of the id and [`crate::payload::MARK`] in the place of the time.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request as the asking client sends it.
    pub request: Vec<u8>,
    /// The request as the answering client gets it.
    pub delivered_request: Vec<u8>,
    /// The reply as the answering client sends it.
    pub reply: Vec<u8>,
    /// The reply as the asking client gets it.
    pub delivered_reply: Vec<u8>,
}

/// The next piece of the bytes that a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The piece is not complete yet.
    More,
    /// After `skip` bytes, `count` messages follow.
    Messages {
        /// How many bytes there are in front of the first message.
        skip: usize,
        /// How many messages follow.
        count: u64,
    },
    /// The piece is not a message. It has `len` bytes.
    Control {
        /// The length of the piece in bytes.
        len: usize,
        /// What the piece means.
        what: Control,
    },
}

/// What a server sends besides messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// The server sent something that does not matter here.
    Nothing,
    /// The server expects this answer.
    Answer(Vec<u8>),
    /// The server has acknowledged this many messages in all.
    Acknowledged(u64),
    /// The server has acknowledged one more message.
    AcknowledgedOne,
    /// The server announces this many messages as missing.
    Missing(u64),
}
