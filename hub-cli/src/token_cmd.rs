//! `hub token create` and `hub token hash-password`: what goes into an access file.

use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_server::access::{create_token, hash_password};
use std::io::{self, BufRead, Write};

pub(crate) fn command() -> Command {
    Command::new("token")
        .about("Makes what an access file needs to let a client in")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("create")
                .about("Makes a token, and the line for the access file")
                .arg(Arg::new("id").value_name("ID").required(true).help(
                    "Which token it is: 1 to 32 of a-z, 0-9 and -, once in the file",
                ))
                .after_help(
                    "The token goes to stdout and is shown only now. The line, with its hash, goes to \
                     stderr.\n\nExamples:\n  hub token create orders-1 > orders.token",
                ),
        )
        .subcommand(
            Command::new("hash-password")
                .about("Reads a password from stdin and prints its hash for the access file")
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
            note(format_args!("for the access file, under its identity:\n{}", made.line));
        }
        Some(("hash-password", _)) => {
            let mut password = String::new();
            io::stdin().lock().read_line(&mut password)?;
            let password = password.trim_end_matches(['\r', '\n']);
            let hash = hash_password(password).map_err(|error| usage(&error))?;
            writeln!(io::stdout(), "{hash}")?;
        }
        _ => return Ok(Exit::Usage), // clap lets no other through
    }
    Ok(Exit::Ok)
}
