//! The example `own_scrubber` does what it says: it ends well only if what its scrubbers opened was
//! masked by the rules, and the order that does not add up was refused.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::process::Command;

#[test]
fn what_a_scrubber_writes_is_looked_at_by_the_rules() {
    let run = Command::new(env!("CARGO_BIN_EXE_own_scrubber")).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    assert!(out.contains("\"note\":\"please write to ****************\""), "{out}");
    assert!(out.contains("refused by the rule `the total is the sum`"), "{out}");
    let sent = out.lines().filter(|line| line.starts_with("  sent  ")).count();
    assert_eq!((sent, out.matches("  came  ").count()), (3, 2), "{out}");
}
