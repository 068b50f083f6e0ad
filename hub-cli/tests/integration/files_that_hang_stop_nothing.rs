//! Promise: a file that hangs, has no end or is far too large keeps no hub from working, from answering
//! `hub reload`, or from ending: SIGTERM ends it within `drain_ms` and a second, and a second signal at
//! once. When the file is back, the hub takes it over.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Hub, PATIENCE, Process, tool};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const DRAIN: Duration = Duration::from_secs(2);

fn rule(name: &str) -> String {
    format!(
        "[[rule]]\nname = \"{name}\"\nfind = {{ keys = [\"a\"] }}\naction = \"mask\"\n\
         tests = {{ hits = [{{ a = \"x\" }}], misses = [{{ b = \"x\" }}] }}\n"
    )
}

/// A hub that follows a rule file.
fn hub_with(rules: &Path) -> Hub {
    let drain = DRAIN.as_millis().to_string();
    Hub::start_with(&["--drain-ms", &drain, "--rules", rules.to_str().unwrap()])
}

fn reload(hub: &Hub) -> Ended {
    tool(&hub.url, ["reload", "--http", &hub.http]).end()
}

/// The value of a metric.
fn metric(hub: &Hub, name: &str) -> String {
    let mut socket = std::net::TcpStream::connect(&hub.http).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut socket, &mut text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const STALE: &str = "hub_files_stale{file=\"rules\"}";
const RULES: &str = "hub_scrub_rules";

/// Sends SIGTERM, and checks that the hub ends in time.
fn ends_in_time(hub: Hub) {
    let begin = Instant::now();
    let ended = hub.terminate();
    let took = begin.elapsed();
    assert!(took < DRAIN + Duration::from_secs(1), "{took:?}\n{}", ended.stderr);
}

#[test]
fn a_file_of_a_wrong_kind_or_size_is_refused_and_the_next_is_taken() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rules.toml");
    fs::write(&path, rule("one")).unwrap();
    let hub = hub_with(&path);
    let replace = |make: &dyn Fn(&Path)| {
        let new = folder.path().join("new");
        make(&new);
        // A folder and a file do not replace one another.
        if new.is_dir() != path.is_dir() {
            let _ = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
        }
        fs::rename(new, &path).unwrap();
    };
    let pipe = |at: &Path| assert!(Command::new("mkfifo").arg(at).status().unwrap().success());
    let link = |target: &str| {
        let target = target.to_owned();
        move |at: &Path| std::os::unix::fs::symlink(&target, at).unwrap()
    };
    // 50 MB of TOML that is right.
    let large = |at: &Path| {
        let text = "x = [[1], [2], [3], [4], [5], [6], [7]]\n";
        fs::write(at, text.repeat(50_000_000 / text.len())).unwrap();
    };
    let deep = |at: &Path| fs::write(at, format!("x = {}", "[".repeat(1_000_000))).unwrap();
    let (zero, loops) = (link("/dev/zero"), link("rules.toml"));
    /// Puts something at a path that is no file to read.
    type Make<'a> = &'a dyn Fn(&Path);
    let wrong: [(Make, &str); 6] = [
        (&pipe, "is a pipe"),
        (&zero, "is a pipe, a device"),
        (&loops, "symbolic links"),
        (&large, "`max_file_bytes`"),
        (&deep, "rules.toml:1:"),
        (&|at| fs::create_dir(at).unwrap(), "Is a directory"),
    ];
    for (number, (make, part)) in wrong.into_iter().enumerate() {
        replace(make);
        let reloaded = reload(&hub);
        let shown = String::from_utf8_lossy(&reloaded.stdout).into_owned();
        assert!(reloaded.code() == Some(1) && shown.contains(part), "{part}: {shown}");
        assert_eq!(
            (metric(&hub, STALE).as_str(), metric(&hub, RULES).as_str()),
            ("1", "1"),
            "{part}"
        );
        let two = rule("one") + &rule(&format!("two-{number}"));
        replace(&|at| fs::write(at, &two).unwrap());
        wait_for("the restored file is in force", || metric(&hub, RULES) == "2");
        assert_eq!(metric(&hub, STALE), "0", "{part}");
        replace(&|at| fs::write(at, rule("one")).unwrap());
        wait_for("the first file is in force again", || metric(&hub, RULES) == "1");
    }
    let peak: u64 = metric(&hub, "process_resident_memory_bytes").parse::<f64>().unwrap() as u64;
    assert!(peak < 512 << 20, "{peak} bytes");
    replace(&pipe);
    wait_for("the pipe is refused", || metric(&hub, STALE) == "1");
    ends_in_time(hub);
}

/// A file system with the file `rules.toml` that hangs on demand.
struct Mount {
    folder: TempDir,
    script: Child,
    stdin: Option<ChildStdin>,
}

impl Mount {
    /// Mounts the file. Returns `None` if this process may not mount, which is said.
    fn of(file: &Path) -> Option<Mount> {
        let folder = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hanging_mount.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(folder.path()).arg("rules.toml").arg(file);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let path = folder.path().join("rules.toml");
        let until = Instant::now() + PATIENCE;
        while !path.exists() {
            if let Some(status) = script.try_wait().unwrap() {
                assert_eq!(status.code(), Some(77));
                eprintln!("this needs /dev/fuse and the right to mount: did not run");
                return None;
            }
            assert!(Instant::now() < until, "nothing was mounted");
            std::thread::sleep(Duration::from_millis(20));
        }
        let stdin = script.stdin.take();
        Some(Mount { folder, script, stdin })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("rules.toml")
    }

    /// Tells the file system to hang, or to answer.
    fn tell(&mut self, what: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{what}\n").as_bytes()).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.script.wait();
    }
}

#[test]
fn a_file_system_that_hangs_holds_no_hub() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rules.toml");
    fs::write(&file, rule("one")).unwrap();
    let Some(mut mount) = Mount::of(&file) else { return };
    let hub = hub_with(&mount.path());
    // It works while the file system does.
    fs::write(&file, rule("one") + &rule("two")).unwrap();
    wait_for("the changed file is in force", || metric(&hub, RULES) == "2");

    mount.tell("hang");
    wait_for("the hub says that it cannot read the file", || metric(&hub, STALE) == "1");
    let begin = Instant::now();
    let reloaded = reload(&hub);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    let shown = String::from_utf8_lossy(&reloaded.stdout).into_owned();
    assert!(reloaded.code() == Some(1) && shown.contains("does not answer"), "{shown}");
    let emitted = hub.run(["emit", "t", "1"]).end();
    assert_eq!(emitted.code(), Some(0), "events flow meanwhile");

    fs::write(&file, rule("three")).unwrap();
    mount.tell("answer");
    wait_for("the file is in force again", || metric(&hub, RULES) == "1");
    assert_eq!(metric(&hub, STALE), "0");

    mount.tell("hang");
    wait_for("the file hangs again", || metric(&hub, STALE) == "1");
    ends_in_time(hub);
}

#[test]
fn a_second_signal_ends_a_hub_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rules.toml");
    fs::write(&file, rule("one")).unwrap();
    let Some(mut mount) = Mount::of(&file) else { return };
    let mut command = Command::new(HUB);
    command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.args(["--drain-ms", "3600000", "--rules"]).arg(mount.path());
    let mut process = Process::spawn("hub serve", command);
    let ready = process.stdout_line();
    let url = ready.split_once("clients ").and_then(|(_, rest)| rest.split(',').next()).unwrap();
    // A reader that reads nothing more keeps the hub from draining.
    let reader = tool(url, ["on", "**"]);
    reader.wait_for_stderr("subscribed to ");
    reader.signal("STOP");
    mount.tell("hang");
    let filling = tool(url, ["emit", "t", &format!("\"{}\"", "x".repeat(100_000))]);
    assert_eq!(filling.end().code(), Some(0));
    for signal in ["TERM", "INT"] {
        process.signal(signal);
        if signal == "TERM" {
            process.wait_for_stderr("draining");
        }
    }
    let begin = Instant::now();
    let ended = process.end();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(ended.code().is_some(), "{}", ended.stderr);
    reader.signal("CONT");
}
