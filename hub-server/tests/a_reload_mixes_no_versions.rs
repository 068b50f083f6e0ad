//! Promise: rules and rights are replaced under full load without a mixture and without a loss,
//! however often, and no connection notices. A broken file changes nothing, and the log says where
//! it is broken.
//!
//! `HUB_TEST_RELOADS=1000` sets how many times they are replaced.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use hub_server::{Config, RunningHub};
use hub_wire::{Limits, Overflow, Packer, Reader, Subscribe};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use support::*;
use tempfile::TempDir;
use tracing::Level;

const PUBLISHERS: u64 = 2;
const SUBSCRIBERS: usize = 2;
/// Events that a publisher sends before it asks for the hub's word on them.
const BATCH: u64 = 100;
/// One in so many events is so large that it is scrubbed on another thread.
const LARGE: u64 = 60;
/// One in so many files is broken.
const BROKEN: u64 = 10;

/// Replaces two fields, each with the version. The rule that only counts makes plans longer.
fn version(number: u64) -> String {
    format!(
        r#"
        [[rule]]
        name = "a"
        find = {{ keys = ["a"] }}
        action = {{ do = "replace", with = {number} }}
        tests = {{ hits = [{{ a = "x" }}], misses = [{{ c = 1 }}] }}

        [[rule]]
        name = "b"
        find = {{ paths = ["*.b"] }}
        action = {{ do = "replace", with = {number} }}
        tests = {{ hits = [{{ in = {{ b = "x" }} }}], misses = [{{ b = 1 }}] }}
        "#
    )
}

/// Like a version, but for one key that there is none of, in line 3.
const WRONG: &str = "[[rule]]\nname = \"a\"\nfnid = { keys = [\"a\"] }\naction = \"drop\"\n";

/// What clients may do: always the same. What others may, with whom these share the file, changes;
/// whose own rights change comes back with those.
fn access(number: u64) -> String {
    format!(
        r#"
        [anonymous]
        roles = ["all"]
        [roles.all]
        publish.allow = "t"
        subscribe.allow = "t"
        subscribe.block = "t"
        [roles.others]
        publish.allow = ["t", "version-{number}"]
        subscribe.deny = ["t", "version-{number}"]
        "#
    )
}

fn payload(publisher: u64, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pack = Packer(&mut out);
    let large = number.is_multiple_of(LARGE);
    pack.map(4 + u32::from(large)).str("from").uint(publisher).str("number").uint(number);
    pack.str("a").str("raw").str("in").map(1).str("b").str("raw");
    if large {
        pack.str("pad").str(&"large ".repeat(8_000));
    }
    out
}

/// An event as it came: publisher, number, and the two versions.
fn read(payload: &[u8]) -> (u64, u64, [u64; 2]) {
    let limits = Limits::NONE;
    let mut read = Reader::new(payload, &limits);
    let entries = read.map("event").unwrap();
    let mut field = |name: &'static str| {
        assert_eq!(read.str("key").unwrap(), name);
        if name == "in" {
            assert_eq!(read.map("in").unwrap(), 1);
            assert_eq!(read.str("key").unwrap(), "b");
        }
        read.uint(name).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let (from, number) = (field("from"), field("number"));
    assert_eq!(entries, 4 + u32::from(number.is_multiple_of(LARGE)));
    (from, number, [field("a"), field("in")])
}

fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// How many files were taken over and refused so far.
fn reloads(hub: &RunningHub) -> (u64, u64) {
    let of =
        |outcome: &str| metric(hub, &format!("hub_scrub_reloads_total{{outcome=\"{outcome}\"}}"));
    (of("applied"), of("refused"))
}

/// What one subscriber saw, until a publisher's last event of each.
fn subscriber(
    address: std::net::SocketAddr,
    newest: Arc<AtomicU64>,
) -> std::thread::JoinHandle<Vec<(u64, u64)>> {
    let mut client = Client::open(address);
    client.subscribe(&Subscribe { overflow: Overflow::Block, ..subscription(1, "t") });
    std::thread::spawn(move || {
        // Of each publisher the next number and the version seen last, and of each its end.
        let mut due = vec![(0, 0); PUBLISHERS as usize];
        let mut open = PUBLISHERS;
        while open > 0 {
            let (from, number, [a, b]) = read(&client.event().payload);
            assert_eq!(a, b, "event {number} of {from} was scrubbed by a mixture of two versions");
            let (next, last) = &mut due[from as usize];
            if number == u64::MAX {
                open -= 1;
                continue;
            }
            assert_eq!(number, *next, "an event of {from} is missing");
            assert!(a >= *last, "{from} was scrubbed by version {last}, and then by {a}");
            (*next, *last) = (number + 1, a);
            newest.fetch_max(a, Ordering::Relaxed);
        }
        due
    })
}

#[test]
fn a_thousand_reloads_under_load_mix_no_versions_and_lose_nothing() {
    let wanted = std::env::var("HUB_TEST_RELOADS").map_or(60, |n| n.parse::<u64>().unwrap());
    let log = Log::keep();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rules.toml");
    write(&path, &version(1));
    let mut config = Config { keepalive_ms: 600_000, ..Config::default() };
    config.listen.set_port(0);
    config.http.set_port(0);
    config.rules = path.to_string_lossy().into_owned();
    let rights = folder.path().join("access.toml");
    write(&rights, &access(1));
    config.access = rights.to_string_lossy().into_owned();
    let hub = RunningHub::start(config).unwrap();

    let newest = Arc::new(AtomicU64::new(0));
    let subscribers: Vec<_> =
        (0..SUBSCRIBERS).map(|_| subscriber(hub.clients(), newest.clone())).collect();
    let done = Arc::new(AtomicBool::new(false));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let done = done.clone();
            let mut client = Client::open(hub.clients());
            std::thread::spawn(move || {
                let mut number = 0;
                while !done.load(Ordering::Relaxed) {
                    let mut batch = Vec::new();
                    for _ in 0..BATCH {
                        batch.extend(event("t", &payload(publisher, number)));
                        number += 1;
                    }
                    client.send(&batch);
                    let got = client.barrier();
                    let refused = got.iter().find(|got| matches!(got, Got::Refused(_)));
                    assert_eq!(refused, None);
                }
                client.send(&event("t", &payload(publisher, u64::MAX)));
                assert!(!client.barrier().iter().any(|got| matches!(got, Got::Refused(_))));
                number
            })
        })
        .collect();

    // The first change is seen by looking at the file, as always; then the hub listens to SIGHUP
    // for sure, and need not be waited for.
    let (mut current, mut broken) = (2, 0);
    write(&path, &version(current));
    wait_until("the first change is taken over", || reloads(&hub).0 == 1);
    for n in 2..=wanted {
        let is_broken = n % BROKEN == 0;
        if is_broken {
            broken += 1;
            write(&path, WRONG);
        } else {
            current += 1;
            write(&path, &version(current));
            write(&rights, &access(current));
        }
        let (_, refused) = reloads(&hub);
        let hang_up = Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status();
        assert!(hang_up.unwrap().success());
        wait_until("the file is refused, or seen in an event", || match is_broken {
            true => reloads(&hub).1 > refused,
            false => newest.load(Ordering::Relaxed) == current,
        });
    }
    done.store(true, Ordering::Relaxed);
    let sent: Vec<u64> = publishers.into_iter().map(|thread| thread.join().unwrap()).collect();
    for subscriber in subscribers {
        let due = subscriber.join().unwrap();
        let seen: Vec<u64> = due.iter().map(|(next, _)| *next).collect();
        assert_eq!(seen, sent, "each event of each publisher came");
    }
    let access = metric(&hub, "hub_access_reloads_total{outcome=\"applied\"}");
    assert!(access >= wanted / 2, "rights were taken over {access} times");
    assert_eq!(metric(&hub, "hub_access_reloads_total{outcome=\"refused\"}"), 0);
    let (applied, refused) = reloads(&hub);
    // A look that comes of the clock may take over a file once more.
    assert!(refused >= broken && applied >= current - 1, "{applied} applied, {refused} refused");
    let errors = log.lines(&[Level::ERROR]);
    assert_eq!(errors.len() as u64, refused);
    let place = format!("{}:3: `fnid`", path.display());
    assert!(errors.iter().all(|line| line.contains(&place)), "{errors:?}");
    eprintln!("{applied} applied, {refused} refused, under {} events", sent.iter().sum::<u64>());
}
