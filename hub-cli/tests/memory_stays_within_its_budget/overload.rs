//! An overload: publishers that are faster than slow subscribers, until the hub is short of memory.
//! At its end every event must be accounted for.

use crate::support::PATIENCE;
use crate::wire::frames::*;
use crate::wire::seen::Seen;
use crate::wire::{Client, Got, Server};
use hub_wire::{Overflow, RefusedCode, RefusedWhat, Subscribe};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;

/// A connection whose socket holds little: what its client does not read waits in the hub.
pub(crate) fn open_narrow(address: SocketAddr) -> Client {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut client = Client::over(TcpStream::from(socket));
    client.hello(&hello("narrow"));
    client
}

/// What stops all threads of a test, and what they count.
#[derive(Default)]
struct Shared {
    stop_publishers: AtomicBool,
    stop: AtomicBool,
    delivered: AtomicU64,
}

/// A subscriber that reads, and sleeps now and then, until it is stopped; then it reads the rest as
/// fast as it can. It returns what it saw.
fn subscriber(
    mut client: Client,
    subscribe: &Subscribe,
    pause: Duration,
    shared: &Arc<Shared>,
) -> JoinHandle<Seen> {
    client.subscribe(subscribe);
    let shared = shared.clone();
    std::thread::spawn(move || {
        let mut seen = Seen::default();
        let mut events = 0;
        while !shared.stop.load(Ordering::Relaxed) {
            let Some(got) = client.next_within(Duration::from_millis(100)) else { continue };
            seen.take(&got);
            if matches!(got, Got::Event(_)) {
                shared.delivered.fetch_add(1, Ordering::Relaxed);
                events += 1;
                if events % 8 == 0 && !pause.is_zero() {
                    std::thread::sleep(pause);
                }
            }
        }
        // All that is queued comes before the answer.
        client.barrier().iter().for_each(|got| seen.take(got));
        seen
    })
}

/// What became of a publisher's events.
#[derive(Default, Debug)]
struct Published {
    sent: u64,
    refused: u64,
}

/// Publishes on these topics in turn, as fast as the hub reads, until it is stopped.
fn publisher(
    mut client: Client,
    topics: Vec<String>,
    shared: &Arc<Shared>,
) -> JoinHandle<Published> {
    let mut writer = client.writer();
    let shared = shared.clone();
    let sent = Arc::new(AtomicU64::new(0));
    let (writing, counted) = (shared.clone(), sent.clone());
    let write = std::thread::spawn(move || {
        use std::io::Write;
        let mut turn = 0;
        while !writing.stop_publishers.load(Ordering::Relaxed) {
            let topic = &topics[turn % topics.len()];
            let events: Vec<u8> =
                (0..32).flat_map(|n| event(topic, &numbered(n, 8 * 1024))).collect();
            writer.write_all(&events).unwrap();
            counted.fetch_add(32, Ordering::Relaxed);
            turn += 1;
        }
    });
    std::thread::spawn(move || {
        let mut refused = 0;
        let mut receipted = 0;
        let mut take = |got: Got| match got {
            Got::Receipt(next) => receipted = next,
            Got::Refused(why) => {
                assert_eq!((why.what, why.code), (RefusedWhat::Event, RefusedCode::Overloaded));
                refused += 1;
            }
            Got::Ping(_) => {}
            other => panic!("{other:?}"),
        };
        while !shared.stop_publishers.load(Ordering::Relaxed) {
            client.next_within(Duration::from_millis(100)).into_iter().for_each(&mut take);
        }
        write.join().unwrap();
        client.barrier().into_iter().for_each(&mut take);
        let sent = sent.load(Ordering::Relaxed);
        assert_eq!(receipted, sent, "every event was accepted or refused");
        Published { sent, refused }
    })
}

/// Overloads a hub for `time`, or if `short` until memory is scarce, if that takes longer. Prints how
/// much it delivered in a second and returns that.
pub(crate) fn overload(hub: &Server, time: Duration, short: bool) -> f64 {
    const SLOW: usize = 30;
    const BLOCK: usize = 3;
    const SLEEP: Duration = Duration::from_millis(500);
    let shared = Arc::new(Shared::default());
    let of = |topic: &str, overflow| Subscribe { overflow, ..subscription(1, topic) };
    // One keeps up with everything; many are slow, each on a topic of its own, so that no bytes are
    // shared; some are waited for.
    let fast = of("open.**", Overflow::DropOldest);
    let mut subscribers =
        vec![subscriber(Client::open(hub.clients), &fast, Duration::ZERO, &shared)];
    for n in 0..SLOW {
        let subscribe = of(&format!("open.slow-{n}"), Overflow::DropOldest);
        let client = open_narrow(hub.clients);
        subscribers.push(subscriber(client, &subscribe, SLEEP, &shared));
    }
    for n in 0..BLOCK {
        let subscribe = of(&format!("block.{n}"), Overflow::Block);
        let client = open_narrow(hub.clients);
        subscribers.push(subscriber(client, &subscribe, SLEEP, &shared));
    }
    let topics = |kind: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("{kind}{n}")).collect()
    };
    let topics = [
        topics("block.", BLOCK),
        topics("open.slow-", SLOW),
        topics("open.slow-", SLOW),
        topics("open.slow-", SLOW),
    ];
    // All of them before the first event: once short of memory, the hub lets nobody in.
    let clients = topics.map(|topics| (Client::open(hub.clients), topics));
    let publishers = clients.map(|(client, topics)| publisher(client, topics, &shared));
    let (start, mut most, mut pressure) = (Instant::now(), 0, [0; 3]);
    let bound = || hub.metric("hub_queue_limit_bytes");
    let (usual, mut least) = (bound(), u64::MAX);
    while start.elapsed() < time || (short && start.elapsed() < PATIENCE && least >= usual) {
        least = least.min(bound());
        most = most.max(hub.memory("VmRSS"));
        pressure[hub.metric("hub_memory_pressure") as usize] += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!short || least < usual, "it was no overload");
    let delivered = shared.delivered.load(Ordering::Relaxed);
    let goodput = delivered as f64 / start.elapsed().as_secs_f64();
    shared.stop_publishers.store(true, Ordering::Relaxed);
    let published: Vec<Published> = publishers.into_iter().map(|p| p.join().unwrap()).collect();
    shared.stop.store(true, Ordering::Relaxed);
    let seen: Vec<Seen> = subscribers.into_iter().map(|s| s.join().unwrap()).collect();
    let (sent, refused): (u64, u64) =
        published.iter().fold((0, 0), |(sent, refused), p| (sent + p.sent, refused + p.refused));
    let events: u64 = seen.iter().map(|seen| seen.events).sum();
    let missing: u64 = seen.iter().map(|seen| seen.missing).sum();
    eprintln!(
        "{sent} events sent, {refused} refused, {events} delivered, {missing} told as missing; \
         {goodput:.0} deliveries/s; resident at most {} MiB, in all {} MiB; \
         pressure 0, 1, 2: {pressure:?} looks",
        most / MIB,
        hub.memory("VmHWM") / MIB,
    );
    // Each accepted event was due to one subscriber, and if it was on an open topic to the fast one
    // too; each was delivered or told as missing.
    let accepted = |p: &Published| p.sent - p.refused;
    let due: u64 = published.iter().map(accepted).sum::<u64>()
        + published[1..].iter().map(accepted).sum::<u64>();
    assert_eq!(events + missing, due);
    goodput
}
