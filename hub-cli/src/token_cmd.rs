//! Implements `hub token create` and `hub token hash-password`, which make the entries of an access
//! file.
//!
//! Without these commands, a user would have to choose secrets and hash them by hand.

use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_server::access::{create_token, hash_password};
use std::io::{self, BufRead, Write};

pub(crate) fn command() -> Command {
    Command::new("token")
        .about("Make access tokens and password hashes for an access file")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("create")
                .about("Make an access token, and the line with its hash for the access file")
                .arg(Arg::new("id").value_name("ID").required(true).help(
                    "The id of the token: 1 to 32 of the characters a-z, 0-9 and -. Each id can occur only once in an access file",
                ))
                .after_help(
                    "The command prints the access token on stdout, and the line for the access file \
                     on stderr. The token cannot be shown again.\n\nExamples:\n  hub token create orders-1 > orders.token",
                ),
        )
        .subcommand(
            Command::new("hash-password")
                .about("Read a password from stdin and print its hash for the access file")
                .after_help("Examples:\n  hub token hash-password < password.txt"),
        )
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::new(Exit::Usage, error.to_string());
    match args.subcommand() {
        Some(("create", args)) => {
            let id = args.get_one::<String>("id").map_or("", String::as_str);
            let made = create_token(id).map_err(|error| usage(&error))?;
            writeln!(io::stdout(), "{}", made.token)?;
            note(format_args!(
                "Put this line into the access file, under the identity of the client:\n{}",
                made.line
            ));
        }
        Some(("hash-password", _)) => {
            let mut password = String::new();
            io::stdin().lock().read_line(&mut password)?;
            // The mark is part of the encoding that an editor chose, and nobody can type it.
            let password = password.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
            let hash = hash_password(password).map_err(|error| usage(&error))?;
            writeln!(io::stdout(), "{hash}")?;
        }
        _ => return Ok(Exit::Usage), // clap accepts no other command
    }
    Ok(Exit::Ok)
}
