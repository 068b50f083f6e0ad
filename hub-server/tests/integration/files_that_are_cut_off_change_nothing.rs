//! Promise: a file of any kind that is empty or cut off is refused like a broken one. What was in force
//! stays in force, the hub says so for as long as that lasts, and it takes the file over as soon as the
//! file is whole again.
//!
//! `HUB_TEST_SEED` repeats a run.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;
use crate::tls_support;

use hub_server::RunningHub;
use hub_server::config::{Config, ConfigFile, Switch};
use serde_json::Value;
use std::fs;
use support::*;
use tls_support::{Ca, Files, HERE};

const RULES: &str = "[[rule]]\nname = \"one\"\nfind = { keys = [\"a\"] }\naction = \"mask\"\n\
    tests = { hits = [{ a = \"x\" }], misses = [{ b = \"x\" }] }\n";
const ACCESS: &str = "[roles.all]\npublish.allow = \"**\"\nsubscribe.allow = \"**\"\nadmin = true\n\n\
    [anonymous]\nroles = \"all\"\n\n[[jwt]]\nissuer = \"x\"\naudience = \"hub\"\nkeys = \"jwks.json\"\n\
    prefix = \"x:\"\nroles = \"all\"\n";
const JWKS: &str = include_str!("../data/access/jwks.json");

/// A hub that follows files of every kind.
struct Following {
    hub: RunningHub,
    files: Files,
    /// The name of each file in the folder, the name of its kind, and the good contents.
    good: Vec<(&'static str, &'static str, String)>,
}

impl Following {
    fn start() -> Following {
        let (ca, files) = (Ca::new("Test CA"), Files::new());
        let issued = ca.issue(&HERE);
        let path = |name: &str| files.path(name).to_str().unwrap().to_owned();
        let config = format!(
            "listen = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nready_needs_files = \"on\"\n\
             rules = {:?}\naccess = {:?}\ntls_cert = {:?}\ntls_key = {:?}\ntls_client_ca = {:?}\n\
             tls_client_auth = \"optional\"\ntls_crl = {:?}\nmax_connections = 1000\n",
            path("rules.toml"),
            path("access.toml"),
            path("hub.pem"),
            path("hub.key"),
            path("ca.pem"),
            path("crl.pem"),
        );
        // Two CAs and two lists, so that a cut can leave one of them.
        let second = Ca::new("Second CA");
        let good = vec![
            ("rules.toml", "rules", RULES.to_owned()),
            ("access.toml", "access", ACCESS.to_owned()),
            ("jwks.json", "access", JWKS.to_owned()),
            ("hub.pem", "tls", format!("{}{}", issued.cert, ca.pem)),
            ("hub.key", "tls", issued.key),
            ("ca.pem", "tls", format!("{}{}", ca.pem, second.pem)),
            ("crl.pem", "tls", format!("{}{}", ca.crl(&[]), second.crl(&[]))),
            ("hub.toml", "config", config),
        ];
        for (name, _, text) in &good {
            files.write(name, text);
        }
        let file = files.path("hub.toml");
        let text = fs::read_to_string(&file).unwrap();
        let file = ConfigFile::new(file, text, Vec::new(), Vec::new());
        let config: Config = file.load().unwrap();
        assert_eq!(config.ready_needs_files, Switch::On);
        let hub = RunningHub::start_following(config, file).unwrap();
        Following { hub, files, good }
    }

    fn stale(&self, kind: &str) -> u64 {
        metric(&self.hub, &format!("hub_files_stale{{file=\"{kind}\"}}"))
    }

    fn ready(&self) -> u16 {
        http(&self.hub, "GET", "/readyz", &[]).0
    }

    /// Asks for a reload, and returns the status, and why files were refused.
    fn reload(&self) -> (u16, String) {
        let (status, answer) = http(&self.hub, "POST", "/admin/reload", &[]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let errors = answer["files"].as_array().unwrap().iter().filter_map(|f| f["error"].as_str());
        (status, errors.collect::<Vec<_>>().join("\n"))
    }

    /// Puts these contents into the place of a file, which the hub has to refuse, and then the good
    /// ones.
    fn refuses(&self, name: &str, contents: &[u8]) {
        let (_, kind, good) = self.good.iter().find(|(of, ..)| *of == name).unwrap();
        fs::write(self.files.path(name), contents).unwrap();
        let (status, why) = self.reload();
        let shown = String::from_utf8_lossy(contents);
        assert_eq!(status, 422, "{name} was taken over: {shown:?}");
        assert!(!why.is_empty(), "{name} is refused without a reason: {shown:?}");
        assert_eq!((self.stale(kind), self.ready()), (1, 503), "{name}: {why}");
        fs::write(self.files.path(name), good).unwrap();
        let (status, why) = self.reload();
        assert_eq!((status, why.as_str()), (200, ""), "{name} is whole again");
        assert_eq!((self.stale(kind), self.ready()), (0, 200), "{name}");
    }
}

#[test]
fn whatever_is_empty_is_refused() {
    let it = Following::start();
    assert_eq!(it.ready(), 200);
    for (name, ..) in &it.good {
        for empty in [&b""[..], b"\n", b" \t\r\n\n", b"\xef\xbb\xbf"] {
            it.refuses(name, empty);
        }
        if !name.ends_with("hub.toml") {
            it.refuses(name, b"# all is gone but this\n");
        }
        // A file system that lost the blocks of a file leaves zeros.
        it.refuses(name, &[0; 512]);
    }
}

/// Where a cut may leave a file that is whole by itself, such as one rule of two, nobody can see it.
/// So each file here is such that none of its beginnings is.
#[test]
fn whatever_is_cut_off_is_refused() {
    let it = Following::start();
    let seed = Random::seed("HUB_TEST_SEED");
    let mut random = Random(seed);
    for (name, _, good) in &it.good {
        let whole = good.trim_end().len();
        for _ in 0..6 {
            let cut = match *name {
                // Without `[anonymous]` and `[[jwt]]`, nobody gets in. From there on, each line is
                // needed.
                "access.toml" => random.below(good.find("[anonymous]").unwrap()),
                // The first certificate, list or CA alone is whole.
                _ if name.ends_with(".pem") => {
                    let second = good.rfind("-----BEGIN").unwrap();
                    match random.below(2) {
                        0 => 1 + random.below(good[..second].trim_end().len() - 1),
                        _ => second + 1 + random.below(whole - second - 1),
                    }
                }
                // A configuration without its last keys is another configuration, so the cut is in
                // a value.
                "hub.toml" => good.find("crl.pem").unwrap() + random.below(5),
                // A rule without its tests is refused, and half a line is no TOML.
                _ => random.below(whole),
            };
            eprintln!("HUB_TEST_SEED={seed}: {name} ends after {cut} of {} bytes", good.len());
            it.refuses(name, &good.as_bytes()[..cut]);
        }
    }
}

#[test]
fn a_file_that_another_one_names_is_noticed_when_it_comes() {
    let it = Following::start();
    let other = ACCESS.replace("jwks.json", "other.json");
    it.files.write("access.toml", &other);
    wait_until("the missing key set is told", || it.stale("access") == 1);
    it.files.write("other.json", "{\"keys\": []}");
    // The key set that came is no good either.
    let (status, why) = it.reload();
    assert!(status == 422 && why.contains("has no key"), "{why}");
    it.files.write("other.json", JWKS);
    wait_until("the key set is in force", || it.stale("access") == 0);
    assert_eq!(it.ready(), 200);
}
