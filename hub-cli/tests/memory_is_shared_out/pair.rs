//! Well-behaved clients: each publisher waits for each receipt, and each subscriber reads at once. They must
//! notice nothing of what others do.

use crate::wire::frames::*;
use crate::wire::{Client, Got, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The pairs that run beside greedy clients.
pub(crate) struct Pairs {
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<u64>>,
}

impl Pairs {
    pub(crate) fn start(hub: &Server, count: usize) -> Pairs {
        let stop = Arc::new(AtomicBool::new(false));
        let running = (0..count)
            .map(|pair| {
                let (mut from, mut to) = (Client::open(hub.clients), Client::open(hub.clients));
                let topic = format!("good.{pair}");
                to.subscribe(&subscription(1, &topic));
                let stop = stop.clone();
                std::thread::spawn(move || run(&mut from, &mut to, &topic, &stop))
            })
            .collect();
        Pairs { stop, running }
    }

    /// Stops the pairs. Each event must have arrived.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for pair in self.running {
            let events = pair.join().unwrap();
            assert!(events > 10, "{events} events in all");
        }
    }
}

fn run(from: &mut Client, to: &mut Client, topic: &str, stop: &AtomicBool) -> u64 {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        from.send(&event(topic, &numbered(number, 500)));
        number += 1;
        loop {
            match from.next() {
                Got::Receipt(next) if next == number => break,
                Got::Ping(_) | Got::Receipt(_) => {}
                other => panic!("the publisher of {topic} got {other:?}"),
            }
        }
        loop {
            match to.next() {
                Got::Event(got) => {
                    assert_eq!(id_in(&got.payload), number - 1, "{topic}");
                    break;
                }
                Got::Ping(_) => {}
                other => panic!("the subscriber of {topic} got {other:?}"),
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    number
}
