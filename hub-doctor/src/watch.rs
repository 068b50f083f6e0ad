//! What changed between two examinations. A fault that comes and goes shows only to somebody who
//! looks again and again, and nobody compares two screens by eye.

use crate::layer::{Layer, Verdict};
use crate::report::Report;

/// A time or a rate has changed when it is so many times larger or smaller.
const FACTOR: f64 = 2.0;
/// Smaller changes than this are noise, in milliseconds.
const NOISE_MS: f64 = 5.0;

/// Returns the changes from one report to the next, one line each.
#[must_use]
pub fn changes(before: &Report, after: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for layer in Layer::ALL {
        let title = layer.title();
        for gone in before.of_layer(layer) {
            if !after.of_layer(layer).any(|finding| finding.code == gone.code) {
                lines.push(format!("{title}: gone: {}", gone.what));
            }
        }
        for new in after.of_layer(layer) {
            if !before.of_layer(layer).any(|finding| finding.code == new.code) {
                lines.push(format!("{title}: new: {} {}", new.what, new.remedy));
            }
        }
        let verdicts = (before.verdict(layer), after.verdict(layer));
        if verdicts.0 != verdicts.1 && !has_findings(before, after, layer) {
            lines.push(format!("{title}: {} -> {}", word(verdicts.0), word(verdicts.1)));
        }
    }
    lines.extend(facts(before, after));
    lines.extend(figures(before, after));
    lines
}

/// Returns whether the findings of a layer tell why its verdict changed.
fn has_findings(before: &Report, after: &Report, layer: Layer) -> bool {
    before.of_layer(layer).next().is_some() || after.of_layer(layer).next().is_some()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Fault => "fault",
        Verdict::NotUsed => "not used",
        Verdict::NotReached => "not reached",
    }
}

/// Returns the changes of what is not a number.
fn facts(before: &Report, after: &Report) -> Vec<String> {
    let run = |report: &Report| match &report.seen.hub.as_ref()?.answer {
        crate::hub::Answer::Welcome(welcome) => Some(welcome.hub.clone()),
        _ => None,
    };
    let address = |report: &Report| report.seen.tcp.as_ref().map(|tcp| tcp.address);
    let mut lines = Vec::new();
    if let (Some(old), Some(new)) = (run(before), run(after))
        && old != new
    {
        lines.push("hub: it was restarted, or another hub answers".to_owned());
    }
    if let (Some(old), Some(new)) = (address(before), address(after))
        && old != new
    {
        lines.push(format!("name: {new} answers instead of {old}"));
    }
    lines
}

/// Returns the changes of the most telling figures.
fn figures(before: &Report, after: &Report) -> Vec<String> {
    let handshake = |report: &Report| report.seen.tcp.as_ref().map(|tcp| tcp.handshake_ms);
    let rtt = |report: &Report| {
        let figures = report.seen.tcp.as_ref()?.latest()?;
        Some(f64::from(figures.rtt_us) / 1000.0)
    };
    let welcome = |report: &Report| report.seen.hub.as_ref().map(|hub| hub.took_ms);
    let trip = |report: &Report, pick: fn(&crate::round_trip::Times) -> u64| {
        let times = report.seen.round_trip.as_ref()?.sizes.first()?.times?;
        Some(pick(&times) as f64 / 1000.0)
    };
    let median = |report: &Report| trip(report, |times| times.median_us);
    let tail = |report: &Report| trip(report, |times| times.p99_us);
    let all: [(&str, Option<f64>, Option<f64>); 5] = [
        ("TCP: handshake", handshake(before), handshake(after)),
        ("TCP: RTT", rtt(before), rtt(after)),
        ("hub: WELCOME", welcome(before), welcome(after)),
        ("round trip: median", median(before), median(after)),
        ("round trip: p99", tail(before), tail(after)),
    ];
    let changed = all.into_iter().filter_map(|(what, old, new)| {
        let (old, new) = (old?, new?);
        let factor = new.max(old) / new.min(old).max(f64::EPSILON);
        let large = (new - old).abs() > NOISE_MS && factor >= FACTOR;
        large.then(|| format!("{what}: {old:.1} ms -> {new:.1} ms"))
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Seen;
    use crate::route::{Outcome, PathSeen, RouteSeen};

    fn report(outcome: Outcome) -> Report {
        let path = PathSeen::new("10.0.0.1:4820".parse().unwrap(), outcome);
        let route = Some(RouteSeen { paths: vec![path] });
        Report::of(Seen { url: "hub://10.0.0.1:4820".into(), route, ..Seen::default() })
    }

    #[test]
    fn only_what_changes_is_said() {
        let (refused, swallowed) = (report(Outcome::Refused), report(Outcome::Swallowed));
        assert!(changes(&refused, &refused).is_empty());
        let lines = changes(&refused, &swallowed);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("route: new: Nothing came back"), "{lines:?}");
        assert!(lines[1].starts_with("TCP: gone: 10.0.0.1:4820 refuses"), "{lines:?}");
    }

    #[test]
    fn figures_change_by_a_factor() {
        let timed = |handshake_ms| {
            let mut report = report(Outcome::Connected);
            report.seen.tcp = Some(crate::tcp::TcpSeen {
                address: "10.0.0.1:4820".parse().unwrap(),
                handshake_ms,
                at_start: None,
                load: None,
                at_end: None,
            });
            report
        };
        assert!(changes(&timed(1.0), &timed(4.0)).is_empty(), "noise");
        assert_eq!(changes(&timed(1.0), &timed(20.0)), ["TCP: handshake: 1.0 ms -> 20.0 ms"]);
    }
}
