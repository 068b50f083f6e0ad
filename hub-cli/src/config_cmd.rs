//! Implements `hub config`, which prints the default configuration or checks a configuration.
//!
//! Without this module, a user could learn that a configuration has an error only by starting a hub
//! with it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use hub_server::config;

use crate::serve::{BAD_CONFIG, CONFIG_ENV, failed, load};

const FILE: &str = "file";

/// Declares `hub config` and its arguments.
pub(crate) fn command() -> Command {
    let default = Command::new("default")
        .about("Print a configuration file with the default value and a description of every key")
        .after_help("Example:\n  hub config default > hub.toml");
    let check = Command::new("check")
        .about("Check a configuration and print the values that differ from the defaults")
        .long_about(
            "Check a configuration file together with the environment, as `hub serve` does when it \
             starts. The command prints \"ok\" and each value that differs from its default.",
        )
        .arg(
            Arg::new(FILE)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help(format!(
                    "The TOML file. Without it, the command checks only the environment [env: {CONFIG_ENV}]"
                )),
        )
        .after_help(
            "Exit codes: 0 the configuration has no error; 1 the result could not be printed; 2 the \
             configuration or the command line has an error.\n\nExample:\n  hub config check hub.toml",
        );
    Command::new("config")
        .about("Print the default configuration, or check one")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([default, check])
}

/// Runs `hub config default` or `hub config check`.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    match matches.subcommand() {
        Some(("default", _)) => print(&config::default_toml()),
        Some(("check", matches)) => match load(matches.get_one::<PathBuf>(FILE).cloned(), []) {
            Ok((config, _)) => print(&format!("ok\n{}", config::changes(&config))),
            Err(error) => failed(&error, BAD_CONFIG),
        },
        // clap accepts no other command.
        _ => ExitCode::from(BAD_CONFIG),
    }
}

/// Writes to standard output. A reader that closes the pipe early is no error.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => failed(&error, 1),
        _ => ExitCode::SUCCESS,
    }
}
