//! Reads what the operating system reports about memory, and how many files it allows to be open.
//! Systems without `/proc` report nothing about memory.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::path::{Path, PathBuf};

/// The hub takes this percentage of the memory if no budget is configured.
const PERCENT: u64 = 75;

/// This niceness leaves a thread a quarter of a processor that is busy otherwise. With 10 it would be a tenth, and
/// on a busy machine a login would wait for long.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lets the threads that serve clients go before the present thread, where the system gives each thread a
/// priority of its own.
///
/// Otherwise long work, such as password hashes, would make clients wait for the time slices of the system.
pub(crate) fn yield_to_sessions() {
    // On other systems, the call would be about the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "cannot lower the priority of a thread");
    }
}

/// Returns the resident memory of this process in bytes, or `None` on systems without `/proc`.
pub(crate) fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size())
}

/// States how many files this process may open, and how many it has open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFiles {
    pub limit: usize,
    pub open: usize,
}

/// Raises the limit of open files as far as this process may, and returns the new limit. Returns
/// `None` if there is no limit.
pub(crate) fn raise_open_files() -> Option<OpenFiles> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "cannot raise the limit of open files");
        }
    }
    Some(OpenFiles { limit: open_file_limit()?, open: open_file_count().unwrap_or(0) })
}

/// Returns how many files this process may open, or `None` if there is no limit.
pub(crate) fn open_file_limit() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile).current?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Returns how many files this process has open, or `None` on systems without `/proc`.
pub(crate) fn open_file_count() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Holds a memory budget, and says from what it was derived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Derived {
    pub bytes: u64,
    pub from: String,
}

/// Returns three quarters of the memory that this process may use: the physical memory, or the
/// limit of its control group if that is less. Returns `None` if the system reports neither.
pub(crate) fn derived_budget() -> Option<Derived> {
    derive(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
}

fn derive(proc: &Path, cgroups: &Path) -> Option<Derived> {
    let physical = physical(proc).map(|bytes| (bytes, "physical memory".to_owned()));
    let group = group_limit(proc, cgroups);
    let (bytes, source) = [physical, group].into_iter().flatten().min_by_key(|(b, _)| *b)?;
    let from = format!("{PERCENT} % of {bytes} bytes of {source}");
    Some(Derived { bytes: bytes / 100 * PERCENT, from })
}

fn physical(proc: &Path) -> Option<u64> {
    let info = std::fs::read_to_string(proc.join("meminfo")).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Returns the smallest `memory.max` of the control group (version 2) of the process and of the
/// groups around it, with the path of the file that sets it.
fn group_limit(proc: &Path, cgroups: &Path) -> Option<(u64, String)> {
    let groups = std::fs::read_to_string(proc.join("self/cgroup")).ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mut limits = Vec::new();
    let mut folder: Option<PathBuf> = Some(cgroups.join(group));
    while let Some(at) = folder.filter(|at| at.starts_with(cgroups)) {
        let file = at.join("memory.max");
        let limit = std::fs::read_to_string(&file).ok();
        limits.extend(limit.and_then(|text| Some((text.trim().parse().ok()?, file))));
        folder = at.parent().map(Path::to_owned);
    }
    let (bytes, file) = limits.into_iter().min_by_key(|(bytes, _): &(u64, _)| *bytes)?;
    Some((bytes, file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(kib: u64, group: &str, limits: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/meminfo", &format!("MemTotal:       {kib} kB\nMemFree:  1 kB\n"));
        write("proc/self/cgroup", &format!("9:memory:/old\n0::{group}\n"));
        for (group, limit) in limits {
            write(&format!("cgroup/{group}/memory.max"), limit);
        }
        folder
    }

    fn derived(folder: &tempfile::TempDir) -> u64 {
        derive(&folder.path().join("proc"), &folder.path().join("cgroup")).unwrap().bytes
    }

    #[test]
    fn without_a_limit_the_physical_memory_counts() {
        assert_eq!(derived(&machine(4_000, "/", &[])), 3_000 * 1024);
        assert_eq!(derived(&machine(4_000, "/a", &[("a", "max\n")])), 3_000 * 1024);
        assert_eq!(derived(&machine(4_000, "/a", &[("a", "99999999999\n")])), 3_000 * 1024);
    }

    #[test]
    fn the_smallest_limit_of_the_groups_around_it_counts() {
        let limits = [("", "1000000\n"), ("a", "400000\n"), ("a/b", "800000\n"), ("c", "1\n")];
        assert_eq!(derived(&machine(4_000, "/a/b", &limits)), 300_000);
        assert_eq!(derived(&machine(4_000, "/", &limits)), 750_000);
    }

    #[test]
    fn this_machine_has_memory_and_this_process_uses_some() {
        if cfg!(target_os = "linux") {
            assert!(derived_budget().unwrap().bytes > 1024 * 1024);
            assert!(resident().unwrap() > 100 * 1024);
        }
    }
}
