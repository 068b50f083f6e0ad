//! Implements `hub bench`, which measures how fast a hub is and how much processor time and memory
//! that costs it.
//!
//! The commands do not use the SDK. They send bytes that were encoded beforehand, and only count the
//! messages that they receive. Otherwise they would measure the client rather than the hub. The
//! crate [`hub_bench`] makes the load.

mod idle;
mod listen;
mod load;
mod options;
mod report;
mod request;
mod server;
mod tunnel;

use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::{ArgMatches, Command};
use hub_bench::BenchError;
use std::process::ExitCode;

/// Declares `hub bench` and its commands.
pub(crate) fn command() -> Command {
    Command::new("bench")
        .about("Measure a hub")
        .long_about(
            "Measure a hub: messages and bytes in a second, losses and latency. If the hub runs on \
             this machine, the command also measures the hub's memory, and its processor time for \
             each message. Messages are encoded beforehand and only counted on arrival, so that the \
             hub is measured and not the client. The commands send as much as the hub accepts: do \
             not use them on a hub that others need. With hubs://, this process encrypts too. Then \
             the rates and the latency include the work of this process, and the processor time and \
             the memory are still those of the hub.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            load::publish(),
            listen::command(),
            load::fanout(),
            load::latency(),
            request::command(),
            idle::command(),
        ])
        .after_help(
            "Examples:\n  \
             hub bench fanout --subscribers 10\n  \
             hub bench latency --rate 20000 --payload map:1024 --json\n  \
             hub bench request --in-flight 64\n  \
             hub bench connections --count 10000",
        )
}

/// Runs one measurement.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    let outcome = match args.subcommand() {
        Some(("pub", args)) => load::run(load::Kind::Publish, args),
        Some(("sub", args)) => listen::run(args),
        Some(("fanout", args)) => load::run(load::Kind::Fanout, args),
        Some(("latency", args)) => load::run(load::Kind::Latency, args),
        Some(("request", args)) => request::run(args),
        Some(("connections", args)) => idle::run(args),
        // clap accepts no other command.
        _ => return Exit::Usage.into(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(format_args!("error: {}", failure.message));
            failure.exit.into()
        }
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        let exit = match &error {
            BenchError::Connect { .. } => Exit::Unreachable,
            BenchError::Io { .. } => Exit::Lost,
            BenchError::Silent(_) => Exit::TimedOut,
            BenchError::Server(_) => Exit::Refused,
            BenchError::Plan(_) => Exit::Usage,
            BenchError::Thread => Exit::Error,
        };
        Failure::of(exit, &error)
    }
}
