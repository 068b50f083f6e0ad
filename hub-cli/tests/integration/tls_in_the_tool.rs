//! The tool speaks TLS: it trusts whom it is told to, says what is wrong, and the hub's private key
//! is in nothing that either of them says.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Process};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A hub with a certificate for localhost, and HTTP over TLS.
pub(crate) struct Secured {
    folder: TempDir,
    pub(crate) process: Process,
    pub(crate) url: String,
    http: String,
    key: String,
}

impl Secured {
    fn start(more: &[&str]) -> Secured {
        Secured::start_with(more, |_, _| {})
    }

    /// Starts a hub whose command was changed by `change`, which also gets the hub's folder.
    pub(crate) fn start_with(more: &[&str], change: impl FnOnce(&mut Command, &Path)) -> Secured {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(params, ca_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let cert = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap().pem();
        let key = key.serialize_pem();
        for (name, text) in [("ca.pem", &ca), ("hub.pem", &cert), ("hub.key", &key)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut command = Command::new(HUB);
        command
            .current_dir(&folder)
            .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--http-tls", "on"])
            .args(["--tls-cert", "hub.pem", "--tls-key", "hub.key"])
            .args(more);
        change(&mut command, folder.path());
        let mut process = Process::spawn("hub serve", command);
        let ready = process.stdout_line();
        let (clients, http) =
            ready.trim().split_once("clients ").unwrap().1.split_once(", ").unwrap();
        let url = clients.replace("127.0.0.1", "localhost");
        let http = http.strip_prefix("http ").unwrap().to_owned();
        assert!(url.starts_with("hubs://") && http.starts_with("https://"), "{ready}");
        Secured { folder, process, url, http, key }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str], ca: &str) -> Ended {
        let mut command = Command::new(HUB);
        command.args(args).env("HUB_SERVER", &self.url).env("HUB_CA", self.path(ca));
        Process::spawn(&format!("hub {args:?}"), command).end()
    }
}

#[test]
fn it_trusts_whom_it_is_told_to() {
    let hub = Secured::start(&[]);
    let good = hub.run(&["emit", "orders.placed", "{\"number\": 7}"], "ca.pem");
    assert_eq!(good.code(), Some(0), "{}", good.stderr);
    let other =
        hub.run(&["emit", "a", "1", "--ca", hub.path("hub.key").to_str().unwrap()], "ca.pem");
    assert_eq!(other.code(), Some(2), "a file without a CA is wrong usage: {}", other.stderr);
    assert!(other.stderr.contains("hub.key holds no certificate"), "{}", other.stderr);
    let mut system = Command::new(HUB);
    system.args(["emit", "a", "1"]).env("HUB_SERVER", &hub.url);
    let system = Process::spawn("hub emit", system).end();
    assert_eq!(system.code(), Some(3), "the system does not know this CA: {}", system.stderr);
    let named = hub.run(&["emit", "a", "1", "--tls-name", "hub.internal"], "ca.pem");
    assert_eq!(named.code(), Some(3), "{}", named.stderr);
    assert!(named.stderr.contains("it is for another name"), "{}", named.stderr);
    let half = hub.run(&["emit", "a", "1", "--cert", "x.pem"], "ca.pem");
    assert_eq!(half.code(), Some(2), "{}", half.stderr);
    assert!(half.stderr.contains("go together"), "{}", half.stderr);
}

#[test]
fn health_is_asked_over_tls() {
    let hub = Secured::start(&[]);
    let address = hub.http.strip_prefix("https://").unwrap();
    let ready: [&[&str]; 2] = [
        &["health", "--http", &hub.http, "--tls-name", "localhost"],
        &["health", "--http", address, "--http-tls", "on", "--tls-name", "localhost"],
    ];
    for args in ready {
        let ended = hub.run(args, "ca.pem");
        assert_eq!((ended.code(), ended.text()), (Some(0), "ready\n"), "{}", ended.stderr);
    }
    // Without TLS, or with a certificate for another name, or of another CA: no answer.
    let not: [(&[&str], &str); 3] = [
        (&["health", "--http", address], "ca.pem"),
        (&["health", "--http", &hub.http], "ca.pem"),
        (&["health", "--http", &hub.http, "--tls-name", "localhost"], "hub.pem"),
    ];
    for (args, ca) in not {
        let ended = hub.run(args, ca);
        assert_eq!(ended.code(), Some(1), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_hub_behind_tls_is_measured() {
    let hub = Secured::start(&[]);
    let args = ["bench", "fanout", "--seconds", "0.5", "--subscribers", "2", "--json"];
    let ended = hub.run(&args, "ca.pem");
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let [figures] = &ended.json_lines()[..] else { panic!("{}", ended.text()) };
    let number =
        |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("no {name}: {figures}"));
    assert!(number("delivered") > 0.0, "{figures}");
    let untrusted = hub.run(&args, "hub.pem");
    assert_eq!(untrusted.code(), Some(3), "{}", untrusted.stderr);
}

/// Whatever goes wrong with the key, and however much is logged.
#[test]
fn the_private_key_is_in_no_log_and_no_error() {
    let hub = Secured::start(&["--log", "trace"]);
    hub.run(&["emit", "a", "1"], "ca.pem");
    let body: String = hub.key.lines().filter(|line| !line.starts_with("---")).collect();
    let (first, last) = body.split_at(body.len() / 2);
    let broken = [
        format!("-----BEGIN PRIVATE KEY-----{body}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{first}!{last}\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n"),
        format!("-----BEGIN {body}\n"),
        format!(
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n"
        ),
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"),
    ];
    // In the key's place, and pasted where the certificate or the client CAs should be.
    let mut said = String::new();
    for (number, text) in broken.iter().enumerate() {
        let file = hub.path(&format!("broken-{number}.pem"));
        std::fs::write(&file, text).unwrap();
        for flag in ["--tls-key", "--tls-cert", "--tls-client-ca", "--config"] {
            let mut command = Command::new(HUB);
            command
                .current_dir(&hub.folder)
                .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
                .args(["--tls-cert", "hub.pem", "--tls-key", "hub.key", "--log", "trace"])
                .arg(flag)
                .arg(&file);
            let ended = Process::spawn("hub serve", command).end();
            assert_ne!(ended.code(), Some(0), "{flag} with {text}");
            said.push_str(&ended.stderr);
        }
        let file = file.to_str().unwrap();
        for args in [["--ca", file, "--cert", file], ["--cert", "hub.pem", "--key", file]] {
            let args: Vec<_> = ["emit", "a", "1"].into_iter().chain(args).collect();
            let ended = hub.run(&args, "ca.pem");
            assert_ne!(ended.code(), Some(0), "{args:?} with {text}");
            said.push_str(&ended.stderr);
        }
    }
    // While it runs.
    std::fs::write(hub.path("hub.key"), &broken[1]).unwrap();
    hub.process.wait_for_stderr("what was in force stays in force");
    hub.process.signal("TERM");
    said.push_str(&hub.process.end().stderr);
    for at in 0..body.len() - 12 {
        assert!(!said.contains(&body[at..at + 12]), "a part of the key was said");
    }
}
