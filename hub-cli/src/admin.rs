//! Implements `hub audit` and `hub reload`, which are commands for administrators of a running hub.
//!
//! Without this module, an administrator would have to send HTTP requests to the admin API by hand
//! and read its JSON.

use crate::connect::token;
use crate::exit::{Exit, Failure};
use crate::http::{self, Answer, Request};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;
use std::io::{self, Write};

/// An answer may have at most this many bytes. This is enough for a million topics with long names.
const BODY_MAX: usize = 512 * 1024 * 1024;

/// Adds the arguments that both commands have.
fn with_args(command: Command) -> Command {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print the answer as one JSON object");
    command.args(http::args("60000")).arg(json)
}

/// Declares `hub audit` and its arguments.
pub(crate) fn audit_command() -> Command {
    with_args(Command::new("audit"))
        .about("Compare, for each topic, the deliveries that were due with the deliveries that were made")
        .after_help(
            "Each delivery that was due must have been delivered, dropped for one of the reasons \
             in the table, or be waiting in a queue. The hub counts the waiting deliveries in the \
             queues themselves, so a delivery that got lost shows as a difference. A topic that \
             does not add up is marked with !. A topic whose events move during the count cannot \
             be judged; it is marked with ~.\n\n\
             Exit codes: 0 everything adds up; 1 something does not add up, or the hub does not \
             answer; 4 the hub refuses the request.\n\n\
             Example:\n  hub audit --http 127.0.0.1:4821 --token-file admin.token",
        )
}

/// Declares `hub reload` and its arguments.
pub(crate) fn reload_command() -> Command {
    with_args(Command::new("reload"))
        .about("Make a running hub reload its rule file, access file, certificates and configuration file")
        .after_help(
            "The command prints for each file whether it was applied. A file with an error changes \
             nothing.\n\n\
             Exit codes: 0 all files were applied; 1 a file was refused, or the hub does not \
             answer; 4 the hub refuses the request.\n\n\
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

/// Lists the columns of the table. Each has a title, and shows one field of the JSON answer.
const COLUMNS: [(&str, &str); 9] = [
    ("EVENTS", "events"),
    ("SUBS", "subscribers"),
    ("DUE", "due"),
    ("DELIVERED", "delivered"),
    ("OVERFLOW", "overflow"),
    ("CONFLATED", "conflated"),
    ("CUT OFF", "disconnected"),
    ("GIVEN UP", "given_up"),
    ("WAITING", "waiting"),
];

/// Writes the audit as a table with a line for each topic, and a sentence with the result.
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
        Some(0) => writeln!(
            out,
            "Every topic that could be judged adds up. The events of {moving} topics moved during the count (~)."
        ),
        _ => writeln!(out, "{wrong} of {} topics do not add up (!).", topics.len()),
    }
}

/// Writes one line of the table.
fn write_row(out: &mut impl Write, mark: char, line: &Value, name: &str) -> io::Result<()> {
    write!(out, "{mark} ")?;
    for (_, key) in COLUMNS {
        let number = line[key].as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
        write!(out, "{number:>11}")?;
    }
    writeln!(out, "  {name}")
}

/// Makes the hub reload its files, and prints for each file whether it was applied.
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

/// Sends a request, and returns the status and the answer if the hub allowed the request.
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
            let why =
                shown["error"].as_str().unwrap_or("this is not an answer of a hub's admin API");
            Err(Failure::new(exit, format!("hub at {address}: {status}, {why}")))
        }
    }
}
