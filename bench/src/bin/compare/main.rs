//! `hub-compare` runs each scenario with hub, nats-server, redis-server and a byte relay in turns, and
//! writes a report of how they compare. `bench/compare.sh` builds the programs and calls it.

mod machine;
mod measure;
mod plot;
mod report;
mod scenario;
mod servers;

use clap::Parser;
use measure::{Metric, Rounds, short};
use scenario::{SCENARIOS, Scenario, Settings};
use servers::{Kind, Programs};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Compares hub with other servers on this machine, over loopback.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The binary of the hub.
    #[arg(long)]
    hub: PathBuf,
    /// The binary of another build of the hub, for example of the version before a change. Without it,
    /// the comparison leaves this build out.
    #[arg(long)]
    before: Option<PathBuf>,
    /// The binary of the byte relay.
    #[arg(long)]
    relay: PathBuf,
    /// The binary of nats-server. Without it, the comparison leaves nats-server out.
    #[arg(long)]
    nats: Option<PathBuf>,
    /// The binary of redis-server. Without it, the comparison leaves redis-server out.
    #[arg(long)]
    redis: Option<PathBuf>,
    /// The folder for the table, the figures and the plots.
    #[arg(long)]
    out: PathBuf,
    /// The day that the report states.
    #[arg(long)]
    date: String,
    /// The state of the source that the report states.
    #[arg(long)]
    commit: String,
    /// Run only this scenario. The option can be repeated.
    #[arg(long)]
    scenario: Vec<String>,
    /// How many rounds the comparison has.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How many seconds each run that goes as fast as possible sends.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many seconds each paced run sends.
    #[arg(long, default_value_t = 5.0)]
    paced_seconds: f64,
    /// How many MiB, as a subscriber gets them, a publisher may be ahead of its slowest subscriber.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    window_mib: u16,
    /// How many KiB a publisher writes at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    chunk_kib: u16,
    /// Run two short rounds, which show that the comparison works. Their figures mean nothing.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    // A closed stderr is no reason to fail.
    let _ = writeln!(io::stderr(), "{text}");
}

fn run(options: Options) -> Result<(), String> {
    let scenarios = chosen(&options.scenario)?;
    let (rounds, flood, paced) = if options.quick {
        (2, 0.4, 1.0)
    } else {
        (options.rounds, options.seconds, options.paced_seconds)
    };
    let seconds = |seconds: f64| {
        Duration::try_from_secs_f64(seconds).map_err(|_| format!("{seconds} seconds is no time"))
    };
    let settings = Settings {
        flood: seconds(flood)?,
        paced: seconds(paced)?,
        window: usize::from(options.window_mib) << 20,
        chunk: usize::from(options.chunk_kib) << 10,
    };
    servers::end_with_us().map_err(|error| error.to_string())?;
    let programs = Programs {
        hub: options.hub,
        before: options.before,
        nats: options.nats,
        redis: options.redis,
        relay: options.relay,
    };
    let mut report = report::Report {
        date: options.date,
        commit: options.commit,
        rounds,
        settings,
        quick: options.quick,
        load: machine::load(),
        machine: machine::facts(),
        versions: Vec::new(),
        results: Vec::new(),
    };
    for kind in Kind::ALL {
        if programs.path(kind).is_some() {
            report.versions.push((kind, programs.version(kind)?));
        }
    }
    for scenario in scenarios {
        say(&format!("{}: {}", scenario.name, scenario.title));
        let mut all = Rounds::default();
        for round in 1..=rounds {
            for kind in scenario.servers {
                if programs.path(*kind).is_none() {
                    continue;
                }
                let sample = scenario.run(*kind, &programs, &settings)?;
                let figures: Vec<String> = Metric::ALL
                    .iter()
                    .filter_map(|metric| {
                        let value = sample.get(metric)?;
                        Some(format!("{} {}", short(*value), metric.title()))
                    })
                    .collect();
                say(&format!("  {round}/{rounds} {:6} {}", kind.name(), figures.join(", ")));
                all.samples.entry(*kind).or_default().push(sample);
            }
        }
        report.results.push((scenario, all));
        // The report is written after each scenario, so that a comparison that is stopped leaves a
        // report of the scenarios that are done.
        report
            .write(&options.out)
            .map_err(|error| format!("{}: {error}", options.out.display()))?;
    }
    say(&format!("written to {}", options.out.display()));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Scenario>, String> {
    if names.is_empty() {
        return Ok(SCENARIOS.iter().collect());
    }
    let find = |name: &String| {
        SCENARIOS.iter().find(|scenario| scenario.name == name).ok_or_else(|| {
            let known: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            format!("no scenario {name}; there are: {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}
