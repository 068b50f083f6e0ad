//! Lists the scenarios of a comparison, and runs each of them once with one server. Every server runs a
//! scenario with equal settings, because otherwise the ratios would mean nothing.

use crate::measure::{Metric, Sample};
use crate::servers::{Kind, Programs, Server};
use hub_bench::dialect::{Hub, Redis};
use hub_bench::load::{self, Group, LoadPlan};
use hub_bench::{Dialect, Payload, idle, request, usage::Usage};
use hub_core::with_causes;
use std::time::{Duration, Instant};

/// Holds the settings that all scenarios share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// A run as fast as possible sends for this long.
    pub flood: Duration,
    /// A paced run sends for this long.
    pub paced: Duration,
    /// A publisher may be this many bytes ahead of its slowest subscriber.
    pub window: usize,
    /// A publisher writes about this many bytes at a time.
    pub chunk: usize,
}

/// Describes a scenario.
pub(crate) struct Scenario {
    /// The option `--scenario` and the CSV use this name.
    pub name: &'static str,
    /// The title says what the scenario does.
    pub title: &'static str,
    /// Only these servers can run the scenario.
    pub servers: &'static [Kind],
    work: Work,
}

enum Work {
    /// This many groups, with one publisher each, send to their subscribers.
    Load {
        payload: &'static str,
        groups: usize,
        topics: usize,
        subscribers: usize,
        rate: Rate,
    },
    /// One publisher sends to one subscriber, and the server acknowledges every message.
    Receipts,
    Request {
        in_flight: u64,
    },
    Idle {
        connections: usize,
    },
    Start,
}

enum Rate {
    Flood,
    Paced(f64),
}

const ALL: &[Kind] = &Kind::ALL;
const NO_RELAY: &[Kind] = &[Kind::Hub, Kind::Before, Kind::Nats, Kind::Redis];

const fn flood(
    name: &'static str,
    title: &'static str,
    payload: &'static str,
    subscribers: usize,
) -> Scenario {
    let work = Work::Load { payload, groups: 1, topics: 1, subscribers, rate: Rate::Flood };
    Scenario { name, title, servers: ALL, work }
}

const fn paced(name: &'static str, title: &'static str, rate: f64, subscribers: usize) -> Scenario {
    let (payload, rate) = ("bin:128", Rate::Paced(rate));
    let work = Work::Load { payload, groups: 1, topics: 1, subscribers, rate };
    Scenario { name, title, servers: ALL, work }
}

const fn groups(
    name: &'static str,
    title: &'static str,
    topics: usize,
    servers: &'static [Kind],
) -> Scenario {
    let work =
        Work::Load { payload: "bin:128", groups: 4, topics, subscribers: 1, rate: Rate::Flood };
    Scenario { name, title, servers, work }
}

/// Lists all scenarios in the order in which they run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    flood("bin16", "1→1, 16 B", "bin:16", 1),
    flood("bin128", "1→1, 128 B", "bin:128", 1),
    flood("map128", "1→1, map of 128 B", "map:128", 1),
    flood("map1k", "1→1, map of 1 KB", "map:1024", 1),
    flood("dense300", "1→1, dense map of 300 B", "dense:300", 1),
    flood("dense3k", "1→1, dense map of 3 KB", "dense:3200", 1),
    flood("bin16k", "1→1, 16 KB", "bin:16384", 1),
    flood("fan10", "1→10, 128 B", "bin:128", 10),
    flood("fan100", "1→100, 128 B", "bin:128", 100),
    groups("four", "4→4 on 4 topics, 128 B", 1, ALL),
    groups("interleaved", "4→4, each publisher on 16 topics in turn, 128 B", 16, NO_RELAY),
    paced("paced1k", "1→1, 1,000 a second, 128 B", 1e3, 1),
    paced("paced20k", "1→1, 20,000 a second, 128 B", 2e4, 1),
    paced("paced50", "1→50, 1,000 a second, 128 B", 1e3, 50),
    Scenario {
        name: "receipts",
        title: "1→1, 128 B, every message acknowledged",
        servers: &[Kind::Hub, Kind::Before, Kind::Redis],
        work: Work::Receipts,
    },
    Scenario {
        name: "request1",
        title: "request and reply, 1 in flight",
        servers: &[Kind::Hub, Kind::Before, Kind::Nats],
        work: Work::Request { in_flight: 1 },
    },
    Scenario {
        name: "request64",
        title: "request and reply, 64 in flight",
        servers: &[Kind::Hub, Kind::Before, Kind::Nats],
        work: Work::Request { in_flight: 64 },
    },
    Scenario {
        name: "idle",
        title: "10,000 idle connections, one subscription each",
        servers: NO_RELAY,
        work: Work::Idle { connections: 10_000 },
    },
    Scenario {
        name: "start",
        title: "from start to first delivery",
        servers: NO_RELAY,
        work: Work::Start,
    },
];

impl Scenario {
    /// Runs the scenario once with a new server of this kind.
    pub(crate) fn run(
        &self,
        kind: Kind,
        programs: &Programs,
        settings: &Settings,
    ) -> Result<Sample, String> {
        let told = |error: hub_bench::BenchError| {
            format!("{} with {}: {}", self.name, kind.name(), with_causes(&error))
        };
        if let Work::Start = self.work {
            return start(kind, programs).map_err(told_start(self.name));
        }
        let server = Server::start(kind, programs)?;
        let probe = || server.usage();
        let dialect = kind.dialect();
        match self.work {
            Work::Load { payload, groups, topics, subscribers, ref rate } => {
                let (rate, duration) = match rate {
                    Rate::Flood => (None, settings.flood),
                    Rate::Paced(rate) => (Some(*rate), settings.paced),
                };
                let groups = (0..groups).map(|group| Group {
                    topics: (0..topics)
                        .map(|topic| format!("bench.{group:02}.{topic:02}"))
                        .collect(),
                    publishers: 1,
                    subscribers,
                });
                let plan = LoadPlan {
                    groups: groups.collect(),
                    rate,
                    duration,
                    ..plan(dialect, &server, payload, &probe, settings).map_err(told)?
                };
                load::run(&plan).map(|outcome| sample(&outcome, plan.rate)).map_err(told)
            }
            Work::Receipts => {
                let dialect: &dyn Dialect = match kind {
                    Kind::Redis => &Redis { replies: true },
                    _ => &Hub { receipts: true, overflow: hub_wire::Overflow::Block },
                };
                let plan = LoadPlan {
                    duration: settings.flood,
                    ..plan(dialect, &server, "bin:128", &probe, settings).map_err(told)?
                };
                load::run(&plan).map(|outcome| sample(&outcome, None)).map_err(told)
            }
            Work::Request { in_flight } => {
                let plan = request::RequestPlan {
                    dialect,
                    addr: server.addr,
                    payload: Payload::bin(128),
                    in_flight,
                    duration: settings.flood,
                    probe: Some(&probe),
                    watch: None,
                };
                let outcome = request::run(&plan).map_err(told)?;
                let mut sample = latency(&outcome.latency);
                sample.insert(Metric::Rate, outcome.rate());
                sample.extend(outcome.cpu_us().map(|cpu| (Metric::Cpu, cpu)));
                sample
                    .insert(Metric::Lost, percent(outcome.asked - outcome.answered, outcome.asked));
                Ok(sample)
            }
            Work::Idle { connections } => {
                let outcome =
                    idle::run(dialect, server.addr, connections, &probe, |_| {}).map_err(told)?;
                let each = outcome.bytes_each().ok_or("the server's memory is not known")?;
                Ok(Sample::from([(Metric::PerConnection, each / 1024.0)]))
            }
            Work::Start => Err("handled above".into()),
        }
    }
}

fn told_start(name: &'static str) -> impl Fn(String) -> String {
    move |error| format!("{name}: {error}")
}

fn plan<'a>(
    dialect: &'a dyn Dialect,
    server: &Server,
    payload: &str,
    probe: &'a (dyn Fn() -> Option<Usage> + Sync),
    settings: &Settings,
) -> Result<LoadPlan<'a>, hub_bench::BenchError> {
    let payload = payload.parse().map_err(|error: hub_bench::payload::PayloadError| {
        hub_bench::BenchError::Plan(error.to_string())
    })?;
    let group = Group { topics: vec!["bench.00.00".into()], publishers: 1, subscribers: 1 };
    Ok(LoadPlan {
        dialect,
        addr: server.addr,
        groups: vec![group],
        payload,
        rate: None,
        duration: Duration::ZERO,
        window: settings.window,
        chunk: settings.chunk,
        readers: 1,
        probe: Some(probe),
        watch: None,
    })
}

fn sample(outcome: &load::LoadResult, paced: Option<f64>) -> Sample {
    let mut sample = latency(&outcome.latency);
    // The generator sets the rate of a paced run, so that rate says nothing about the server.
    if paced.is_none() {
        sample.insert(Metric::Rate, outcome.rate());
    }
    sample.extend(outcome.cpu_us().map(|cpu| (Metric::Cpu, cpu)));
    let peak = outcome.usage.map(|usage| usage.peak as f64 / f64::from(1 << 20));
    sample.extend(peak.map(|peak| (Metric::Peak, peak)));
    sample.insert(Metric::Lost, percent(outcome.lost(), outcome.due));
    sample
}

fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * part as f64 / of as f64 }
}

fn latency(histogram: &hub_bench::Histogram<u64>) -> Sample {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    if histogram.is_empty() {
        return Sample::new();
    }
    Sample::from([(Metric::P50, at(0.5)), (Metric::P99, at(0.99)), (Metric::P999, at(0.999))])
}

/// Starts a server, and tries until it has delivered one message. Returns the time that this took.
fn start(kind: Kind, programs: &Programs) -> Result<Sample, String> {
    let began = Instant::now();
    let server = Server::spawn(kind, programs)?;
    let payload = Payload::bin(16);
    loop {
        match hub_bench::first_delivery(kind.dialect(), server.addr, "bench.00", payload.first()) {
            Ok(()) => break,
            Err(error) if began.elapsed() > Duration::from_secs(10) => {
                return Err(error.to_string());
            }
            Err(_) => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    Ok(Sample::from([(Metric::Start, 1e3 * began.elapsed().as_secs_f64())]))
}
