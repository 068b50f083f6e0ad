//! Reads the metrics that every Prometheus exporter has of its own process: processor time, memory, open
//! files and threads. Without them, a dashboard cannot tell a busy hub from one that waits.
//!
//! The crate `prometheus` has a collector for the same seven metrics (its feature `process`). The
//! feature would add two crates for all of `/proc` and a second `rustix`, which take longer to compile
//! than axum and hyper.

use crate::limits::system::{open_file_count, open_file_limit};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge};

use super::series::{counter, gauge};

/// Reads `/proc` when the metrics are scraped. A metric that cannot be read keeps its last value.
#[derive(Debug, Clone)]
pub(super) struct ProcessCollector {
    cpu_seconds: IntCounter,
    open_fds: IntGauge,
    max_fds: IntGauge,
    virtual_memory: IntGauge,
    resident_memory: IntGauge,
    start_time: IntGauge,
    threads: IntGauge,
}

impl ProcessCollector {
    pub(super) fn new() -> Self {
        ProcessCollector {
            cpu_seconds: counter(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            ),
            open_fds: gauge("process_open_fds", "Number of open file descriptors."),
            max_fds: gauge("process_max_fds", "Maximum number of open file descriptors."),
            virtual_memory: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes."),
            resident_memory: gauge(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
            ),
            start_time: gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            ),
            threads: gauge("process_threads", "Number of OS threads in the process."),
        }
    }

    fn all(&self) -> [&dyn Collector; 7] {
        [
            &self.cpu_seconds,
            &self.open_fds,
            &self.max_fds,
            &self.virtual_memory,
            &self.resident_memory,
            &self.start_time,
            &self.threads,
        ]
    }

    fn read(&self) {
        if let Some(open) = open_file_count() {
            set(&self.open_fds, open as u64);
        }
        if let Some(limit) = open_file_limit() {
            set(&self.max_fds, limit as u64);
        }
        let text = std::fs::read_to_string("/proc/self/stat");
        let Some(stat) = text.ok().and_then(|text| Stat::parse(&text)) else { return };
        let ticks = rustix::param::clock_ticks_per_second();
        // If two scrapes run at a time, the later one may have added more already than this one has
        // read.
        let spent = stat.cpu_ticks / ticks;
        self.cpu_seconds.inc_by(spent.saturating_sub(self.cpu_seconds.get()));
        set(&self.virtual_memory, stat.virtual_bytes);
        set(&self.resident_memory, stat.resident_pages * rustix::param::page_size() as u64);
        set(&self.threads, stat.threads);
        if self.start_time.get() == 0
            && let Some(booted) = boot_time()
        {
            set(&self.start_time, booted + stat.started_ticks / ticks);
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}

/// Holds the fields of `/proc/self/stat` that are shown.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    started_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Stat> {
        // The second field is the name of the program in brackets, which may itself contain spaces
        // and brackets.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // proc(5) counts fields from 1, and the first field of the rest is the third field.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// Returns the time at which the machine was started, in seconds since 1970.
fn boot_time() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_fields_are_those_of_proc_5_whatever_the_program_is_called() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 500 70 6 7 20 0 9 0 1234 4096000 \
                    250 18446744073709551615 1 2 3";
        let expected = Stat {
            cpu_ticks: 570,
            threads: 9,
            started_ticks: 1234,
            virtual_bytes: 4_096_000,
            resident_pages: 250,
        };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn this_process_has_memory_files_threads_and_a_start() {
        let collector = ProcessCollector::new();
        assert_eq!(collector.collect().len(), 7);
        assert_eq!(collector.desc().len(), 7);
        if cfg!(target_os = "linux") {
            let resident = collector.resident_memory.get();
            assert!(resident > 100 * 1024 && collector.virtual_memory.get() >= resident);
            assert!(collector.threads.get() >= 1 && collector.open_fds.get() >= 3);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
            let started = collector.start_time.get();
            assert!(started <= now + 1 && started > now - 24 * 3600, "{started} of {now}");
        }
    }
}
