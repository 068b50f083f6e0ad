//! Promise: the quarantine checks the limit of topics that is in force, and not the one with which
//! the hub was started. When `max_topics_per_identity` changes by a reload, the next event in
//! quarantine is shown as the new limit says: under its own topic while the client may create one,
//! otherwise under `$hub.quarantine.other`.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support;

use hub_server::RunningHub;
use hub_server::config::ConfigFile;
use hub_wire::Packer;
use support::*;
use tempfile::TempDir;

const RULES: &str = r#"
[[rule]]
name = "no passwords"
find = { keys = ["password"] }
action = "quarantine"
tests = { hits = [{ password = "x" }], misses = [{ pass = "x" }] }
"#;

const OTHER: &str = "$hub.quarantine.other";

/// A hub that follows a configuration file, a client that watches its quarantine, and a publisher.
struct Watched {
    hub: RunningHub,
    folder: TempDir,
    watcher: Client,
    publisher: Client,
}

impl Watched {
    /// Starts the hub under a limit of topics. The publisher has created the topics `a` and `b`.
    fn start(limit: usize) -> Watched {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        let (path, text) = (folder.path().join("hub.toml"), configuration(&folder, limit));
        std::fs::write(&path, &text).unwrap();
        let file = ConfigFile::new(path, text, Vec::new(), Vec::new());
        let hub = RunningHub::start_following(file.load().unwrap(), file).unwrap();
        let mut watcher = Client::open(hub.clients());
        watcher.subscribe(&subscription(1, "$hub.quarantine.**"));
        let mut publisher = Client::open(hub.clients());
        publisher.send(&event("a", &[1]));
        publisher.send(&event("b", &[1]));
        publisher.barrier();
        Watched { hub, folder, watcher, publisher }
    }

    /// Changes the limit in the file, and has the hub load it.
    fn change_limit(&self, limit: usize) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, configuration(&self.folder, limit)).unwrap();
        std::fs::rename(new, self.folder.path().join("hub.toml")).unwrap();
        let (status, answer) = http(&self.hub, "POST", "/admin/reload", &[]);
        assert_eq!(status, 200, "{answer}");
    }

    /// Publishes an event that a rule puts in quarantine. Returns the topic under which it is shown.
    fn shown_under(&mut self, topic: &str) -> String {
        let mut payload = Vec::new();
        Packer(&mut payload).map(1).str("password").str("hunter2");
        self.publisher.send(&event(topic, &payload));
        self.publisher.barrier();
        self.watcher.event().topic
    }
}

fn configuration(folder: &TempDir, limit: usize) -> String {
    let rules = folder.path().join("rules.toml");
    format!(
        "listen = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\nkeepalive_ms = 600_000\n\
         rules = '{}'\nmax_topics_per_identity = {limit}\n",
        rules.display()
    )
}

#[test]
fn a_raised_limit_gives_the_next_event_its_own_topic() {
    let mut it = Watched::start(2);
    assert_eq!(it.shown_under("a"), OTHER);
    it.change_limit(3);
    assert_eq!(it.shown_under("a"), "$hub.quarantine.a");
    assert_eq!(it.shown_under("b"), OTHER);
}

#[test]
fn a_lowered_limit_gives_the_next_event_no_topic_of_its_own() {
    let mut it = Watched::start(10);
    assert_eq!(it.shown_under("a"), "$hub.quarantine.a");
    it.change_limit(3);
    assert_eq!(it.shown_under("b"), OTHER);
    // A topic that was created under the old limit stays.
    assert_eq!(it.shown_under("a"), "$hub.quarantine.a");
}
