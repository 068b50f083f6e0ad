//! Claim: any entries may be appended to a delivery queue, and its socket may take any number of bytes at a
//! time. The client reads whole frames, and in each stream it gets every number once, in an event or in a
//! gap, in its place. The waiting bytes are counted exactly and are bounded.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{Appended, DeliveryQueue, DeliveryStream, Ledger, QueuedRun, Written};
use hub_wire::{Close, CloseCode, Frame, FrameType, GapReason, Overflow};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use topic_common::{Client, StreamEntry, Told, assert_consecutive, event, run, share, stream};

/// The kind of a stream.
#[derive(Debug, Clone, Copy)]
struct Kind {
    topic: usize,
    group: bool,
    overflow: Overflow,
}

#[derive(Debug, Clone)]
enum Step {
    Append {
        stream: usize,
        events: Vec<(Option<u8>, usize)>,
        skip: u64,
    },
    /// A subscription starts with a replay. The history has dropped `gone` events, and `events` more
    /// events follow.
    Past {
        topic: usize,
        gone: u64,
        events: usize,
    },
    Control(usize),
    Write(Vec<Grant>),
    Reclaim(usize),
    EndGrace,
}

#[derive(Debug, Clone, Copy)]
enum Grant {
    Take(usize),
    Interrupted,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Finish,
    Close,
    Discard,
}

const TOPICS: [&str; 3] = ["a", "a.topic.with.a.longer.name", "c"];

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let overflow = proptest::sample::select(&Overflow::ALL[..]);
    vec((overflow, any::<bool>()), 5).prop_map(|kinds| {
        let kind = |(n, (overflow, _)): (usize, (Overflow, bool))| Kind {
            topic: n % 3,
            group: n >= 3,
            overflow,
        };
        kinds.into_iter().enumerate().map(kind).collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (proptest::option::of(0..4_u8), prop_oneof![4 => 0..40_usize, 1 => 0..900_usize]);
    let grant = prop_oneof![
        6 => (1..700_usize).prop_map(Grant::Take),
        1 => Just(Grant::Take(usize::MAX)),
        1 => Just(Grant::Interrupted),
    ];
    let step = prop_oneof![
        12 => (0..5_usize, vec(event, 1..5), 0..3_u64)
            .prop_map(|(stream, events, skip)| Step::Append { stream, events, skip }),
        1 => (0..3_usize, 0..3_u64, 0..4_usize)
            .prop_map(|(topic, gone, events)| Step::Past { topic, gone, events }),
        1 => (0..200_usize).prop_map(Step::Control),
        4 => vec(grant, 0..5).prop_map(Step::Write),
        1 => (3..5_usize).prop_map(Step::Reclaim),
        1 => Just(Step::EndGrace),
    ];
    vec(step, 0..120)
}

/// The state of a stream, as the test expects it.
struct Known {
    stream: DeliveryStream,
    kind: Kind,
    next: u64,
    /// These numbers were due, in this order.
    due: Vec<u64>,
    /// No policy may have dropped these numbers.
    kept: BTreeSet<u64>,
    /// These numbers were reclaimed for other members of the group.
    reclaimed: HashSet<u64>,
    left: bool,
}

struct World {
    queue: DeliveryQueue,
    ledger: Arc<Ledger>,
    client: Client,
    limit: usize,
    streams: Vec<Known>,
    due: u64,
    largest: usize,
    controls: usize,
    subscriptions: u64,
    /// Whether a run was refused because the connection has to end.
    ended: bool,
}

/// Returns the id of an event, by which the test checks its place.
fn id(stream: usize, number: u64) -> u64 {
    number * 16 + stream as u64
}

impl World {
    fn new(kinds: &[Kind], limit: usize) -> Self {
        let ledger = Arc::<Ledger>::default();
        let known = |(n, kind): (usize, &Kind)| Known {
            stream: stream(TOPICS[kind.topic], 7, &[if kind.group { n as u64 } else { 99 }]),
            kind: *kind,
            next: 1,
            due: Vec::new(),
            kept: BTreeSet::new(),
            reclaimed: HashSet::new(),
            left: false,
        };
        World {
            queue: DeliveryQueue::new(limit, ledger.clone()),
            ledger,
            client: Client::default(),
            limit,
            streams: kinds.iter().enumerate().map(known).collect(),
            due: 0,
            largest: 0,
            controls: 0,
            subscriptions: 100,
            ended: false,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append { stream, events, skip } => self.append(*stream, events, *skip),
            Step::Past { topic, gone, events } => self.past(*topic, *gone, *events),
            Step::Control(size) => {
                let reason = "r".repeat(*size);
                let close = Close { code: CloseCode::Normal, reason, retry_after_ms: None };
                self.queue.append_control(Frame::Close(close).to_bytes());
                self.controls += 1;
            }
            Step::Write(grants) => drop(self.write(grants)),
            Step::Reclaim(stream) => self.reclaim(*stream),
            Step::EndGrace => self.queue.end_grace(),
        }
    }

    fn append(&mut self, n: usize, events: &[(Option<u8>, usize)], skip: u64) {
        let known = &mut self.streams[n];
        let Kind { topic, group, overflow } = known.kind;
        if known.left {
            return;
        }
        if group {
            known.next += skip; // events that other members got
        }
        let first = known.next;
        let frames: Vec<_> = (first..)
            .zip(events)
            .map(|(number, (key, padding))| {
                let key = key.map(|key| key.to_string());
                event(TOPICS[topic], id(n, number), key.as_deref(), *padding)
            })
            .collect();
        let made = match group {
            true => share(&known.stream, "g", first, &frames),
            false => run(&known.stream, first, &frames, overflow),
        };
        let made = QueuedRun { overflow, ..made };
        let size = made.size();
        if self.queue.must_wait(size, overflow) && overflow == Overflow::Block {
            return; // the publisher waits
        }
        self.largest = self.largest.max(size);
        let (count, last) = (u64::from(made.count), made.last());
        let before = self.ledger.counts();
        let appended = self.queue.append(made);
        let after = self.ledger.counts();
        self.due += count;
        match appended {
            Appended::Done => {
                assert!(!self.ended, "a run was let in after the end");
                known.next = last + 1;
                known.due.extend(first..=last);
                let dropped = after.overflow - before.overflow;
                match overflow {
                    Overflow::Block | Overflow::Disconnect => {
                        assert_eq!((dropped, after.conflated), (0, before.conflated));
                        known.kept.extend(first..=last);
                    }
                    Overflow::DropNewest => {
                        assert!(dropped == 0 || dropped == count, "it can drop only itself");
                        if dropped == 0 {
                            known.kept.extend(first..=last);
                        }
                    }
                    Overflow::DropOldest | Overflow::Latest => {}
                }
            }
            Appended::Overflowed(back) => {
                assert_eq!((overflow, self.ended), (Overflow::Disconnect, false));
                self.ended = true;
                self.queue.abandon(&[back]);
            }
            Appended::Closed(back) => {
                assert!(self.ended, "nothing has ended the connection");
                self.queue.abandon(&[back]);
            }
        }
    }

    /// Appends a replay as `Topic::join` does: first a gap, and then runs for one subscription.
    fn past(&mut self, topic: usize, gone: u64, events: usize) {
        let stream = stream(TOPICS[topic], 7, &[self.subscriptions]);
        self.subscriptions += 1;
        if gone > 0 {
            self.queue.append_gap(stream.clone(), 1, Some(gone), GapReason::Away);
        }
        let first = gone + 1;
        let frames: Vec<_> =
            (first..first + events as u64).map(|n| event(TOPICS[topic], n, None, 8)).collect();
        if !frames.is_empty() {
            let made = run(&stream, first, &frames, Overflow::DropOldest);
            self.largest = self.largest.max(made.size());
            self.due += frames.len() as u64;
            if let Appended::Closed(back) = self.queue.append(made) {
                self.queue.abandon(&[back]);
            }
        }
    }

    fn write(&mut self, grants: &[Grant]) -> Option<Written> {
        let mut grants = grants.iter();
        let client = &mut self.client;
        let write = |slices: &[IoSlice<'_>]| {
            assert!(
                !slices.is_empty() && slices.len() <= 64 && slices.iter().all(|s| !s.is_empty())
            );
            match grants.next() {
                None => Err(ErrorKind::WouldBlock.into()),
                Some(Grant::Interrupted) => Err(ErrorKind::Interrupted.into()),
                Some(Grant::Take(most)) => {
                    let mut bytes: Vec<u8> = slices.iter().flat_map(|s| s.to_vec()).collect();
                    bytes.truncate(*most);
                    client.read(&bytes);
                    Ok(bytes.len())
                }
            }
        };
        self.queue.write_with(write).unwrap()
    }

    fn write_everything(&mut self) {
        while self.write(&[Grant::Take(usize::MAX)]) == Some(Written::Blocked) {}
    }

    fn reclaim(&mut self, n: usize) {
        let known = &mut self.streams[n];
        let runs = self.queue.reclaim(&known.stream, "g");
        assert!(runs.is_sorted_by_key(|run| run.first));
        for run in &runs {
            known.reclaimed.extend(run.first..=run.last());
        }
        known.left = true;
        self.queue.abandon(&runs);
    }

    /// Checks what must hold at every moment.
    fn check(&self) {
        let (counts, state) = (self.ledger.counts(), self.queue.state());
        assert_eq!(counts.due, self.due);
        let settled = counts.delivered + counts.overflow + counts.conflated + counts.disconnected;
        assert_eq!(counts.due, settled + state.events);
        assert_eq!(counts.pending(), state.events);
        assert_eq!(self.queue.queued_bytes(), state.bytes);
        assert_eq!(self.queue.control_bytes(), state.control_bytes);
        let gaps = state.gaps * (256 + TOPICS[1].len());
        // Each run either fitted, or was accepted because only the write buffer was in front of it.
        let most = self.limit.max(self.limit / 4 + 2 * self.largest) + gaps + state.control_bytes;
        assert!(state.bytes <= most, "{state:?} of {most}");
        // Gaps do not pile up: each gap is between events, or is the last entry of its stream.
        assert!(state.gaps as u64 <= 2 * (state.events + self.subscriptions), "{state:?}");
    }

    /// Checks the events and gaps of each stream that the client was told. If `whole` is true, they must
    /// be complete.
    fn check_streams(&self, whole: bool) {
        for (n, known) in self.streams.iter().enumerate() {
            let places = self.client.stream(&known.stream);
            let mut delivered = BTreeSet::new();
            for place in &places {
                if let StreamEntry::Event(number, event) = place {
                    assert_eq!(*event, id(n, *number));
                    assert!(delivered.insert(*number), "{number} twice");
                }
            }
            let mut next = 1;
            for place in &places {
                let (from, to) = place.range();
                assert!(next <= from && from <= to, "{place:?} where {next} was next: {places:?}");
                let missed = |number: &&u64| (next..from).contains(*number);
                let hole = known.due.iter().filter(missed).find(|n| !known.reclaimed.contains(n));
                assert_eq!(hole, None, "not told in {places:?}");
                next = to + 1;
            }
            if known.kind.overflow == Overflow::Block {
                assert!(!places.iter().any(|place| matches!(place, StreamEntry::Gap(..))));
            }
            if whole {
                let untold = |number: &&u64| **number >= next && !known.reclaimed.contains(number);
                assert_eq!(known.due.iter().find(untold), None, "not told in {places:?}");
                let kept = known.kept.iter().filter(|n| !known.reclaimed.contains(n));
                let missing = kept.filter(|n| !delivered.contains(n)).count();
                assert_eq!(missing, 0, "{:?}", known.kind);
            }
        }
        for subscription in 100..self.subscriptions {
            for topic in TOPICS {
                let places = self.client.stream(&stream(topic, 7, &[subscription]));
                assert_consecutive(1, &places);
            }
        }
    }

    fn end(mut self, end: End) {
        let close = Frame::Close(Close {
            code: CloseCode::Normal,
            reason: String::new(),
            retry_after_ms: None,
        });
        match end {
            End::Finish => {
                self.queue.finish(close.to_bytes());
                self.queue.append_control(close.to_bytes());
                self.check();
                self.write_everything();
                self.check();
                self.check_streams(true);
                let controls = Told::Control(FrameType::Close);
                assert_eq!(self.client.told.last(), Some(&controls));
                let seen = self.client.told.iter().filter(|told| **told == controls).count();
                assert_eq!(seen, self.controls + 1, "each control frame comes once");
            }
            End::Discard => {
                let counts = self.ledger.counts();
                self.queue.discard();
                self.check();
                self.ended = true;
                self.append(0, &[(None, 1)], 0);
                self.queue.finish(close.to_bytes());
                self.write_everything();
                self.check();
                self.check_streams(false);
                assert_eq!(self.client.told.last(), Some(&Told::Control(FrameType::Close)));
                assert!(self.ledger.counts().disconnected >= counts.disconnected);
            }
            End::Close => {
                self.queue.close();
                self.ended = true;
                let waits = self.queue.queued_bytes();
                self.queue.append_control(close.to_bytes());
                self.queue.append_gap(stream("a", 7, &[1]), 1, None, GapReason::Away);
                self.queue.finish(close.to_bytes());
                self.append(0, &[(None, 1)], 0);
                assert_eq!(self.queue.queued_bytes(), waits, "nothing more was let in");
                self.check();
                self.check_streams(false);
                drop(self.queue);
                assert_eq!(self.ledger.counts().pending(), 0, "what was left is accounted for");
                return;
            }
        }
        assert!(self.client.is_between_frames());
        assert_eq!((self.queue.queued_bytes(), self.queue.control_bytes()), (0, 0));
        assert_eq!(self.ledger.counts().pending(), 0);
        let gaps = self.client.told.iter().filter(|told| matches!(told, Told::Gap(_))).count();
        assert_eq!(self.ledger.counts().gaps, gaps as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_number_is_told_once_and_every_byte_is_counted(
        kinds in kinds(),
        limit in 1_500..12_000_usize,
        steps in steps(),
        end in prop_oneof![3 => Just(End::Finish), 1 => Just(End::Close), 1 => Just(End::Discard)],
    ) {
        let mut world = World::new(&kinds, limit);
        for step in &steps {
            world.step(step);
            world.check();
        }
        world.end(end);
    }
}

#[test]
fn a_socket_that_takes_everything_does_not_keep_the_thread() {
    let ledger = Arc::<Ledger>::default();
    let queue = DeliveryQueue::new(16 << 20, ledger.clone());
    let stream = stream("a", 1, &[1]);
    for number in 1..=64 {
        let events = [event("a", number, None, 64 << 10)];
        let appended = queue.append(run(&stream, number, &events, Overflow::DropOldest));
        assert!(matches!(appended, Appended::Done));
    }
    let mut taken = 0;
    let mut turns = 0;
    loop {
        let before = taken;
        let written = queue
            .write_with(|slices| {
                let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
                taken += bytes;
                Ok(bytes)
            })
            .unwrap();
        turns += 1;
        assert!(taken - before <= 2 << 20, "{} bytes at one go", taken - before);
        if written == Some(Written::All) {
            break;
        }
    }
    assert!(turns > 2 && ledger.counts().delivered == 64, "{turns} turns");
}

#[test]
fn a_failed_write_is_reported_and_leaves_the_rest_in_place() {
    let ledger = Arc::<Ledger>::default();
    let queue = DeliveryQueue::new(1 << 20, ledger.clone());
    let events = [event("a", 1, None, 0)];
    let _ = queue.append(run(&stream("a", 1, &[1]), 1, &events, Overflow::DropOldest));
    let error = queue.write_with(|_| Err(ErrorKind::BrokenPipe.into())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    let error = queue.write_with(|_| Ok(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!(queue.state().events, 1);
    drop(queue);
    assert_eq!((ledger.counts().disconnected, ledger.counts().pending()), (1, 0));
}
