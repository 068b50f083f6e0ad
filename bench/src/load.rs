//! Publishers that send to subscribers, as fast as they can or at a steady rate.

use crate::BenchError;
use crate::clock::now_ns;
use crate::dialect::{Dialect, Link, Next};
use crate::intake::{Length, Tally};
use crate::payload::Payload;
use crate::receive::{self, Shape, Subscriber};
use crate::send::{self, Chunk};
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How long nothing may arrive at the end before what is due counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(3);
/// How often the main thread looks.
const TICK: Duration = Duration::from_millis(10);

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

/// How far the publishers of a group are, and its subscribers.
pub(crate) struct Progress<'a> {
    pub sent: AtomicU64,
    subscribers: &'a [Tally],
}

impl Progress<'_> {
    /// Messages sent that the slowest subscriber has not got.
    pub(crate) fn ahead(&self) -> u64 {
        let slowest = self.subscribers.iter().map(Tally::messages).min();
        slowest.map_or(0, |slowest| self.sent.load(Relaxed).saturating_sub(slowest))
    }

    fn due(&self) -> u64 {
        self.sent.load(Relaxed) * self.subscribers.len() as u64
    }
}

/// Runs the plan.
///
/// # Errors
/// The server cannot be reached, or says something that it should not.
pub fn run(plan: &Plan<'_>) -> Result<Outcome, BenchError> {
    let dialect = plan.dialect;
    let first = plan.groups.first().and_then(|group| group.topics.first());
    let first = first.ok_or_else(|| BenchError::Plan("no topic".into()))?;
    let same = |topic: &String| topic.len() == first.len();
    if !plan.groups.iter().all(|group| !group.topics.is_empty() && group.topics.iter().all(same)) {
        return Err(BenchError::Plan("topics must be of one length".into()));
    }
    let expected = dialect.delivered(first, &plan.payload);
    let stamp = plan.rate.map(|_| send::mark(&expected)).transpose()?;
    let shape = Shape { length: Length::Same(expected.len()), stamp };
    let window = (plan.window / expected.len()).max(1) as u64;

    // Each group's tallies, and one a publisher for what the server answers.
    let tallies: Vec<Vec<Tally>> = plan
        .groups
        .iter()
        .map(|group| (0..group.subscribers).map(|_| Tally::default()).collect())
        .collect();
    let publishers: usize = plan.groups.iter().map(|group| group.publishers).sum();
    let answers: Vec<Tally> = (0..publishers).map(|_| Tally::default()).collect();
    let progress: Vec<Progress<'_>> = tallies
        .iter()
        .map(|subscribers| Progress { sent: AtomicU64::new(0), subscribers })
        .collect();

    if plan.groups.iter().any(|group| group.subscribers > 0) {
        first_delivery(dialect, plan.addr, first, &plan.payload)?;
    }
    let mut subscribers = Vec::new();
    for (group, tallies) in plan.groups.iter().zip(&tallies) {
        for tally in tallies {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_subscriber(&mut link, &group.topics)?;
            subscribers.push(Subscriber { link, tally });
        }
    }
    let mut senders = Vec::new();
    for (group, progress) in plan.groups.iter().zip(&progress) {
        for _ in 0..group.publishers {
            let mut link = Link::connect(plan.addr)?;
            dialect.open_publisher(&mut link, &group.topics)?;
            link.stream.set_read_timeout(None).map_err(BenchError::io("socket"))?;
            senders.push((link, &group.topics, progress));
        }
    }
    let writers = senders
        .iter()
        .map(|(link, ..)| link.stream.try_clone().map_err(BenchError::io("socket")))
        .collect::<Result<Vec<_>, _>>()?;

    let (stop_sending, stop_reading) = (AtomicBool::new(false), AtomicBool::new(false));
    let last = AtomicU64::new(0);
    let usage = || plan.probe.and_then(|probe| probe());

    thread::scope(|scope| {
        let mut readers = Vec::new();
        for share in shares(subscribers, plan.readers.max(1)) {
            let (stop, last) = (&stop_reading, &last);
            readers.push(scope.spawn(move || receive::receive(dialect, share, shape, stop, last)));
        }
        let before = usage();
        let start = now_ns();
        let mut working: Vec<ScopedJoinHandle<'_, Result<(), BenchError>>> = Vec::new();
        let mut listening = Vec::new();
        for (((mut link, topics, progress), mut writer), answers) in
            senders.into_iter().zip(writers).zip(&answers)
        {
            let (stop, ended) = (&stop_sending, &stop_reading);
            working.push(scope.spawn(move || match plan.rate {
                None => {
                    let chunk = Chunk::new(dialect, topics, &plan.payload, plan.chunk);
                    send::flood(&mut writer, &chunk, window, stop, progress)
                }
                Some(rate) => {
                    let mut messages: Vec<Vec<u8>> = topics
                        .iter()
                        .map(|topic| {
                            let mut message = Vec::new();
                            dialect.publish(topic, &plan.payload, &mut message);
                            message
                        })
                        .collect();
                    send::paced(&mut writer, &mut messages, rate, stop, progress)
                }
            }));
            let stream = link.stream.try_clone().map_err(BenchError::io("socket"));
            listening.push((
                stream,
                scope.spawn(move || send::listen(dialect, &mut link, answers, ended)),
            ));
        }

        let total = |of: fn(&Tally) -> &AtomicU64| -> u64 {
            tallies.iter().flatten().map(|tally| of(tally).load(Relaxed)).sum()
        };
        let so_far = |after: Option<Usage>| {
            let sent: u64 = progress.iter().map(|progress| progress.sent.load(Relaxed)).sum();
            let due: u64 = progress.iter().map(Progress::due).sum();
            let end = if due == 0 { now_ns() } else { last.load(Relaxed) };
            Outcome {
                sent,
                due,
                delivered: total(|tally| &tally.messages),
                announced_missing: total(|tally| &tally.missing),
                acknowledged: answers.iter().map(|tally| tally.acknowledged.load(Relaxed)).sum(),
                received_bytes: total(|tally| &tally.bytes),
                elapsed: Duration::from_nanos(end.saturating_sub(start)),
                usage: before.zip(after).map(|(before, after)| Usage {
                    cpu: after.cpu.saturating_sub(before.cpu),
                    ..after
                }),
                latency: receive::histogram(),
            }
        };
        let broken =
            |readers: &[ScopedJoinHandle<'_, _>]| readers.iter().any(|it| it.is_finished());

        // Sending.
        let until = Instant::now() + plan.duration;
        let mut next_look = Instant::now() + Duration::from_millis(250);
        while Instant::now() < until {
            thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
            if broken(&readers) || working.iter().any(|sender| sender.is_finished()) {
                break;
            }
            if let Some(watch) = plan.watch
                && Instant::now() >= next_look
            {
                watch(&so_far(usage()));
                next_look += Duration::from_millis(250);
            }
        }
        stop_sending.store(true, Relaxed);
        // What is under way arrives, or stops arriving.
        let mut seen = (total(|tally| &tally.messages), Instant::now());
        let outcome = loop {
            let now = so_far(None);
            let busy = working.iter().any(|sender| !sender.is_finished());
            if now.delivered > seen.0 {
                seen = (now.delivered, Instant::now());
            }
            let all_there = now.delivered + now.announced_missing >= now.due;
            let acknowledged = !dialect.acknowledges() || now.acknowledged >= now.sent;
            if (!busy && all_there && acknowledged)
                || seen.1.elapsed() > LOST_AFTER
                || broken(&readers)
            {
                break so_far(usage());
            }
            thread::sleep(Duration::from_millis(1));
        };
        stop_reading.store(true, Relaxed);
        // A sender whose server takes nothing any more waits in its write until now.
        let mut result = Ok(());
        for (stream, listener) in listening {
            match stream {
                Ok(stream) => drop(stream.shutdown(Shutdown::Both)),
                Err(error) => result = result.and(Err(error)),
            }
            result = result.and(join(listener));
        }
        let mut outcome = outcome;
        for reader in readers {
            match join(reader) {
                Ok(latency) => drop(outcome.latency.add(latency)),
                Err(error) => result = result.and(Err(error)),
            }
        }
        for sender in working {
            result = result.and(join(sender));
        }
        result.map(|()| outcome)
    })
}

/// Sends one message over new connections and compares what is delivered byte for byte.
///
/// # Errors
/// It cannot be sent, does not come, or comes in another form.
pub fn first_delivery(
    dialect: &dyn Dialect,
    addr: SocketAddr,
    topic: &str,
    payload: &Payload,
) -> Result<(), BenchError> {
    let topics = [topic.to_owned()];
    let expected = dialect.delivered(topic, payload);
    let (mut publisher, mut subscriber) = (Link::connect(addr)?, Link::connect(addr)?);
    dialect.open_subscriber(&mut subscriber, &topics)?;
    dialect.open_publisher(&mut publisher, &topics)?;
    let mut message = Vec::new();
    dialect.publish(topic, payload, &mut message);
    publisher.write(&message)?;
    let mut at = 0;
    let came = subscriber.read_until(|bytes| {
        loop {
            match dialect.next(&bytes[at..])? {
                Next::Control { len, .. } => at += len,
                Next::Messages { skip, .. } if bytes.len() >= at + skip + expected.len() => {
                    return Ok(Some((bytes.len(), bytes[at + skip..].to_vec())));
                }
                _ => return Ok(None),
            }
        }
    })?;
    if came != expected {
        let what = "another message than the one that was sent, or in another form";
        return Err(BenchError::Server(what.into()));
    }
    Ok(())
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
