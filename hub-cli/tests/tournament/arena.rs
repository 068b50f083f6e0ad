//! Starts the hub of a tournament, and watches its memory and its processor time from outside.
//!
//! The hub runs with an access file, because rights that nobody has granted are part of what protects
//! others. Every well-behaved client and every greedy owner has an identity of its own.

use crate::support::{HUB, Process};
use crate::wire::{Server, wait_until};
use hub_bench::usage::Usage;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) const MIB: u64 = 1024 * 1024;
pub(crate) const BUDGET: u64 = 96 * MIB;

/// Counts the well-behaved pairs, and the identities that greedy clients share.
pub(crate) const PAIRS: usize = 10;
pub(crate) const GREEDY: usize = 8;

/// Holds a running hub, the credentials of everybody, and what was seen of its memory.
pub(crate) struct Arena {
    pub(crate) hub: Server,
    pub(crate) good: Vec<String>,
    pub(crate) greedy: Vec<String>,
    pub(crate) operator: String,
    /// The token of a client that comes after an attack.
    pub(crate) newcomer: String,
    memory: MemoryWatch,
    _folder: tempfile::TempDir,
}

impl Arena {
    pub(crate) fn start() -> Arena {
        let folder = tempfile::TempDir::new().unwrap();
        let (access, rules) = (folder.path().join("access.toml"), folder.path().join("rules.toml"));
        let mut text = String::from(ROLES);
        let mut tokens = |role: &str, count: usize| -> Vec<String> {
            (0..count).map(|n| identity(&mut text, role, &format!("{role}-{n}"))).collect()
        };
        let (good, greedy) = (tokens("good", PAIRS), tokens("greedy", GREEDY));
        let operator = tokens("operator", 1).remove(0);
        let newcomer = identity(&mut text, "good", "newcomer");
        let hash = hub_server::access::hash_password("a long enough password").unwrap();
        writeln!(text, "[identities.ann]\nroles = \"good\"\npassword = \"{hash}\"").unwrap();
        std::fs::write(&access, text).unwrap();
        std::fs::write(&rules, RULES).unwrap();
        let hub = serve(&access, &rules);
        let memory = MemoryWatch::start(hub.process.id());
        Arena { hub, good, greedy, operator, newcomer, memory, _folder: folder }
    }

    /// Returns the most resident memory since the last call, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        self.memory.most.swap(0, Ordering::Relaxed).max(self.resident())
    }

    /// Returns the resident memory at the moment, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.hub.process.id())
    }

    /// Returns the processor time that the hub takes in `time`, as a share of one processor.
    pub(crate) fn processor_share(&self, time: Duration) -> f64 {
        let pid = self.hub.process.id();
        let (before, start) = (Usage::of_process(pid).unwrap().cpu, Instant::now());
        std::thread::sleep(time);
        let used = Usage::of_process(pid).unwrap().cpu.saturating_sub(before);
        used.as_secs_f64() / start.elapsed().as_secs_f64()
    }

    /// Returns whether all due deliveries have ended in one of the ways in which they may end.
    ///
    /// # Errors
    /// The error has the figures that do not add up.
    pub(crate) fn ledger(&self, patience: Duration) -> Result<(), String> {
        let until = Instant::now() + patience;
        loop {
            let metrics = self.metrics().unwrap_or_default();
            let of = |name: &str| sum_of(&metrics, name);
            let pending = of("hub_deliveries_pending");
            let due = of("hub_deliveries_due_total");
            let delivered = of("hub_deliveries_total");
            let dropped = of("hub_deliveries_dropped_total");
            if !metrics.is_empty() && pending == 0 && due == delivered + dropped {
                return Ok(());
            }
            if Instant::now() > until {
                let figures = "due, delivered, dropped, pending";
                return Err(format!("{figures}: {due}, {delivered}, {dropped}, {pending}"));
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Runs `hub audit` as the operator.
    ///
    /// # Errors
    /// The error has what the tool printed, if a topic does not add up or the hub does not answer.
    pub(crate) fn audit(&self) -> Result<(), String> {
        let mut tool = Command::new(HUB);
        tool.args(["audit", "--http", &self.hub.http.to_string()]);
        tool.env("HUB_TOKEN", &self.operator);
        let ended = Process::spawn("hub audit", tool).end();
        if ended.code() == Some(0) {
            Ok(())
        } else {
            Err(format!("{} {}", ended.text(), ended.stderr))
        }
    }

    /// Returns the metrics, if the HTTP server answers within five seconds.
    pub(crate) fn metrics(&self) -> std::io::Result<String> {
        let time = Duration::from_secs(5);
        let mut socket = TcpStream::connect_timeout(&self.hub.http, time)?;
        socket.set_read_timeout(Some(time))?;
        socket
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Returns what the metrics say about the state of the hub, to explain a verdict.
    pub(crate) fn state(&self) -> String {
        let metrics = match self.metrics() {
            Ok(metrics) => metrics,
            Err(error) => return format!("no metrics: {error}"),
        };
        let of = |name: &str| sum_of(&metrics, name);
        let mib = |name: &str| of(name) / MIB;
        let turns = metrics.lines().filter(|line| line.starts_with("hub_thread_busy_seconds_max"));
        let turns = turns.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        let longest = turns.fold(0.0, f64::max) * 1_000.0;
        format!(
            "pressure {}, used {} MiB, held {} MiB, topics {}, connections {}, \
             longest turn so far {longest:.1} ms",
            of("hub_memory_pressure"),
            mib("hub_memory_used_bytes"),
            mib("hub_memory_held_bytes"),
            of("hub_topics"),
            of("hub_connections"),
        )
    }
}

/// Returns the sum of a metric over all of its labels.
fn sum_of(metrics: &str, name: &str) -> u64 {
    let lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    let values = lines.filter(|(known, _)| known.split('{').next() == Some(name));
    values.map(|(_, value)| value.parse::<f64>().unwrap_or(0.0) as u64).sum()
}

/// The hub remembers for less than the minute in which it must be at its old memory: topics for 10 to
/// 20 seconds, clients and groups for 5.
fn serve(access: &Path, rules: &Path) -> Server {
    // HUB_TEST_HUB names another build of the hub, such as an optimised one.
    let binary = std::env::var("HUB_TEST_HUB").unwrap_or_else(|_| HUB.to_owned());
    let mut command = Command::new(binary);
    // The hub refuses variables that begin with HUB_ and are no configuration key.
    let ours = |variable: &str| variable.starts_with("HUB_TEST_");
    for (variable, _) in std::env::vars().filter(|(variable, _)| ours(variable)) {
        command.env_remove(variable);
    }
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"])
        .arg(format!("--memory-bytes={BUDGET}"))
        .args(["--topic-idle-ms=10000", "--resume-ms=5000", "--group-linger-ms=5000"])
        .arg("--access")
        .arg(access)
        .arg("--rules")
        .arg(rules);
    let hub = Server::run(command);
    wait_until("the hub is ready", || hub.get("/readyz").starts_with("HTTP/1.1 200"));
    hub
}

/// Adds an identity to the text of an access file, and returns its access token.
fn identity(text: &mut String, role: &str, id: &str) -> String {
    let token = hub_server::access::create_token(id).unwrap();
    writeln!(text, "[identities.{id}]\nroles = \"{role}\"\n{}\n", token.line).unwrap();
    token.token
}

const ROLES: &str = r#"
[roles.good]
publish.allow = "good.**"
subscribe = { allow = "good.**", groups = "workers" }
[roles.greedy]
publish.allow = ["greedy.**", "good.service.*"]
subscribe = { allow = ["greedy.**", "good.feed.*"], groups = "g*", block = "greedy.**" }
[roles.operator]
admin = true
[anonymous]
roles = "greedy"
"#;

const RULES: &str = r#"
[[pack]]
name = "secrets"
topics = ["greedy.scrub.**"]
[[pack]]
name = "pii"
topics = ["greedy.scrub.**"]
[[pack]]
name = "pci"
topics = ["greedy.scrub.**"]
"#;

fn resident(pid: u32) -> u64 {
    Usage::of_process(pid).map_or(0, |usage| usage.resident)
}

/// Looks at the resident memory of a process every 10 milliseconds.
struct MemoryWatch {
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl MemoryWatch {
    fn start(pid: u32) -> MemoryWatch {
        let (most, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (most.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                seen.fetch_max(resident(pid), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        MemoryWatch { most, stop, thread: Mutex::new(Some(thread)) }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.lock().unwrap().take() {
            let _ = thread.join();
        }
    }
}
