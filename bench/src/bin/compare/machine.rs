//! Reads the facts of the machine on which a comparison was made. Without these facts, nobody could
//! judge the figures.

use std::fs;

/// Returns the name and the value of each fact.
pub(crate) fn facts() -> Vec<(&'static str, String)> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| -> Option<String> {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once([':', '='])?.1.trim().trim_matches('"').to_owned())
    };
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processor = field(&read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let mut facts = vec![("processor", format!("{processor}, {cpus} cores for us"))];
    if let Some(kib) = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok())
    {
        facts.push(("memory", format!("{} GiB", (kib + (1 << 19)) >> 20)));
    }
    facts.extend(field(&read("/etc/os-release"), "PRETTY_NAME").map(|name| ("system", name)));
    facts.push(("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()));
    facts
}

/// Returns the load of the system over the last minute, which is about the number of programs that
/// wanted to run at a time.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}
