//! `hub scrub check`: whether a rule file is good.

use super::file::{BadFile, RuleFile};
use super::text::Table;
use super::{Stopped, file_arg, json_arg, path, stdout};
use crate::exit::Exit;
use clap::{ArgMatches, Command};
use serde_json::{Value, json};
use std::io::Write;

pub(super) fn command() -> Command {
    Command::new("check")
        .about("Checks a rule file and runs the tests in it")
        .long_about(
            "Checks a rule file and runs the tests that its rules carry, as the hub does before \
             it uses one. Prints \"ok\" and the rules, or each fault on stderr with file, line and \
             key; then the exit code is 2.",
        )
        .args([
            file_arg("file", "FILE", "The rule file"),
            json_arg("Prints the result as one JSON object, faults included"),
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

fn good(file: &RuleFile) -> Value {
    let rules = file.rules.rules().map(|(rule, label)| json!({ "rule": rule, "label": label }));
    let rules: Vec<_> = rules.collect();
    let views: Vec<_> = file.views.iter().map(|(name, _)| name).collect();
    json!({ "ok": true, "rules": rules, "views": views })
}

fn faults(bad: &BadFile) -> Vec<Value> {
    match bad {
        BadFile::Unreadable(path, error) => vec![json!({
            "file": path.display().to_string(),
            "line": null,
            "key": null,
            "message": format!("cannot be read: {error}"),
        })],
        BadFile::Faults(faults) => {
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
