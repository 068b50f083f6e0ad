//! Connections and runs for the models.

use crate::topic::{
    DeliveryQueue, DeliveryStream, FlushList, Ledger, PendingRun, PublishResult, QueuedRun,
    RunSource, SubscriberConnection, Topic, Written,
};
use hub_wire::{EventFrame, Frame, Limits, Overflow, Packer, SubscriptionIds, TopicName, split};
use loom::sync::Notify;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

/// A connection whose socket takes as many bytes as it has room for.
///
/// Its own state never makes threads switch, because only the thread that has the lock of the write
/// buffer uses it.
#[derive(Debug)]
pub(crate) struct Line {
    connection: u64,
    queue: DeliveryQueue,
    sent: Mutex<Vec<u8>>,
    room: AtomicUsize,
}

/// Neighbouring numbers that were sent in one run or in one gap.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) subscriptions: SubscriptionIds,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) is_gap: bool,
}

impl Line {
    pub(crate) fn new(connection: u64, limit: usize, room: usize, ledger: &Arc<Ledger>) -> Self {
        let queue = DeliveryQueue::new(limit, ledger.clone());
        Line { connection, queue, sent: Mutex::default(), room: AtomicUsize::new(room) }
    }

    /// Lets the socket take `bytes` from now on.
    pub(crate) fn open(&self, bytes: usize) {
        self.room.store(bytes, Ordering::SeqCst);
    }

    /// Appends a run as a topic does, and flushes the queue unless another thread has claimed the flush.
    pub(crate) fn append(&self, run: QueuedRun) {
        use crate::topic::Appended::{Closed, Done, Overflowed};
        match self.queue.append(run) {
            Done if self.queue.claim_flush() => self.flush(),
            Done => {}
            Overflowed(run) | Closed(run) => self.queue.abandon(&[run]),
        }
    }

    /// Returns topic, number and publisher of each event that was sent, in order.
    pub(crate) fn told(&self) -> Vec<(String, u64, String)> {
        let sent = self.sent.lock().unwrap();
        let (mut at, mut next, mut from) = (0, 0, String::new());
        let mut told = Vec::new();
        while let Some(body) = split(&sent[at..], 1 << 20).unwrap() {
            at += 4 + body.len();
            match Frame::parse(body, &Limits::NONE).unwrap() {
                Frame::Run(run) => (next, from) = (run.first, run.publisher.to_owned()),
                Frame::Event(event) => {
                    told.push((event.topic.to_owned(), next, from.clone()));
                    next += 1;
                }
                Frame::Ping { .. } => assert_eq!(at, sent.len(), "nothing follows the goodbye"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(at, sent.len(), "whole frames");
        told
    }

    /// Returns the runs and gaps that were sent, in order.
    pub(crate) fn stretches(&self) -> Vec<Stretch> {
        let sent = self.sent.lock().unwrap();
        let mut at = 0;
        let mut told = Vec::new();
        while let Some(body) = split(&sent[at..], 1 << 20).unwrap() {
            at += 4 + body.len();
            let (subscriptions, first, last, is_gap) =
                match Frame::parse(body, &Limits::NONE).unwrap() {
                    Frame::Run(run) => {
                        (run.subscriptions, run.first, run.first + u64::from(run.count) - 1, false)
                    }
                    Frame::Gap(gap) => (gap.subscriptions, gap.from, gap.to.unwrap(), true),
                    _ => continue,
                };
            told.push(Stretch { subscriptions, first, last, is_gap });
        }
        told
    }

    /// Returns the numbers of the events of `topic` that were sent, in order.
    pub(crate) fn numbers(&self, topic: &str) -> Vec<u64> {
        let told = self.told().into_iter().filter(|(of, ..)| of == topic);
        told.map(|(_, number, _)| number).collect()
    }

    fn write(&self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let room = self.room.load(Ordering::SeqCst);
        if room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        bytes.truncate(room);
        if room < usize::MAX {
            self.room.store(room - bytes.len(), Ordering::SeqCst);
        }
        self.sent.lock().unwrap().extend_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl SubscriberConnection for Line {
    fn number(&self) -> u64 {
        self.connection
    }

    fn role(&self) -> Arc<str> {
        "".into()
    }

    fn queue(&self) -> &DeliveryQueue {
        &self.queue
    }

    fn flush(&self) {
        while self.queue.write_with(|slices| self.write(slices)).unwrap() == Some(Written::Blocked)
            && self.room.load(Ordering::SeqCst) > 0
        {}
    }

    fn close_slow_consumer(&self) {}
}

/// A thread that sleeps until it is woken. If no thread wakes it, the checker finds that no thread can
/// go on, and fails.
pub(crate) struct Sleeper(Notify);

impl Sleeper {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Sleeper(Notify::new()))
    }

    /// Waits until a publisher with a run of `size` bytes does not have to wait for `queue` any more.
    pub(crate) fn wait_for_room(self: &Arc<Self>, queue: &DeliveryQueue, size: usize) {
        let waker = Waker::from(self.clone());
        while queue.must_wait(size, Overflow::Block) {
            queue.wake_when_drained(&waker);
            if queue.must_wait(size, Overflow::Block) {
                self.0.wait();
            }
        }
    }

    /// Publishes as a session does: waits until there is room, and flushes.
    pub(crate) fn publish(self: &Arc<Self>, topic: &Topic, mut run: PendingRun) {
        let waker = Waker::from(self.clone());
        let mut to_flush = FlushList::new();
        let mut waits_for: Option<Arc<dyn SubscriberConnection>> = None;
        loop {
            if let Some(connection) = &waits_for {
                connection.queue().wake_when_drained(&waker);
            }
            match topic.publish(&mut run, 1, &mut to_flush) {
                PublishResult::Done => return to_flush.flush(),
                PublishResult::Wait(connection) => {
                    let before = waits_for.replace(connection.clone());
                    if before.is_some_and(|o| o.number() == connection.number()) {
                        self.0.wait();
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn event(topic: &str, bytes: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    Packer(&mut payload).bin(&vec![7; bytes]);
    Frame::Event(EventFrame { topic, payload: &payload, headers: None }).to_bytes()
}

/// Returns a run of one event of about this many bytes, as a topic appends it to a queue.
pub(crate) fn single(topic: &str, number: u64, bytes: usize, overflow: Overflow) -> QueuedRun {
    let subscriptions = SubscriptionIds::one(1);
    let stream =
        DeliveryStream { topic: TopicName::parse(topic).unwrap(), epoch: 1, subscriptions };
    QueuedRun {
        ledger: Arc::default(),
        stream,
        group: None,
        first: number,
        count: 1,
        overflow,
        attempt: 1,
        credited: false,
        source: RunSource::new(topic, 1, "p", None),
        time_ms: 1,
        events: event(topic, bytes).into(),
        views: None,
        keys: None,
    }
}

/// Returns a run of `count` events, as a session gathers it.
pub(crate) fn gathered(topic: &Topic, publisher: &str, count: u32) -> PendingRun {
    let source = RunSource::new(topic.name().as_str(), topic.epoch(), publisher, None);
    let mut run = PendingRun::new(source, 64);
    (0..count).for_each(|_| run.push(&event(topic.name().as_str(), 1), 1));
    run
}
