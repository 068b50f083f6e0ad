//! The secrets of TLS connections go to the file that SSLKEYLOGFILE names, if the program may write
//! them: the tool and the SDK unless they are told not to, the hub only if it is told to.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use super::tls_in_the_tool::Secured;
use crate::support::{HUB, Process};
use hub_client::Client;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

const VARIABLE: &str = "SSLKEYLOGFILE";
/// What every connection over TLS 1.3 writes, in the format of NSS.
const LABELS: [&str; 4] = [
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
];

/// Forwards one connection to the hub. The thread returns the client random, in hexadecimal digits,
/// which it reads in the ClientHello.
fn proxy(hub: &Secured) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("hubs://localhost:{}", listener.local_addr().unwrap().port());
    let port: u16 = hub.url.rsplit(':').next().unwrap().parse().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut hub = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // The headers of record and message, the version, and then the random.
        let mut hello = [0; 5 + 4 + 2 + 32];
        client.read_exact(&mut hello).unwrap();
        hub.write_all(&hello).unwrap();
        let (mut from_hub, mut to_client) = (hub.try_clone().unwrap(), client.try_clone().unwrap());
        let back = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_hub, &mut to_client);
            let _ = to_client.shutdown(std::net::Shutdown::Write);
        });
        let _ = std::io::copy(&mut client, &mut hub);
        let _ = hub.shutdown(std::net::Shutdown::Write);
        back.join().unwrap();
        hello[11..].iter().map(|byte| format!("{byte:02x}")).collect()
    });
    (url, thread)
}

/// Publishes an event over a connection that is watched, and returns the client random.
fn emit(hub: &Secured, key_log: Option<&Path>) -> String {
    let (url, random) = proxy(hub);
    let mut command = Command::new(HUB);
    command.args(["emit", "orders.placed", "1", "--server", &url]);
    command.env("HUB_CA", hub.path("ca.pem")).env_remove(VARIABLE);
    if let Some(path) = key_log {
        command.env(VARIABLE, path);
    }
    let ended = Process::spawn("hub emit", command).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    random.join().unwrap()
}

/// Whether the file has all secrets of the connection with this client random, each once.
fn has_secrets(path: &Path, random: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap();
    LABELS.iter().all(|label| {
        let start = format!("{label} {random} ");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(&start));
        let secret = lines.next().unwrap_or_default();
        let bits = secret.len() * 4;
        lines.next().is_none()
            && (bits == 256 || bits == 384)
            && secret.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[test]
fn the_tool_writes_them_if_the_variable_is_set() {
    let hub = Secured::start_with(&[], |_, _| {});
    let keys = hub.path("keys.log");
    emit(&hub, None);
    assert!(!keys.exists());
    let first = emit(&hub, Some(&keys));
    let second = emit(&hub, Some(&keys));
    assert_ne!(first, second);
    // The second command appended.
    assert!(has_secrets(&keys, &first) && has_secrets(&keys, &second));
    assert!(!has_secrets(&keys, &"0".repeat(64)), "the check notices a missing connection");
}

#[test]
fn the_hub_writes_them_only_if_it_is_told_to() {
    let with_variable = |command: &mut Command, folder: &Path| {
        command.env(VARIABLE, folder.join("keys.log"));
    };
    let silent = Secured::start_with(&[], with_variable);
    emit(&silent, None);
    assert!(!silent.path("keys.log").exists(), "the variable alone is not enough");
    silent.process.signal("TERM");
    let said = silent.process.end().stderr;
    assert!(!said.contains("keys.log") && !said.contains("tls_key_log"), "{said}");

    let hub = Secured::start_with(&["--tls-key-log", "on"], with_variable);
    let keys = hub.path("keys.log");
    hub.process.wait_for_stderr("tls_key_log is on");
    let first = emit(&hub, None);
    assert!(has_secrets(&keys, &first));
    // A reload of the certificate changes nothing about it. A comment makes the file another one.
    let certificate = std::fs::read_to_string(hub.path("hub.pem")).unwrap();
    std::fs::write(hub.path("hub.pem"), format!("renewed\n{certificate}")).unwrap();
    hub.process.signal("HUP");
    hub.process.wait_for_stderr("taken over");
    let second = emit(&hub, None);
    assert!(has_secrets(&keys, &first) && has_secrets(&keys, &second));
    hub.process.signal("TERM");
    let said = hub.process.end().stderr;
    let warnings: Vec<_> = said.lines().filter(|line| line.contains("tls_key_log is on")).collect();
    let [warning] = warnings[..] else { panic!("{said}") };
    assert!(warning.contains("WARN") && warning.contains("keys.log"), "{warning}");
}

#[test]
fn a_hub_that_cannot_write_them_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(Option<PathBuf>, &str); 3] = [
        (None, "SSLKEYLOGFILE (tls_key_log) names no file"),
        (Some(PathBuf::new()), "SSLKEYLOGFILE (tls_key_log) names no file"),
        (Some(folder.path().join("missing/keys.log")), "keys.log (tls_key_log) cannot be written"),
    ];
    for (path, why) in cases {
        let mut command = Command::new(HUB);
        command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.args(["--tls-cert", "hub.pem", "--tls-key", "hub.key", "--tls-key-log", "on"]);
        command.current_dir(&folder).env_remove(VARIABLE);
        if let Some(path) = path {
            command.env(VARIABLE, path);
        }
        let ended = Process::spawn("hub serve", command).end();
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

/// The variable belongs to a whole process, so this test runs itself again in processes with it.
#[test]
fn a_program_can_tell_the_sdk_not_to() {
    const ROLE: &str = "HUB_TEST_SDK";
    if let Ok(role) = std::env::var(ROLE) {
        let [url, ca, key_log] = role.split(' ').collect::<Vec<_>>()[..] else { panic!("{role}") };
        let client = Client::builder(url).ca_file(ca);
        let client = if key_log == "default" { client } else { client.key_log(false) };
        tokio::runtime::Runtime::new().unwrap().block_on(client.connect()).unwrap();
        return;
    }
    let hub = Secured::start_with(&[], |_, _| {});
    for (key_log, expected) in [("off", false), ("default", true)] {
        let (url, random) = proxy(&hub);
        let keys = hub.path("sdk.log");
        let test = format!("{}::a_program_can_tell_the_sdk_not_to", module_path!());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", test.split_once("::").unwrap().1])
            .env(ROLE, format!("{url} {} {key_log}", hub.path("ca.pem").display()))
            .env(VARIABLE, &keys);
        let ended = Process::spawn("the test again", command).end();
        assert_eq!(ended.code(), Some(0), "{}{}", ended.text(), ended.stderr);
        let random = random.join().unwrap();
        assert_eq!(keys.exists() && has_secrets(&keys, &random), expected, "{key_log}");
    }
}
