//! Publishers that send to subscribers, as fast as they can or at a steady rate.

use crate::BenchError;
use crate::board::Board;
use crate::dialect::{Dialect, Link};
use crate::first::first_delivery;
use crate::intake::Length;
use crate::payload::Payload;
use crate::receive::{self, Shape, Subscriber};
use crate::send::{self, Publisher};
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How long nothing may arrive at the end before what is due counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// How often the main thread looks.
const TICK: Duration = Duration::from_millis(10);
/// How often it tells how far it is.
const LOOK: Duration = Duration::from_millis(250);

/// What to run.
#[derive(Clone)]
pub struct Plan<'a> {
    /// How to talk to the server.
    pub dialect: &'a dyn Dialect,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Who sends to whom. Groups do not share topics.
    pub groups: Vec<Group>,
    /// What each message carries.
    pub payload: Payload,
    /// Messages a second and publisher; `None` is as fast as it goes. Only a paced run measures
    /// latency.
    pub rate: Option<f64>,
    /// How long to send.
    pub duration: Duration,
    /// Bytes, as a subscriber gets them, that a publisher may be ahead of its slowest subscriber.
    pub window: usize,
    /// Bytes that are written at a time.
    pub chunk: usize,
    /// Threads that read subscribers.
    pub readers: usize,
    /// Asks for what the server used.
    pub probe: Option<Probe<'a>>,
    /// Told now and then how far it is.
    pub watch: Option<&'a (dyn Fn(&Outcome) + Sync)>,
}

/// Publishers and subscribers of the same topics: each publisher sends to all of them in turn, each
/// subscriber gets all of it.
#[derive(Debug, Clone)]
pub struct Group {
    /// The topics; all names have the same length.
    pub topics: Vec<String>,
    /// How many publishers.
    pub publishers: usize,
    /// How many subscribers.
    pub subscribers: usize,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Messages sent.
    pub sent: u64,
    /// Messages that subscribers had to get.
    pub due: u64,
    /// Messages that they got.
    pub delivered: u64,
    /// Messages that the server announced as missing.
    pub announced_missing: u64,
    /// Messages that the server acknowledged to publishers, if they asked for that.
    pub acknowledged: u64,
    /// Bytes that subscribers received.
    pub received_bytes: u64,
    /// From the first message sent to the last one received.
    pub elapsed: Duration,
    /// What the server used meanwhile; `peak` and `resident` are its totals.
    pub usage: Option<Usage>,
    /// From a message's sending to its arrival, in nanoseconds; of paced runs.
    pub latency: Histogram<u64>,
}

impl Outcome {
    /// Messages that neither came nor were announced as missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.due.saturating_sub(self.delivered)
    }

    /// Messages received, or sent if there is no subscriber.
    #[must_use]
    pub fn handled(&self) -> u64 {
        if self.due == 0 { self.sent } else { self.delivered }
    }

    /// Messages a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.handled() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The server's processor time a message, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.usage?.cpu.as_secs_f64();
        (self.handled() > 0).then(|| 1e6 * cpu / self.handled() as f64)
    }
}

/// Runs the plan.
///
/// # Errors
/// The server cannot be reached, or says something that it should not.
pub fn run(plan: &Plan<'_>) -> Result<Outcome, BenchError> {
    let dialect = plan.dialect;
    let topics = || plan.groups.iter().flat_map(|group| &group.topics);
    let first = topics().next().ok_or_else(|| BenchError::Plan("no topic".into()))?;
    if topics().any(|topic| topic.len() != first.len()) {
        return Err(BenchError::Plan("topics must be of one length".into()));
    }
    let expected = dialect.delivered(first, &plan.payload);
    let stamp = plan.rate.map(|_| send::mark(&expected)).transpose()?;
    let shape = Shape { length: Length::Same(expected.len()), stamp };
    let window = (plan.window / expected.len()).max(1) as u64;
    if plan.groups.iter().any(|group| group.subscribers > 0) {
        first_delivery(dialect, plan.addr, first, &plan.payload)?;
    }

    let board = Board::new(&plan.groups);
    let subscribers = board.groups.iter().zip(&plan.groups).flat_map(|(score, group)| {
        score.subscribers.iter().map(|tally| {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_subscriber(&mut link, &group.topics)?;
            Ok(Subscriber { link, tally })
        })
    });
    let subscribers = subscribers.collect::<Result<Vec<_>, BenchError>>()?;
    let publishers = board.groups.iter().zip(&plan.groups).flat_map(|(score, group)| {
        score.publishers.iter().map(|answers| {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_publisher(&mut link, &group.topics)?;
            Publisher::new(link, &group.topics, score, answers)
        })
    });
    let publishers = publishers.collect::<Result<Vec<_>, BenchError>>()?;

    let (stop_sending, stop_reading) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let (stop_sending, stop_reading, board) = (&stop_sending, &stop_reading, &board);
        let readers: Vec<_> = shares(subscribers, plan.readers.max(1))
            .into_iter()
            .map(|share| {
                scope.spawn(move || {
                    receive::receive(dialect, share, shape, stop_reading, &board.last)
                })
            })
            .collect();
        board.begin(usage(plan));
        let listeners: Vec<_> = publishers
            .iter()
            .map(|publisher| scope.spawn(|| publisher.listen(dialect, stop_reading)))
            .collect();
        let senders: Vec<_> = publishers
            .iter()
            .map(|publisher| {
                scope.spawn(move || match plan.rate {
                    None => publisher.flood(plan, window, stop_sending),
                    Some(rate) => publisher.paced(plan, rate, stop_sending),
                })
            })
            .collect();

        let reading = || readers.iter().all(|reader| !reader.is_finished());
        let sending = || senders.iter().any(|sender| !sender.is_finished());
        watch_sending(plan, board, || reading() && sending());
        stop_sending.store(true, Relaxed);
        wait_for_the_rest(plan, board, reading, sending);
        let mut outcome = board.so_far(usage(plan));
        stop_reading.store(true, Relaxed);
        // A sender whose server takes nothing any more waits in its write until now.
        publishers.iter().for_each(Publisher::hang_up);

        let mut result = Ok(());
        for reader in readers {
            match join(reader) {
                Ok(latency) => drop(outcome.latency.add(latency)),
                Err(error) => result = result.and(Err(error)),
            }
        }
        for thread in listeners.into_iter().chain(senders) {
            result = result.and(join(thread));
        }
        result.map(|()| outcome)
    })
}

fn usage(plan: &Plan<'_>) -> Option<Usage> {
    plan.probe.and_then(|probe| probe())
}

/// Waits until the time is over, or until something ended early.
fn watch_sending(plan: &Plan<'_>, board: &Board, well: impl Fn() -> bool) {
    let until = Instant::now() + plan.duration;
    let mut next_look = Instant::now() + LOOK;
    while Instant::now() < until && well() {
        thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        if let Some(watch) = plan.watch
            && Instant::now() >= next_look
        {
            watch(&board.so_far(usage(plan)));
            next_look += LOOK;
        }
    }
}

/// Waits until what is under way has arrived, or stopped arriving.
fn wait_for_the_rest(
    plan: &Plan<'_>,
    board: &Board,
    reading: impl Fn() -> bool,
    sending: impl Fn() -> bool,
) {
    let (mut came, mut moved) = (0, Instant::now());
    while reading() && moved.elapsed() < LOST_AFTER {
        let now = board.so_far(None);
        let arrived = now.delivered + now.announced_missing >= now.due;
        let acknowledged = !plan.dialect.acknowledges() || now.acknowledged >= now.sent;
        if !sending() && arrived && acknowledged {
            break;
        }
        let coming = now.delivered + now.announced_missing + now.acknowledged;
        if coming > came {
            (came, moved) = (coming, Instant::now());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, Result<T, BenchError>>) -> Result<T, BenchError> {
    thread.join().unwrap_or(Err(BenchError::Thread))
}

/// `all`, dealt to at most `count` hands.
fn shares<T>(all: Vec<T>, count: usize) -> Vec<Vec<T>> {
    let mut shares: Vec<Vec<T>> = Vec::new();
    for (index, item) in all.into_iter().enumerate() {
        if index < count {
            shares.push(Vec::new());
        }
        shares[index % count].push(item);
    }
    shares
}
