//! Prints the result of a measurement for people or for programs, and a line that shows the progress.
//!
//! Without this module, each command of `hub bench` would name and round its figures in its own
//! way.

use crate::exit::Failure;
use hub_bench::Histogram;
use hub_bench::usage::Usage;
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Says in which format a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputFormat {
    Text,
    Json,
    Csv,
}

/// Holds the named figures of a result in their order. JSON and CSV show all fields, and text shows the
/// lines for people.
#[derive(Debug, Default)]
pub(super) struct Figures {
    fields: Map<String, Value>,
    lines: Vec<(&'static str, String)>,
}

impl Figures {
    /// Adds a field for programs.
    pub(super) fn field(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a line for people.
    pub(super) fn line(&mut self, name: &'static str, text: impl Into<String>) -> &mut Self {
        self.lines.push((name, text.into()));
        self
    }

    /// Adds the rates: how many messages or requests, and how many bytes, in a second.
    pub(super) fn rates(&mut self, what: &'static str, count: u64, bytes: u64, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        let per_second = |amount: u64| if seconds > 0.0 { amount as f64 / seconds } else { 0.0 };
        self.field("seconds", rounded(seconds, 3));
        self.field("per_second", rounded(per_second(count), 1));
        self.line(
            what,
            format!(
                "{} in {seconds:.2} s, {} a second",
                short(count as f64),
                short(per_second(count))
            ),
        );
        if bytes > 0 {
            self.field("bytes_per_second", rounded(per_second(bytes), 0));
            self.line("received", format!("{}B a second", short(per_second(bytes))));
        }
    }

    /// Adds the processor time and the memory that the hub used for `count` messages.
    pub(super) fn usage(&mut self, usage: Option<Usage>, count: u64) {
        let Some(usage) = usage else {
            self.line(
                "the hub's usage",
                "unknown, because the hub's process is not on this machine or cannot be found (see --server-pid)",
            );
            return;
        };
        let cpu = usage.cpu.as_secs_f64();
        self.field("server_cpu_seconds", rounded(cpu, 6));
        if count > 0 {
            let each = 1e6 * cpu / count as f64;
            self.field("server_cpu_us_each", rounded(each, 5));
            self.line("the hub's processor time", format!("{} µs each", short(each)));
        }
        self.field("server_resident_bytes", usage.resident);
        self.field("server_peak_bytes", usage.peak);
        let mib = |bytes: u64| short(bytes as f64 / f64::from(1 << 20));
        let text = format!(
            "{} MiB, at most {} MiB since the hub started",
            mib(usage.resident),
            mib(usage.peak)
        );
        self.line("the hub's memory", text);
    }

    /// Adds the percentiles of a histogram of times in nanoseconds.
    pub(super) fn latency(&mut self, histogram: &Histogram<u64>) {
        if histogram.is_empty() {
            return;
        }
        let us = |ns: u64| ns as f64 / 1e3;
        let mut text = Vec::new();
        for (name, quantile) in
            [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)]
        {
            let value = us(histogram.value_at_quantile(quantile));
            self.field(&format!("{}_us", name.replace('.', "_")), rounded(value, 3));
            text.push(format!("{name} {}", short(value)));
        }
        self.field("max_us", rounded(us(histogram.max()), 3));
        text.push(format!("max {}", short(us(histogram.max()))));
        self.line("latency in µs", text.join(", "));
    }

    /// Prints the result on stdout.
    pub(super) fn print(&self, form: OutputFormat) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match form {
            OutputFormat::Text => {
                let width = self.lines.iter().map(|(name, _)| name.chars().count()).max();
                let width = width.unwrap_or(0);
                for (name, text) in &self.lines {
                    writeln!(out, "{name:width$}  {text}")?;
                }
            }
            OutputFormat::Json => writeln!(out, "{}", Value::Object(self.fields.clone()))?,
            OutputFormat::Csv => {
                let names: Vec<&str> = self.fields.keys().map(String::as_str).collect();
                let values: Vec<String> = self.fields.values().map(cell).collect();
                writeln!(out, "{}\n{}", names.join(","), values.join(","))?;
            }
        }
        Ok(out.flush()?)
    }
}

/// Writes a value as a cell of CSV.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains([',', '"', '\n']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Rounds a number to `digits` digits after the point.
fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10_f64.powi(digits);
    json!((value * scale).round() / scale)
}

/// Returns a number with three significant digits and a unit prefix.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, " G"),
        size if size >= 1e6 => (value / 1e6, " M"),
        size if size >= 1e4 => (value / 1e3, " k"),
        _ => (value, ""),
    };
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    format!("{value:.*}{unit}", digits.clamp(0, 5) as usize)
}

/// Shows the progress in one line on the terminal, which each update overwrites.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Progress {
        Progress { shown: !quiet && io::stderr().is_terminal() }
    }

    /// Shows `text` in place of the last progress.
    pub(super) fn show(self, text: impl std::fmt::Display) {
        if self.shown {
            // A closed stderr is no reason to fail.
            let _ = write!(io::stderr(), "\r{text}\x1b[K");
        }
    }

    /// Removes the line.
    pub(super) fn end(self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.05714, "0.0571"),
            (7.0, "7.00"),
            (1234.0, "1234"),
            (12_345.0, "12.3 k"),
            (4_200_000.0, "4.20 M"),
            (2_500_000_000.0, "2.50 G"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(cell(&json!("a,b\"c")), "\"a,b\"\"c\"");
        assert_eq!(cell(&json!("plain")), "plain");
        assert_eq!(cell(&json!(1.5)), "1.5");
    }
}
