//! Promise: what the hub says was delivered was handled. A slow listener loses nothing untold, a listener
//! that emits never stands still, and the work of a queue group goes to the workers that have time.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::wire::{Server, wait_until};
use hub_client::{Acknowledge, Client, Emitter, Headers, ListenerFault, Message, SubscribeOptions};
use hub_wire::{Overflow, TopicFilter, TopicName};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVENTS: u64 = 10_000;

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).unwrap()
}

fn filter(name: &str) -> TopicFilter {
    TopicFilter::parse(name).unwrap()
}

async fn connect(hub: &Server) -> Client {
    Client::connect(&format!("hub://{}", hub.clients)).await.unwrap()
}

/// A runtime with threads of its own, because tests run beside one another on few cores.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

/// Returns the metric of the ledger.
fn dropped(hub: &Server, reason: &str) -> u64 {
    hub.metric(&format!("hub_deliveries_dropped_total{{reason=\"{reason}\"}}"))
}

#[test]
fn what_the_ledger_calls_delivered_was_handled_under_every_policy() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Block, Overflow::Latest]
    {
        run(async {
            let hub = Server::start(&["--queue-bytes=262144", "--max-frame-bytes=65536"]);
            let (listener, publisher) = (connect(&hub).await, connect(&hub).await);
            let (handled, missing) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (count, told) = (handled.clone(), missing.clone());
            let mut errors = listener.listeners().errors();
            tokio::spawn(async move {
                while let Some(error) = errors.next().await {
                    if let ListenerFault::Missed(gap) = error.fault {
                        told.fetch_add(gap.to.unwrap() - gap.from + 1, Ordering::SeqCst);
                    }
                }
            });
            // A listener of a millisecond would take 10 s for what is not dropped.
            let options = SubscribeOptions::new().overflow(overflow).capacity(64);
            let slow = move |_: Message| {
                let handled = count.clone();
                async move {
                    tokio::time::sleep(Duration::from_micros(100)).await;
                    handled.fetch_add(1, Ordering::SeqCst);
                }
            };
            let handle = listener.on_filter(filter("t"), options, slow).await.unwrap();
            for _ in 0..EVENTS {
                let payload = [0xc4, 100].into_iter().chain([7; 100]).collect::<Vec<u8>>();
                publisher.publish_raw(&topic("t"), &payload, &Headers::new()).await.unwrap();
            }
            publisher.flush().await.unwrap();
            let all = || handled.load(Ordering::SeqCst) + missing.load(Ordering::SeqCst);
            while all() < EVENTS {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(all(), EVENTS);
            wait_until("everything is settled", || hub.metric("hub_deliveries_pending") == 0);
            let (handled, missing) =
                (handled.load(Ordering::SeqCst), missing.load(Ordering::SeqCst));
            assert_eq!(hub.metric("hub_deliveries_total"), handled, "{overflow:?}");
            let lost = dropped(&hub, "overflow") + dropped(&hub, "conflated");
            assert_eq!(lost, missing, "{overflow:?}");
            if overflow == Overflow::Block {
                assert_eq!(missing, 0);
            }
            drop(handle);
        });
    }
}

#[test]
fn a_listener_that_emits_on_its_own_client_never_stands_still() {
    run(async {
        let hub = Server::start(&["--queue-bytes=262144", "--max-frame-bytes=65536"]);
        let (service, publisher) = (connect(&hub).await, connect(&hub).await);
        let forwarded = Arc::new(AtomicU64::new(0));
        let options = SubscribeOptions::new().overflow(Overflow::Block).capacity(8);
        let (client, count) = (service.clone(), forwarded.clone());
        let listener = move |message: Message| {
            let (client, count) = (client.clone(), count.clone());
            async move {
                client.emit_raw(&topic("out"), message.payload, &Headers::new()).await?;
                count.fetch_add(1, Ordering::SeqCst);
                Ok::<_, hub_client::EmitError>(())
            }
        };
        let handle = service.on_filter(filter("in"), options, listener).await.unwrap();
        for n in 0..5_000_u64 {
            let payload = hub_client::encode(&n).unwrap();
            publisher.publish_raw(&topic("in"), &payload, &Headers::new()).await.unwrap();
        }
        publisher.flush().await.unwrap();
        while forwarded.load(Ordering::SeqCst) < 5_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(handle);
    });
}

#[test]
fn no_job_waits_for_a_slow_worker_while_a_fast_one_is_idle() {
    const JOBS: u64 = 400;
    run(async {
        let hub = Server::start(&[]);
        let publisher = connect(&hub).await;
        let started = Arc::new(Mutex::new(vec![None; JOBS as usize]));
        let by_fast = Arc::new(AtomicU64::new(0));
        let mut workers = Vec::new();
        for work in [1, 50] {
            let client = connect(&hub).await;
            let (started, by_fast) = (started.clone(), by_fast.clone());
            let listener = move |message: Message| {
                let job: u64 = message.decode().unwrap();
                started.lock().unwrap()[job as usize] = Some(std::time::Instant::now());
                if work == 1 {
                    by_fast.fetch_add(1, Ordering::SeqCst);
                }
                tokio::time::sleep(Duration::from_millis(work))
            };
            let options = SubscribeOptions::new().group("workers");
            let handle = client.on_filter(filter("jobs"), options, listener).await.unwrap();
            workers.push((client, handle));
        }
        let mut sent = Vec::new();
        let mut pace = tokio::time::interval(Duration::from_micros(2_500));
        for job in 0..JOBS {
            pace.tick().await;
            sent.push(std::time::Instant::now());
            let payload = hub_client::encode(&job).unwrap();
            publisher.publish_raw(&topic("jobs"), &payload, &Headers::new()).await.unwrap();
        }
        while started.lock().unwrap().iter().any(Option::is_none) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let started = started.lock().unwrap();
        let mut waits: Vec<Duration> =
            sent.iter().zip(&*started).map(|(sent, started)| started.unwrap() - *sent).collect();
        waits.sort_unstable();
        println!("p50 {:?} p99 {:?} max {:?}", waits[200], waits[396], waits[399]);
        // The slow worker can do 20 jobs in this second. A job that waited for it would wait 50 ms.
        assert!(by_fast.load(Ordering::SeqCst) > JOBS - 60, "{by_fast:?}");
    });
}

#[test]
fn what_a_handler_fails_on_comes_again_and_ends_as_a_dead_letter() {
    const JOBS: u64 = 200;
    run(async {
        let hub = Server::start(&[]);
        let (client, publisher) = (connect(&hub).await, connect(&hub).await);
        let (letters, mut dead) = tokio::sync::mpsc::unbounded_channel();
        let keep = move |letter: Message| letters.send(letter).unwrap();
        let watched = SubscribeOptions::new();
        client.on_filter(filter("jobs.dead"), watched, keep).await.unwrap();
        let handled = Arc::new(Mutex::new(Vec::new()));
        let log = handled.clone();
        // Every third job fails once, every tenth panics once, and one never succeeds.
        let work = move |message: Message| {
            let job: u64 = message.decode().unwrap();
            assert!(!job.is_multiple_of(10) || message.attempt > 1, "not at the first attempt");
            if job == 77 || job.is_multiple_of(3) && message.attempt == 1 {
                return Err(format!("job {job} is not there"));
            }
            log.lock().unwrap().push(job);
            Ok(())
        };
        let terms = Acknowledge::new()
            .attempts(4)
            .backoff(Duration::from_millis(1))
            .dead_letter(&topic("jobs.dead"));
        let options = SubscribeOptions::new().group("workers").acknowledge(terms);
        client.on_filter(filter("jobs"), options, work).await.unwrap();
        for job in 0..JOBS {
            let payload = hub_client::encode(&job).unwrap();
            publisher.publish_raw(&topic("jobs"), &payload, &Headers::new()).await.unwrap();
        }
        let letter = dead.recv().await.unwrap();
        assert_eq!(letter.decode::<u64>().unwrap(), 77);
        let reason: String = letter.headers.get("$dead.reason").unwrap().unwrap();
        assert_eq!(reason, "the listener failed: job 77 is not there");
        assert_eq!(letter.headers.get::<u32>("$dead.attempts").unwrap().unwrap(), 4);
        while handled.lock().unwrap().len() < JOBS as usize - 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut handled = handled.lock().unwrap().clone();
        handled.sort_unstable();
        assert_eq!(handled, (0..JOBS).filter(|job| *job != 77).collect::<Vec<_>>(), "each once");
        wait_until("everything is settled", || hub.metric("hub_deliveries_pending") == 0);
        assert_eq!(dropped(&hub, "given_up"), 1);
    });
}

#[test]
fn what_takes_too_long_is_given_to_another_worker() {
    run(async {
        let hub = Server::start(&[]);
        let (stuck, other, publisher) =
            (connect(&hub).await, connect(&hub).await, connect(&hub).await);
        let terms = || Acknowledge::new().timeout(Duration::from_millis(200));
        let options = || SubscribeOptions::new().group("workers").acknowledge(terms());
        let never = |_: Message| std::future::pending::<()>();
        stuck.on_filter(filter("jobs"), options(), never).await.unwrap();
        let payload = hub_client::encode(&7_u64).unwrap();
        publisher.publish_raw(&topic("jobs"), &payload, &Headers::new()).await.unwrap();
        publisher.flush().await.unwrap();
        let (done, mut seen) = tokio::sync::mpsc::unbounded_channel();
        // This worker works longer than the time that it has, and says so.
        let work = move |message: Message| {
            let done = done.clone();
            async move {
                for _ in 0..12 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    message.still_working();
                }
                done.send(message.attempt).unwrap();
            }
        };
        other.on_filter(filter("jobs"), options(), work).await.unwrap();
        assert_eq!(seen.recv().await.unwrap(), 2);
        wait_until("everything is settled", || hub.metric("hub_deliveries_pending") == 0);
        assert_eq!(hub.metric("hub_deliveries_total"), 1);
    });
}
