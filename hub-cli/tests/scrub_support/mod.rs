//! `hub scrub` in real processes, on rule files of the test's own.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{Ended, HUB, Process};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// The environment variable with the secret of the files below.
pub(crate) const SECRET_ENV: &str = "HUB_TEST_SCRUB_KEY";
pub(crate) const SECRET: &str = "a secret of more than thirty-two bytes";

/// Rules of all sorts: they change, seal, count, refuse, put aside and disconnect.
pub(crate) const RULES: &str = r#"
[[keys.crm]]
version = 1
env = "HUB_TEST_SCRUB_KEY"

[[rule]]
name = "e-mail"
label = "contact"
find = { keys = ["email"] }
action = { do = "replace", with = "(e-mail)" }
tests = { hits = [{ email = "ann@mail.example" }], misses = [{ name = "Ann" }] }

[[rule]]
name = "pin"
find = { keys = ["pin"] }
action = "mask"
tests = { hits = [{ pin = "1234" }], misses = [{ name = "Ann" }] }

[[rule]]
name = "ssn"
find = { keys = ["ssn"] }
action = { do = "encrypt", key = "crm" }
tests = { hits = [{ ssn = "1" }], misses = [{ name = "Ann" }] }

[[rule]]
name = "note"
mode = "shadow"
find = { keys = ["note"] }
action = "drop"
tests = { hits = [{ note = "x" }], misses = [{ name = "Ann" }] }

[[rule]]
name = "test order"
find = { paths = ["test"] }
action = "reject"
tests = { hits = [{ test = true }], misses = [{ id = 1 }] }

[[rule]]
name = "odd"
find = { keys = ["odd"] }
action = "quarantine"
tests = { hits = [{ odd = 1 }], misses = [{ id = 1 }] }

[[rule]]
name = "bye"
condition = "has(payload.bye) && payload.bye == true"
action = "disconnect"
tests = { hits = [{ bye = true }], misses = [{ bye = false }] }

[views.billing]
roles = ["billing", "accounts"]
labels = { contact = "keep", pin = { do = "keep_last", n = 2 } }
"#;

/// A file of this name and text. Tests that use one name give it one text.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    // Another test may read a file of this name right now, and must not find it empty.
    let mut whole = tempfile::NamedTempFile::new_in(&folder).unwrap();
    whole.write_all(text.as_bytes()).unwrap();
    let path = folder.join(name);
    whole.persist(&path).unwrap();
    path
}

/// `hub scrub`, not run yet; the secret is in its environment.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(HUB);
    command.arg("scrub").args(args).env(SECRET_ENV, SECRET);
    command
}

/// `hub scrub` on this input, to its end.
pub(crate) fn scrub(args: &[&str], input: &[u8]) -> Ended {
    let mut process = Process::spawn(&format!("hub scrub {args:?}"), command(args));
    process.feed(input);
    process.end()
}
