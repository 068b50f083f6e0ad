//! Implements `hub scrub check`, which reports the errors in a rule file.
//!
//! Without this command, a user could learn that a rule file has an error only from the log of a
//! hub.

use super::args::{file_arg, json_arg, path};
use super::rule_file::{BadFile, RuleFile};
use super::stdout::{Stopped, stdout};
use super::text::Table;
use crate::exit::Exit;
use clap::{ArgMatches, Command};
use hub_server::RulesError;
use serde_json::{Value, json};
use std::io::Write;

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Check a rule file and run the tests in it")
        .long_about(
            "Check a rule file and run the tests in its rules, as the hub does before it puts a \
             file in force. The command prints \"ok\" and the rules. If the file has errors, it \
             prints each error on stderr with file, line and key, and the exit code is 2.",
        )
        .args([
            file_arg("file", "FILE", "The rule file"),
            json_arg("Print the result as one JSON object, which includes the errors"),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub check rules.toml\n  \
             hub scrub check rules.toml --json",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Stopped> {
    let path = path(args, "file")?;
    let loaded = RuleFile::load(path);
    let mut out = stdout();
    if args.get_flag("json") {
        let (exit, result) = match &loaded {
            Ok(file) => (Exit::Ok, good(file)),
            Err(bad) => (Exit::Usage, json!({ "ok": false, "errors": faults(bad) })),
        };
        writeln!(out, "{result}")?;
        out.flush()?;
        return Ok(exit);
    }
    let file = match loaded {
        Ok(file) => file,
        Err(bad) => return Ok(bad.tell()),
    };
    let views: Vec<_> = file.views.iter().map(|(name, _)| name.as_str()).collect();
    writeln!(out, "ok\n\nviews: {}\n", views.join(", "))?;
    let mut table = Table::new(&["rule", "label"]);
    for (rule, label) in file.rules.rules() {
        table.row([rule.to_owned(), label.to_owned()]);
    }
    table.write(&mut out)?;
    out.flush()?;
    Ok(Exit::Ok)
}

/// Returns the result for a rule file without errors.
fn good(file: &RuleFile) -> Value {
    let rules = file.rules.rules().map(|(rule, label)| json!({ "rule": rule, "label": label }));
    let rules: Vec<_> = rules.collect();
    let views: Vec<_> = file.views.iter().map(|(name, _)| name).collect();
    json!({ "ok": true, "rules": rules, "views": views })
}

/// Returns the errors of a rule file, with one JSON object for each.
fn faults(bad: &BadFile) -> Vec<Value> {
    match &bad.0 {
        RulesError::Read { path, cause } => vec![json!({
            "file": path.display().to_string(),
            "line": null,
            "key": null,
            "message": format!("cannot be read: {cause}"),
        })],
        RulesError::Wrong(faults) => {
            let fault = |fault: &hub_scrub::RuleError| {
                json!({
                    "file": &*fault.source,
                    "line": fault.line,
                    "key": fault.key,
                    "message": fault.message,
                })
            };
            faults.0.iter().map(fault).collect()
        }
    }
}
