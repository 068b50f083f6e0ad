//! Implements `hub scrub`, which checks, explains and compares rule files and tries them on
//! messages.
//!
//! Without these commands, rules could be tried only on a running hub. No command here connects to a
//! hub. The messages belong to the user, so the commands print them. An error about a rule file
//! contains no values, because the file may contain secrets.

mod args;
mod check;
mod diff;
mod explain;
mod message;
mod message_report;
mod messages;
mod pair;
mod reveal;
mod rule_file;
mod run;
mod scrubber;
mod seal;
mod stdout;
mod text;

use crate::exit::{Exit, Failure};
use clap::{ArgMatches, Command};
use std::io;
use stdout::Stopped;

pub(crate) fn command() -> Command {
    Command::new("scrub")
        .about("Check rule files, and try them on messages")
        .long_about(
            "Check rule files of the scrub, try them on messages, explain and compare them. These \
             commands need no hub. They read the keys that a rule file names from the environment \
             and from files, as the hub does.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            check::command(),
            run::command(),
            explain::command(),
            diff::command(),
            reveal::command(),
        ])
        .after_help(
            "Examples:\n  \
             hub scrub check rules.toml\n  \
             hub scrub run rules.toml --topic orders.placed < messages.jsonl\n  \
             hub scrub explain rules.toml orders.placed\n  \
             hub scrub diff rules.toml new.toml --topic orders.placed < messages.jsonl\n  \
             hub scrub reveal rules.toml '<token:crm-1:…>'",
        )
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let done = match args.subcommand() {
        Some(("check", args)) => check::run(args),
        Some(("run", args)) => run::run(args).await,
        Some(("explain", args)) => explain::run(args),
        Some(("diff", args)) => diff::run(args).await,
        Some(("reveal", args)) => reveal::run(args),
        // clap accepts no other command.
        _ => Ok(Exit::Usage),
    };
    match done {
        Ok(exit) => Ok(exit),
        // A reader such as `head` may close stdout early, which is no error.
        Err(Stopped::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(Stopped::Output(error)) => Err(error.into()),
        Err(Stopped::Failed(failure)) => Err(failure),
    }
}
