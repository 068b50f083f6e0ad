//! Speaks the client protocol of nats-server, as far as a measurement needs it.

use super::link::{Link, line, number, said};
use super::protocol::{Control, Dialect, Exchange, ID_MARK, Next};
use crate::error::BenchError;
use crate::payload::Message;
use std::fmt::Write;

/// Stands for nats-server.
#[derive(Debug, Clone, Copy)]
pub struct Nats;

const CONNECT: &[u8] = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"bench\",\
    \"lang\":\"rust\",\"version\":\"0\",\"protocol\":1,\"echo\":true}\r\nPING\r\n";
/// Subscription ids count up from this number. All ids have three digits, so only the length of the
/// payload changes the length of a delivered message.
const FIRST_SID: usize = 100;

impl Nats {
    /// Sends CONNECT and waits for the answer.
    pub(crate) fn connect(self, link: &mut Link) -> Result<(), BenchError> {
        link.write(CONNECT)?;
        self.pong(link)
    }

    /// Waits for a PONG. By then, everything that was sent before the PING has taken effect.
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

    /// Subscribes to each topic, with ids that count up from [`FIRST_SID`].
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

    fn publish(&self, topic: &str, message: &Message, out: &mut Vec<u8>) {
        let bytes = message.bytes();
        out.extend_from_slice(format!("PUB {topic} {}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }

    fn delivered(&self, topic: &str, message: &Message) -> Vec<u8> {
        let bytes = message.bytes();
        let mut out = format!("MSG {topic} {FIRST_SID} {}\r\n", bytes.len()).into_bytes();
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
        out
    }

    fn open_requester(
        &self,
        link: &mut Link,
        topic: &str,
        messages: &[Message],
    ) -> Result<Vec<Exchange>, BenchError> {
        self.connect(link)?;
        self.subscribe(link, &["_INBOX.bench.*".to_owned()])?;
        let inbox = format!("_INBOX.bench.{ID_MARK}");
        let exchange = |message: &Message| {
            let bytes = message.bytes();
            let framed = |head: String| {
                [format!("{head} {}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
            };
            Exchange {
                request: framed(format!("PUB {topic} {inbox}")),
                delivered_request: framed(format!("MSG {topic} {FIRST_SID} {inbox}")),
                reply: framed(format!("PUB {inbox}")),
                delivered_reply: framed(format!("MSG {inbox} {FIRST_SID}")),
            }
        };
        Ok(messages.iter().map(exchange).collect())
    }

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BenchError> {
        let Some(line) = line(bytes) else { return Ok(None) };
        // The last word of the line is the length of the payload.
        let digits = line.trim_ascii_end().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        let payload = number(digits).ok_or_else(|| said(line))?;
        Ok(Some(line.len() + payload + 2))
    }

    #[inline]
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError> {
        // The first letter is checked because it would be another letter if the length of the message
        // before were wrong.
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
