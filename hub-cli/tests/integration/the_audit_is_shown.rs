//! The claim: `hub audit` shows what became of every delivery, `hub reload` what became of every file,
//! and both only to administrators.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, Hub};
use tempfile::TempDir;

fn ask(hub: &Hub, args: &[&str]) -> Ended {
    hub.run(args.iter().copied().chain(["--http", &hub.http])).end()
}

#[test]
fn the_audit_adds_up_for_people_and_for_programs() {
    let hub = Hub::start();
    let listener = hub.listen(["on", "orders.**", "--count", "3"]);
    for number in ["1", "2", "3"] {
        assert_eq!(hub.run(["emit", "orders.placed", number]).end().code(), Some(0));
    }
    assert_eq!(listener.end().code(), Some(0));
    let table = ask(&hub, &["audit"]);
    assert_eq!(table.code(), Some(0), "{}", table.stderr);
    let row = table.text().lines().find(|line| line.ends_with("orders.placed")).unwrap();
    // Events, subscribers, due, delivered, overflow, conflated, cut off, waiting.
    let numbers: Vec<_> = row.split_whitespace().collect();
    assert_eq!(numbers[0], "3", "{row}");
    assert_eq!(numbers[2..8], ["3", "3", "0", "0", "0", "0"], "{row}");
    assert!(table.text().ends_with("Everything adds up.\n"), "{}", table.text());
    let json = ask(&hub, &["audit", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(json.text()).unwrap();
    assert_eq!(shown["balanced"], true);
    assert_eq!(shown["topics"][0]["topic"], "orders.placed");
    assert_eq!(shown["hub"]["delivered"], 3);
}

#[test]
fn a_reload_is_told_file_by_file() {
    let folder = TempDir::new().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "[[pack]]\nname = \"pci\"\n").unwrap();
    let hub = Hub::start_with(&["--rules", rules.to_str().unwrap()]);
    let good = ask(&hub, &["reload"]);
    assert_eq!(good.code(), Some(0), "{}", good.stderr);
    assert!(good.text().contains("rules.toml: applied"), "{}", good.text());
    std::fs::write(&rules, "[[pack]]\nname = \"nonsense\"\n").unwrap();
    let bad = ask(&hub, &["reload"]);
    assert_eq!(bad.code(), Some(1), "{}", bad.stderr);
    assert!(bad.text().contains("rules.toml: refused"), "{}", bad.text());
    assert!(bad.text().contains("rules.toml:2"), "{}", bad.text());
}

#[test]
fn a_reload_of_the_configuration_tells_what_needs_a_restart() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, "max_connections = 10\n").unwrap();
    let hub = Hub::start_with(&["--config", file.to_str().unwrap()]);
    std::fs::write(&file, "max_connections = 20\nmax_depth = 8\n").unwrap();
    let told = ask(&hub, &["reload"]);
    assert_eq!(told.code(), Some(0), "{}", told.stderr);
    let what = "changed since the start: max_connections; only a restart changes max_depth";
    assert!(told.text().ends_with(&format!("hub.toml: applied ({what})\n")), "{}", told.text());
}

/// Without a file there is nothing to load; the default of the system would be to end.
#[test]
fn a_hub_that_follows_no_file_goes_on_after_sighup() {
    let hub = Hub::start();
    let listener = hub.listen(["on", "t", "--count", "1"]);
    hub.signal("HUP");
    assert_eq!(hub.run(["emit", "t", "1"]).end().code(), Some(0));
    assert_eq!(listener.end().code(), Some(0));
    assert_eq!(hub.terminate().code(), Some(0));
}

#[test]
fn who_may_not_is_refused() {
    let folder = TempDir::new().unwrap();
    let access = folder.path().join("access.toml");
    std::fs::write(&access, "[roles.r]\npublish.allow = \"a\"\n[anonymous]\nroles = \"r\"\n")
        .unwrap();
    let hub = Hub::start_with(&["--access", access.to_str().unwrap()]);
    for command in ["audit", "reload"] {
        let ended = ask(&hub, &[command]);
        assert_eq!(ended.code(), Some(4), "{}", ended.stderr);
        assert!(ended.stderr.contains("403"), "{}", ended.stderr);
    }
    let gone = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(gone.path(), "hub_nobody_secret").unwrap();
    let wrong = ask(&hub, &["audit", "--token-file", gone.path().to_str().unwrap()]);
    assert_eq!(wrong.code(), Some(4), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("secret"), "{}", wrong.stderr);
}
