//! The layer *clock*: by how much the hub's clock differs from this machine's. A difference shows
//! elsewhere as a JWT or a certificate that is refused, and as times of events in the future.
//!
//! The hub states its time in WELCOME and in front of each event. It read its clock at some moment
//! between the question and the answer, so half of the round trip is the uncertainty.

use crate::layer::{Finding, Layer};
use serde::Serialize;

/// Nobody notices a smaller difference.
const SMALL_MS: f64 = 2_000.0;
/// A larger difference breaks something: a hub allows JWTs so much unless configured.
const LARGE_MS: f64 = 30_000.0;
/// The hub states whole milliseconds.
const RESOLUTION_MS: f64 = 1.0;

/// States the difference between the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClockSeen {
    /// The hub's clock is ahead by so many milliseconds. The number is negative if the clock is
    /// behind.
    pub ahead_ms: f64,
    /// The difference may be wrong by so many milliseconds.
    pub uncertainty_ms: f64,
    /// So many times of the hub were compared.
    pub samples: u32,
}

/// Holds one time of the hub, and the clock of this machine around it. All are in milliseconds
/// since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) asked_ms: f64,
    pub(crate) took_ms: f64,
    pub(crate) hub_ms: u64,
}

/// Returns the difference that the best sample shows: the one with the shortest round trip.
pub(crate) fn look(samples: &[Sample]) -> Option<ClockSeen> {
    let best = samples.iter().min_by(|a, b| a.took_ms.total_cmp(&b.took_ms))?;
    let middle = best.asked_ms + best.took_ms / 2.0;
    Some(ClockSeen {
        // The hub cuts its time to whole milliseconds, half of one on average.
        ahead_ms: best.hub_ms as f64 + RESOLUTION_MS / 2.0 - middle,
        uncertainty_ms: best.took_ms / 2.0 + RESOLUTION_MS / 2.0,
        samples: samples.len().try_into().unwrap_or(u32::MAX),
    })
}

/// Returns what is wrong with the clocks.
pub(crate) fn judge(seen: &ClockSeen) -> Vec<Finding> {
    let surely = seen.ahead_ms.abs() - seen.uncertainty_ms;
    if surely < SMALL_MS {
        return Vec::new();
    }
    let way = if seen.ahead_ms > 0.0 { "ahead of" } else { "behind" };
    let what = format!(
        "The hub's clock is {} {way} the clock of this machine (± {:.0} ms).",
        duration(seen.ahead_ms.abs()),
        seen.uncertainty_ms
    );
    let remedy = "Find out which of the two clocks is wrong (`timedatectl` on both machines), and \
                  let NTP set it. JWTs and certificates are refused by a wrong clock, and the times \
                  of events are wrong.";
    let make = if surely < LARGE_MS { Finding::warning } else { Finding::fault };
    vec![make(Layer::Clock, "clocks_differ", what, remedy)]
}

/// Returns a duration for people.
fn duration(ms: f64) -> String {
    match ms / 1000.0 {
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7200.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds => format!("{:.1} hours", seconds / 3600.0),
    }
}

/// Returns the lines for people.
pub(crate) fn lines(seen: &ClockSeen) -> Vec<String> {
    let way = if seen.ahead_ms > 0.0 { "ahead of" } else { "behind" };
    let by = match seen.ahead_ms.abs() {
        ms if ms < 1000.0 => format!("{ms:.1} ms"),
        ms => duration(ms),
    };
    vec![format!(
        "the hub's clock is {by} {way} the clock of this machine, ± {:.1} ms",
        seen.uncertainty_ms
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ahead_ms: f64, uncertainty_ms: f64) -> Option<(&'static str, bool)> {
        let seen = ClockSeen { ahead_ms, uncertainty_ms, samples: 1 };
        let found = judge(&seen);
        found.first().map(|f| (f.code, f.severity == crate::layer::Severity::Fault))
    }

    #[test]
    fn only_a_sure_difference_counts() {
        assert_eq!(code(1_900.0, 1.0), None);
        assert_eq!(code(5_000.0, 4_000.0), None, "it may be one second only");
        assert_eq!(code(-5_000.0, 10.0), Some(("clocks_differ", false)));
        assert_eq!(code(3_600_000.0, 10.0), Some(("clocks_differ", true)));
    }

    #[test]
    fn the_sample_with_the_shortest_round_trip_counts() {
        let sample = |took_ms, hub_ms| Sample { asked_ms: 1000.0, took_ms, hub_ms };
        let seen = look(&[sample(100.0, 9000), sample(2.0, 1100)]).unwrap();
        assert_eq!((seen.ahead_ms, seen.uncertainty_ms, seen.samples), (99.5, 1.5, 2));
        assert_eq!(look(&[]), None);
    }
}
