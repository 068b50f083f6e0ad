//! Claim: a publisher that waits for a queue is woken when the queue drains or closes, and no byte stays in
//! the queue, whichever of several threads appends, flushes or gives up.
#![cfg(feature = "actors")]
#![allow(clippy::unwrap_used, reason = "a test that fails says so where it fails")]

use crate::topic_common;

use hub_core::topic::{Appended, DeliveryQueue, Ledger, QueuedRun, SubscriberConnection};
use hub_wire::{Frame, Overflow};
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::{ErrorKind, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use topic_common::line::Line;
use topic_common::{assert_consecutive, event, run, share, stream};

/// Every step here takes far less time than this.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Wakes a thread that parks itself.
struct Unpark(Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::SeqCst);
        self.0.unpark();
    }
}

fn single(topic: &str, number: u64, overflow: Overflow) -> QueuedRun {
    run(&stream(topic, 1, &[1]), number, &[event(topic, number, None, 20)], overflow)
}

#[derive(Debug, Clone)]
enum Step {
    Append,
    AppendShare,
    Write(Vec<usize>),
    Reclaim,
    EndGrace,
    Overflow,
    Discard,
    Close,
    Finish,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Append),
        6 => Just(Step::AppendShare),
        8 => vec(1..1_500_usize, 0..6).prop_map(Step::Write),
        2 => Just(Step::Reclaim),
        1 => Just(Step::EndGrace),
        1 => Just(Step::Overflow),
        1 => Just(Step::Discard),
        1 => Just(Step::Close),
        1 => Just(Step::Finish),
    ];
    vec(step, 1..60)
}

fn write(queue: &DeliveryQueue, grants: &[usize]) {
    let mut grants = grants.iter();
    let written = queue.write_with(|slices: &[IoSlice<'_>]| match grants.next() {
        Some(most) => Ok(slices.iter().map(|slice| slice.len()).sum::<usize>().min(*most)),
        None => Err(ErrorKind::WouldBlock.into()),
    });
    written.unwrap();
}

proptest! {
    /// The queue is emptied by a write, a reclaim or a discard, or by its end.
    #[test]
    fn a_queue_that_need_not_be_waited_for_has_woken_who_waits(
        filled in 4..40_u64,
        steps in steps(),
    ) {
        const LIMIT: usize = 12_000;
        let queue = DeliveryQueue::new(LIMIT, Arc::default());
        let (mut plain, mut shared) = (0, 0);
        let mut append = |share_of_group: bool| {
            let made = if share_of_group {
                shared += 1;
                share(&stream("g", 1, &[1]), "g", shared, &[event("g", shared, None, 20)])
            } else {
                plain += 1;
                single("t", plain, Overflow::DropNewest)
            };
            drop(queue.append(made));
        };
        (0..filled).for_each(|n| append(n % 2 == 0));
        let flag = Arc::new(Flag::default());
        queue.wake_when_drained(&Waker::from(flag.clone()));
        if !queue.must_wait(300, Overflow::Block) {
            return Ok(());
        }
        for step in steps {
            match step {
                Step::Append => append(false),
                Step::AppendShare => append(true),
                Step::Write(grants) => write(&queue, &grants),
                Step::Reclaim => drop(queue.reclaim(&stream("g", 1, &[1]), "g")),
                Step::EndGrace => queue.end_grace(),
                Step::Overflow => drop(queue.append(single("d", 1, Overflow::Disconnect))),
                Step::Discard => queue.discard(),
                Step::Close => queue.close(),
                Step::Finish => queue.finish(Frame::Ping { token: 1 }.to_bytes()),
            }
            // This is half of the mark from which publishers wait. Below it, all waiting publishers
            // must have been woken.
            let drained = queue.queued_bytes() <= LIMIT / 8 || queue.is_closed();
            prop_assert!(!drained || flag.0.load(Ordering::SeqCst), "{:?}", queue.state());
        }
    }
}

#[test]
fn a_waker_may_use_the_queue_that_wakes_it() {
    struct Nosy(Arc<Line>, AtomicUsize);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.queue().wake_when_drained(Waker::noop());
            self.0.queue().append_control(Frame::Ping { token: 1 }.to_bytes());
        }
    }
    let line = Line::new(1, 10_000, &Arc::default());
    let nosy = Arc::new(Nosy(line.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(nosy.clone());
    line.queue().wake_when_drained(&waker);
    line.queue().wake_when_drained(&waker);
    line.queue().append_control(Frame::Ping { token: 1 }.to_bytes());
    line.take_all();
    assert_eq!(nosy.1.load(Ordering::SeqCst), 1, "woken once");
}

#[test]
fn a_subscriber_that_used_up_its_grace_is_waited_for_again_when_it_has_drained() {
    let line = Line::new(1, 12_000, &Arc::default());
    let queue = line.queue();
    (1..=20).for_each(|number| drop(queue.append(single("t", number, Overflow::DropOldest))));
    assert!(queue.must_wait(300, Overflow::DropOldest));
    queue.end_grace();
    assert!(!queue.must_wait(300, Overflow::DropOldest) && queue.is_lagging());
    assert!(queue.must_wait(300, Overflow::Block), "for as long as it takes");
    line.take(300);
    assert!(queue.is_lagging(), "it has not drained yet");
    line.take(10_000);
    assert!(!queue.is_lagging());
    (21..=40).for_each(|number| drop(queue.append(single("t", number, Overflow::DropOldest))));
    assert!(queue.must_wait(300, Overflow::DropOldest));
}

/// Several threads append, and each flushes the queues whose flush it claimed. The sockets take
/// everything. When all threads are done, no byte may be left.
#[test]
fn no_byte_is_left_behind_when_several_threads_flush() {
    const THREADS: usize = 3;
    const ROUNDS: usize = 3_000;
    let ledger = Arc::<Ledger>::default();
    let lines: Vec<_> = (0..2).map(|n| Line::new(n, 1 << 20, &ledger)).collect();
    lines.iter().for_each(|line| line.take_all());
    let barrier = Barrier::new(THREADS + 1);
    let mut left_behind = Vec::new();
    thread::scope(|scope| {
        for t in 0..THREADS {
            let (lines, barrier) = (&lines, &barrier);
            scope.spawn(move || {
                let topic = ["a", "b", "c"][t];
                for round in 0..ROUNDS as u64 {
                    barrier.wait();
                    let mut to_flush = Vec::new();
                    for line in lines {
                        let appended =
                            line.queue().append(single(topic, round + 1, Overflow::Block));
                        assert!(matches!(appended, Appended::Done));
                        if line.queue().claim_flush() {
                            to_flush.push(line);
                        }
                    }
                    to_flush.into_iter().for_each(|line| line.flush());
                    barrier.wait();
                }
            });
        }
        for round in 0..ROUNDS {
            barrier.wait();
            barrier.wait();
            let left: Vec<_> = lines.iter().map(|line| line.queue().queued_bytes()).collect();
            // The assertion comes later. A panic here would leave the other threads waiting for ever.
            if left != [0, 0] {
                left_behind.push((round, left));
            }
        }
    });
    assert_eq!(left_behind, [], "round, and bytes of each line");
    for line in &lines {
        for topic in ["a", "b", "c"] {
            let places = line.client(|client| client.stream(&stream(topic, 1, &[1])));
            assert_eq!(assert_consecutive(1, &places), ROUNDS as u64 + 1);
        }
    }
    assert_eq!(ledger.counts().delivered, (THREADS * ROUNDS * lines.len()) as u64);
}

/// The socket of a `block` subscriber takes a few bytes at a time. Publishers sleep and are woken until
/// all events are written, and no event is dropped.
#[test]
fn publishers_that_wait_for_a_slow_reader_all_come_through() {
    const THREADS: usize = 3;
    const EVENTS: u64 = 3_000;
    let ledger = Arc::<Ledger>::default();
    let line = Line::new(1, 16_000, &ledger);
    let done = AtomicUsize::new(0);
    let waits = AtomicUsize::new(0);
    let most = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for topic in ["a", "b", "c"] {
            let (line, done, waits, most, failed) = (&line, &done, &waits, &most, &failed);
            scope.spawn(move || {
                let unpark = Arc::new(Unpark(thread::current(), AtomicBool::new(false)));
                let waker = Waker::from(unpark.clone());
                'events: for number in 1..=EVENTS {
                    let event = single(topic, number, Overflow::Block);
                    loop {
                        unpark.1.store(false, Ordering::SeqCst);
                        line.queue().wake_when_drained(&waker);
                        if !line.queue().must_wait(event.size(), Overflow::Block) {
                            break;
                        }
                        waits.fetch_add(1, Ordering::Relaxed);
                        let since = Instant::now();
                        while !unpark.1.load(Ordering::SeqCst) {
                            thread::park_timeout(DEADLINE);
                            if since.elapsed() >= DEADLINE {
                                *failed.lock().unwrap() = Some((topic, number));
                                break 'events;
                            }
                        }
                    }
                    assert!(matches!(line.queue().append(event), Appended::Done));
                    most.fetch_max(line.queue().queued_bytes(), Ordering::Relaxed);
                    if line.queue().claim_flush() {
                        line.flush();
                    }
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let going = || done.load(Ordering::SeqCst) < THREADS && failed.lock().unwrap().is_none();
        // At first, the reader takes bytes whenever a publisher waits.
        for _ in 0..20 {
            let before = waits.load(Ordering::Relaxed);
            line.take(2_000);
            while going() && waits.load(Ordering::Relaxed) == before {
                thread::yield_now();
            }
        }
        // Then it takes odd amounts, whether a publisher waits or not.
        let mut amount = 7;
        while going() {
            amount = amount * 31 % 4_093;
            line.take(amount + 1);
            thread::yield_now();
        }
        line.take_all();
        line.queue().close();
    });
    assert_eq!(failed.into_inner().unwrap(), None, "a publisher was not woken");
    assert!(waits.into_inner() >= 20, "publishers had to wait");
    // Each publisher that found room at the same time as another one may exceed the mark by one run.
    assert!(most.into_inner() <= 16_000 / 4 + THREADS * 400);
    for topic in ["a", "b", "c"] {
        let places = line.client(|client| client.stream(&stream(topic, 1, &[1])));
        assert_eq!(assert_consecutive(1, &places), EVENTS + 1);
    }
    let counts = ledger.counts();
    assert_eq!((counts.delivered, counts.overflow, counts.pending()), (3 * EVENTS, 0, 0));
}
