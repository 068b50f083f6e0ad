//! The shop's processes: started, shown, stopped, and never left behind.
//!
//! A child ends when it is told to (SIGTERM), when this value is dropped, or when this process is
//! killed: then its stdin ends. `hub` does not look at its stdin, so a shell does it for it.

use crate::report::Summary;
use hub_client::BoxError;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

/// What a child does.
#[derive(Debug)]
enum News {
    Line(String),
    Ended(std::io::Result<ExitStatus>),
}

/// One process.
#[derive(Debug)]
pub struct Process {
    /// What it is called.
    pub name: String,
    /// Whether it has said that it is at work, and how.
    pub ready: Option<String>,
    /// What it said at its end.
    pub summary: Option<Summary>,
    /// How it ended.
    pub ended: Option<ExitStatus>,
    pid: Option<Pid>,
    _stdin: Option<ChildStdin>,
    guard: Option<Child>,
}

/// All processes.
#[derive(Debug)]
pub struct Children {
    /// In the order in which they were started.
    pub all: Vec<Process>,
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
    /// Starts `hub serve` on ports that are free.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_hub(&mut self) -> Result<(), BoxError> {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        self.start("hub", &program("hub")?, &arguments, Stdio::null())?;
        let hub = self.all.last_mut().ok_or("no hub")?;
        let pid = hub.pid.ok_or("the hub has ended")?.as_raw_nonzero();
        let mut guard = Command::new("sh");
        guard.args(["-c", "read -r _; kill -TERM \"$0\"", &pid.to_string()]).process_group(0);
        hub.guard = Some(guard.stdin(Stdio::piped()).kill_on_drop(true).spawn()?);
        Ok(())
    }

    /// Starts a service that connects to `server`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_service(
        &mut self,
        name: &str,
        binary: &str,
        server: &str,
        more: &[&str],
    ) -> Result<(), BoxError> {
        let arguments = [&["--server", server, "--exit-with-stdin"], more].concat();
        self.start(name, &program(binary)?, &arguments, Stdio::piped())
    }

    fn start(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[&str],
        stdin: Stdio,
    ) -> Result<(), BoxError> {
        // A group of its own, so that Ctrl-C reaches only the shop, which stops them in order.
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

    /// Waits for the next thing that happens and shows it. Gives the place in `all` of a process that ended.
    ///
    /// # Errors
    /// When a process ended by itself, in a way that is none.
    async fn next(&mut self) -> Result<Option<usize>, BoxError> {
        let (index, news) = self.news.recv().await.ok_or("no processes")?;
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

    /// Waits until `done`; any process that ends before is an error.
    ///
    /// # Errors
    /// When a process ended.
    pub async fn until(&mut self, done: impl Fn(&[Process]) -> bool) -> Result<(), BoxError> {
        while !done(&self.all) {
            if let Some(ended) = self.next().await? {
                return Err(self.all[ended].early().into());
            }
        }
        Ok(())
    }

    /// Waits until a process has ended.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ended(&mut self) -> Result<&Process, BoxError> {
        let index = loop {
            if let Some(index) = self.next().await? {
                break index;
            }
        };
        Ok(&self.all[index])
    }

    /// Sends SIGTERM to the processes of which `which` says so, and waits until they have ended.
    ///
    /// # Errors
    /// When one did not end well.
    pub async fn stop(&mut self, which: impl Fn(&Process) -> bool) -> Result<(), BoxError> {
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

    /// Sends SIGTERM to the processes of which `which` says so.
    ///
    /// # Errors
    /// When that is not possible.
    fn terminate(&self, which: impl Fn(&Process) -> bool) -> Result<(), BoxError> {
        for process in self.all.iter().filter(|process| which(process)) {
            // One that ended a moment ago is no longer there.
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
    /// How it ended, where it should not have.
    #[must_use]
    pub fn early(&self) -> String {
        let status = self.ended.map_or("in an unknown way".to_owned(), |status| status.to_string());
        format!("{} ended: {status}", self.name)
    }
}

/// Sends on what the child says, and then how it ended.
async fn follow(mut child: Child, index: usize, news: mpsc::Sender<(usize, News)>) {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    tokio::join!(lines(out, index, &news), lines(err, index, &news));
    let _ = news.send((index, News::Ended(child.wait().await))).await;
}

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

fn show(name: &str, colour: Option<usize>, line: &str) {
    let mut out = std::io::stdout().lock();
    // The reader may have gone; the shop still has to end in good order.
    let _ = match colour {
        Some(index) => writeln!(out, "\x1b[{}m{name:<9}\x1b[0m  {line}", 31 + index % 6),
        None => writeln!(out, "{name:<9}  {line}"),
    };
}

/// The binary `name`, next to this one; the hub may be elsewhere, at `SHOP_HUB_BIN`.
fn program(name: &str) -> Result<PathBuf, BoxError> {
    if name == "hub"
        && let Some(path) = std::env::var_os("SHOP_HUB_BIN")
    {
        return Ok(path.into());
    }
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!(
        "{} is missing: build it with `cargo build -p hub-cli -p hub-examples`",
        path.display()
    )
    .into())
}
