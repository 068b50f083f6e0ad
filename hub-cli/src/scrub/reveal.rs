//! Implements `hub scrub reveal`, which opens pseudonyms and sealed values for users who have the
//! keys.
//!
//! Without this command, a user with the keys would need a program in Rust to open them.

use super::args::{file_arg, json_arg, path};
use super::rule_file::RuleFile;
use super::stdout::{Stopped, stdout};
use crate::connect::note;
use crate::exit::Exit;
use crate::json::from_msgpack;
use crate::output::printable;
use clap::{Arg, ArgMatches, Command};
use hub_scrub::Revealed;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};

pub(super) fn command() -> Command {
    Command::new("reveal")
        .about("Open pseudonyms and sealed values, which the actions `token` and `encrypt` make")
        .long_about(
            "Open marks such as <token:crm-1:…> and <sealed:crm-1:…>, which the actions `token` \
             and `encrypt` write in the place of values. This needs the keys that the rule file \
             names, in the environment or in files. The command prints each value on a line: text \
             as it is, and other values as JSON. If no key of the file opens a mark, the command \
             reports the mark on stderr, and the exit code is 2.",
        )
        .args([
            file_arg("file", "FILE", "The rule file that names the keys"),
            Arg::new("marks")
                .num_args(0..)
                .value_name("MARK")
                .help("The marks to open. Without them, the command reads marks from stdin, one a line"),
            json_arg(
                "Print for each mark one JSON object with `mark` and `value`. The value is null if no key opens the mark",
            ),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub reveal rules.toml '<token:crm-1:…>'\n  \
             hub on orders.placed --json | jq -r .payload.email | hub scrub reveal rules.toml",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Stopped> {
    let file = match RuleFile::load(path(args, "file")?) {
        Ok(file) => file,
        Err(bad) => return Ok(bad.tell()),
    };
    let (json, mut out, mut exit) = (args.get_flag("json"), stdout(), Exit::Ok);
    let mut open = |mark: &str| -> Result<(), Stopped> {
        let revealed = file.rules.reveal(mark);
        if revealed.is_none() {
            exit = Exit::Usage;
            note(format_args!("not opened: no key of the rule file made {}", printable(mark)));
        }
        if json {
            let value = revealed.map(value);
            writeln!(out, "{}", json!({ "mark": mark, "value": value }))?;
        } else if let Some(revealed) = revealed {
            match revealed {
                Revealed::Text(text) => writeln!(out, "{}", printable(&text))?,
                other => writeln!(out, "{}", value(other))?,
            }
        }
        // A program that writes marks into a pipe waits for each answer.
        Ok(out.flush()?)
    };
    match args.get_many::<String>("marks") {
        Some(marks) => marks.map(String::as_str).try_for_each(&mut open)?,
        None => {
            for line in io::stdin().lock().lines() {
                open(line?.trim())?;
            }
        }
    }
    Ok(exit)
}

/// Returns the opened value as JSON.
fn value(revealed: Revealed) -> Value {
    match revealed {
        Revealed::Text(text) => text.into(),
        Revealed::Value(bytes) => from_msgpack(&bytes),
    }
}
