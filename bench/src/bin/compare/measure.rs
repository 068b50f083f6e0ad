//! Defines the quantities of a comparison, and makes medians, spreads and ratios of the rounds. Without
//! ratios within a round, the other load of the machine would decide the comparison.

use crate::servers::Kind;
use std::collections::BTreeMap;

/// Names a quantity that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    /// The server used this much processor time for each delivery or request, in microseconds.
    Cpu,
    /// The server handled this many deliveries or requests in a second.
    Rate,
    /// Half of the latencies are at most this value, in microseconds. For the next two metrics, 99 %
    /// and 99.9 % of the latencies are at most the value.
    P50,
    P99,
    P999,
    /// The server had at most this much resident memory, in MiB.
    Peak,
    /// Each idle connection added this much resident memory, in KiB.
    PerConnection,
    /// This time passed from the start of the process to the first delivery, in milliseconds.
    Start,
    /// This percentage of the due deliveries or of the requests got lost.
    Lost,
}

impl Metric {
    pub(crate) const ALL: [Metric; 9] = [
        Metric::Cpu,
        Metric::Rate,
        Metric::P50,
        Metric::P99,
        Metric::P999,
        Metric::Peak,
        Metric::PerConnection,
        Metric::Start,
        Metric::Lost,
    ];

    /// Returns the name of the metric in file names and in the CSV.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Metric::Cpu => "cpu_us",
            Metric::Rate => "per_second",
            Metric::P50 => "p50_us",
            Metric::P99 => "p99_us",
            Metric::P999 => "p999_us",
            Metric::Peak => "peak_mib",
            Metric::PerConnection => "connection_kib",
            Metric::Start => "start_ms",
            Metric::Lost => "lost_percent",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Metric::Cpu => "CPU µs each",
            Metric::Rate => "a second",
            Metric::P50 => "p50 µs",
            Metric::P99 => "p99 µs",
            Metric::P999 => "p99.9 µs",
            Metric::Peak => "peak MiB",
            Metric::PerConnection => "KiB a connection",
            Metric::Start => "ms to the first delivery",
            Metric::Lost => "lost %",
        }
    }

    /// Returns how many times better `hub` is than `other`. If the ratio is above 1, the hub is better.
    fn better(self, hub: f64, other: f64) -> Option<f64> {
        let ratio = if self == Metric::Rate { hub / other } else { other / hub };
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }
}

/// Holds the figures of one run of a scenario with one server.
pub(crate) type Sample = BTreeMap<Metric, f64>;

/// Holds a median with the smallest and the largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Spread { median, min, max })
    }
}

/// Holds all rounds of one scenario, with a sample for each server and round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds {
    pub samples: BTreeMap<Kind, Vec<Sample>>,
}

impl Rounds {
    pub(crate) fn spread(&self, kind: Kind, metric: Metric) -> Option<Spread> {
        let samples = self.samples.get(&kind)?;
        Spread::of(samples.iter().filter_map(|sample| sample.get(&metric).copied()))
    }

    /// Returns how many times better the hub is than `other`. Each round gives one ratio of two
    /// runs that came soon after one another, so other load on the machine matters little.
    pub(crate) fn ratio(&self, other: Kind, metric: Metric) -> Option<Spread> {
        let (hub, other) = (self.samples.get(&Kind::Hub)?, self.samples.get(&other)?);
        Spread::of(
            hub.iter()
                .zip(other)
                .filter_map(|(hub, other)| metric.better(*hub.get(&metric)?, *other.get(&metric)?)),
        )
    }
}

/// Writes a number with three significant digits.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size >= 1e6 {
        format!("{} M", short(value / 1e6))
    } else if size >= 1e4 {
        format!("{} k", short(value / 1e3))
    } else {
        let digits = 2 - size.log10().floor() as i32;
        format!("{value:.*}", digits.clamp(0, 4) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ends() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).map(|it| it.median), Some(2.5));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn ratios_are_made_round_by_round_and_above_one_is_better() {
        let sample = |cpu, rate| Sample::from([(Metric::Cpu, cpu), (Metric::Rate, rate)]);
        let mut rounds = Rounds::default();
        rounds.samples.insert(Kind::Hub, vec![sample(1.0, 10.0), sample(2.0, 5.0)]);
        rounds.samples.insert(Kind::Nats, vec![sample(4.0, 2.0), sample(10.0, 1.0)]);
        let cpu = rounds.ratio(Kind::Nats, Metric::Cpu).unwrap();
        assert_eq!((cpu.min, cpu.max), (4.0, 5.0));
        let rate = rounds.ratio(Kind::Nats, Metric::Rate).unwrap();
        assert_eq!((rate.min, rate.max), (5.0, 5.0));
        assert_eq!(rounds.ratio(Kind::Redis, Metric::Cpu), None);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.0571, "0.0571"),
            (1.234, "1.23"),
            (45.67, "45.7"),
            (123.4, "123"),
            (1234.0, "1234"),
            (45_678.0, "45.7 k"),
            (12_345_678.0, "12.3 M"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
