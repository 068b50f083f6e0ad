//! The claim: an environment variable with an empty value counts as not set, for every option of
//! every command and for every configuration key. The help says which variables there are.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::{HUB, Hub};
use std::collections::BTreeSet;
use std::process::Command;

const COMMANDS: [&str; 8] =
    ["emit", "on", "request", "reply", "health", "audit", "doctor", "serve"];

/// Runs the tool without any variable of a hub, except those that are given.
fn tool(args: &[&str], env: impl IntoIterator<Item = (String, String)>) -> (Option<i32>, String) {
    let mut command = Command::new(HUB);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HUB_") {
            command.env_remove(name);
        }
    }
    let output = command.args(args).envs(env).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// Returns the variables that the help of the commands names.
fn variables() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["HUB_TOKEN".to_owned(), "SSLKEYLOGFILE".to_owned()]);
    for command in COMMANDS {
        let (_, help) = tool(&[command, "--help"], []);
        // The help is wrapped to the width of the terminal.
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let env = help.split("[env: ").skip(1);
        names.extend(env.map(|rest| rest.split([']', '=']).next().unwrap().to_owned()));
    }
    for name in
        ["HUB_CA", "HUB_SERVER", "HUB_TLS_NAME", "HUB_HTTP_TLS", "HUB_CONFIG", "HUB_MAX_DEPTH"]
    {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    names
}

#[test]
fn commands_run_with_empty_variables_as_without() {
    let hub = Hub::start();
    let http = hub.http.trim_end_matches('/');
    let empty = || variables().into_iter().map(|name| (name, String::new()));
    for (args, code) in [
        (&["emit", "a", "1", "--server", &hub.url][..], 0),
        (&["request", "a", "--server", &hub.url], 5),
        (&["health", "--http", http], 0),
        (&["audit", "--http", http], 0),
        (&["config", "check"], 0),
    ] {
        let (ended, said) = tool(args, empty());
        assert_eq!(ended, Some(code), "{args:?}: {said}");
    }
}

#[test]
fn one_empty_variable_changes_nothing() {
    for name in variables() {
        let (code, said) = tool(&["config", "check"], [(name.clone(), String::new())]);
        assert_eq!((code, said.as_str()), (Some(0), "ok\n"), "{name}");
        // Nothing listens there, so the command ends with the code for that, as without the variable.
        let args = ["emit", "a", "1", "--server", "hub://127.0.0.1:1"];
        let (code, said) = tool(&args, [(name.clone(), String::new())]);
        assert_eq!(code, Some(3), "{name}: {said}");
    }
}
