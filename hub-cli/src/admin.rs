//! `hub audit` and `hub reload`: what administrators ask of a running hub.

use crate::connect::token;
use crate::exit::{Exit, Failure};
use crate::http::{self, Answer, Request};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;
use std::io::{self, Write};

/// A million topics with long names.
const BODY_MAX: usize = 512 * 1024 * 1024;

/// What each of these commands takes.
fn with_args(command: Command) -> Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    command.args(http::args("60000")).arg(json)
}

pub(crate) fn audit_command() -> Command {
    with_args(Command::new("audit"))
        .about("Show for each topic what was due to subscribers, and what became of it")
        .after_help(
            "Due is delivered, dropped by reason, or waiting in a queue. What waits is counted in \
             the queues themselves, so a delivery that is nowhere shows. A topic whose events move \
             while it is looked at is marked ~, and nothing is said of it.\n\n\
             Exit codes: 0 everything adds up, 1 something does not, or no answer, 4 not allowed.\n\n\
             Example:\n  hub audit --http 127.0.0.1:4821 --token-file admin.token",
        )
}

pub(crate) fn reload_command() -> Command {
    with_args(Command::new("reload"))
        .about("Have a running hub load its files again: rules, access, certificates, limits")
        .after_help(
            "Says of each file whether it was applied. One that is wrong changes nothing.\n\n\
             Exit codes: 0 all were applied, 1 one was not, or no answer, 4 not allowed.\n\n\
             Example:\n  hub reload --http 127.0.0.1:4821 --token-file admin.token",
        )
}

/// Prints the audit.
pub(crate) async fn audit(args: &ArgMatches) -> Result<Exit, Failure> {
    let (_, shown) = ask(args, "GET", "/admin/audit")?;
    let mut out = io::stdout().lock();
    if args.get_flag("json") {
        writeln!(out, "{shown}")?;
    } else {
        write_table(&mut out, &shown)?;
    }
    Ok(if shown["balanced"] == true { Exit::Ok } else { Exit::Error })
}

/// The columns of the table: what they are called, and in JSON.
const COLUMNS: [(&str, &str); 8] = [
    ("EVENTS", "events"),
    ("SUBS", "subscribers"),
    ("DUE", "due"),
    ("DELIVERED", "delivered"),
    ("OVERFLOW", "overflow"),
    ("CONFLATED", "conflated"),
    ("CUT OFF", "disconnected"),
    ("WAITING", "waiting"),
];

fn write_table(out: &mut impl Write, shown: &Value) -> io::Result<()> {
    let topics = shown["topics"].as_array().map(Vec::as_slice).unwrap_or_default();
    write!(out, "  ")?;
    for (title, _) in COLUMNS {
        write!(out, "{title:>11}")?;
    }
    writeln!(out, "  TOPIC")?;
    for line in topics {
        let mark = match &line["balanced"] {
            Value::Bool(true) => ' ',
            Value::Bool(false) => '!',
            _ => '~',
        };
        write_row(out, mark, line, line["topic"].as_str().unwrap_or_default())?;
    }
    write_row(out, ' ', &shown["ended_topics"], "(topics that have ended)")?;
    write_row(out, ' ', &shown["hub"], "(all)")?;
    let (wrong, moving) = (&shown["unbalanced_topics"], &shown["moving_topics"]);
    match wrong.as_u64() {
        Some(0) if moving.as_u64() == Some(0) => writeln!(out, "Everything adds up."),
        Some(0) => writeln!(out, "Everything that stood still adds up; {moving} moved (~)."),
        _ => writeln!(out, "{wrong} of {} do not add up (!).", topics.len()),
    }
}

fn write_row(out: &mut impl Write, mark: char, line: &Value, name: &str) -> io::Result<()> {
    write!(out, "{mark} ")?;
    for (_, key) in COLUMNS {
        let number = line[key].as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
        write!(out, "{number:>11}")?;
    }
    writeln!(out, "  {name}")
}

/// Prints what became of each file.
pub(crate) async fn reload(args: &ArgMatches) -> Result<Exit, Failure> {
    let (status, shown) = ask(args, "POST", "/admin/reload")?;
    let mut out = io::stdout().lock();
    if args.get_flag("json") {
        writeln!(out, "{shown}")?;
    } else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for file in shown["files"].as_array().into_iter().flatten() {
            write!(out, "{}: {}", text(&file["file"]), text(&file["outcome"]))?;
            match file["in_force"].as_str() {
                Some(in_force) => writeln!(out, " ({in_force})")?,
                None => writeln!(out)?,
            }
            if let Some(error) = file["error"].as_str() {
                writeln!(out, "  {error}")?;
            }
        }
    }
    Ok(if status == 200 { Exit::Ok } else { Exit::Error })
}

/// Status and answer of a request that the hub understood and allowed.
fn ask(args: &ArgMatches, method: &str, path: &str) -> Result<(u16, Value), Failure> {
    let address = http::address(args);
    let bearer = token(args)?.map(|token| format!("Bearer {token}"));
    let authorization = bearer.as_deref();
    let request = Request { method, path, authorization, body_max: BODY_MAX };
    let Answer { status, body } =
        http::ask(args, &request).map_err(|why| Failure::new(Exit::Error, why))?;
    let shown: Value = serde_json::from_slice(&body).unwrap_or_default();
    match status {
        200 | 422 => Ok((status, shown)),
        _ => {
            let exit = if matches!(status, 401 | 403) { Exit::Refused } else { Exit::Error };
            let why = shown["error"].as_str().unwrap_or("not an answer of a hub's admin API");
            Err(Failure::new(exit, format!("hub at {address}: {status}, {why}")))
        }
    }
}
