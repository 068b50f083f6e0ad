//! Reads from the kernel how much processor time and memory the process of a server used.
//!
//! On two cores, the generator and the server take time from one another. So a rate alone would not
//! tell which of the two was slow.

use std::fs;
use std::io;
use std::time::Duration;

/// Holds the processor time and the memory that a process has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The process has used this much processor time, in user mode and in kernel mode together.
    pub cpu: Duration,
    /// The process has this much resident memory at the moment, in bytes.
    pub resident: u64,
    /// The process has had at most this much resident memory so far, in bytes. The kernel calls this
    /// value `VmHWM`.
    pub peak: u64,
}

/// Returns the usage of a server so far, or `None` if it is unknown.
pub type Probe<'a> = &'a (dyn Fn() -> Option<Usage> + Sync);

impl Usage {
    /// Returns this usage with only the processor time since `before`. The memory stays as it is.
    #[must_use]
    pub fn since(self, before: Usage) -> Usage {
        Usage { cpu: self.cpu.saturating_sub(before.cpu), ..self }
    }

    /// Returns the usage of the process `pid` of this machine so far.
    ///
    /// The scheduler counts the processor time of each running thread in nanoseconds, and this
    /// function returns the sum. If the kernel lacks that count, the function returns `utime` +
    /// `stime` in ticks of 10 ms. Only the ticks include threads that have ended.
    ///
    /// # Errors
    /// Returns an error if there is no such process, or no `/proc`.
    pub fn of_process(pid: u32) -> io::Result<Usage> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        Ok(Usage {
            cpu: match by_scheduler(pid) {
                Some(cpu) => cpu,
                None => by_ticks(pid)?,
            },
            resident: kib("VmRSS:").unwrap_or(0) * 1024,
            peak: kib("VmHWM:").unwrap_or(0) * 1024,
        })
    }
}

fn by_scheduler(pid: u32) -> Option<Duration> {
    let mut ns = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        ns += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    (ns > 0).then(|| Duration::from_nanos(ns))
}

fn by_ticks(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the command may contain spaces, so the fields are counted from the end of the
    // name.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let ticks = ticks(11)
        .zip(ticks(12))
        .map(|(user, system)| user + system)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/PID/stat"))?;
    Ok(Duration::from_millis(10 * ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The process that works is another one with one thread: threads of other tests come and go, and the
    /// scheduler counts only those that run.
    #[test]
    fn work_shows_as_processor_time_by_both_counts() {
        let busy = ["-c", "while :; do :; done"];
        let mut worker = std::process::Command::new("sh").args(busy).spawn().unwrap();
        let mut counts = || {
            std::thread::sleep(Duration::from_millis(10));
            (by_ticks(worker.id()), by_scheduler(worker.id()))
        };
        let worked = |ticks: &io::Result<Duration>| {
            ticks.as_ref().map_or(true, |ticks| *ticks >= Duration::from_millis(60))
        };
        let counted =
            std::iter::repeat_with(&mut counts).take(3_000).find(|(ticks, _)| worked(ticks));
        worker.kill().unwrap();
        worker.wait().unwrap();
        let (ticks, scheduler) = counted.unwrap();
        // A kernel may be built without this count.
        if let Some(scheduler) = scheduler {
            assert!(scheduler >= Duration::from_millis(30), "{ticks:?} {scheduler:?}");
        }
        assert!(ticks.is_ok(), "{ticks:?}");
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let usage = Usage::of_process(std::process::id()).unwrap();
        assert!(usage.resident > 1 << 19 && usage.peak >= usage.resident / 2, "{usage:?}");
    }
}
