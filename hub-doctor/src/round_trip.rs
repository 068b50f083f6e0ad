//! The layer *round trip*: how long an event takes to the hub and back, at several sizes, beside the
//! round trips of TCP and of PING. The difference is the hub's own part, so a slow hub can be told
//! from a slow path.
//!
//! The events go to the inbox of the doctor's own connection: nobody else can read it, no right is
//! needed, and nothing of it stays. The scrub checks them as it checks replies.

mod ping;
mod times;

pub use times::Times;

use crate::clock::Sample;
use crate::hub::now_ms;
use crate::layer::{Finding, Layer};
use crate::tcp::{Ended, Figures, bytes};
use crate::wire::{Incoming, Wire, WireError};
use hub_wire::{EventFrame, Frame, Overflow, Packer, RefusedWhat, Start, Subscribe};
use ping::Pings;
use serde::Serialize;
use std::time::{Duration, Instant};

/// One event may take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The events of one size may take this long together, beyond the last of them.
const TIME_BOX: Duration = Duration::from_millis(1000);
/// The payloads have these sizes in bytes, and so many events of each size are sent. The largest
/// frame follows.
const SIZES: [(usize, usize); 4] = [(16, 100), (1 << 10, 100), (16 << 10, 40), (128 << 10, 10)];
/// So many of the largest events are sent.
const LARGEST_COUNT: usize = 3;
/// A larger event than this is more than a busy client sends.
const LARGEST: usize = 8 << 20;
/// An EVENT frame has so many bytes around topic and text: array, type, and three heads.
const AROUND: usize = 16;
/// The subscription to the inbox has this id.
const SUBSCRIPTION: u64 = 2;
/// If the hub's own part of a median round trip is longer, the hub is slow.
const SLOW_MEDIAN_US: u64 = 50_000;
/// One pause may be chance, on a machine that was busy for a moment. So the doctor looks longer for a
/// second pause.
const LOOKS_LONGER: Duration = Duration::from_secs(3);
/// So many losses explain a pause: a segment that is lost twice in a row takes that long. One loss
/// alone does not.
const MANY_LOST: u32 = 2;

/// Says how long events took. Times are in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct RoundTripSeen {
    /// All events and PINGs took this long together, in milliseconds.
    pub took_ms: f64,
    /// TCP saw this shortest round trip.
    pub tcp_rtt_us: Option<u32>,
    /// TCP sent so many segments again, or got them out of order, while PINGs and the smallest
    /// events were under way. Losses explain delays.
    pub tcp_lost: u32,
    /// This process woke up so late from its pauses, at worst. On a busy machine, the doctor itself
    /// is delayed, and with it all that it measures.
    pub own_delay_us: u64,
    /// PING to PONG took this long, without any event.
    pub ping: Option<Times>,
    /// Each size has an entry.
    pub sizes: Vec<SizeSeen>,
    /// The events ended early for this reason.
    pub ended: Option<Ended>,
}

/// Says what happened to the events of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SizeSeen {
    /// The payload had so many bytes.
    pub payload_bytes: usize,
    /// The events took this long.
    pub times: Option<Times>,
    /// The scrub did this with the events.
    pub scrub: Scrub,
}

/// Says what the hub did with the payload of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Scrub {
    /// The payload came back as it was sent.
    Unchanged,
    /// The payload came back changed.
    Changed,
    /// The hub refused the event.
    Refused {
        /// The refusal has the code with this name.
        code: &'static str,
        /// This rule of the scrub refused, if a rule did.
        rule: Option<String>,
    },
}

impl RoundTripSeen {
    /// Returns how often the hub paused while it had a PING or a small event to answer.
    fn pauses(&self) -> usize {
        self.quick().map(|times| times.pauses).sum()
    }

    /// Returns the times of what a hub answers at once: it delays PING as it delays a small event.
    fn quick(&self) -> impl Iterator<Item = Times> {
        let small = self.sizes.first().and_then(|size| size.times);
        [small, self.ping].into_iter().flatten()
    }
}

/// Sends events to the inbox of this connection. `samples` gets the times of the hub.
pub(crate) fn look(
    wire: &mut Wire,
    inbox: &str,
    max_frame: u32,
    samples: &mut Vec<Sample>,
) -> (RoundTripSeen, Result<(), WireError>) {
    let start = Instant::now();
    let mut seen = RoundTripSeen::default();
    let outcome = all(wire, inbox, max_frame, &mut seen, samples);
    seen.ended = outcome.as_ref().err().map(Ended::from);
    seen.took_ms = start.elapsed().as_secs_f64() * 1000.0;
    (seen, outcome)
}

fn all(
    wire: &mut Wire,
    inbox: &str,
    max_frame: u32,
    seen: &mut RoundTripSeen,
    samples: &mut Vec<Sample>,
) -> Result<(), WireError> {
    let lost_before = lost_by_tcp(wire);
    let mut pings = Pings::default();
    pings.run(wire, TIME_BOX)?;
    (seen.ping, seen.own_delay_us) = (pings.times(), pings.own_delay_us);
    let subscribe = Subscribe {
        id: SUBSCRIPTION,
        filter: inbox.to_owned(),
        // Another policy for an inbox needs a right.
        overflow: Overflow::default(),
        group: None,
        start: Start::Live,
        positions: false,
        window: None,
        ack: None,
        observe: false,
        more: false,
        keep: false,
    };
    wire.send(&Frame::Subscribe(subscribe).to_bytes(), Instant::now() + PATIENCE)?;
    let largest = (max_frame as usize).saturating_sub(inbox.len() + AROUND).min(LARGEST);
    let sizes = SIZES.into_iter().filter(|(size, _)| *size < largest);
    for (size, count) in sizes.chain([(largest, LARGEST_COUNT)]) {
        let payload = payload(size);
        let mut times = Vec::new();
        let mut scrub = Scrub::Unchanged;
        let time_box = Instant::now() + TIME_BOX;
        while times.len() < count && (times.is_empty() || Instant::now() < time_box) {
            let (took, done) = event(wire, inbox, &payload, samples)?;
            times.push(took);
            scrub = done;
            if matches!(scrub, Scrub::Refused { .. }) {
                break;
            }
        }
        let payload_bytes = payload.len();
        seen.sizes.push(SizeSeen { payload_bytes, times: Times::of(times), scrub });
        if seen.sizes.len() == 1 {
            if seen.pauses() == 1 {
                pings.run(wire, LOOKS_LONGER)?;
                (seen.ping, seen.own_delay_us) = (pings.times(), pings.own_delay_us);
            }
            seen.tcp_lost = lost_by_tcp(wire).saturating_sub(lost_before);
        }
    }
    Ok(())
}

/// Returns how many segments TCP sent again or got out of order so far.
fn lost_by_tcp(wire: &Wire) -> u32 {
    Figures::of(wire.recorder().tcp()).map_or(0, |seen| seen.lost() + seen.out_of_order)
}

/// Returns a payload of this size: a text, because that is what the scrub reads.
fn payload(size: usize) -> Vec<u8> {
    // A longer text has a longer head in MessagePack.
    let head = match size {
        0..=32 => 1,
        33..=257 => 2,
        258..=65_538 => 3,
        _ => 5,
    };
    let text = "the doctor says hello ".bytes().cycle().take(size.saturating_sub(head)).collect();
    let mut packed = Vec::with_capacity(size);
    Packer(&mut packed).str(&String::from_utf8(text).unwrap_or_default());
    packed
}

/// Sends one event and waits for it, or for its refusal.
fn event(
    wire: &mut Wire,
    inbox: &str,
    payload: &[u8],
    samples: &mut Vec<Sample>,
) -> Result<(Duration, Scrub), WireError> {
    let frame = Frame::Event(EventFrame { topic: inbox, payload, headers: None }).to_bytes();
    let asked_ms = now_ms();
    let start = Instant::now();
    let deadline = start + PATIENCE;
    wire.send(&frame, deadline)?;
    let mut hub_ms = 0;
    loop {
        match wire.next(deadline)? {
            Incoming::Run(time_ms) => hub_ms = time_ms,
            Incoming::Event(got) => {
                let took = start.elapsed();
                let took_ms = took.as_secs_f64() * 1000.0;
                samples.push(Sample { asked_ms, took_ms, hub_ms });
                let same = got == payload;
                return Ok((took, if same { Scrub::Unchanged } else { Scrub::Changed }));
            }
            Incoming::Refused(refused) if refused.what == RefusedWhat::Event => {
                let (code, rule) = (refused.code.name(), refused.rule);
                return Ok((start.elapsed(), Scrub::Refused { code, rule }));
            }
            _ => {}
        }
    }
}

/// Returns what is wrong with the round trip.
pub(crate) fn judge(seen: &RoundTripSeen) -> Vec<Finding> {
    if let Some(ended) = seen.ended {
        return vec![lost(ended)];
    }
    let mut found = Vec::new();
    let smallest = seen.sizes.first();
    if let Some(SizeSeen { scrub: Scrub::Refused { code, rule }, .. }) = smallest {
        let by = rule.as_ref().map_or_else(String::new, |rule| format!(" by the rule {rule:?}"));
        found.push(Finding::warning(
            Layer::RoundTrip,
            "event_refused",
            format!("The hub refuses a short text sent as a reply: {code}{by}."),
            "Replies to requests are refused, too. Check the rule with `hub scrub explain`; for \
             `overloaded`, the hub is short of memory.",
        ));
    }
    found.extend(slow(seen));
    found
}

/// Returns the finding for an event that did not come back.
fn lost(ended: Ended) -> Finding {
    let what = match ended {
        Ended::Silent => "An event did not come back in time, although the hub answers PING",
        Ended::Closed => "The connection ended (FIN) while an event was on its way",
        Ended::Reset => "The connection was reset (RST) while an event was on its way",
        Ended::Garbled => "Bytes came back that are no frame of a hub",
    };
    Finding::fault(
        Layer::RoundTrip,
        "event_lost",
        format!("{what}."),
        "Look into the hub's log, and at `hub audit`, for what waits. If the hub has rates for \
         publishers (`publish_events_per_second`, `publish_bytes_per_second`), it may be reading \
         this client slowly on purpose.",
    )
}

/// Returns the finding for a hub that is slow itself.
fn slow(seen: &RoundTripSeen) -> Option<Finding> {
    let rtt = u64::from(seen.tcp_rtt_us?);
    let median = seen.quick().map(|times| times.median_us).max()?.saturating_sub(rtt);
    let longest = seen.quick().map(|times| times.max_us).max()?.saturating_sub(rtt);
    let excused = seen.tcp_lost >= MANY_LOST || seen.own_delay_us > longest / 2;
    let (code, part, which) = if median > SLOW_MEDIAN_US {
        ("slow_hub", median, "a small event usually")
    } else if seen.pauses() >= 2 && !excused {
        ("pauses", longest, "the slowest small event or PING")
    } else {
        return None;
    };
    Some(Finding::warning(
        Layer::RoundTrip,
        code,
        format!(
            "Beyond the {:.1} ms of the path, {which} took {:.0} ms: the hub itself, or a proxy in \
             front of it, is slow.",
            rtt as f64 / 1000.0,
            part as f64 / 1000.0
        ),
        "Check on the hub's machine that the process has processor time (`top`, and the throttling \
         of its control group) and is not stopped from time to time. A hub also reads slowly while \
         a subscriber with the policy `block` is full, while memory is short, and above the rates \
         for publishers; `hub audit` and `hub_limited_total` on /metrics show which.",
    ))
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &RoundTripSeen) -> Vec<String> {
    let ms = |us: u64| format!("{:.2}", us as f64 / 1000.0);
    let mut lines = Vec::new();
    let mut path = Vec::new();
    if let Some(rtt) = seen.tcp_rtt_us {
        path.push(format!("TCP {} ms", ms(rtt.into())));
    }
    if let Some(ping) = seen.ping {
        path.push(format!("PING {} ms (p99 {})", ms(ping.median_us), ms(ping.p99_us)));
    }
    let small = seen.sizes.first().and_then(|size| size.times);
    if let (Some(rtt), Some(small)) = (seen.tcp_rtt_us, small) {
        let own = small.median_us.saturating_sub(rtt.into());
        path.push(format!("the hub's own part of a small event {} ms", ms(own)));
    }
    if !path.is_empty() {
        lines.push(path.join(", "));
    }
    let sizes = seen.sizes.iter().filter_map(|size| {
        let times = size.times?;
        Some(format!(
            "{} {} ({})",
            bytes(size.payload_bytes as u64),
            ms(times.median_us),
            ms(times.p99_us)
        ))
    });
    let sizes: Vec<_> = sizes.collect();
    if !sizes.is_empty() {
        lines.push(format!("events, median (p99) in ms: {}", sizes.join(", ")));
        lines.push(scrubbed(&seen.sizes));
    }
    lines
}

/// Returns what the scrub did, for people.
fn scrubbed(sizes: &[SizeSeen]) -> String {
    let changed = sizes.iter().find(|size| size.scrub != Scrub::Unchanged);
    match changed.map(|size| (size.payload_bytes, &size.scrub)) {
        None => "no rule of the hub's scrub changed these events".to_owned(),
        Some((size, Scrub::Refused { code, rule })) => {
            let by = rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
            format!("the hub refused events of {} ({code}{by})", bytes(size as u64))
        }
        Some((size, _)) => format!("the hub's scrub changed events of {}", bytes(size as u64)),
    }
}

#[cfg(test)]
mod tests;
