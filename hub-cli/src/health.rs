//! Implements `hub health`, which asks a running hub whether it accepts clients.
//!
//! The container image uses this command as its health check. Without the command, the image would
//! need another HTTP client.

use crate::http::{self, Request};
use clap::{ArgMatches, Command};
use std::io::{self, Write};
use std::process::ExitCode;

/// Asks the hub whether it accepts clients.
const REQUEST: Request<'static> =
    Request { method: "GET", path: "/readyz", authorization: None, body_max: 1024 };

/// Declares `hub health` and its arguments.
pub(crate) fn command() -> Command {
    Command::new("health")
        .about("Ask a running hub whether it accepts clients")
        .args(http::args("2000"))
        .after_help(
            "Exit codes: 0 the hub accepts clients; 1 the hub does not accept clients or does not \
             answer; 2 the command line has an error.\n\n\
             Examples:\n  hub health --http 127.0.0.1:4821\n  \
             hub health --http https://127.0.0.1:4821 --ca ca.pem --tls-name hub.internal",
        )
}

/// Prints `ready` and succeeds, or prints on stderr what is wrong and fails.
pub(crate) fn run(args: &ArgMatches) -> ExitCode {
    let address = http::address(args);
    let said = match http::ask(args, &REQUEST) {
        Ok(answer) if answer.status == 200 => return done(writeln!(io::stdout(), "ready")),
        Ok(answer) => {
            writeln!(
                io::stderr(),
                "The hub at {address} is not ready: it answers with status {}.",
                answer.status
            )
        }
        Err(why) => writeln!(io::stderr(), "{why}"),
    };
    drop(said); // if stderr is closed, the exit code still tells
    ExitCode::FAILURE
}

/// Returns the exit code for a hub that is ready, unless stdout could not be written.
fn done(written: io::Result<()>) -> ExitCode {
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
