//! Promise: the limits of the configuration file change while the hub runs, when the file does and
//! when asked. The answer names the keys that were applied and those that need a restart; flags and
//! the environment win as they do at the start; and a broken file changes nothing.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_server::config::ConfigFile;
use hub_wire::{CloseCode, RefusedCode, RefusedWhat};
use serde_json::{Value, json};
use std::path::PathBuf;
use support::*;
use tempfile::TempDir;

const BASE: &str = "listen = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nkeepalive_ms = 600_000\n";

struct Configured {
    hub: RunningHub,
    folder: TempDir,
}

impl Configured {
    fn start(keys: &str) -> Configured {
        Configured::start_with(keys, &[], &[])
    }

    fn start_with(keys: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Configured {
        let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let folder = TempDir::new().unwrap();
        let (path, text) = (folder.path().join("hub.toml"), format!("{BASE}{keys}\n"));
        std::fs::write(&path, &text).unwrap();
        let file = ConfigFile::new(path, text, owned(env), owned(flags));
        let hub = RunningHub::start_following(file.load().unwrap(), file).unwrap();
        Configured { hub, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("hub.toml")
    }

    fn replace(&self, keys: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{BASE}{keys}\n")).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    /// What the hub answers when it is asked to load its files.
    fn reload(&self) -> (u16, Value) {
        let (status, body) = http(&self.hub, "POST", "/admin/reload", &[]);
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Changes the file, and has it loaded.
    fn change(&self, keys: &str) {
        self.replace(keys);
        let (status, answer) = self.reload();
        assert_eq!(status, 200, "{answer}");
    }

    fn reloads(&self, outcome: &str) -> u64 {
        metric(&self.hub, &format!("hub_config_reloads_total{{outcome=\"{outcome}\"}}"))
    }

    /// Why a client that says HELLO is sent away, if it is.
    fn knock(&self) -> Option<CloseCode> {
        let mut client = Client::connect(self.hub.clients());
        client.try_send(&hub_wire::Frame::Hello(hello("test")).to_bytes());
        match client.next() {
            Got::Welcome(_) => None,
            Got::Close(close) => Some(close.code),
            other => panic!("{other:?}"),
        }
    }

    fn limited(&self, limit: &str) -> u64 {
        limited(&self.hub, limit)
    }
}

/// Subscribes; why not, if it is refused.
fn subscribe_to(client: &mut Client, id: u64) -> Option<RefusedCode> {
    client.send(&subscribe(&subscription(id, "t")));
    client.barrier().into_iter().find_map(|got| match got {
        Got::Refused(refused) if refused.what == RefusedWhat::Subscribe => Some(refused.code),
        _ => None,
    })
}

#[test]
fn what_connections_may_be_holds_from_the_next_one_on() {
    let it = Configured::start("max_connections = 1");
    let _first = Client::open(it.hub.clients());
    assert_eq!(it.knock(), Some(CloseCode::Overloaded));
    it.change("max_connections = 100");
    assert_eq!(it.knock(), None);
    it.change("max_connections = 100\nmax_connections_per_address = 1");
    let _counted = Client::open(it.hub.clients());
    assert_eq!(it.knock(), Some(CloseCode::TooManyConnections));
    it.change("max_connections = 100\nhandshake_ms = 10");
    let mut silent = Client::connect(it.hub.clients());
    assert!(
        matches!(silent.next(), Got::Close(close) if close.code == CloseCode::HandshakeTimeout)
    );
}

#[test]
fn what_a_client_may_do_holds_from_its_next_subscription_topic_or_connection_on() {
    let it = Configured::start("max_subscriptions = 1\nmax_topics_per_identity = 1");
    let mut client = Client::open(it.hub.clients());
    assert_eq!(subscribe_to(&mut client, 1), None);
    assert_eq!(subscribe_to(&mut client, 2), Some(RefusedCode::TooManySubscriptions));
    let mut publish = |topic: &str| {
        client.send(&event(topic, &[1]));
        client.barrier().into_iter().find_map(|got| match got {
            Got::Refused(refused) => Some(refused.code),
            _ => None,
        })
    };
    assert_eq!(publish("one"), None);
    assert_eq!(publish("two"), Some(RefusedCode::TooManyTopics));
    it.change("max_subscriptions = 2\nmax_topics_per_identity = 2");
    assert_eq!(publish("two"), None);
    assert_eq!(publish("three"), Some(RefusedCode::TooManyTopics));
    assert_eq!(subscribe_to(&mut client, 2), None);
    assert_eq!(subscribe_to(&mut client, 3), Some(RefusedCode::TooManySubscriptions));

    it.change("publish_events_per_second = 10\npublish_burst_ms = 100");
    let mut slowed = Client::open(it.hub.clients());
    slowed.send(&event("one", &[1]).repeat(5));
    slowed.barrier();
    assert!(it.limited("publish_events_per_second") > 0);
}

#[test]
fn the_answer_names_what_was_applied_and_what_needs_a_restart() {
    let it = Configured::start("max_connections = 10");
    it.replace("max_connections = 11\nhandshake_ms = 700\nmax_depth = 9\nrules = \"rules.toml\"");
    let (status, answer) = it.reload();
    assert_eq!(status, 200, "{answer}");
    let file = &answer["files"][0];
    assert_eq!(file["file"], *it.path().to_string_lossy());
    assert_eq!(file["applied"], json!(["max_connections", "handshake_ms"]));
    assert_eq!(file["needs_restart"], json!(["rules", "max_depth"]));
    assert_eq!(answer["needs_restart"], file["needs_restart"]);
    // As at the start, but for one.
    it.replace("max_connections = 10\nmax_depth = 9");
    let (_, answer) = it.reload();
    assert_eq!(answer["files"][0]["applied"], json!([]));
    assert_eq!(answer["needs_restart"], json!(["max_depth"]));
}

#[test]
fn a_change_is_seen_without_being_asked_for_and_a_broken_file_changes_nothing() {
    let it = Configured::start("max_subscriptions = 1");
    let mut client = Client::open(it.hub.clients());
    assert_eq!(subscribe_to(&mut client, 1), None);
    it.replace("max_subscriptions = 2");
    wait_until("the file is taken over", || it.reloads("applied") == 1);
    assert_eq!(subscribe_to(&mut client, 2), None);

    // The third line would be good.
    it.replace("max_topics = 0\nmax_subscriptions = 3");
    wait_until("the file is refused", || it.reloads("refused") == 1);
    assert_eq!(subscribe_to(&mut client, 3), Some(RefusedCode::TooManySubscriptions));
    let (status, answer) = it.reload();
    assert_eq!((status, it.reloads("refused")), (422, 2));
    let error = answer["files"][0]["error"].as_str().unwrap();
    assert!(error.contains("hub.toml:4") && error.contains("max_topics"), "{error}");
}

#[test]
fn flags_and_the_environment_win_as_they_do_at_the_start() {
    let env = [("HUB_MAX_SUBSCRIPTIONS", "1")];
    let flags = [("max-connections", "2")];
    let it = Configured::start_with("handshake_ms = 60_000", &env, &flags);
    it.replace("max_subscriptions = 5\nmax_connections = 1\nhandshake_ms = 50_000");
    let (_, answer) = it.reload();
    assert_eq!(answer["files"][0]["applied"], json!(["handshake_ms"]));
    let mut client = Client::open(it.hub.clients());
    assert_eq!(subscribe_to(&mut client, 1), None);
    assert_eq!(subscribe_to(&mut client, 2), Some(RefusedCode::TooManySubscriptions));
    assert_eq!(it.knock(), None, "two connections are allowed");
}
