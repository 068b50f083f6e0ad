//! Runs the well-behaved pairs: ten publishers, each with one listener, at a pace that any hub bears.
//!
//! A pair never waits for what it measures. Its events have planned times, and the delay of an event is
//! the time from its planned time to its arrival. Otherwise a hub that stops reading from a publisher
//! would delay the measurement together with the events, and look fast.

use crate::arena::{Arena, PAIRS};
use crate::wire::frames::*;
use crate::wire::{Client, Got};
use hub_wire::{
    Ack, AckTerms, Credentials, Frame, Hello, Limits, Outcome, Packer, Reader, RefusedCode,
    Subscribe, Taken, Window,
};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Each pair sends an event this often.
const PERIOD: Duration = Duration::from_millis(20);

/// Clients look this often whether the tournament is over.
const LOOK: Duration = Duration::from_millis(250);

/// Says how a pair passes its events on. Each way depends on other parts of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The listener has no window.
    Plain,
    /// The listener sends TAKEN for each event.
    Window,
    /// The listener acknowledges each event.
    Acknowledged,
    /// The listener is the one member of a queue group.
    Group,
    /// A service answers, and the delay is that of the reply.
    Request,
}

fn way(pair: usize) -> Way {
    [Way::Plain, Way::Window, Way::Acknowledged, Way::Request, Way::Group][pair % 5]
}

/// Holds what happened to the events of one pair.
#[derive(Default)]
struct Book {
    /// Has the arrival of each event, in nanoseconds from the start of the pairs, or 0.
    arrived: Mutex<Vec<u64>>,
}

/// Holds the running pairs.
pub(crate) struct Pairs {
    pub(crate) start: Instant,
    books: Arc<Vec<Book>>,
    /// Has what must never happen to a well-behaved client, with the time at which it happened.
    incidents: Arc<Mutex<Vec<(Instant, String)>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Says how the pairs fared for some time.
#[derive(Debug)]
pub(crate) struct Fared {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) most: Duration,
    /// The pair with this number had the longest delay.
    pub(crate) slowest: usize,
    /// Counts the events that have not arrived yet.
    pub(crate) missing: usize,
    pub(crate) incidents: Vec<String>,
}

/// Has what the threads of one pair share.
#[derive(Clone)]
struct Pair {
    number: usize,
    clients: SocketAddr,
    token: String,
    start: Instant,
    books: Arc<Vec<Book>>,
    incidents: Arc<Mutex<Vec<(Instant, String)>>>,
    stop: Arc<AtomicBool>,
}

impl Pairs {
    pub(crate) fn start(arena: &Arena) -> Pairs {
        let start = Instant::now() + Duration::from_millis(500);
        let mut pairs = Pairs {
            start,
            books: Arc::new((0..PAIRS).map(|_| Book::default()).collect()),
            incidents: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for (number, token) in arena.good.iter().enumerate() {
            let pair = Pair {
                number,
                clients: arena.hub.clients,
                token: token.clone(),
                start,
                books: pairs.books.clone(),
                incidents: pairs.incidents.clone(),
                stop: pairs.stop.clone(),
            };
            pair.spawn(&mut pairs.threads);
        }
        pairs
    }

    /// Returns how the events fared that were planned between two moments.
    pub(crate) fn fared(&self, from: Instant, to: Instant) -> Fared {
        let mut delays = Vec::new();
        let mut missing = 0;
        let now = self.start.elapsed();
        for (number, book) in self.books.iter().enumerate() {
            let arrived = book.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            let offset = offset(number);
            let first =
                from.saturating_duration_since(self.start + offset).as_nanos() / PERIOD.as_nanos();
            let last =
                to.saturating_duration_since(self.start + offset).as_nanos() / PERIOD.as_nanos();
            for n in first as u64 + 1..last as u64 {
                let planned = offset + PERIOD * n as u32;
                let at = arrived.get(n as usize).copied().filter(|at| *at > 0);
                missing += usize::from(at.is_none());
                let at = at.map_or(now, Duration::from_nanos);
                delays.push((at.saturating_sub(planned), number));
            }
        }
        delays.sort_unstable();
        let at = |percent: usize| delays[(delays.len() * percent / 100).min(delays.len() - 1)].0;
        let (most, slowest) = *delays.last().expect("the pairs ran");
        let incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        let incidents = incidents.iter().filter(|(when, _)| (from..to).contains(when));
        let incidents = incidents.map(|(_, what)| what.clone()).collect();
        Fared { p50: at(50), p99: at(99), most, slowest, missing, incidents }
    }

    /// Lets all pairs end in order. Returns whether each of them did.
    pub(crate) fn end(self) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        let ended: Vec<bool> =
            self.threads.into_iter().map(|thread| thread.join().is_ok()).collect();
        ended.into_iter().all(|ended| ended)
    }
}

/// Spreads the pairs over the period.
fn offset(pair: usize) -> Duration {
    PERIOD * pair as u32 / PAIRS as u32
}

impl Pair {
    fn spawn(self, threads: &mut Vec<JoinHandle<()>>) {
        let listener = self.clone();
        let way = way(self.number);
        let (ready, is_ready) = std::sync::mpsc::channel();
        threads.push(self.thread("listener", move || match way {
            Way::Request => listener.serve(&ready),
            _ => listener.listen(way, &ready),
        }));
        let publisher = self.clone();
        is_ready.recv().expect("the listener subscribes");
        let mut client = publisher.open("publisher");
        let inbox = client.welcome().inbox.clone();
        if way == Way::Request {
            client.subscribe(&subscription(1, &inbox));
        }
        let writer = Arc::new(Mutex::new(client.writer()));
        let (answers, sender) = (publisher.clone(), writer.clone());
        threads.push(self.thread("publisher, reading", move || answers.hear(client, &writer)));
        threads.push(self.thread("publisher", move || publisher.publish(way, &inbox, &sender)));
    }

    /// Runs a part of the pair. A panic is an incident, because the raw client panics when its
    /// connection ends.
    fn thread(&self, what: &'static str, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        let pair = self.clone();
        std::thread::spawn(move || {
            if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(run)) {
                let text = panic.downcast_ref::<String>().cloned();
                pair.incident(&format!("the {what} broke off: {}", text.unwrap_or_default()));
            }
        })
    }

    fn open(&self, name: &str) -> Client {
        let credentials = Some(Credentials::Token(self.token.clone()));
        Client::open_as(self.clients, &Hello { credentials, ..hello(name) })
    }

    fn incident(&self, what: &str) {
        let text = format!("pair {}: {what}", self.number);
        self.incidents.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), text));
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn topic(&self, way: Way) -> String {
        let kind = if way == Way::Request { "service" } else { "feed" };
        format!("good.{kind}.{}", self.number)
    }

    fn publish(&self, way: Way, inbox: &str, writer: &Mutex<TcpStream>) {
        let topic = self.topic(way);
        for n in 0_u64.. {
            let planned = self.start + offset(self.number) + PERIOD * n as u32;
            std::thread::sleep(planned.saturating_duration_since(Instant::now()));
            if self.stopped() {
                return;
            }
            let payload = numbered(n, 200);
            let id = n.to_string();
            let bytes = match way {
                Way::Request => event_with(&topic, &payload, &[("id", &id), ("reply", inbox)]),
                _ => event(&topic, &payload),
            };
            let sent = writer.lock().expect("no thread panics with it").write_all(&bytes);
            sent.expect("the hub reads");
        }
    }

    /// Reads what comes to the publisher: receipts, and the replies to its requests.
    fn hear(&self, mut client: Client, writer: &Mutex<TcpStream>) {
        while let Some(got) = self.next(&mut client) {
            match got {
                Got::Event(event) => self.arrived(&event.payload),
                Got::Ping(token) => {
                    let pong = Frame::Pong { token }.to_bytes();
                    let sent = writer.lock().expect("no thread panics with it").write_all(&pong);
                    sent.expect("the hub reads");
                }
                other => self.check(&other),
            }
        }
    }

    fn listen(&self, way: Way, ready: &std::sync::mpsc::Sender<()>) {
        let mut client = self.open("listener");
        let plain = way == Way::Plain;
        let terms = AckTerms { dead_letter: None, ..AckTerms::default() };
        client.subscribe(&Subscribe {
            window: (!plain).then_some(Window { events: 64, bytes: 1 << 20 }),
            ack: (way == Way::Acknowledged).then_some(terms),
            group: (way == Way::Group).then(|| "workers".to_owned()),
            ..subscription(1, &self.topic(way))
        });
        ready.send(()).expect("the pair waits");
        let mut taken = 0;
        while let Some(got) = self.next(&mut client) {
            match got {
                Got::Event(event) => {
                    self.arrived(&event.payload);
                    taken += 1;
                    let (subscription, outcome) = (1, Outcome::Done);
                    match way {
                        Way::Window | Way::Group => client.send(
                            &Frame::Taken(Taken { subscription, taken, events: None, bytes: None })
                                .to_bytes(),
                        ),
                        Way::Acknowledged => {
                            let ack = Ack {
                                subscription,
                                first: taken,
                                last: taken,
                                outcome,
                                reason: None,
                            };
                            client.send(&Frame::Ack(ack).to_bytes());
                        }
                        _ => {}
                    }
                }
                Got::Ping(token) => client.send(&Frame::Pong { token }.to_bytes()),
                other => self.check(&other),
            }
        }
    }

    /// Answers the requests of everybody, also those of greedy clients.
    fn serve(&self, ready: &std::sync::mpsc::Sender<()>) {
        let mut client = self.open("service");
        client.subscribe(&subscription(1, &self.topic(Way::Request)));
        ready.send(()).expect("the pair waits");
        while let Some(got) = self.next(&mut client) {
            match got {
                Got::Event(event) => {
                    if let Some(reply) = reply_to(&event.payload, event.headers.as_deref()) {
                        client.send(&reply);
                    }
                }
                Got::Ping(token) => client.send(&Frame::Pong { token }.to_bytes()),
                // Somebody else has asked, and left.
                Got::Refused(refused) if refused.code == RefusedCode::NoSubscriber => {}
                other => self.check(&other),
            }
        }
    }

    /// Returns what comes next, or `None` when the tournament is over.
    fn next(&self, client: &mut Client) -> Option<Got> {
        loop {
            let got = client.next_within(LOOK);
            if self.stopped() {
                return None;
            }
            if got.is_some() {
                return got;
            }
        }
    }

    fn arrived(&self, payload: &[u8]) {
        let n = id_in(payload) as usize;
        let now = self.start.elapsed().as_nanos() as u64;
        let mut arrived = self.books[self.number].arrived.lock().expect("no thread panics with it");
        if arrived.len() <= n {
            arrived.resize(n + 1, 0);
        }
        if arrived[n] == 0 {
            arrived[n] = now;
        }
    }

    /// Notes what must never come to a well-behaved client.
    fn check(&self, got: &Got) {
        match got {
            Got::Refused(_) | Got::Gap(_) | Got::Close(_) => self.incident(&format!("{got:?}")),
            Got::End | Got::Reset => panic!("the hub ended the connection"),
            _ => {}
        }
    }
}

/// Makes the reply to a request, or returns `None` if the event is no request.
fn reply_to(payload: &[u8], headers: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut read = Reader::new(headers?, &Limits::NONE);
    let (mut id, mut reply) = (None, None);
    for _ in 0..read.map("headers").ok()? {
        let key = read.str("key").ok()?;
        let value = read.value("value").ok()?;
        let text = Reader::new(value, &Limits::NONE).str("value").ok();
        match key {
            "id" => id = text,
            "reply" => reply = text,
            _ => {}
        }
    }
    let mut headers = Vec::new();
    Packer(&mut headers).map(1).str("re").str(id.unwrap_or(""));
    Some(packed(|pack| {
        pack.array(4).uint(3).str(reply.unwrap_or("")).raw(payload).raw(&headers);
    }))
}
