//! Speaks RESP, the protocol of Redis, as far as a measurement needs it.

use super::link::{Link, line, number, said};
use super::protocol::{Control, Dialect, Next};
use crate::error::BenchError;
use crate::payload::Message;
use std::fmt::Write;

/// Stands for redis-server, with the options of the clients that the generator connects to it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redis {
    /// It is true if publishers get the answer to each PUBLISH. Otherwise they send `CLIENT REPLY
    /// OFF`, which spares Redis that work.
    pub replies: bool,
}

const PUBLISH: &[u8] = b"*3\r\n$7\r\nPUBLISH\r\n";
const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n";

impl Dialect for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn open_publisher(&self, link: &mut Link, _: &[String]) -> Result<(), BenchError> {
        link.write(b"PING\r\n")?;
        link.read_until(|bytes| match line(bytes) {
            Some(b"+PONG\r\n") => Ok(Some((7, ()))),
            Some(line) => Err(said(line)),
            None => Ok(None),
        })?;
        if self.replies {
            return Ok(());
        }
        link.write(b"CLIENT REPLY OFF\r\n")
    }

    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        let mut command = String::from("SUBSCRIBE");
        for topic in topics {
            // Writing to a String cannot fail.
            let _ = write!(command, " {topic}");
        }
        command.push_str("\r\n");
        link.write(command.as_bytes())?;
        // The answer to each topic is an array of three elements. Its last line is the number of topics
        // so far.
        let last = format!(":{}\r\n", topics.len());
        link.read_until(|bytes| {
            if bytes.starts_with(b"-") {
                return line(bytes).map_or(Ok(None), |line| Err(said(line)));
            }
            Ok(bytes.ends_with(last.as_bytes()).then_some((bytes.len(), ())))
        })
    }

    fn publish(&self, topic: &str, message: &Message, out: &mut Vec<u8>) {
        bulk(out, PUBLISH, topic, message);
    }

    fn delivered(&self, topic: &str, message: &Message) -> Vec<u8> {
        let mut out = Vec::new();
        bulk(&mut out, MESSAGE, topic, message);
        out
    }

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BenchError> {
        let mut used = MESSAGE.len();
        // The topic comes first, and then the payload. Each of the two has its length in front and an
        // end of line behind.
        for _ in 0..2 {
            let Some(line) = bytes.get(used..).and_then(line) else { return Ok(None) };
            let digits = line.strip_prefix(b"$").map(<[u8]>::trim_ascii_end);
            let length = digits.and_then(number).ok_or_else(|| said(line))?;
            used += line.len() + length + 2;
        }
        Ok(Some(used))
    }

    fn acknowledges(&self) -> bool {
        self.replies
    }

    #[inline]
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError> {
        match bytes.first() {
            None => return Ok(Next::More),
            Some(b'*') if bytes.len() > 3 => return Ok(Next::Messages { skip: 0, count: 1 }),
            Some(_) => {}
        }
        let Some(line) = line(bytes) else { return Ok(Next::More) };
        match line {
            [b':', ..] => Ok(Next::Control { len: line.len(), what: Control::AcknowledgedOne }),
            [b'+', ..] => Ok(Next::Control { len: line.len(), what: Control::Nothing }),
            _ => Err(said(line)),
        }
    }
}

fn bulk(out: &mut Vec<u8>, command: &[u8], topic: &str, message: &Message) {
    let bytes = message.bytes();
    out.extend_from_slice(command);
    let head = format!("${}\r\n{topic}\r\n${}\r\n", topic.len(), bytes.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}
