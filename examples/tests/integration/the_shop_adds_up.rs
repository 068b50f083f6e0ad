//! Shows that in the shop, with separate processes and a real hub, every event that was emitted is
//! received, and that no process is left behind, however the shop ends.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Returns the command that runs the shop. Its programs are in a folder that only this test uses, so the
/// test knows their processes by the folder.
fn shop(folder: &Path) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_shop")).parent().unwrap();
    let hub = std::env::var_os("SHOP_HUB_BIN").map_or_else(|| built.join("hub"), PathBuf::from);
    assert!(hub.exists(), "{}: build it with `cargo build -p hub-cli`", hub.display());
    std::os::unix::fs::symlink(&hub, folder.join("hub")).unwrap();
    std::fs::hard_link(built.join("shop"), folder.join("shop"))
        .or_else(|_| std::fs::copy(built.join("shop"), folder.join("shop")).map(drop))
        .unwrap();
    let mut command = Command::new(folder.join("shop"));
    command.env_remove("HUB_SERVER").env_remove("SHOP_SERVICE_BIN");
    command.env("SHOP_HUB_BIN", folder.join("hub")).stdout(Stdio::piped());
    command
}

/// Returns how many processes run a program from this folder.
fn running(folder: &Path) -> usize {
    let commands = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = commands.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let start = folder.to_str().unwrap().as_bytes();
    commands.filter(|command| command.starts_with(start)).count()
}

fn nobody_is_left(folder: &Path) {
    let until = Instant::now() + Duration::from_secs(20);
    while running(folder) > 0 {
        assert!(Instant::now() < until, "{} processes are left", running(folder));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads the child's lines until one contains `what`.
fn read_until(child: &mut Child, what: &str) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains(what)), "never said {what}");
    // The child goes on printing, and would wait if nobody read its lines.
    std::thread::spawn(move || lines.for_each(drop));
}

#[test]
fn fifty_orders() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        shop(folder.path()).args(["--orders", "50", "--per-second", "100"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}\n{text}", output.status);

    // A row has the topic, the number of emitted events, and the numbers of events that payments,
    // email-1, email-2, analytics and audit received.
    let row = |topic: &str| -> Vec<Option<u64>> {
        let line = text.lines().rfind(|line| line.starts_with(topic));
        let line = line.unwrap_or_else(|| panic!("no {topic} in\n{text}"));
        line.split_whitespace().skip(1).map(|cell| cell.parse().ok()).collect()
    };
    let fifty = Some(50);
    assert_eq!(row("shop.orders.placed"), [fifty, None, None, None, fifty, fifty]);
    assert_eq!(row("shop.payments.charge"), [fifty, fifty, None, None, fifty, fifty]);
    let (paid, declined, mails) =
        (row("shop.orders.paid"), row("shop.orders.declined"), row("shop.emails.sent"));
    assert_eq!(paid[0].unwrap() + declined[0].unwrap(), 50);
    let by_group = [paid[2], paid[3]].map(|count| count.unwrap_or(0));
    assert_eq!(by_group.iter().sum::<u64>(), paid[0].unwrap());
    assert!(by_group[0] > 0 && by_group[1] > 0, "one member did all the work: {by_group:?}");
    assert_eq!((paid[4], paid[5], mails[0], mails[4]), (paid[0], paid[0], paid[0], paid[0]));
    assert!(text.ends_with("Everything adds up.\n"), "{text}");
    assert_eq!(running(folder.path()), 0);
}

#[test]
fn sigterm_ends_it_in_good_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = shop(folder.path()).args(["--per-second", "200"]).spawn().unwrap();
    read_until(&mut child, "thank you");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(running(folder.path()), 0);
}

#[test]
fn a_shop_that_is_killed_leaves_nobody_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = shop(folder.path()).spawn().unwrap();
    read_until(&mut child, "thank you");
    assert!(running(folder.path()) >= 7);
    child.kill().unwrap();
    child.wait().unwrap();
    nobody_is_left(folder.path());
}

#[test]
fn a_service_that_dies_ends_the_shop() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = shop(folder.path());
    let services = folder.path().join("services");
    let script = "#!/bin/sh\n[ \"$1\" = audit ] && exit 1\nexec \"${0%services}shop\" \"$@\"\n";
    std::fs::write(&services, script).unwrap();
    std::fs::set_permissions(&services, Permissions::from_mode(0o755)).unwrap();
    let output = command.env("SHOP_SERVICE_BIN", &services).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("shop: audit ended: exit status: 1"), "{text}");
    nobody_is_left(folder.path());
}
