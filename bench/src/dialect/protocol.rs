//! Defines the trait [`Dialect`], with everything that the generator must know of a protocol.
//!
//! All other code of the generator is common to all servers. So the measurements of two servers differ
//! only in the bytes that their implementations of [`Dialect`] name.

use super::link::Link;
use crate::error::BenchError;
use crate::payload::Message;

/// Describes the protocol of one kind of server.
pub trait Dialect: Sync + Send {
    /// Returns the name of the server.
    fn name(&self) -> &'static str;

    /// Makes a connection ready to publish.
    ///
    /// # Errors
    /// Returns an error if the server refused the connection or did not answer.
    fn open_publisher(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError>;

    /// Makes a connection a subscriber of `topics`. When this function returns, the subscriptions
    /// are in place.
    ///
    /// # Errors
    /// Returns an error if the server refused a subscription or did not answer.
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

    /// Returns the length of the delivered message at the start of `bytes`, or `None` if the length
    /// cannot be read yet. Other bytes may follow the message.
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
    /// for each of `messages`.
    ///
    /// # Errors
    /// Returns an error if the protocol has no requests, or if the server refused the connection or
    /// did not answer.
    fn open_requester(
        &self,
        _link: &mut Link,
        _topic: &str,
        _messages: &[Message],
    ) -> Result<Vec<Exchange>, BenchError> {
        Err(BenchError::Plan(format!("{} knows no requests", self.name())))
    }

    /// Reads the piece at the start of `bytes`. The start must be a boundary between messages.
    ///
    /// # Errors
    /// Returns an error if the server sent something that neither a subscriber nor a publisher may
    /// get.
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError>;
}

/// These eight characters stand in the place of a request's id. A number of eight digits replaces them.
pub const ID_MARK: &str = "00id00id";

/// Holds the bytes of a request and its reply, as they are sent and as they are delivered. All of them
/// have [`ID_MARK`] in the place of the id, and [`crate::payload::MARK`] in the place of the time.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The asking client sends these bytes.
    pub request: Vec<u8>,
    /// The answering client gets these bytes as the request.
    pub delivered_request: Vec<u8>,
    /// The answering client sends these bytes as the reply.
    pub reply: Vec<u8>,
    /// The asking client gets these bytes as the reply.
    pub delivered_reply: Vec<u8>,
}

/// Describes the next piece of the bytes that a server sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The piece is not complete yet.
    More,
    /// After `skip` bytes, `count` messages follow.
    Messages {
        /// This many bytes precede the first message.
        skip: usize,
        /// This many messages follow.
        count: u64,
    },
    /// The piece is not a message. It has `len` bytes.
    Control {
        /// The piece has this many bytes.
        len: usize,
        /// The piece has this meaning.
        what: Control,
    },
}

/// Says what a server sent besides messages.
#[derive(Debug, PartialEq, Eq)]
pub enum Control {
    /// The server sent something that does not matter for a measurement.
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
