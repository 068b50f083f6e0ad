//! The claim: `hub doctor` prints a screen or a line of JSON, its exit code names the lowest layer at
//! fault, and `--watch` says what changes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{HUB, Hub, tool};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_healthy_hub_is_code_0() {
    let hub = Hub::start();
    let ended = hub.run(["doctor"]).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.text());
    assert!(ended.text().ends_with("The doctor found nothing wrong.\n"), "{}", ended.text());
    let ended = tool("hub://h", ["doctor", &hub.url, "--json", "--topic", "orders.placed"]).end();
    assert_eq!(ended.code(), Some(0), "{}", ended.text());
    let [report] = &ended.json_lines()[..] else { panic!("{}", ended.text()) };
    assert_eq!(report["layers"][5]["seen"]["topic"]["topic"], "orders.placed");
}

#[test]
fn a_closed_port_is_the_code_of_tcp() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("hub://{}", listener.local_addr().unwrap());
    drop(listener);
    let ended = tool(&url, ["doctor"]).end();
    assert_eq!(ended.code(), Some(13), "{}", ended.text());
    assert!(ended.text().contains("FAULT    TCP"), "{}", ended.text());
}

#[test]
fn wrong_usage_is_code_2() {
    for args in [
        &["doctor", "http://h"][..],
        &["doctor", "hub://h", "--topic", "a.*"],
        &["doctor", "hub://h", "--watch=0"],
        &["doctor", "hubs://127.0.0.1:1", "--ca", "/nonexistent.pem"],
    ] {
        let ended = tool("hub://h", args).end();
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_watch_says_only_what_changes() {
    let hub = Hub::start();
    let mut watch = Command::new(HUB)
        .args(["doctor", &hub.url, "--watch=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "The doctor found nothing wrong."));
    // Two examinations or more, in which nothing changes but times.
    std::thread::sleep(Duration::from_secs(5));
    drop(hub);
    let gone: Vec<_> = lines.by_ref().take_while(|line| !line.contains("The fault is")).collect();
    watch.kill().unwrap();
    watch.wait().unwrap();
    let (times, told): (Vec<_>, Vec<_>) = gone.iter().partition(|line| line.contains(" ms -> "));
    assert!(times.len() <= 2 * 5, "{gone:?}");
    let new: Vec<_> = told.iter().filter(|line| line.contains(": new: ")).collect();
    let [new] = &new[..] else { panic!("{gone:?}") };
    // The hub ends between two examinations, or in the middle of one.
    let ends_at = ["TCP: new: ", "hub: new: ", "round trip: new: "];
    assert!(ends_at.iter().any(|at| new.contains(at)), "{gone:?}");
}

#[test]
fn a_watch_ends_with_its_reader() {
    let hub = Hub::start();
    let mut watch = Command::new(HUB)
        .args(["doctor", &hub.url, "--watch=1", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(watch.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let ended = watch.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_watch_with_json_prints_whole_reports() {
    let hub = Hub::start();
    let mut watch = Command::new(HUB)
        .args(["doctor", &hub.url, "--watch=1", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    let reports: Vec<_> = lines.take(2).collect();
    watch.kill().unwrap();
    watch.wait().unwrap();
    for report in reports {
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["at_fault"], serde_json::Value::Null, "{report:#}");
        assert_eq!(report["layers"].as_array().unwrap().len(), 8);
    }
}
