//! The claim: `hub inspect` shows the segments and the frames of a real hub's conversations, each answer
//! matched to what it answers, and no payload unless asked. The setup: tcpdump on the loopback interface,
//! a hub, a subscriber, a publisher and a request that nobody answers.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Hub, Process, tool};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Runs `hub inspect` on a file.
fn inspect(file: &Path, options: &[&str]) -> Ended {
    let file = file.to_str().unwrap();
    tool("hub://h", [&["inspect", file][..], options].concat()).end()
}

/// Captures a short life of a hub.
fn captured(folder: &TempDir) -> std::path::PathBuf {
    let file = folder.path().join("hub.pcap");
    let hub = Hub::start();
    let port = hub.url.rsplit(':').next().unwrap().to_owned();
    let mut command = Command::new("tcpdump");
    command
        .args(["-i", "lo", "-U", "-Z", "root", "--immediate-mode", "-B", "65536", "-w"])
        .arg(&file);
    command.args(["tcp", "port", &port]);
    let tcpdump = Process::spawn(
        "tcpdump, which the test needs (apt-get install tcpdump) and which needs root",
        command,
    );
    tcpdump.wait_for_stderr("listening on");
    let subscriber = hub.listen(["on", "orders.**", "--json", "--count", "2"]);
    for name in ["Ada", "Grace"] {
        let event = format!("{{\"order\": 7, \"name\": \"{name}\"}}");
        assert_eq!(hub.run(["emit", "orders.placed", &event]).end().code(), Some(0));
    }
    assert_eq!(subscriber.end().code(), Some(0));
    assert_eq!(hub.run(["request", "stock.check", "1"]).end().code(), Some(5));
    assert_eq!(hub.terminate().code(), Some(0));
    std::thread::sleep(std::time::Duration::from_millis(300));
    tcpdump.signal("TERM");
    tcpdump.end();
    file
}

/// How many frames of a type one side sent.
fn count(lines: &[Value], from: &str, kind: &str) -> usize {
    let frames = lines.iter().filter(|line| line["kind"] == "frame");
    frames.filter(|line| line["from"] == from && line["type"] == kind).count()
}

#[test]
fn frames_and_segments_of_a_real_hub() {
    let folder = TempDir::new().unwrap();
    let file = captured(&folder);
    let ended = inspect(&file, &["--json"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let lines = ended.json_lines();
    for (from, kind, expected) in [
        ("client", "HELLO", 4),
        ("server", "WELCOME", 4),
        ("client", "EVENT", 3),
        ("server", "EVENT", 2),
        ("server", "REFUSED", 1),
        ("server", "CLOSE", 4),
    ] {
        assert_eq!(count(&lines, from, kind), expected, "{from} {kind}");
    }
    let kinds = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    for welcome in kinds("frame").iter().filter(|line| line["type"] == "WELCOME") {
        let hello = kinds("frame")
            .into_iter()
            .find(|line| line["stream"] == welcome["stream"] && line["type"] == "HELLO");
        assert_eq!(welcome["answers_frame"], hello.unwrap()["frame"]);
    }
    let segments = kinds("segment");
    let connections = kinds("connection");
    assert_eq!(connections.len(), 4);
    let counted: u64 = (connections.iter())
        .flat_map(|line| [&line["from_client"], &line["from_server"]])
        .map(|side| side["segments"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, segments.len() as u64);
    assert!(!ended.text().contains("Grace"), "a payload is shown");
    assert!(inspect(&file, &["--json", "--show-payloads"]).text().contains("Grace"));
    let story = inspect(&file, &[]);
    for part in [
        "the connection is established after",
        "EVENT orders.placed {order: int, name: str(3)}",
        "no_subscriber",
        "closed in both directions",
    ] {
        assert!(story.text().contains(part), "{part}: {}", story.text());
    }
    assert!(inspect(&file, &["--verbose"]).text().contains("maximum segment size 65495"));
    // The same report comes through a pipe.
    let mut piped = Command::new(HUB);
    piped.args(["inspect", "-", "--json"]);
    let mut piped = Process::spawn("hub inspect -", piped);
    piped.feed(&std::fs::read(&file).unwrap());
    assert_eq!(piped.end().text(), ended.text());
}

#[test]
fn damaged_and_other_files_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "GET / HTTP/1.1\r\nhost: example\r\n\r\n").unwrap();
    let ended = inspect(&file, &[]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("neither a pcap nor a pcapng file"), "{}", ended.stderr);
    // A capture whose first record is cut.
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 1, 2, 3]);
    std::fs::write(&file, bytes).unwrap();
    let ended = inspect(&file, &[]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.stderr.contains("the capture ends at byte 24, in packet 1"), "{}", ended.stderr);
    assert_eq!(inspect(&folder.path().join("none"), &[]).code(), Some(1));
}
