//! Helpers for the tests of topics: events and runs, and the client at the other end of a connection.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

pub(crate) mod follower;
pub(crate) mod hub;
pub(crate) mod line;

use hub_core::topic::{DeliveryStream, QueuedRun, RunSource};
use hub_wire::{
    EventFrame, Frame, FrameType, Gap, Limits, Overflow, Packer, Reader, TopicName, split,
};
use std::sync::Arc;

pub(crate) fn name(text: &str) -> TopicName {
    TopicName::parse(text).unwrap()
}

/// Returns the stream of a topic for these subscriptions of a connection.
pub(crate) fn stream(topic: &str, epoch: u64, subscriptions: &[u64]) -> DeliveryStream {
    let subscriptions = subscriptions.iter().copied().collect();
    DeliveryStream { topic: name(topic), epoch, subscriptions }
}

/// Returns an EVENT frame whose payload is `id` and `padding` more bytes.
pub(crate) fn event(topic: &str, id: u64, key: Option<&str>, padding: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    Packer(&mut payload).array(2).uint(id).bin(&vec![0x55; padding]);
    let mut headers = Vec::new();
    if let Some(key) = key {
        Packer(&mut headers).map(1).str("key").str(key);
    }
    let headers = key.map(|_| headers.as_slice());
    Frame::Event(EventFrame { topic, payload: &payload, headers }).to_bytes()
}

/// Returns a numbered run of these EVENT frames, as a topic appends it to a queue.
pub(crate) fn run(
    stream: &DeliveryStream,
    first: u64,
    events: &[Vec<u8>],
    overflow: Overflow,
) -> QueuedRun {
    let count = events.len() as u32;
    let source = RunSource::new(stream.topic.as_str(), stream.epoch, "p#1", None);
    let group = None;
    QueuedRun {
        ledger: Arc::default(),
        stream: stream.clone(),
        group,
        first,
        count,
        overflow,
        attempt: 1,
        credited: false,
        source,
        time_ms: 1,
        events: events.concat().into(),
        views: None,
        keys: None,
    }
}

/// Returns a numbered run for a member of a queue group.
pub(crate) fn share(
    stream: &DeliveryStream,
    group: &str,
    first: u64,
    events: &[Vec<u8>],
) -> QueuedRun {
    let whole = run(stream, first, events, Overflow::DropOldest);
    QueuedRun { group: Some(Arc::from(group)), ..whole }
}

/// One frame, or one run, that a client was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// A RUN with the ids of its events.
    Run {
        stream: DeliveryStream,
        first: u64,
        ids: Vec<u64>,
    },
    /// A RUN without events.
    Stands {
        stream: DeliveryStream,
        next: u64,
    },
    Gap(Gap),
    Subscribed(u64),
    Control(FrameType),
}

/// The client at the other end of a connection. It checks that it gets whole frames, and that its own
/// events and nothing else follow each RUN.
#[derive(Debug, Default)]
pub(crate) struct Client {
    bytes: Vec<u8>,
    /// This many events of the last RUN have not come yet.
    due: usize,
    pub(crate) told: Vec<Told>,
}

impl Client {
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(body) = split(&self.bytes[at..], 1 << 24).unwrap().map(<[u8]>::to_vec) {
            at += 4 + body.len();
            self.frame(&body);
        }
        self.bytes.drain(..at);
    }

    /// Returns the complete frames: all but a RUN of which events have not come yet.
    pub(crate) fn told_in_full(&self) -> &[Told] {
        &self.told[..self.told.len() - usize::from(self.due > 0)]
    }

    /// Returns whether all frames and runs that came are complete.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.bytes.is_empty() && self.due == 0
    }

    fn frame(&mut self, body: &[u8]) {
        let frame = Frame::parse(body, &Limits::NONE).unwrap();
        if self.due > 0 {
            let Frame::Event(event) = frame else { panic!("{frame:?} inside a run") };
            let Some(Told::Run { stream, ids, .. }) = self.told.last_mut() else { panic!() };
            assert_eq!(event.topic, stream.topic.as_str());
            let mut read = Reader::new(event.payload, &Limits::NONE);
            read.array("payload").unwrap();
            ids.push(read.uint("id").unwrap());
            self.due -= 1;
            return;
        }
        self.told.push(match frame {
            Frame::Run(run) => {
                self.due = run.count as usize;
                let stream = stream(run.topic, run.epoch, run.subscriptions.as_slice());
                match run.count {
                    0 => Told::Stands { stream, next: run.first },
                    _ => Told::Run { stream, first: run.first, ids: Vec::new() },
                }
            }
            Frame::Gap(gap) => Told::Gap(gap),
            Frame::Subscribed { id } => Told::Subscribed(id),
            Frame::Event(event) => panic!("{event:?} without a RUN"),
            _ => Told::Control(FrameType::of(body).unwrap()),
        });
    }

    /// Returns the events and gaps of one stream that the client was told.
    pub(crate) fn stream(&self, stream: &DeliveryStream) -> Vec<StreamEntry> {
        let mut places = Vec::new();
        for told in &self.told {
            match told {
                Told::Run { stream: of, first, ids } if of == stream => {
                    places.extend(
                        (*first..).zip(ids).map(|(number, id)| StreamEntry::Event(number, *id)),
                    );
                }
                Told::Gap(gap) if stream_of(gap) == *stream => {
                    places.push(StreamEntry::Gap(gap.from, gap.to.unwrap_or(gap.from)));
                }
                _ => {}
            }
        }
        places
    }
}

pub(crate) fn stream_of(gap: &Gap) -> DeliveryStream {
    stream(&gap.topic, gap.epoch, gap.subscriptions.as_slice())
}

/// An event or a gap of a stream that a client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamEntry {
    /// An event with its number and its id.
    Event(u64, u64),
    /// A gap with its first and its last number.
    Gap(u64, u64),
}

impl StreamEntry {
    pub(crate) fn range(self) -> (u64, u64) {
        match self {
            StreamEntry::Event(number, _) => (number, number),
            StreamEntry::Gap(from, to) => (from, to),
        }
    }
}

/// Checks that the entries follow one another without a hole or a repetition, from number `first` on.
/// Returns the number behind the last entry.
pub(crate) fn assert_consecutive(first: u64, places: &[StreamEntry]) -> u64 {
    let mut next = first;
    for place in places {
        let (from, to) = place.range();
        assert!(from == next && to >= from, "{place:?} where {next} was due, in {places:?}");
        next = to + 1;
    }
    next
}
