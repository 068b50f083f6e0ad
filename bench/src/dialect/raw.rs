//! Speaks to the byte relay, which has no protocol. `byte-relay` copies bytes from one socket to others.
//! Servers are compared with it, because no server can do less work.

use super::link::{Link, line, said};
use super::protocol::{Dialect, Next};
use crate::error::BenchError;
use crate::payload::Message;

/// Stands for the relay. The relay has channels and no messages, so it delivers only the payload.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

/// A publisher's first line begins with this word. The name of the channel follows.
pub const HELLO_PUBLISH: &str = "PUB ";
/// A subscriber's first line begins with this word. The name of the channel follows.
pub const HELLO_SUBSCRIBE: &str = "SUB ";
/// The relay answers the first line with this line.
pub const WELCOME: &str = "OK\n";

fn open(link: &mut Link, hello: &str, topics: &[String]) -> Result<(), BenchError> {
    let [topic] = topics else {
        return Err(BenchError::Plan("the relay has one topic a connection".into()));
    };
    link.write(format!("{hello}{topic}\n").as_bytes())?;
    link.read_until(|bytes| match line(bytes) {
        Some(line) if line == WELCOME.as_bytes() => Ok(Some((line.len(), ()))),
        Some(line) => Err(said(line)),
        None => Ok(None),
    })
}

impl Dialect for Raw {
    fn name(&self) -> &'static str {
        "relay"
    }

    fn open_publisher(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        open(link, HELLO_PUBLISH, topics)
    }

    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        open(link, HELLO_SUBSCRIBE, topics)
    }

    fn publish(&self, _: &str, message: &Message, out: &mut Vec<u8>) {
        out.extend_from_slice(message.bytes());
    }

    fn delivered(&self, _: &str, message: &Message) -> Vec<u8> {
        message.bytes().to_vec()
    }

    fn tells_length(&self) -> bool {
        false
    }

    fn length(&self, _: &[u8]) -> Result<Option<usize>, BenchError> {
        Err(BenchError::Plan("the relay does not know where a message ends".into()))
    }

    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError> {
        Ok(match bytes {
            [] => Next::More,
            _ => Next::Messages { skip: 0, count: u64::MAX },
        })
    }
}
