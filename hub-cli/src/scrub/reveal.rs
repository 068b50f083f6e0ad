//! `hub scrub reveal`: what tokens and sealed values stand for, for those who have the keys.

use super::file::RuleFile;
use super::{Stopped, file_arg, json_arg, path, stdout};
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
        .about("Opens what the actions `token` and `encrypt` made")
        .long_about(
            "Opens marks such as <token:crm-1:…> and <sealed:crm-1:…>, which the actions `token` \
             and `encrypt` put in the place of values. The right to do so is to have the keys that \
             the rule file names, in the environment or in files. Prints each value on a line: \
             text as it is, others as JSON. A mark that none of the keys made is said on stderr; \
             then the exit code is 2.",
        )
        .args([
            file_arg("file", "FILE", "The rule file that names the keys"),
            Arg::new("marks")
                .num_args(0..)
                .value_name("MARK")
                .help("What to open; without it, one a line from stdin"),
            json_arg(
                "Prints for each mark one JSON object with `mark` and `value`; null: not opened",
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
            note(format_args!("not opened: no key of the file made {}", printable(mark)));
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
        // Whoever writes marks into a pipe waits for the answer.
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

fn value(revealed: Revealed) -> Value {
    match revealed {
        Revealed::Text(text) => text.into(),
        Revealed::Value(bytes) => from_msgpack(&bytes),
    }
}
