//! Promise: the process never takes more than its memory budget. Short of memory, it slows
//! publishers down, then refuses them with a code; what subscribers lose is told to them and adds
//! up; and when it is over, everything is as before.
//!
//! The hub is a process of its own with a budget of 96 MiB. The overload lasts for
//! `HUB_TEST_SECONDS`, 4 unless that is set.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;
mod wire;

use hub_wire::{CloseCode, Overflow, RefusedCode, RefusedWhat, Subscribe};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use support::PATIENCE;
use wire::frames::*;
use wire::seen::Seen;
use wire::{Client, Got, Server, seconds, wait_until};

const MIB: u64 = 1024 * 1024;
const BUDGET: u64 = 96 * MIB;

fn hub(more: &[&str]) -> Server {
    let budget = format!("--memory-bytes={BUDGET}");
    Server::start(&[&[budget.as_str(), "--queue-bytes=4194304", "--log=warn"], more].concat())
}

/// A connection whose socket holds little: what its client does not read waits in the hub.
fn open_narrow(address: SocketAddr) -> Client {
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

const SHORT: &str = "hub_limited_total{limit=\"memory_bytes\"}";

/// Overloads a hub for `time`, or until it is `short` of memory if that takes longer. Prints how
/// much it delivered in a second and returns that.
fn overload(hub: &Server, time: Duration, short: bool) -> f64 {
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
    let not_yet = || short && start.elapsed() < PATIENCE && hub.metric(SHORT) == 0;
    while start.elapsed() < time || not_yet() {
        most = most.max(hub.memory("VmRSS"));
        pressure[hub.metric("hub_memory_pressure") as usize] += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
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

fn ledger_is_balanced(hub: &Server) {
    wait_until("nothing is pending", || hub.metric("hub_deliveries_pending") == 0);
    let dropped =
        |reason| hub.metric(&format!("hub_deliveries_dropped_total{{reason=\"{reason}\"}}"));
    let settled = hub.metric("hub_deliveries_total")
        + dropped("overflow")
        + dropped("conflated")
        + dropped("disconnected");
    assert_eq!(hub.metric("hub_deliveries_due_total"), settled);
}

fn is_as_before(hub: &Server) {
    wait_until("there is enough memory again", || hub.metric("hub_memory_pressure") == 0);
    let (mut from, mut to) = (Client::open(hub.clients), Client::open(hub.clients));
    to.subscribe(&subscription(1, "after"));
    for n in 0..1_000 {
        from.send(&event("after", &numbered(n, 1024)));
    }
    for n in 0..1_000 {
        let event = loop {
            match to.next() {
                Got::Event(event) => break event,
                Got::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(id_in(&event.payload), n);
    }
    assert!(!from.barrier().iter().any(|got| matches!(got, Got::Refused(_))));
}

#[test]
fn under_overload() {
    let time = seconds(4);
    // What can be had where memory is plenty.
    let peak = overload(&Server::start(&["--log=warn", "--overflow-grace-ms=10"]), time / 4, false);
    let hub = hub(&["--overflow-grace-ms=10"]);
    let goodput = overload(&hub, time, true);
    eprintln!("goodput {:.0} % of the peak", goodput / peak * 100.0);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.metric(SHORT) > 0, "it was no overload");
    assert!(goodput > 0.0);
    ledger_is_balanced(&hub);
    is_as_before(&hub);
}

/// Clients that subscribe and never read.
fn dead(hub: &Server, count: usize, overflow: Overflow) -> Vec<Client> {
    (0..count)
        .map(|n| {
            let mut client = open_narrow(hub.clients);
            let filter = format!("dead.{n}");
            client.subscribe(&Subscribe { overflow, ..subscription(1, &filter) });
            client
        })
        .collect()
}

/// How many of a publisher's events were refused; all because of memory.
fn refused(got: &[Got]) -> usize {
    let codes = got.iter().filter_map(|got| match got {
        Got::Refused(why) => Some(why.code),
        _ => None,
    });
    codes.inspect(|code| assert_eq!(*code, RefusedCode::Overloaded)).count()
}

/// Subscribers that do not read and for whom the hub drops nothing that waits: waiting brings no
/// memory.
#[test]
fn what_waiting_cannot_free_is_refused_until_it_is_free() {
    const DEAD: usize = 30;
    let hub = hub(&["--memory-grace-ms=300", "--retry-after-ms=1234", "--overflow-grace-ms=0"]);
    let dead = dead(&hub, DEAD, Overflow::DropNewest);
    let mut publisher = Client::open(hub.clients);
    let mut bystander = Client::open(hub.clients);
    // Until the sockets are full, and what waits in the hub is more than it may take.
    let until = Instant::now() + PATIENCE;
    let mut turn = 0;
    loop {
        for n in 0..DEAD {
            publisher.send(&event(&format!("dead.{n}"), &numbered(turn, 64 * 1024)));
        }
        turn += 1;
        if refused(&publisher.barrier()) > 0 {
            break;
        }
        assert!(Instant::now() < until, "nothing was refused");
    }
    // Control frames are heard all the same, what takes memory is refused. What was refused has made
    // some room, so it may take a moment.
    let mut id = 0;
    wait_until("a subscription is refused", || {
        id += 1;
        bystander.send(&subscribe(&subscription(id, "new")));
        let got = bystander.barrier();
        match got.as_slice() {
            [Got::Refused(why)] => {
                assert_eq!((why.what, why.code), (RefusedWhat::Subscribe, RefusedCode::Overloaded));
                true
            }
            _ => false,
        }
    });
    wait_until("a connection is refused", || {
        let mut new = Client::connect(hub.clients);
        match new.next_within(Duration::from_secs(1)) {
            Some(Got::Close(close)) => {
                let told = (close.code, close.retry_after_ms);
                assert_eq!(told, (CloseCode::Overloaded, Some(1234)));
                true
            }
            _ => false,
        }
    });
    eprintln!("resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    drop(dead);
    is_as_before(&hub);
    bystander.subscribe(&subscription(id, "new"));
    ledger_is_balanced(&hub);
}

/// Subscribers that publishers have to wait for, and that are gone without a word.
#[test]
fn the_dead_for_whom_all_wait_are_ended_by_the_keep_alive() {
    use std::io::Write;
    const DEAD: usize = 90;
    const EVENTS: u64 = 110;
    let hub = hub(&["--keepalive-ms=4000", "--memory-grace-ms=300"]);
    let dead = dead(&hub, DEAD, Overflow::Block);
    // All of them before the first event: once short of memory, the hub lets nobody in.
    let clients: Vec<Client> = (0..DEAD).map(|_| Client::open(hub.clients)).collect();
    let publishing: Vec<_> = clients
        .into_iter()
        .enumerate()
        .map(|(n, mut client)| {
            let mut writer = client.writer();
            std::thread::spawn(move || {
                let frame = event(&format!("dead.{n}"), &numbered(0, 64 * 1024));
                let write = std::thread::spawn(move || {
                    for _ in 0..EVENTS {
                        writer.write_all(&frame).unwrap();
                    }
                });
                let (mut next, mut refusals) = (0, 0);
                while next < EVENTS {
                    match client.next() {
                        Got::Receipt(to) => next = to,
                        // Whoever is not read from is not taken for silent.
                        Got::Ping(_) => {}
                        got @ Got::Refused(_) => refusals += refused(&[got]),
                        other => panic!("{other:?}"),
                    }
                }
                write.join().unwrap();
                refusals
            })
        })
        .collect();
    let refused: usize = publishing.into_iter().map(|one| one.join().unwrap()).sum();
    eprintln!("{refused} refused; resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET, "{} MiB", hub.memory("VmHWM") / MIB);
    drop(dead);
    is_as_before(&hub);
    ledger_is_balanced(&hub);
}

/// Many clients each send a part of a large frame.
#[test]
fn large_frames_that_are_never_finished_take_no_more_than_the_budget() {
    use std::io::Write;
    const MANY: usize = 150;
    let hub = hub(&["--memory-grace-ms=300"]);
    let mut frame = event("t", &numbered(0, 1000 * 1024));
    frame.truncate(1000 * 1024);
    let clients: Vec<TcpStream> = (0..MANY)
        .map(|_| {
            let client = Client::open(hub.clients);
            client.socket.set_nonblocking(true).unwrap();
            client.socket
        })
        .collect();
    let writing: Vec<_> = clients
        .into_iter()
        .map(|mut socket| {
            let frame = frame.clone();
            std::thread::spawn(move || {
                let (mut at, until) = (0, Instant::now() + Duration::from_secs(3));
                while at < frame.len() && Instant::now() < until {
                    match socket.write(&frame[at..]) {
                        Ok(written) => at += written,
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        Err(_) => break, // its connection was ended
                    }
                }
                socket
            })
        })
        .collect();
    let sockets: Vec<_> = writing.into_iter().map(|writing| writing.join().unwrap()).collect();
    eprintln!("resident at most {} MiB", hub.memory("VmHWM") / MIB);
    assert!(hub.memory("VmHWM") < BUDGET);
    drop(sockets);
    is_as_before(&hub);
}
