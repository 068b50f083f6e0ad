//! Shows that the small client of PROTOCOL.md, in under 400 lines of Python, works with a real hub, and
//! loses and repeats nothing when its connections are cut at random bytes.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Holds a hub, which is killed at the end of the test.
struct Hub(Child);

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_round_trip() {
    let python = Command::new("python3").arg("--version").output();
    assert!(python.is_ok(), "python3 is missing. On Debian: apt-get install python3 python3-venv");

    let next_to = Path::new(env!("CARGO_BIN_EXE_shop")).with_file_name("hub");
    let binary = std::env::var_os("SHOP_HUB_BIN").map_or(next_to, PathBuf::from);
    let mut hub = Command::new(&binary);
    hub.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).stdout(Stdio::piped());
    let started = hub.spawn();
    let hint = "build it with `cargo build -p hub-cli`";
    let mut hub =
        Hub(started.unwrap_or_else(|error| panic!("{}: {error}; {hint}", binary.display())));
    let mut line = String::new();
    BufReader::new(hub.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split([' ', ',']).find_map(|word| word.strip_prefix("hub://"));
    let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let run = Command::new("bash").arg(folder.join("test.sh")).arg(address).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
}

#[test]
fn it_is_short() {
    let code = include_str!("../../python/small_client.py");
    assert!(code.lines().count() < 400);
}
