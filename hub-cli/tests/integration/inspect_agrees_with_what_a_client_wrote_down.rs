//! Claim: `hub inspect` shows the frames that were sent: of a connection without TLS, and of one with TLS
//! for each cipher suite and each version, if it gets the secrets.
//!
//! The hub has no log of frames. The log is that of a client which writes down each frame that it sends
//! and each frame that it gets.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Process, tool};
use crate::wire::frames::{event, event_with, hello, numbered};
use hub_wire::{FrameType, split};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, KeyLog, RootCertStore, StreamOwned};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A frame as the client wrote it down: its type, and its bytes with the length.
type Line = (String, u64);

/// What one client sent and got.
#[derive(Debug, Default)]
struct Log {
    port: u16,
    sent: Vec<Line>,
    got: Vec<Line>,
}

fn line(body: &[u8]) -> Line {
    (format!("{:?}", FrameType::of(body).unwrap()).to_uppercase(), 4 + body.len() as u64)
}

/// Keeps secrets in the format of `SSLKEYLOGFILE`.
#[derive(Debug, Default)]
struct Secrets(Mutex<String>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.0.lock().unwrap().push_str(&line);
    }
}

/// Says something of everything, and writes it down. `halfway` is called between the events.
fn converse<S: Read + Write>(socket: &mut S, port: u16, halfway: impl FnOnce(&mut S)) -> Log {
    let mut log = Log { port, ..Log::default() };
    let mut buffer = Vec::new();
    let mut until = |socket: &mut S, log: &mut Log, wanted: &str| {
        loop {
            while let Some(body) = split(&buffer, u32::MAX).unwrap() {
                let got = line(body);
                buffer.drain(..4 + body.len());
                log.got.push(got);
            }
            if log.got.iter().any(|(name, _)| name == wanted) {
                return;
            }
            let mut bytes = [0; 4096];
            let count = socket.read(&mut bytes).unwrap();
            assert!(count > 0, "the hub closed before {wanted}");
            buffer.extend(&bytes[..count]);
        }
    };
    let say = |socket: &mut S, log: &mut Log, frame: &[u8]| {
        log.sent.push(line(&frame[4..]));
        socket.write_all(frame).unwrap();
        socket.flush().unwrap();
    };
    let send = |frame: hub_wire::Frame<'_>| frame.to_bytes();
    say(socket, &mut log, &send(hub_wire::Frame::Hello(hello("writes-down"))));
    until(socket, &mut log, "WELCOME");
    say(
        socket,
        &mut log,
        &send(hub_wire::Frame::Subscribe(hub_wire::Subscribe {
            id: 7,
            filter: "orders.**".to_owned(),
            overflow: hub_wire::Overflow::default(),
            group: None,
            start: hub_wire::Start::Live,
            positions: false,
            window: None,
            ack: None,
            observe: false,
            more: false,
            keep: false,
        })),
    );
    until(socket, &mut log, "SUBSCRIBED");
    say(socket, &mut log, &event("orders.placed", &numbered(1, 10)));
    // This one needs several records of TLS, and several segments.
    say(socket, &mut log, &event("orders.large", &numbered(2, 100_000)));
    until(socket, &mut log, "EVENT");
    halfway(socket);
    let headers = [("id", "r1"), ("reply", "orders.reply")];
    say(socket, &mut log, &event_with("orders.asked", &numbered(3, 10), &headers));
    say(socket, &mut log, &event_with("orders.reply", &numbered(4, 10), &[("re", "r1")]));
    let headers = [("id", "r2"), ("reply", "orders.reply")];
    say(socket, &mut log, &event_with("nobody.listens", &numbered(5, 10), &headers));
    until(socket, &mut log, "REFUSED");
    say(socket, &mut log, &send(hub_wire::Frame::Ping { token: 99 }));
    until(socket, &mut log, "PONG");
    say(
        socket,
        &mut log,
        &send(hub_wire::Frame::Close(hub_wire::Close {
            code: hub_wire::CloseCode::Normal,
            reason: "done".to_owned(),
            retry_after_ms: None,
        })),
    );
    until(socket, &mut log, "CLOSE");
    log
}

/// Starts a hub, and returns it with the port for clients.
fn start(folder: &Path, more: &[&str]) -> (Process, u16) {
    let mut command = Command::new(HUB);
    command.current_dir(folder).args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    command.args(more);
    let mut process = Process::spawn("hub serve", command);
    let ready = process.stdout_line();
    let address = ready.split_once("clients ").unwrap().1.split(',').next().unwrap();
    (process, address.rsplit(':').next().unwrap().parse().unwrap())
}

/// Writes a certificate for localhost and its key to a folder. Returns the CA.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&ca_key).unwrap().der().clone();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("hub.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("hub.key"), key.serialize_pem()).unwrap();
    ca
}

/// Talks to a hub over TLS once for each cipher suite. Returns what each client wrote down.
fn over_tls(port: u16, ca: &CertificateDer<'static>, secrets: &Arc<Secrets>) -> Vec<Log> {
    let all = aws_lc_rs::default_provider();
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let mut logs = Vec::new();
    for suite in &all.cipher_suites {
        let name = format!("{:?}", suite.suite());
        if name.contains("_RSA_") {
            continue; // the hub of this test has an ECDSA certificate; the records are the same
        }
        let provider = CryptoProvider { cipher_suites: vec![*suite], ..all.clone() };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[suite.version()])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.key_log = secrets.clone();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let from = socket.local_addr().unwrap().port();
        let is_tls13 = suite.version() == &rustls::version::TLS13;
        let mut stream = StreamOwned::new(connection, socket);
        logs.push(converse(&mut stream, from, |stream| {
            if is_tls13 {
                stream.conn.refresh_traffic_keys().unwrap();
            }
        }));
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    assert_eq!(logs.len(), 6, "three cipher suites of each version");
    logs
}

/// The frames of one side of the connection with this port, as `hub inspect --json` shows them.
fn shown(lines: &[Value], port: u16, side: &str) -> Vec<Line> {
    let ends_with_port = |line: &&Value| {
        let client = line["client"].as_str().unwrap_or_default();
        line["kind"] == "connection" && client.ends_with(&format!(":{port}"))
    };
    let connection = lines.iter().find(ends_with_port).unwrap();
    let mine = |line: &&Value| {
        line["kind"] == "frame" && line["stream"] == connection["stream"] && line["from"] == side
    };
    let line =
        |line: &Value| (line["type"].as_str().unwrap().to_owned(), line["len"].as_u64().unwrap());
    lines.iter().filter(mine).map(line).collect()
}

fn inspect(file: &Path, keys: Option<&Path>) -> Ended {
    let mut args = vec!["inspect", file.to_str().unwrap(), "--json"];
    args.extend(keys.iter().flat_map(|keys| ["--keylog", keys.to_str().unwrap()]));
    let ended = tool("hub://h", args).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    ended
}

/// Copies a capture without one packet.
fn without(file: &Path, packet: u64) -> PathBuf {
    let cut = file.with_extension("cut.pcap");
    let status = Command::new("editcap")
        .args(["-F", "pcap", file.to_str().unwrap(), cut.to_str().unwrap(), &packet.to_string()])
        .status();
    assert!(status.unwrap().success(), "editcap is a part of tshark");
    cut
}

#[test]
fn frames_are_those_that_a_client_wrote_down() {
    let folder = TempDir::new().unwrap();
    let ca = certificate(folder.path());
    let (plain, plain_port) = start(folder.path(), &[]);
    let (secured, port) = start(folder.path(), &["--tls-cert", "hub.pem", "--tls-key", "hub.key"]);
    let file = folder.path().join("hub.pcap");
    let mut command = Command::new("tcpdump");
    command
        .args(["-i", "lo", "-U", "-Z", "root", "--immediate-mode", "-B", "65536", "-w"])
        .arg(&file);
    command.args(["tcp", "port", &plain_port.to_string(), "or", "tcp", "port", &port.to_string()]);
    let tcpdump = Process::spawn("tcpdump, which needs root", command);
    tcpdump.wait_for_stderr("listening on");

    let secrets = Arc::new(Secrets::default());
    let mut logs = over_tls(port, &ca, &secrets);
    let mut socket = TcpStream::connect(("127.0.0.1", plain_port)).unwrap();
    let from = socket.local_addr().unwrap().port();
    logs.push(converse(&mut socket, from, |_| {}));
    drop(socket);
    std::thread::sleep(Duration::from_millis(300));
    tcpdump.signal("TERM");
    tcpdump.end();
    for process in [plain, secured] {
        process.signal("TERM");
        process.end();
    }

    let keys = folder.path().join("keys.log");
    std::fs::write(&keys, secrets.0.lock().unwrap().as_bytes()).unwrap();
    let ended = inspect(&file, Some(&keys));
    let lines = ended.json_lines();
    for log in &logs {
        assert!(log.got.len() > 10 && log.sent.len() > 8, "{log:?}");
        assert_eq!(shown(&lines, log.port, "client"), log.sent, "sent from port {}", log.port);
        assert_eq!(shown(&lines, log.port, "server"), log.got, "got at port {}", log.port);
    }
    // A reply names its request. The client also answers its own request, but maybe before that comes back.
    let from_hub = lines.iter().filter(|line| line["from"] == "server");
    let related = from_hub.filter_map(|line| line["related"].as_str());
    assert_eq!(related.filter(|it| it.contains("replies to the request")).count(), logs.len());
    for secret in std::fs::read_to_string(&keys).unwrap().split_whitespace() {
        assert!(!ended.text().contains(secret), "a secret is shown");
    }

    // Without the secrets, the reason is told.
    let lines = inspect(&file, None).json_lines();
    let connections = lines.iter().filter(|line| line["kind"] == "connection");
    let reasons = connections.filter_map(|line| line["tls"]["reason"].as_str());
    assert_eq!(reasons.filter(|reason| reason.contains("no key log")).count(), logs.len() - 1);

    a_lost_packet_is_survived(&file, &keys, &logs);
}

/// Without a packet in the middle of a connection, the frames behind it are still found.
fn a_lost_packet_is_survived(file: &Path, keys: &Path, logs: &[Log]) {
    let lines = inspect(file, Some(keys)).json_lines();
    let find = |lines: &[Value], port: u16, kind: &str, from: &str| {
        let client = |line: &&Value| {
            line["kind"] == "connection"
                && line["client"].as_str().unwrap_or_default().ends_with(&format!(":{port}"))
        };
        let stream = lines.iter().find(client).unwrap()["stream"].clone();
        let mut frames = lines.iter().filter(|line| {
            line["stream"] == stream && line["type"] == kind && line["from"] == from
        });
        frames.next().map(|line| line["frame"].as_u64().unwrap())
    };
    for log in logs {
        let packet = find(&lines, log.port, "EVENT", "client").unwrap();
        let cut = inspect(&without(file, packet), Some(keys)).json_lines();
        let all = shown(&cut, log.port, "client");
        assert!(all.len() < log.sent.len(), "port {}: a frame was lost", log.port);
        assert_eq!(all.last(), log.sent.last(), "port {}: the end is found", log.port);
    }
}
