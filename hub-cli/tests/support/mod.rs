//! Runs the real `hub` binary in real processes, on ports that the system chooses.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../../../hub-server/tests/support/random.rs"]
mod random;

#[allow(unused_imports, reason = "each test file uses its own part")]
pub(crate) use random::Random;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A test waits at most this long for something that must happen. The time is long enough for a machine
/// under load, so only a test that fails reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const HUB: &str = env!("CARGO_BIN_EXE_hub");

/// Holds a running hub, which is killed when this value is dropped.
pub(crate) struct Hub {
    process: Process,
    pub(crate) url: String,
    /// The hub's HTTP server has this address, in the form `host:port`.
    pub(crate) http: String,
}

impl Hub {
    pub(crate) fn start() -> Hub {
        Hub::start_with::<&str>(&[])
    }

    pub(crate) fn start_with<S: AsRef<OsStr>>(args: &[S]) -> Hub {
        Hub::start_at("127.0.0.1:0", args)
    }

    /// Kills this hub, and starts another hub that listens for clients at its address.
    pub(crate) fn start_again(self) -> Hub {
        self.start_again_after(Duration::ZERO)
    }

    /// Kills this hub, and after `outage` starts another hub that listens for clients at its address.
    pub(crate) fn start_again_after(self, outage: Duration) -> Hub {
        let address = self.url.trim_start_matches("hub://").to_owned();
        drop(self);
        std::thread::sleep(outage);
        Hub::start_at::<&str>(&address, &[])
    }

    fn start_at<S: AsRef<OsStr>>(listen: &str, args: &[S]) -> Hub {
        let mut command = Command::new(HUB);
        command.args(["serve", "--listen", listen, "--http", "127.0.0.1:0"]).args(args);
        let mut process = Process::spawn("hub serve", command);
        let ready = process.stdout_line();
        let url = ready
            .split_once("clients ")
            .and_then(|(_, rest)| rest.split(',').next())
            .unwrap_or_else(|| panic!("no address in {ready:?}"))
            .to_owned();
        let http = ready.split_once("http://").map(|(_, rest)| rest.trim().to_owned()).unwrap();
        Hub { process, url, http }
    }

    /// Starts a command of the tool that talks to this hub.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Process {
        tool(&self.url, args)
    }

    /// Starts a command that subscribes. When this function returns, the subscription is in place.
    pub(crate) fn listen<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Process {
        let process = self.run(args);
        process.wait_for_stderr("subscribed to ");
        process
    }

    /// Sends the hub the signal with this name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Sends SIGTERM to the hub, and waits until it has ended.
    pub(crate) fn terminate(self) -> Ended {
        self.signal("TERM");
        self.process.end()
    }
}

/// Starts a command of the tool with `url` as the address of the hub. The address may be wrong.
pub(crate) fn tool<S: AsRef<OsStr>>(url: &str, args: impl IntoIterator<Item = S>) -> Process {
    let args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let mut command = Command::new(HUB);
    command.args(&args).env("HUB_SERVER", url);
    Process::spawn(&format!("hub {args:?}"), command)
}

/// Holds a running process. Its output is read all the time, so it never waits for the test.
pub(crate) struct Process {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    readers: Option<(JoinHandle<Vec<u8>>, JoinHandle<()>)>,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
}

/// Says how a process ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Returns the lines of stdout, each of which must be a JSON value.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Process {
    pub(crate) fn spawn(what: &str, mut command: Command) -> Process {
        let mut child = command
            .env_remove("RUST_LOG")
            // This variable is meant for the tests. A hub would refuse it, because it is no
            // configuration key.
            .env_remove("HUB_TEST_SECONDS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let (line, lines) = mpsc::channel();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let stdout = std::thread::spawn(move || {
            let mut all = Vec::new();
            let mut first = Vec::new();
            // The first line goes to the test at once. The rest need not be text.
            let _ = out.read_until(b'\n', &mut first);
            all.extend_from_slice(&first);
            let _ = line.send(String::from_utf8_lossy(&first).into_owned());
            let _ = out.read_to_end(&mut all);
            all
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let (mut err, said) = (BufReader::new(child.stderr.take().unwrap()), stderr.clone());
        let saying = std::thread::spawn(move || {
            let mut line = String::new();
            while err.read_line(&mut line).is_ok_and(|read| read > 0) {
                said.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let stdin = child.stdin.take();
        let readers = Some((stdout, saying));
        Process { what: what.to_owned(), child, stdin, readers, lines, stderr }
    }

    /// Writes all bytes to stdin, and closes it.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut stdin = self.stdin.take().unwrap();
        stdin.write_all(bytes).unwrap_or_else(|error| panic!("{}: {error}", self.what));
    }

    /// Waits for the first line of stdout, and returns it.
    pub(crate) fn stdout_line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) if !line.is_empty() => line,
            Ok(_) | Err(RecvTimeoutError::Disconnected) => panic!("{}: no output", self.what),
            Err(RecvTimeoutError::Timeout) => panic!("{}: not ready in time", self.what),
        }
    }

    pub(crate) fn wait_for_stderr(&self, what: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.stderr.lock().unwrap().contains(what) {
            assert!(Instant::now() < until, "{}: never said {what:?}", self.what);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the process the signal with this name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(status.unwrap().success(), "kill -{name} {id}");
    }

    /// Waits until the process has ended. Closes stdin first, so that a process that reads it can
    /// end.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.stdin.take());
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "{}: did not end", self.what);
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, saying) = self.readers.take().unwrap();
        let stdout = stdout.join().unwrap();
        saying.join().unwrap();
        let stderr = self.stderr.lock().unwrap().clone();
        Ended { status, stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let said = self.stderr.lock().map(|text| text.clone()).unwrap_or_default();
            eprintln!("--- {}: stderr\n{said}---", self.what);
        }
    }
}
