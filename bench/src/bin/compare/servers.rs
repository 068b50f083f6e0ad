//! Finds, configures, starts and ends the servers of a comparison. A server that outlived its run would
//! take processor time from the next run.

use hub_bench::dialect::{Hub, Nats, Raw, Redis};
use hub_bench::{Dialect, usage::Usage};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A server may take this long until it listens.
const START: Duration = Duration::from_secs(10);

/// Holds the pids of the running servers. They are killed when this program is told to stop.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Says which kind of server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Hub,
    /// This server is another build of the hub. A comparison with it shows how a change affects the
    /// speed.
    Before,
    Nats,
    Redis,
    Relay,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::Hub, Kind::Before, Kind::Nats, Kind::Redis, Kind::Relay];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Hub => "hub",
            Kind::Before => "before",
            Kind::Nats => "nats",
            Kind::Redis => "redis",
            Kind::Relay => "relay",
        }
    }

    pub(crate) fn dialect(self) -> &'static dyn Dialect {
        const HUB: Hub = Hub { receipts: false, overflow: hub_wire::Overflow::Block };
        match self {
            Kind::Hub | Kind::Before => &HUB,
            Kind::Nats => &Nats,
            Kind::Redis => &Redis { replies: false },
            Kind::Relay => &Raw,
        }
    }
}

/// Holds the paths of the programs. A server without a path is left out of the comparison.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub hub: PathBuf,
    pub before: Option<PathBuf>,
    pub nats: Option<PathBuf>,
    pub redis: Option<PathBuf>,
    pub relay: PathBuf,
}

impl Programs {
    /// Returns the path of a program, or `None` if the comparison leaves the server out.
    pub(crate) fn path(&self, kind: Kind) -> Option<&Path> {
        match kind {
            Kind::Hub => Some(&self.hub),
            Kind::Before => self.before.as_deref(),
            Kind::Nats => self.nats.as_deref(),
            Kind::Redis => self.redis.as_deref(),
            Kind::Relay => Some(&self.relay),
        }
    }

    fn command(&self, kind: Kind) -> Result<&Path, String> {
        self.path(kind).ok_or_else(|| format!("no {}", kind.name()))
    }

    /// Returns the version that the server states.
    pub(crate) fn version(&self, kind: Kind) -> Result<String, String> {
        if kind == Kind::Relay {
            return Ok(format!("byte-relay {}", env!("CARGO_PKG_VERSION")));
        }
        let path = self.command(kind)?;
        let output = Command::new(path)
            .arg("--version")
            .output()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Returns the arguments of a server, with `{port}` in the place of a free port. The report shows
    /// them too. Servers keep their default settings apart from addresses and logs, with one
    /// exception: Redis saves nothing, admits 15,000 clients, and disconnects no slow subscriber.
    pub(crate) fn arguments(kind: Kind) -> &'static str {
        match kind {
            Kind::Hub | Kind::Before => {
                "serve --listen 127.0.0.1:{port} --http 127.0.0.1:0 --log warn"
            }
            Kind::Nats => "--addr 127.0.0.1 --port {port}",
            Kind::Redis => {
                "--bind 127.0.0.1 --port {port} --save '' --appendonly no --maxclients 15000 \
                 --client-output-buffer-limit pubsub 0 0 0 --loglevel warning"
            }
            Kind::Relay => "",
        }
    }
}

/// Holds a running server. The server is killed when this value is dropped.
pub(crate) struct Server {
    pub addr: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a server, and returns when it listens.
    pub(crate) fn start(kind: Kind, programs: &Programs) -> Result<Server, String> {
        let server = Server::spawn(kind, programs)?;
        let until = Instant::now() + START;
        while TcpStream::connect(server.addr).is_err() {
            if Instant::now() > until {
                return Err(format!("{} does not listen", kind.name()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Starts a server, and does not wait until it listens.
    pub(crate) fn spawn(kind: Kind, programs: &Programs) -> Result<Server, String> {
        let path = programs.command(kind)?;
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let free = free.map_err(|error| format!("no free port: {error}"))?;
        let port = free.port().to_string();
        let arguments = Programs::arguments(kind).split(' ').filter(|part| !part.is_empty());
        let arguments = arguments.map(|part| part.replace("{port}", &port).replace("''", ""));
        let mut child = Command::new(path)
            .args(arguments)
            .env_remove("HUB_CONFIG")
            .stdin(Stdio::piped())
            .stdout(if kind == Kind::Relay { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(child.id());
        let said = child.stdout.take();
        let mut server = Server { addr: free, child };
        if let Some(said) = said {
            let mut line = String::new();
            let read = BufReader::new(said).read_line(&mut line);
            server.addr = read
                .ok()
                .and_then(|_| line.trim().parse().ok())
                .ok_or_else(|| "the relay did not tell its address".to_owned())?;
        }
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        Usage::of_process(self.pid()).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id();
        // The server holds nothing worth keeping, and a flooded server takes long to end in good
        // order.
        let _ = self.child.kill();
        let _ = self.child.wait();
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| *other != pid);
    }
}

/// Makes a signal to stop end the running servers first, and then this process.
pub(crate) fn end_with_us() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        for pid in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        std::process::exit(130);
    })
}
