//! Writes the report of a comparison: a page in Markdown, all figures as CSV, and the plots. Without the
//! CSV, nobody could check a median.

use crate::measure::{Metric, Rounds, Spread, short};
use crate::plot;
use crate::scenario::{Scenario, Settings};
use crate::servers::{Kind, Programs};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

pub(crate) struct Report {
    pub date: String,
    pub commit: String,
    pub rounds: u16,
    pub settings: Settings,
    pub quick: bool,
    /// Holds the load of the system in the minute before the comparison began.
    pub load: f64,
    pub machine: Vec<(&'static str, String)>,
    pub versions: Vec<(Kind, String)>,
    pub results: Vec<(&'static Scenario, Rounds)>,
}

/// If the load of other programs is above this value, the report has a warning.
const BUSY: f64 = 0.5;

/// Lists the metrics whose ratios have a table and a plot.
const RATIOS: &[(Metric, &str)] = &[
    (Metric::Cpu, "Processor time of the server"),
    (Metric::Rate, "Rate"),
    (Metric::P50, "Latency, median"),
    (Metric::P99, "Latency, 99th percentile"),
    (Metric::Peak, "Peak memory of the server"),
    (Metric::PerConnection, "Memory of an idle connection"),
    (Metric::Start, "From start to first delivery"),
];

impl Report {
    /// Writes `README.md`, `results.csv` and the plots into the folder `out`.
    pub(crate) fn write(&self, out: &Path) -> io::Result<()> {
        fs::create_dir_all(out)?;
        let mut plots = Vec::new();
        for (metric, title) in RATIOS {
            let rows = self.ratios(*metric);
            if rows.is_empty() {
                continue;
            }
            let name = format!("{}.svg", metric.key());
            let drawn = plot::ratios(&out.join(&name), title, &rows);
            drawn.map_err(|error| io::Error::other(error.to_string()))?;
            plots.push((*title, name));
        }
        fs::write(out.join("results.csv"), self.csv())?;
        fs::write(out.join("README.md"), self.page(&plots))
    }

    fn others(&self) -> impl Iterator<Item = Kind> {
        self.versions.iter().map(|(kind, _)| *kind).filter(|kind| *kind != Kind::Hub)
    }

    fn ratios(&self, metric: Metric) -> Vec<plot::PlotRow> {
        let mut rows = Vec::new();
        for (scenario, rounds) in &self.results {
            for other in self.others() {
                if let Some(spread) = rounds.ratio(other, metric) {
                    rows.push(plot::PlotRow { scenario: scenario.title, other, spread });
                }
            }
        }
        rows
    }

    fn csv(&self) -> String {
        let mut text = String::from("scenario,server,round,metric,value\n");
        for (scenario, rounds) in &self.results {
            for (kind, samples) in &rounds.samples {
                for (round, sample) in samples.iter().enumerate() {
                    for (metric, value) in sample {
                        let (server, key) = (kind.name(), metric.key());
                        line(
                            &mut text,
                            format_args!("{},{server},{},{key},{value}", scenario.name, round + 1),
                        );
                    }
                }
            }
        }
        text
    }

    fn page(&self, plots: &[(&str, String)]) -> String {
        let mut page = String::new();
        let mut add = |text: std::fmt::Arguments<'_>| line(&mut page, text);
        add(format_args!("# Hub compared, {}\n", self.date));
        if self.quick {
            add(format_args!(
                "**A quick run, to see that it works. Do not believe its figures.**\n"
            ));
        }
        if self.load > BUSY {
            add(format_args!(
                "**Other programs were running (load {} before the first run): trust the processor \
                 time and the ratios more than rates and latencies.**\n",
                self.load
            ));
        }
        add(format_args!("| | |\n|---|---|"));
        for (name, value) in &self.machine {
            add(format_args!("| {name} | {value} |"));
        }
        add(format_args!("| source | {} |", self.commit));
        for (kind, version) in &self.versions {
            let arguments = Programs::arguments(*kind);
            let started =
                if arguments.is_empty() { String::new() } else { format!(", `{arguments}`") };
            add(format_args!("| {} | {version}{started} |", kind.name()));
        }
        add(format_args!(
            "\nEach run has a server of its own, and the servers take turns in each of {} rounds. \
             Floods last {:?}, paced runs {:?}. A publisher writes {} KiB at a time and is at most \
             {} MiB ahead of its slowest subscriber. Shown is the median over the rounds (least to \
             greatest). How it is measured, and what is fair about it: \
             [bench/README.md](../../../bench/README.md).",
            self.rounds,
            self.settings.flood,
            self.settings.paced,
            self.settings.chunk >> 10,
            self.settings.window >> 20,
        ));
        add(format_args!("\n## How many times better the hub is\n"));
        add(format_args!(
            "Above 1 the hub does better: less processor time, more a second, a shorter time, less \
             memory. Each round gives one ratio.\n"
        ));
        for (metric, title) in RATIOS {
            if self.ratios(*metric).is_empty() {
                continue;
            }
            add(format_args!("### {title}\n"));
            let names: Vec<&str> = self.others().map(Kind::name).collect();
            add(format_args!("| scenario | {} |", names.join(" | ")));
            add(format_args!("|---|{}", "---|".repeat(names.len())));
            for (scenario, rounds) in &self.results {
                let cells: Vec<String> =
                    self.others().map(|other| cell(rounds.ratio(other, *metric))).collect();
                if cells.iter().any(|cell| !cell.is_empty()) {
                    add(format_args!("| {} | {} |", scenario.title, cells.join(" | ")));
                }
            }
            if let Some((_, file)) = plots.iter().find(|(name, _)| name == title) {
                add(format_args!("\n![{title}]({file})"));
            }
            add(format_args!(""));
        }
        add(format_args!("## What was measured"));
        for (scenario, rounds) in &self.results {
            add(format_args!("\n### {} (`{}`)\n", scenario.title, scenario.name));
            let metrics: Vec<Metric> = Metric::ALL
                .into_iter()
                .filter(|metric| {
                    rounds.samples.keys().any(|kind| rounds.spread(*kind, *metric).is_some())
                })
                .collect();
            let titles: Vec<&str> = metrics.iter().map(|metric| metric.title()).collect();
            add(format_args!("| server | {} |", titles.join(" | ")));
            add(format_args!("|---|{}", "---|".repeat(metrics.len())));
            for kind in rounds.samples.keys() {
                let cells: Vec<String> =
                    metrics.iter().map(|metric| cell(rounds.spread(*kind, *metric))).collect();
                add(format_args!("| {} | {} |", kind.name(), cells.join(" | ")));
            }
        }
        page
    }
}

fn cell(spread: Option<Spread>) -> String {
    match spread {
        None => String::new(),
        Some(Spread { median, min, max }) if min == max => short(median),
        Some(Spread { median, min, max }) => {
            format!("{} ({} to {})", short(median), short(min), short(max))
        }
    }
}

fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{args}");
}
