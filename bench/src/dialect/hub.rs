//! Speaks the protocol of Hub, which `PROTOCOL.md` describes. This module counts the events of a run by
//! its RUN frame, because reading each EVENT would cost the generator more than the server.

use super::link::Link;
use super::protocol::{Control, Dialect, Exchange, ID_MARK, Next};
use crate::error::BenchError;
use crate::payload::Message;
use hub_wire::{
    EventFrame, Frame, Hello, Limits, Overflow, Packer, RefusedWhat, Start, Subscribe, Welcome,
    split,
};

/// Stands for a hub, with the options of the clients that the generator connects to it.
#[derive(Debug, Clone, Copy)]
pub struct Hub {
    /// It is true if publishers ask for receipts.
    pub receipts: bool,
    /// The subscriptions have this overflow policy.
    pub overflow: Overflow,
}

impl Default for Hub {
    /// Returns a hub that sends no receipts and drops no events.
    fn default() -> Self {
        Hub { receipts: false, overflow: Overflow::Block }
    }
}

/// The generator reads frames of at most this many bytes. A hub that is measured sends no larger frames.
const MAX_FRAME: u32 = 16 << 20;

impl Hub {
    fn hello(self, link: &mut Link, receipts: bool) -> Result<Welcome, BenchError> {
        let hello = Hello { receipts, name: Some("bench".into()), ..Hello::default() };
        link.write(&Frame::Hello(hello).to_bytes())?;
        read_frame(link, |frame| match frame {
            Frame::Welcome(welcome) => Some(welcome),
            _ => None,
        })
    }

    fn subscribe(self, link: &mut Link, id: u64, filter: &str) -> Result<(), BenchError> {
        let subscribe = Subscribe {
            id,
            filter: filter.to_owned(),
            overflow: self.overflow,
            group: None,
            start: Start::Live,
            positions: false,
            window: None,
            ack: None,
            observe: false,
            more: false,
            keep: false,
        };
        link.write(&Frame::Subscribe(subscribe).to_bytes())
    }
}

impl Dialect for Hub {
    fn name(&self) -> &'static str {
        "hub"
    }

    fn open_publisher(&self, link: &mut Link, _: &[String]) -> Result<(), BenchError> {
        self.hello(link, self.receipts).map(drop)
    }

    fn open_subscriber(&self, link: &mut Link, topics: &[String]) -> Result<(), BenchError> {
        self.hello(link, false)?;
        for (id, topic) in (1..).zip(topics) {
            self.subscribe(link, id, topic)?;
        }
        for _ in topics {
            read_frame(link, subscribed)?;
        }
        Ok(())
    }

    fn publish(&self, topic: &str, message: &Message, out: &mut Vec<u8>) {
        EventFrame { topic, payload: &message.encoded(), headers: None }.write(out);
    }

    fn delivered(&self, topic: &str, message: &Message) -> Vec<u8> {
        let mut frame = Vec::new();
        self.publish(topic, message, &mut frame);
        frame
    }

    fn open_requester(
        &self,
        link: &mut Link,
        topic: &str,
        messages: &[Message],
    ) -> Result<Vec<Exchange>, BenchError> {
        let inbox = self.hello(link, false)?.inbox;
        self.subscribe(link, 1, &inbox)?;
        read_frame(link, subscribed)?;
        let mut headers = (Vec::new(), Vec::new());
        Packer(&mut headers.0).map(2).str("reply").str(&inbox).str("id").str(ID_MARK);
        Packer(&mut headers.1).map(1).str("re").str(ID_MARK);
        let event = |topic, payload: &[u8], headers: &[u8]| {
            let mut frame = Vec::new();
            EventFrame { topic, payload, headers: Some(headers) }.write(&mut frame);
            frame
        };
        let exchange = |message: &Message| {
            let payload = message.encoded();
            let request = event(topic, &payload, &headers.0);
            let reply = event(&inbox, &payload, &headers.1);
            Exchange {
                delivered_request: request.clone(),
                request,
                delivered_reply: reply.clone(),
                reply,
            }
        };
        Ok(messages.iter().map(exchange).collect())
    }

    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, BenchError> {
        Ok(bytes.first_chunk().map(|length| 4 + u32::from_be_bytes(*length) as usize))
    }

    fn acknowledges(&self) -> bool {
        self.receipts
    }

    #[inline]
    fn next(&self, bytes: &[u8]) -> Result<Next, BenchError> {
        let body = match split(bytes, MAX_FRAME) {
            Ok(Some(body)) => body,
            Ok(None) => return Ok(Next::More),
            Err(error) => return Err(BenchError::Server(error.to_string())),
        };
        let len = 4 + body.len();
        let frame = Frame::parse(body, &Limits::NONE).map_err(|error| {
            BenchError::Server(format!("a frame that cannot be understood: {error}"))
        })?;
        let what = match frame {
            Frame::Run(run) if run.count > 0 => {
                return Ok(Next::Messages { skip: len, count: run.count.into() });
            }
            Frame::Receipt { next } => Control::Acknowledged(next),
            Frame::Gap(gap) => {
                Control::Missing(gap.to.map_or(1, |to| (to + 1).saturating_sub(gap.from)))
            }
            Frame::Ping { token } => Control::Answer(Frame::Pong { token }.to_bytes()),
            Frame::Refused(refused) if refused.what != RefusedWhat::Frame => {
                return Err(BenchError::Server(format!("refused: {}", refused.message)));
            }
            Frame::Close(close) => {
                return Err(BenchError::Server(format!("closed: {}", close.reason)));
            }
            _ => Control::Nothing,
        };
        Ok(Next::Control { len, what })
    }
}

fn subscribed(frame: Frame<'_>) -> Option<()> {
    matches!(frame, Frame::Subscribed { .. }).then_some(())
}

/// Reads frames until `wanted` accepts a frame. REFUSED and CLOSE are errors.
fn read_frame<T>(
    link: &mut Link,
    wanted: impl Fn(Frame<'_>) -> Option<T>,
) -> Result<T, BenchError> {
    link.read_until(|bytes| {
        let mut at = 0;
        while let Ok(Some(body)) = split(&bytes[at..], MAX_FRAME) {
            at += 4 + body.len();
            match Frame::parse(body, &Limits::NONE) {
                Ok(Frame::Refused(refused)) => return Err(BenchError::Server(refused.message)),
                Ok(Frame::Close(close)) => return Err(BenchError::Server(close.reason)),
                Ok(frame) => {
                    if let Some(found) = wanted(frame) {
                        return Ok(Some((at, found)));
                    }
                }
                Err(error) => return Err(BenchError::Server(error.to_string())),
            }
        }
        Ok(None)
    })
}

#[cfg(test)]
pub(super) fn run_head(topic: &str, count: u32) -> Vec<u8> {
    let one = hub_wire::SubscriptionIds::one(1);
    hub_wire::RunHead::new(topic, 1, "bench#1").to_bytes(1, count, 0, &one)
}
