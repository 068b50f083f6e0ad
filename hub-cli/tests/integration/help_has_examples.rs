//! The claim: the help of every command ends with examples, and that of the whole lists the exit
//! codes.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::tool;

#[test]
fn every_command_shows_examples() {
    for command in ["serve", "emit", "on", "request", "reply", "bench", "doctor"] {
        let ended = tool("hub://h", [command, "--help"]).end();
        assert_eq!(ended.code(), Some(0));
        let (_, examples) = ended.text().split_once("Examples:\n").expect(command);
        assert!(examples.trim_start().starts_with(&format!("hub {command}")), "{examples}");
    }
}

#[test]
fn the_help_lists_commands_and_exit_codes() {
    let ended = tool("hub://h", ["--help"]).end();
    for text in [
        "serve",
        "config",
        "emit",
        "on",
        "request",
        "reply",
        "Exit codes:",
        "  0  done",
        "  7  ",
        "Examples:",
    ] {
        assert!(ended.text().contains(text), "{text}: {}", ended.text());
    }
}

#[test]
fn the_version_is_the_crates() {
    let ended = tool("hub://h", ["--version"]).end();
    assert_eq!(ended.text(), format!("hub {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_options_for_connecting_are_shown_where_they_matter() {
    for (command, shown) in [("emit", true), ("serve", false), ("scrub", false), ("token", false)] {
        let ended = tool("hub://h", [command, "--help"]).end();
        assert_eq!(ended.text().contains("--server <URL>"), shown, "{command}");
    }
    let ended = tool("hub://h", ["scrub", "check", "--help"]).end();
    assert!(!ended.text().contains("--server <URL>"), "{}", ended.text());
}
