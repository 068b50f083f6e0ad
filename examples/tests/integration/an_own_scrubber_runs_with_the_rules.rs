//! Shows that the example `own_scrubber` works as its text says. The rules mask the text that a scrubber
//! decoded, and refuse the order that does not add up.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;
use std::process::Command;

#[test]
fn what_a_scrubber_writes_is_looked_at_by_the_rules() {
    let examples = Path::new(env!("CARGO_BIN_EXE_shop")).with_file_name("examples");
    let example = examples.join("own_scrubber");
    let hint = "build it with `cargo build -p hub-examples --example own_scrubber`";
    assert!(example.exists(), "{} is missing: {hint}", example.display());
    let run = Command::new(example).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    assert!(out.contains("\"note\":\"please write to ****************\""), "{out}");
    assert!(out.contains("refused by the rule `the total is the sum`"), "{out}");
    let sent = out.lines().filter(|line| line.starts_with("  sent  ")).count();
    assert_eq!((sent, out.matches("  came  ").count()), (3, 2), "{out}");
}
