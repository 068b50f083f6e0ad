//! The claim: however a healthy hub is set up, the doctor reaches the top and complains about nothing.

use crate::support::pki::{Pki, VALID};
use crate::support::{Hub, assert_healthy, examined, hub_program, options, text_of};
use hub_client::Credentials;
use hub_doctor::{Layer, Right, Scrub, Shown, Verdict, changes, examine, text};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A file in a folder of its own.
fn file(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn over_ipv6() {
    let mut command = Command::new(hub_program());
    command.args(["serve", "--listen", "[::1]:0", "--http", "127.0.0.1:0"]);
    let hub = Hub::run(command);
    let report = examined(&hub.url);
    assert_healthy(&report);
    let path = report.seen.route.as_ref().unwrap().chosen().unwrap();
    assert!(path.address.is_ipv6() && path.source.is_some_and(|source| source.is_ipv6()));
}

#[test]
fn with_tls_over_ipv6() {
    let pki = Pki::new();
    pki.issue("hub", "::1", VALID);
    let mut command = Command::new(hub_program());
    command.args(["serve", "--listen", "[::1]:0", "--http", "127.0.0.1:0"]).args(pki.hub_args());
    let hub = Hub::run(command);
    let mut options = options(&hub.url);
    options.tls.ca = Some(pki.path("ca.pem"));
    let report = examine(&options).unwrap();
    assert_healthy(&report);
    assert_eq!(report.seen.tls.unwrap().chain[0].names, ["::1"]);
}

#[test]
fn with_a_token_a_password_and_a_topic() {
    let made = Command::new(hub_program()).args(["token", "create", "orders-1"]).output().unwrap();
    let token = text_of(&made.stdout).trim().to_owned();
    let line = text_of(&made.stderr);
    let line = line.lines().find(|line| line.contains("$argon2id$")).unwrap();
    let mut hash = Command::new(hub_program());
    let mut hash = hash
        .args(["token", "hash-password"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut hash.stdin.take().unwrap(), b"correct horse\n").unwrap();
    let hash = text_of(&hash.wait_with_output().unwrap().stdout);
    let (_folder, access) = file(
        "access.toml",
        &format!(
            "[roles.orders]\npublish.allow = \"orders.**\"\nsubscribe.allow = \"orders.**\"\n\
             [identities.orders]\nroles = \"orders\"\n{line}\npassword = \"{}\"\n",
            hash.trim()
        ),
    );
    let hub = Hub::start(&["--access", access.to_str().unwrap()]);
    let mut options = options(&hub.url);
    options.topic = Some("orders.placed".into());
    let all = [
        (Credentials::Token(token), Shown::Token),
        (
            Credentials::Password { user: "orders".into(), password: "correct horse".into() },
            Shown::Password,
        ),
    ];
    for (credentials, kind) in all {
        options.credentials = Some(credentials);
        let report = examine(&options).unwrap();
        assert_healthy(&report);
        let access = report.seen.access.unwrap();
        assert!(access.publisher.starts_with("orders#"), "{access:?}");
        assert_eq!(access.credentials, kind);
    }
}

/// Starts a client, and waits until it has subscribed.
fn subscriber(hub: &Hub, args: &[&str]) -> Child {
    let mut client = Command::new(hub_program())
        .args(args)
        .args(["--server", &hub.url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = std::io::BufReader::new(client.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut said).unwrap();
    assert!(said.contains("subscribed to "), "{said}");
    client.stderr = Some(stderr.into_inner()); // a client whose stderr is closed could end
    client
}

#[test]
fn with_a_topic_that_somebody_reads() {
    let hub = Hub::start::<&str>(&[]);
    // `hub on` only watches, so the doctor's request needs somebody who answers as well.
    let mut reader = subscriber(&hub, &["on", "orders.**", "--json"]);
    let mut answerer = subscriber(&hub, &["reply", "orders.**", "--echo"]);
    let mut options = options(&hub.url);
    options.topic = Some("orders.placed".into());
    let report = examine(&options).unwrap();
    let _ = (reader.kill(), answerer.kill());
    let _ = answerer.wait();
    let read = text_of(&reader.wait_with_output().unwrap().stdout);
    assert_healthy(&report);
    let rights = report.seen.access.unwrap().topic.unwrap();
    assert_eq!(rights.publish, Right::Allowed { reached_a_subscriber: true });
    assert_eq!(read.lines().count(), 1, "the reader got more than one event: {read}");
    assert!(read.contains("hub.doctor"), "{read}");
}

#[test]
fn with_all_packs_in_force() {
    let packs = ["pci", "pii", "secrets"].map(|name| format!("[[pack]]\nname = \"{name}\"\n"));
    let (_folder, rules) = file("rules.toml", &packs.concat());
    let hub = Hub::start(&["--rules", rules.to_str().unwrap()]);
    let mut options = options(&hub.url);
    options.topic = Some("orders.placed".into());
    let report = examine(&options).unwrap();
    assert_healthy(&report);
    let sizes = &report.seen.round_trip.as_ref().unwrap().sizes;
    let unchanged = sizes.iter().all(|size| size.scrub == Scrub::Unchanged);
    assert!(unchanged && sizes.last().unwrap().payload_bytes > 1_000_000, "{sizes:?}");
}

#[test]
fn with_small_frames() {
    let hub = Hub::start(&["--max-frame-bytes", "8192"]);
    let report = examined(&hub.url);
    assert_healthy(&report);
    let largest = report.seen.round_trip.unwrap().sizes.last().unwrap().payload_bytes;
    assert!((8_000..8_192).contains(&largest), "{largest}");
}

#[test]
fn while_other_clients_are_busy() {
    let hub = Hub::start::<&str>(&[]);
    let mut command = Command::new(hub_program());
    let bench = command
        .args(["bench", "latency", "--rate", "2000", "--seconds", "30", "--server", &hub.url])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut bench = bench.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let reports = [(); 3].map(|()| examined(&hub.url));
    assert!(bench.try_wait().unwrap().is_none(), "the load ended before the examinations");
    let _ = bench.kill();
    let _ = bench.wait();
    reports.iter().for_each(assert_healthy);
}

#[test]
fn again_and_again() {
    let pki = Pki::new();
    let hub = pki.hub("localhost", VALID, &[]);
    let options = pki.client(&hub);
    let mut before = examine(&options).unwrap();
    assert_healthy(&before);
    for _ in 0..3 {
        let after = examine(&options).unwrap();
        assert_healthy(&after);
        assert_eq!(after.verdict(Layer::Tls), Verdict::Ok);
        // Times may differ on a busy machine; nothing else does.
        let said = changes(&before, &after);
        let times = said.iter().all(|line| line.contains(" ms -> "));
        assert!(times, "{said:?}\n{}{}", text(&before), text(&after));
        before = after;
    }
}
