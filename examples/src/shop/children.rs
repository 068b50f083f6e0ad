//! Starts the child processes of the shop, shows what they print, and stops them.
//!
//! No child outlives the shop. A child ends at SIGTERM, and when the task that follows it is dropped.
//! When the shop is killed, the stdin of each service ends, and the service ends too. `hub` does not
//! read its stdin, so a shell runs beside it, waits for the end of its own stdin, and then stops the
//! hub. Without the shell, a shop that was killed would leave a hub behind.

use crate::report::Summary;
use hub_client::BoxError;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

/// Reports something that a child did.
#[derive(Debug)]
enum News {
    /// The child printed a line on stdout or stderr.
    Line(String),
    /// The child ended.
    Ended(std::io::Result<ExitStatus>),
}

/// Holds what the shop knows of a child process.
#[derive(Debug)]
pub(super) struct Process {
    /// The shop shows this name in front of the lines of the child.
    pub(super) name: String,
    /// With this line, the child said that it is ready.
    pub(super) ready: Option<String>,
    /// The child printed this summary at its end.
    pub(super) summary: Option<Summary>,
    /// Says how the child ended. It is `None` while the child runs.
    pub(super) ended: Option<ExitStatus>,
    pid: Option<Pid>,
    /// The pipe stays open for as long as the child is to run.
    _stdin: Option<ChildStdin>,
    /// This shell stops the hub when the shop is killed.
    guard: Option<Child>,
}

/// Holds all child processes.
#[derive(Debug)]
pub(super) struct Children {
    /// Lists the processes in the order in which they were started.
    pub(super) all: Vec<Process>,
    sender: mpsc::Sender<(usize, News)>,
    news: mpsc::Receiver<(usize, News)>,
    colour: bool,
}

impl Default for Children {
    fn default() -> Self {
        let (sender, news) = mpsc::channel(1024);
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !plain;
        Children { all: Vec::new(), sender, news, colour }
    }
}

impl Children {
    /// Starts `hub serve` on free ports.
    ///
    /// # Errors
    /// Returns an error if the hub cannot be started.
    pub(super) fn start_hub(&mut self) -> Result<(), BoxError> {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        self.start("hub", &hub_program()?, &arguments, Stdio::null())?;
        let hub = self.all.last_mut().ok_or("the hub was not started")?;
        let pid = hub.pid.ok_or("the hub ended at once")?.as_raw_nonzero();
        let mut guard = Command::new("sh");
        guard.args(["-c", "read -r _; kill -TERM \"$0\"", &pid.to_string()]).process_group(0);
        hub.guard = Some(guard.stdin(Stdio::piped()).kill_on_drop(true).spawn()?);
        Ok(())
    }

    /// Starts the service that `shop COMMAND` runs. The service connects to `server`.
    ///
    /// # Errors
    /// Returns an error if the service cannot be started.
    pub(super) fn start_service(
        &mut self,
        name: &str,
        command: &str,
        server: &str,
        more: &[&str],
    ) -> Result<(), BoxError> {
        let arguments = [&[command, "--server", server, "--exit-with-stdin"], more].concat();
        self.start(name, &service_program()?, &arguments, Stdio::piped())
    }

    /// Starts a program as a child whose output the shop reads.
    fn start(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[&str],
        stdin: Stdio,
    ) -> Result<(), BoxError> {
        // Each child has a process group of its own. Otherwise Ctrl-C would reach all children at
        // once, and the shop could not stop them in order.
        let mut command = Command::new(program);
        command.args(arguments).stdin(stdin).process_group(0).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        self.all.push(Process {
            name: name.to_owned(),
            ready: None,
            summary: None,
            ended: None,
            pid: child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
            _stdin: child.stdin.take(),
            guard: None,
        });
        tokio::spawn(follow(child, self.all.len() - 1, self.sender.clone()));
        Ok(())
    }

    /// Waits until a child prints a line or ends, and shows the line. If a child ended, returns its
    /// index in `all`.
    ///
    /// # Errors
    /// Returns an error if the system does not say how a child ended.
    async fn next(&mut self) -> Result<Option<usize>, BoxError> {
        let (index, news) = self.news.recv().await.ok_or("there are no child processes")?;
        let colour = self.colour;
        let process = &mut self.all[index];
        match news {
            News::Line(line) => {
                if line.starts_with('{')
                    && let Ok(summary) = serde_json::from_str(&line)
                {
                    process.summary = Some(summary);
                    return Ok(None);
                }
                if line.starts_with("ready: ") || line.contains(" ready: clients hub://") {
                    process.ready = Some(line.clone());
                }
                show(&process.name, colour.then_some(index), &line);
                Ok(None)
            }
            News::Ended(status) => {
                process.pid = None;
                if let Some(mut guard) = process.guard.take() {
                    guard.kill().await?;
                }
                process.ended = Some(status?);
                Ok(Some(index))
            }
        }
    }

    /// Waits until `done` returns true for the processes.
    ///
    /// # Errors
    /// Returns an error if a process ends before that.
    pub(super) async fn until(
        &mut self,
        done: impl Fn(&[Process]) -> bool,
    ) -> Result<(), BoxError> {
        while !done(&self.all) {
            if let Some(ended) = self.next().await? {
                return Err(self.all[ended].early().into());
            }
        }
        Ok(())
    }

    /// Waits until any process has ended, and returns that process.
    ///
    /// # Errors
    /// Returns an error if the system does not say how the process ended.
    pub(super) async fn ended(&mut self) -> Result<&Process, BoxError> {
        let index = loop {
            if let Some(index) = self.next().await? {
                break index;
            }
        };
        Ok(&self.all[index])
    }

    /// Sends SIGTERM to the processes that `which` selects, and waits until they have ended.
    ///
    /// # Errors
    /// Returns an error if one of these processes ended with another exit code than 0.
    pub(super) async fn stop(&mut self, which: impl Fn(&Process) -> bool) -> Result<(), BoxError> {
        self.terminate(&which)?;
        while self.all.iter().any(|process| which(process) && process.ended.is_none()) {
            self.next().await?;
        }
        match self.all.iter().find(|p| which(p) && p.ended.is_some_and(|status| !status.success()))
        {
            Some(process) => Err(process.early().into()),
            None => Ok(()),
        }
    }

    /// Sends SIGTERM to the processes that `which` selects.
    ///
    /// # Errors
    /// Returns an error if the system does not allow the signal.
    fn terminate(&self, which: impl Fn(&Process) -> bool) -> Result<(), BoxError> {
        for process in self.all.iter().filter(|process| which(process)) {
            // A process that ended a moment ago cannot get a signal, which is no error.
            if let Some(pid) = process.pid
                && let Err(error) = kill_process(pid, Signal::TERM)
                && error != rustix::io::Errno::SRCH
            {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

impl Process {
    /// Returns a sentence that says how the process ended. It is for an end that was not expected.
    pub(super) fn early(&self) -> String {
        let status = self.ended.map_or("in an unknown way".to_owned(), |status| status.to_string());
        format!("{} ended: {status}", self.name)
    }
}

/// Sends each line that the child prints to the shop, and at last sends how the child ended.
async fn follow(mut child: Child, index: usize, news: mpsc::Sender<(usize, News)>) {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    tokio::join!(lines(out, index, &news), lines(err, index, &news));
    let _ = news.send((index, News::Ended(child.wait().await))).await;
}

/// Sends each line of one stream of the child to the shop.
async fn lines(
    from: Option<impl AsyncRead + Unpin>,
    index: usize,
    news: &mpsc::Sender<(usize, News)>,
) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from).lines();
    while let Ok(Some(line)) = from.next_line().await {
        if news.send((index, News::Line(line))).await.is_err() {
            return;
        }
    }
}

/// Prints a line with the name of its child in front.
fn show(name: &str, colour: Option<usize>, line: &str) {
    let mut out = std::io::stdout().lock();
    // If nobody reads stdout any more, the shop still has to stop its children in order, so an error is
    // ignored.
    let _ = match colour {
        Some(index) => writeln!(out, "\x1b[{}m{name:<9}\x1b[0m  {line}", 31 + index % 6),
        None => writeln!(out, "{name:<9}  {line}"),
    };
}

/// Returns the path of the program `hub`. The environment variable `SHOP_HUB_BIN` can name it. Otherwise
/// it is in the folder of this program.
fn hub_program() -> Result<PathBuf, BoxError> {
    if let Some(path) = std::env::var_os("SHOP_HUB_BIN") {
        return Ok(path.into());
    }
    let path = std::env::current_exe()?.with_file_name("hub");
    if path.exists() {
        return Ok(path);
    }
    let path = path.display();
    Err(format!("{path} is missing: build it with `cargo build -p hub-cli -p hub-examples`").into())
}

/// Returns the path of the program that runs the services. The environment variable `SHOP_SERVICE_BIN`
/// can name it. Otherwise it is this program.
fn service_program() -> Result<PathBuf, BoxError> {
    match std::env::var_os("SHOP_SERVICE_BIN") {
        Some(path) => Ok(path.into()),
        None => Ok(std::env::current_exe()?),
    }
}
