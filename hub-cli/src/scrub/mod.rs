//! `hub scrub`: rule files, checked, tried on messages, explained and compared.
//!
//! Nothing here talks to a hub. The messages are the user's own, so they are shown; what is said
//! about a rule file that does not load holds no values.

mod check;
mod diff;
mod explain;
mod file;
mod outcome;
mod pair;
mod reveal;
mod run;
mod seal;
mod source;
mod text;

use crate::connect::header_arg;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use hub_wire::TopicName;
use std::io::{self, BufWriter, StdoutLock};
use std::path::{Path, PathBuf};

/// Stdout, buffered: whoever uses it flushes when there is nothing more to write for now.
type Out = BufWriter<StdoutLock<'static>>;

pub(crate) fn command() -> Command {
    Command::new("scrub")
        .about("Checks rule files, and tries them on messages")
        .long_about(
            "Checks rule files of the scrub, tries them on messages, explains and compares them. \
             It needs no hub. Secrets that a file names are taken from the environment and from \
             files, as the hub does.",
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
        // clap lets no other through.
        _ => Ok(Exit::Usage),
    };
    match done {
        Ok(exit) => Ok(exit),
        // Whoever reads may stop early.
        Err(Stopped::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(Stopped::Output(error)) => Err(error.into()),
        Err(Stopped::Failed(failure)) => Err(failure),
    }
}

/// Why a command did not come to its end.
enum Stopped {
    Output(io::Error),
    Failed(Failure),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Output(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(failure)
    }
}

fn stdout() -> Out {
    BufWriter::with_capacity(64 << 10, io::stdout().lock())
}

fn file_arg(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .required(true)
        .value_name(value_name)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(help)
}

fn path<'a>(args: &'a ArgMatches, name: &str) -> Result<&'a Path, Failure> {
    let path = args.get_one::<PathBuf>(name).map(PathBuf::as_path);
    path.ok_or_else(|| Failure::new(Exit::Usage, format!("no {name}")))
}

fn json_arg(help: &'static str) -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help(help)
}

/// What says which messages there are, and for whom they are shown.
fn message_args() -> [Arg; 5] {
    [
        Arg::new("topic").long("topic").value_name("TOPIC").value_parser(TopicName::parse).help(
            "The topic of the messages; needed unless all rules are for all topics, or the \
             format is `events`",
        ),
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(["json-lines", "msgpack", "events"])
            .default_value("json-lines")
            .help(
                "What stdin holds: payloads as JSON, one a line; payloads as MessagePack; or \
                 events as `hub on --json` prints them, with topic and headers (but binary \
                 values as JSON shows them)",
            ),
        header_arg(),
        Arg::new("view").long("view").value_name("VIEW").help("Shows this view only"),
        Arg::new("role")
            .long("role")
            .value_name("ROLE")
            .conflicts_with("view")
            .help("Shows what this role sees only"),
    ]
}
