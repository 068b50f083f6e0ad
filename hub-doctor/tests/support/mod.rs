//! What the tests of the doctor share: a real hub in a process, and small servers that say what other
//! programs say.
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod pki;

use hub_doctor::{Layer, Options, Report, Verdict, examine, text};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// The folder with the programs that cargo built.
pub(crate) fn built() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().and_then(Path::parent).unwrap().to_owned()
}

/// The program `hub`, which is of another package.
pub(crate) fn hub_program() -> PathBuf {
    std::env::var_os("DOCTOR_HUB_BIN").map_or_else(|| built().join("hub"), PathBuf::from)
}

/// A real hub, which ends with the test.
#[derive(Debug)]
pub(crate) struct Hub {
    child: Child,
    /// Where it listens, with its scheme.
    pub(crate) url: String,
    /// `host:port` of its HTTP.
    pub(crate) http: String,
}

impl Hub {
    pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> Hub {
        let mut command = Command::new(hub_program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(args);
        Hub::run(command)
    }

    /// Runs a command that starts a hub.
    pub(crate) fn run(mut command: Command) -> Hub {
        let shown = format!("{command:?}");
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| {
                panic!("{shown}: {error}; build it: cargo build -p hub-cli")
            });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let after = |word: &str| line.split_once(word).map(|(_, rest)| rest.trim().to_owned());
        let url = after("clients ").unwrap_or_else(|| panic!("{shown} says {line:?}"));
        let url = url.split(',').next().unwrap().to_owned();
        let http = after(", http ").unwrap();
        Hub { child, url, http: http.split_once("://").unwrap().1.to_owned() }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let done = Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap();
        assert!(done.success(), "kill -{name} {id}");
    }

    /// `host:port` of its clients.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that runs a function for each of its connections, on a thread of its own.
pub(crate) fn serve(talk: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (talk, Ok(connection)) = (talk.clone(), connection) else { return };
            thread::spawn(move || talk(connection));
        }
    });
    address
}

/// Examines a hub without options.
pub(crate) fn examined(url: &str) -> Report {
    examine(&options(url)).unwrap()
}

pub(crate) fn options(url: &str) -> Options {
    Options::new(url.parse().unwrap())
}

/// Checks that the lowest fault is on a layer, with this code; and that all layers below are good.
pub(crate) fn assert_fault(report: &Report, layer: Layer, code: &str) {
    let shown = text(report);
    assert_eq!(report.at_fault(), Some(layer), "{shown}");
    let codes: Vec<_> = report.of_layer(layer).map(|finding| finding.code).collect();
    assert!(codes.contains(&code), "{codes:?} instead of {code}:\n{shown}");
    assert_eq!(report.exit_code(), layer.exit_code());
    for below in Layer::ALL.into_iter().filter(|below| *below < layer) {
        let verdict = report.verdict(below);
        assert!(matches!(verdict, Verdict::Ok | Verdict::NotUsed), "{below:?}: {shown}");
    }
}

/// Checks that the doctor complains about nothing, and reached the top.
pub(crate) fn assert_healthy(report: &Report) {
    assert_eq!(report.findings, [], "{}", text(report));
    for layer in Layer::ALL.into_iter().filter(|layer| *layer != Layer::Tls) {
        assert_eq!(report.verdict(layer), Verdict::Ok, "{layer:?}: {}", text(report));
    }
    assert_eq!(report.exit_code(), 0);
}

/// Returns what the report says about a layer.
pub(crate) fn said(report: &Report, layer: Layer) -> String {
    report.of_layer(layer).map(|finding| format!("{} {}\n", finding.what, finding.remedy)).collect()
}

/// Returns what a program printed.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
