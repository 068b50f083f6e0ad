//! Splits the bytes that a server sends to one connection into messages, with as little work as
//! counting them needs.
//!
//! Every message goes through this module, so a slow step here would make every server look slow.

use crate::dialect::{Control, Dialect, Next};
use crate::error::BenchError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what one connection receives. Other threads read the counts while the load runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub messages: AtomicU64,
    pub bytes: AtomicU64,
    /// Counts the messages that the server announced as missing.
    pub missing: AtomicU64,
    /// Counts the messages that the server has acknowledged.
    pub acknowledged: AtomicU64,
}

impl Tally {
    /// Returns how many messages arrived or were announced as missing.
    pub(crate) fn settled(&self) -> u64 {
        self.messages.load(Relaxed) + self.missing.load(Relaxed)
    }
}

/// Holds the state of a connection between two reads.
pub(crate) struct Intake<'a> {
    dialect: &'a dyn Dialect,
    length: Length<'a>,
    /// Says how much was announced and has not arrived yet. The unit is bytes if all messages have
    /// one length, and otherwise messages.
    due: u64,
    tally: &'a Tally,
    /// Says how much has arrived, in the unit of `due`.
    taken: u64,
}

/// Says how the lengths of delivered messages are known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Length<'a> {
    /// All messages have this length.
    Same(usize),
    /// Each message states its length.
    Told,
    /// The messages have these lengths in turn. After the last length, the first follows again. The
    /// list must not be empty.
    InTurn(&'a [usize]),
}

/// Says what the intake does with each message.
pub(crate) enum Each<'a> {
    /// The intake only counts the messages, so most of their bytes are never looked at.
    Count,
    /// The intake calls the function with each whole message.
    See(&'a mut dyn FnMut(&[u8])),
}

impl<'a> Intake<'a> {
    pub(crate) fn new(dialect: &'a dyn Dialect, length: Length<'a>, tally: &'a Tally) -> Self {
        Intake { dialect, length, due: 0, tally, taken: 0 }
    }

    /// Returns how many units of `due` one message counts.
    fn unit(&self) -> u64 {
        match self.length {
            Length::Same(length) => length.max(1) as u64,
            Length::Told | Length::InTurn(_) => 1,
        }
    }

    /// Takes messages from the start of `bytes`, and returns how many bytes it took. The caller
    /// presents the other bytes again, in front of those that it reads next. Answers that the server
    /// expects are appended to `answers`.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        each: &mut Each<'_>,
        answers: &mut Vec<u8>,
    ) -> Result<usize, BenchError> {
        let mut at = 0;
        loop {
            if self.due > 0 {
                at += self.messages(&bytes[at..], each)?;
                if self.due > 0 {
                    break;
                }
            }
            match self.dialect.next(&bytes[at..])? {
                Next::More => break,
                Next::Messages { skip, count } => {
                    at += skip;
                    self.due = count.saturating_mul(self.unit());
                }
                Next::Control { len, what } => {
                    at += len;
                    match what {
                        Control::Nothing => {}
                        Control::Answer(answer) => answers.extend_from_slice(&answer),
                        Control::Acknowledged(count) => {
                            self.tally.acknowledged.store(count, Relaxed);
                        }
                        Control::AcknowledgedOne => {
                            self.tally.acknowledged.fetch_add(1, Relaxed);
                        }
                        Control::Missing(count) => {
                            self.tally.missing.fetch_add(count, Relaxed);
                        }
                    }
                }
            }
        }
        self.tally.bytes.fetch_add(at as u64, Relaxed);
        self.tally.messages.store(self.taken / self.unit(), Relaxed);
        Ok(at)
    }

    /// Returns the length of the message at the start of `bytes`, after `taken` other messages of
    /// this call. Returns `None` if the length cannot be read yet.
    fn next_length(&self, taken: u64, bytes: &[u8]) -> Result<Option<usize>, BenchError> {
        match self.length {
            Length::Same(length) => Ok(Some(length)),
            Length::Told => self.dialect.length(bytes),
            Length::InTurn(lengths) => {
                let turn = (self.taken + taken) % lengths.len() as u64;
                Ok(Some(lengths[turn as usize]))
            }
        }
    }

    /// Takes messages from `bytes`, which begin in or at a message that is due. Returns how many
    /// bytes it took.
    fn messages(&mut self, bytes: &[u8], each: &mut Each<'_>) -> Result<usize, BenchError> {
        let (used, taken) = match self.length {
            Length::Same(length) => {
                let ready = usize::try_from(self.due).unwrap_or(usize::MAX).min(bytes.len());
                let used = match each {
                    Each::Count => ready,
                    Each::See(see) => {
                        let mut messages = bytes[..ready].chunks_exact(length.max(1));
                        messages.by_ref().for_each(see);
                        ready - messages.remainder().len()
                    }
                };
                (used, used as u64)
            }
            Length::Told | Length::InTurn(_) => {
                let (mut used, mut taken) = (0, 0);
                while taken < self.due
                    && let Some(length) = self.next_length(taken, &bytes[used..])?
                    && let Some(message) = bytes.get(used..used + length)
                {
                    if let Each::See(see) = each {
                        see(message);
                    }
                    used += length;
                    taken += 1;
                }
                (used, taken)
            }
        };
        self.taken += taken;
        self.due -= taken;
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Hub, Nats, Raw, Redis};
    use crate::payload::Payload;
    use hub_wire::{Frame, Gap, GapReason, RunHead, SubscriptionIds};

    /// Feeds `stream` to the intake in pieces of `piece` bytes, as sockets do. Returns the answers.
    fn feed(intake: &mut Intake<'_>, stream: &[u8], piece: usize, each: &mut Each<'_>) -> Vec<u8> {
        let (mut kept, mut answers) = (Vec::new(), Vec::new());
        for bytes in stream.chunks(piece) {
            kept.extend_from_slice(bytes);
            let used = intake.take(&kept, each, &mut answers).unwrap();
            kept.drain(..used);
        }
        assert!(kept.is_empty(), "{} bytes were left", kept.len());
        answers
    }

    /// Returns a stream and the message that it repeats. The stream has a run of 3 messages, a ping, a
    /// gap of 5 messages, a run of 4 messages and a receipt.
    fn hub_stream() -> (Vec<u8>, Vec<u8>) {
        let message = Hub::default().delivered("bench.00", Payload::bin(100).first());
        let head = RunHead::new("bench.00", 9, "bench#1");
        let one = SubscriptionIds::one(1);
        let mut bytes = head.to_bytes(1, 3, 0, &one);
        bytes.extend(message.repeat(3));
        Frame::Ping { token: 7 }.write(&mut bytes);
        let gap = Gap {
            topic: "bench.00".into(),
            epoch: 9,
            from: 4,
            to: Some(8),
            reason: GapReason::Overflow,
            subscriptions: one.clone(),
        };
        Frame::Gap(gap).write(&mut bytes);
        bytes.extend(head.to_bytes(9, 4, 0, &one));
        bytes.extend(message.repeat(4));
        Frame::Receipt { next: 12 }.write(&mut bytes);
        (bytes, message)
    }

    #[test]
    fn messages_are_counted_wherever_the_stream_is_cut() {
        let (stream, message) = hub_stream();
        for length in [Length::Same(message.len()), Length::Told] {
            for piece in [1, 2, 7, 64, 113, 114, 115, 1000, stream.len()] {
                let (tally, hub) = (Tally::default(), Hub::default());
                let mut intake = Intake::new(&hub, length, &tally);
                let answers = feed(&mut intake, &stream, piece, &mut Each::Count);
                assert_eq!(tally.messages.load(Relaxed), 7, "{length:?}, pieces of {piece}");
                assert_eq!(tally.missing.load(Relaxed), 5);
                assert_eq!(tally.acknowledged.load(Relaxed), 12);
                assert_eq!(tally.bytes.load(Relaxed), stream.len() as u64);
                assert_eq!(answers, Frame::Pong { token: 7 }.to_bytes());
            }
        }
    }

    #[test]
    fn each_message_is_seen_whole() {
        let payload = Payload::bin(100);
        let payload = payload.first();
        let (stream, message) = hub_stream();
        let nats = Nats.delivered("bench.00", payload);
        let redis = Redis::default().delivered("bench.00", payload);
        let streams: [(&dyn Dialect, Vec<u8>, Vec<u8>); 3] = [
            (&Hub::default(), stream, message),
            (&Nats, nats.repeat(7), nats),
            (&Redis { replies: false }, redis.repeat(7), redis),
        ];
        for (dialect, stream, message) in streams {
            for piece in [1, 50, stream.len()] {
                let (tally, mut seen) = (Tally::default(), 0);
                let mut intake = Intake::new(dialect, Length::Same(message.len()), &tally);
                let mut see = |bytes: &[u8]| {
                    assert_eq!(bytes, message);
                    seen += 1;
                };
                feed(&mut intake, &stream, piece, &mut Each::See(&mut see));
                assert_eq!((seen, tally.messages.load(Relaxed)), (7, 7), "{}", dialect.name());
            }
        }
    }

    /// NATS and Redis state the lengths of these messages, and the relay does not.
    #[test]
    fn messages_of_different_lengths_are_each_seen_whole() {
        let payload = Payload::map(128);
        let dialects: [&dyn Dialect; 3] = [&Nats, &Redis { replies: false }, &Raw];
        for dialect in dialects {
            let messages = payload.messages()[..20].iter();
            let sent: Vec<Vec<u8>> =
                messages.map(|message| dialect.delivered("bench.00", message)).collect();
            let lengths: Vec<usize> = sent.iter().map(Vec::len).collect();
            let length =
                if dialect.tells_length() { Length::Told } else { Length::InTurn(&lengths) };
            let stream = sent.concat().repeat(2);
            for piece in [1, 50, 130, stream.len()] {
                let (tally, mut seen) = (Tally::default(), 0);
                let mut intake = Intake::new(dialect, length, &tally);
                let mut see = |bytes: &[u8]| {
                    assert_eq!(bytes, sent[seen % 20]);
                    seen += 1;
                };
                feed(&mut intake, &stream, piece, &mut Each::See(&mut see));
                assert_eq!((seen, tally.messages.load(Relaxed)), (40, 40), "{}", dialect.name());
            }
        }
    }
}
