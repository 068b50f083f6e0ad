//! Measures requests, which one client sends and another client answers. Both clients run on one
//! thread, so that little besides the server is measured. With a thread for each client, the system
//! would also switch between the two.

use crate::clock::now_ns;
use crate::dialect::{Dialect, Link};
use crate::error::BenchError;
use crate::intake::{Each, Intake, Length, Tally};
use crate::payload::Payload;
use crate::receive::histogram;
use crate::templates::{FieldOffsets, MessageTemplates};
use crate::usage::{Probe, Usage};
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// If no reply comes for this time at the end, the requests that are still open count as lost.
const LOST_AFTER: Duration = Duration::from_secs(10);
const TOPIC: &str = "bench.ask";
/// There are this many different ids, because an id has eight digits.
const IDS: u64 = 100_000_000;

/// Says what the two clients do.
#[derive(Clone)]
pub struct RequestPlan<'a> {
    /// The server speaks this protocol.
    pub dialect: &'a dyn Dialect,
    /// The server listens at this address.
    pub addr: SocketAddr,
    /// Requests and replies have this payload. Each client sends its messages in turn.
    pub payload: Payload,
    /// This many requests are open at a time.
    pub in_flight: u64,
    /// Requests are sent for this long.
    pub duration: Duration,
    /// This function returns the usage of the server so far.
    pub probe: Option<Probe<'a>>,
    /// This function is called several times a second with the number of replies so far and the
    /// time since the start.
    pub watch: Option<&'a (dyn Fn(u64, Duration) + Sync)>,
}

/// Holds the result of the measurement.
#[derive(Debug, Clone)]
pub struct RequestResult {
    /// The asking client sent this many requests.
    pub asked: u64,
    /// The asking client received this many replies.
    pub answered: u64,
    /// This time passed from the first request to the last reply.
    pub elapsed: Duration,
    /// Holds the usage of the server. The processor time is only that of the measurement, and the
    /// memory fields are totals of the process. It is `None` if the usage is unknown.
    pub usage: Option<Usage>,
    /// Holds the time from each request to its reply, in nanoseconds.
    pub latency: Histogram<u64>,
}

impl RequestResult {
    /// Returns how many requests were answered in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Returns the processor time of the server for each request, in microseconds. Returns `None` if
    /// the usage is unknown or no request was answered.
    #[must_use]
    pub fn cpu_us(&self) -> Option<f64> {
        let cpu = self.usage?.cpu.as_secs_f64();
        (self.answered > 0).then(|| 1e6 * cpu / self.answered as f64)
    }
}

/// Holds the connection of one of the two clients.
struct Endpoint<'a> {
    stream: TcpStream,
    unused: Vec<u8>,
    out: Vec<u8>,
    intake: Intake<'a>,
}

impl Endpoint<'_> {
    /// Writes as many bytes as the socket takes.
    fn flush(&mut self) -> Result<(), BenchError> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(wrote) => drop(self.out.drain(..wrote)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(BenchError::io("cannot write to the server")(error)),
            }
        }
        Ok(())
    }

    /// Reads the bytes that have arrived. `see` is called with each message, and with the buffer in
    /// which it can put bytes to send.
    fn read(
        &mut self,
        buffer: &mut [u8],
        mut see: impl FnMut(&[u8], &mut Vec<u8>),
    ) -> Result<(), BenchError> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(BenchError::Server("a connection was closed".into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(BenchError::io("cannot read from the server")(error)),
            };
            self.unused.extend_from_slice(&buffer[..read]);
            let (out, mut answers) = (&mut self.out, Vec::new());
            let mut each = |message: &[u8]| see(message, out);
            let used = self.intake.take(&self.unused, &mut Each::See(&mut each), &mut answers)?;
            self.out.extend_from_slice(&answers);
            self.unused.drain(..used);
            if read < buffer.len() {
                return Ok(());
            }
        }
    }
}

/// Runs the measurement and returns its result.
///
/// # Errors
/// Returns an error if the server cannot be reached, has no requests in its protocol, or sends
/// something that its protocol does not allow.
pub fn run(plan: &RequestPlan<'_>) -> Result<RequestResult, BenchError> {
    let (mut asking, mut answering) = (Link::connect(plan.addr)?, Link::connect(plan.addr)?);
    plan.dialect.open_subscriber(&mut answering, &[TOPIC.to_owned()])?;
    let messages = plan.payload.messages();
    let exchanges = plan.dialect.open_requester(&mut asking, TOPIC, messages)?;
    let delivered: (Vec<_>, Vec<_>) =
        exchanges.iter().map(|each| (&each.delivered_request, &each.delivered_reply)).unzip();
    let (incoming, answer) = (FieldOffsets::of(&delivered.0)?, FieldOffsets::of(&delivered.1)?);
    let lengths = (length(&delivered.0), length(&delivered.1));
    let (requests, replies) = exchanges.into_iter().map(|each| (each.request, each.reply)).unzip();
    let (mut request, mut reply) =
        (MessageTemplates::new(requests)?, MessageTemplates::new(replies)?);

    let failed = |source| BenchError::Io { what: "cannot set up a socket".into(), source };
    let mut poll = Poll::new().map_err(failed)?;
    let tallies = (Tally::default(), Tally::default());
    let side = |link: Link, token, length, tally| {
        link.stream.set_nonblocking(true).map_err(failed)?;
        let mut stream = TcpStream::from_std(link.stream);
        poll.registry().register(&mut stream, Token(token), Interest::READABLE).map_err(failed)?;
        let intake = Intake::new(plan.dialect, length, tally);
        Ok::<_, BenchError>(Endpoint { stream, unused: link.unused, out: Vec::new(), intake })
    };
    let mut asker = side(asking, 0, lengths.1, &tallies.1)?;
    let mut answerer = side(answering, 1, lengths.0, &tallies.0)?;

    let mut outcome = RequestResult {
        asked: 0,
        answered: 0,
        elapsed: Duration::ZERO,
        usage: None,
        latency: histogram(),
    };
    let mut buffer = vec![0; 64 << 10];
    let mut events = Events::with_capacity(8);
    let before = plan.probe.and_then(|probe| probe());
    let start = Instant::now();
    let (mut last, mut next_look) = (start, start + Duration::from_millis(250));
    loop {
        let now = Instant::now();
        if now < start + plan.duration {
            let stamp = now_ns().to_be_bytes();
            while outcome.asked - outcome.answered < plan.in_flight {
                request.append(digits(outcome.asked), stamp, &mut asker.out);
                outcome.asked += 1;
            }
        } else if outcome.asked == outcome.answered || now > last + LOST_AFTER {
            break;
        }
        if let Some(watch) = plan.watch
            && now >= next_look
        {
            watch(outcome.answered, now - start);
            next_look += Duration::from_millis(250);
        }
        asker.flush()?;
        answerer.flush()?;
        let unsent = !asker.out.is_empty() || !answerer.out.is_empty();
        let wait = Duration::from_millis(if unsent { 1 } else { 50 });
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(failed(error)),
            _ => {}
        }
        for event in &events {
            if event.token() == Token(1) {
                answerer.read(&mut buffer, |message, out| {
                    if let Some((id, stamp)) = incoming.read(message) {
                        reply.append(id, stamp, out);
                    }
                })?;
            } else {
                let now = now_ns();
                asker.read(&mut buffer, |message, _| {
                    if let Some((_, stamp)) = answer.read(message) {
                        let took = now.saturating_sub(u64::from_be_bytes(stamp));
                        outcome.latency.saturating_record(took);
                        outcome.answered += 1;
                    }
                })?;
                last = Instant::now();
            }
        }
    }
    outcome.elapsed = last - start;
    let after = plan.probe.and_then(|probe| probe());
    outcome.usage = before.zip(after).map(|(before, after)| after.since(before));
    Ok(outcome)
}

/// Returns how the lengths of `messages` are known when they arrive.
fn length(messages: &[&Vec<u8>]) -> Length<'static> {
    match messages {
        [first, rest @ ..] if rest.iter().all(|message| message.len() == first.len()) => {
            Length::Same(first.len())
        }
        _ => Length::Told,
    }
}

/// Returns a number as eight decimal digits. Of a larger number, only the last eight digits remain.
fn digits(number: u64) -> [u8; 8] {
    let mut rest = number % IDS;
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_eight_digits() {
        assert_eq!(&digits(0), b"00000000");
        assert_eq!(&digits(42), b"00000042");
        assert_eq!(&digits(IDS + 7), b"00000007");
    }
}
