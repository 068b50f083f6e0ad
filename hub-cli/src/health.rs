//! `hub health`: asks a running hub whether it is ready.

use crate::http::{self, Request};
use clap::{ArgMatches, Command};
use std::io::{self, Write};
use std::process::ExitCode;

const REQUEST: Request<'static> =
    Request { method: "GET", path: "/readyz", authorization: None, body_max: 1024 };

/// What `hub health` takes.
pub(crate) fn command() -> Command {
    Command::new("health")
        .about("Ask a running hub whether it is ready")
        .args(http::args("2000"))
        .after_help(
            "Exit codes: 0 ready, 1 not ready or no answer, 2 usage.\n\n\
             Examples:\n  hub health --http 127.0.0.1:4821\n  \
             hub health --http https://127.0.0.1:4821 --ca ca.pem --tls-name hub.internal",
        )
}

/// Prints `ready` and succeeds, or says on stderr what is wrong.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    let address = http::address(args);
    let said = match http::ask(args, &REQUEST) {
        Ok(answer) if answer.status == 200 => return done(writeln!(io::stdout(), "ready")),
        Ok(answer) => {
            writeln!(io::stderr(), "hub at {address} is not ready: {}", answer.status)
        }
        Err(why) => writeln!(io::stderr(), "{why}"),
    };
    drop(said); // with stderr gone, the exit code still says it
    ExitCode::FAILURE
}

fn done(written: io::Result<()>) -> ExitCode {
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
