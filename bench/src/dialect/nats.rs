//! The client protocol of nats-server.

use super::{Control, Dialect, Exchange, ID_MARK, Link, Next, line, said};
use crate::{BenchError, Payload};
use std::fmt::Write;

/// nats-server.
#[derive(Debug, Clone, Copy)]
pub struct Nats;

const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"bench\",\
    \"lang\":\"rust\",\"version\":\"0\",\"protocol\":1,\"echo\":true}\r\nPING\r\n";
/// Subscription ids all have three digits, so that a delivered message's length does not vary.
const FIRST_SID: usize = 100;

impl Nats {
    /// Says hello and waits for the answer.
    pub(crate) fn connect(self, link: &mut Link) -> Result<(), BenchError> {
        link.write(CONNECT)?;
        self.pong(link)
    }

    /// Waits for a PONG: what was sent before it has taken effect.
    pub(crate) fn pong(self, link: &mut Link) -> Result<(), BenchError> {
        link.read_until(|bytes| {
            let mut at = 0;
            while let Some(line) = line(&bytes[at..]) {
                at += line.len();
                match line {
                    b"PONG\r\n" => return Ok(Some((at, ()))),
                    [b'-', ..] => return Err(said(line)),
                    _ => {}
                }
            }
            Ok(None)
        })
    }

    /// Subscribes to each, with ids that count from 100.
    pub(crate) fn subscribe(self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        let mut text = String::new();
        for (sid, topic) in (FIRST_SID..).zip(topics) {
            // Writing to a String cannot fail.
            let _ = write!(text, "SUB {topic} {sid}\r\n");
        }
        text.push_str("PING\r\n");
        link.write(text.as_bytes())?;
        self.pong(link)
    }
}

impl Dialect for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn open_publisher(&self, link: &mut Link, _: &[String]) -> Result<(), BenchError> {
        self.connect(link)
    }

    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        self.connect(link)?;
        self.subscribe(link, topics)
    }

    fn publish(&self, topic: &str, payload: &Payload, out: &mut Vec<u8>) {
        let bytes = payload.bytes();
        out.extend_from_slice(format!("PUB {topic} {}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }

    fn delivered(&self, topic: &str, payload: &Payload) -> Vec<u8> {
        let bytes = payload.bytes();
        let mut out = format!("MSG {topic} {FIRST_SID} {}\r\n", bytes.len()).into_bytes();
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
        out
    }

    fn open_requester(
        &self,
        link: &mut Link,
        topic: &str,
        payload: &Payload,
    ) -> Result<Exchange, BenchError> {
        self.connect(link)?;
        self.subscribe(link, &["_INBOX.bench.*".to_owned()])?;
        let (bytes, inbox) = (payload.bytes(), format!("_INBOX.bench.{ID_MARK}"));
        let message = |head: String| {
            [format!("{head} {}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
        };
        Ok(Exchange {
            request: message(format!("PUB {topic} {inbox}")),
            delivered_request: message(format!("MSG {topic} {FIRST_SID} {inbox}")),
            reply: message(format!("PUB {inbox}")),
            delivered_reply: message(format!("MSG {inbox} {FIRST_SID}")),
        })
    }

    #[inline]
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError> {
        // The reader knows a message's length; a wrong one would show at the next boundary.
        match bytes.first() {
            None => return Ok(Next::More),
            Some(b'M') if bytes.len() > 3 => return Ok(Next::Messages { skip: 0, count: 1 }),
            Some(_) => {}
        }
        let Some(line) = line(bytes) else { return Ok(Next::More) };
        let what = match line {
            b"PING\r\n" => Control::Answer(b"PONG\r\n".to_vec()),
            b"PONG\r\n" | [b'+', ..] | [b'I', ..] => Control::Nothing,
            _ => return Err(said(line)),
        };
        Ok(Next::Control { len: line.len(), what })
    }
}
