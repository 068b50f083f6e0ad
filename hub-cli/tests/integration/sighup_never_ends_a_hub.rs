//! Promise: SIGHUP asks a hub to load its files again, and never ends it, however early it comes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{HUB, Process};
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;
use tempfile::TempDir;

#[test]
fn not_even_while_it_reads_its_configuration() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("hub.toml");
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    let mut command = Command::new(HUB);
    command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--config"]);
    command.arg(&file);
    let mut hub = Process::spawn("hub serve", command);
    // Opens when the hub opens it, which then waits for what is in it.
    let mut config = OpenOptions::new().write(true).open(&file).unwrap();
    hub.signal("HUP");
    // Where nobody reads any more, the line that is missing below says it better.
    let _ = config.write_all(b"max_depth = 8\n");
    drop(config);
    assert!(hub.stdout_line().contains("ready"));
    hub.signal("HUP");
    hub.signal("TERM");
    let ended = hub.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
}
