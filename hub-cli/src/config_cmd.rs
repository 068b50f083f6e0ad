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
            "Check a configuration file together with the environment, and every file that the \
             configuration names: rules, access, keys and certificates. The command refuses what \
             `hub serve` refuses when it starts. It prints \"ok\" and each value that differs from \
             its default, and warns of what a hub would leave out or clients would refuse.",
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
            "Exit codes: 0 there is no error; 1 the result could not be printed; 2 the configuration, \
             a file that it names, or the command line has an error.\n\nExample:\n  hub config check hub.toml",
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
        Some(("check", matches)) => check(matches.get_one::<PathBuf>(FILE).cloned()),
        // clap accepts no other command.
        _ => ExitCode::from(BAD_CONFIG),
    }
}

/// Checks a configuration, and every file that it names. Warnings go to standard error.
fn check(file: Option<PathBuf>) -> ExitCode {
    let config = match load(file, []) {
        Ok((config, _)) => config,
        Err(error) => return failed(&error, BAD_CONFIG),
    };
    match hub_server::check_files(&config) {
        Err(error) => failed(&error, BAD_CONFIG),
        Ok(warnings) => {
            for warning in warnings {
                // A closed stderr is no reason to stop.
                let _ = writeln!(io::stderr(), "warning: {warning}");
            }
            print(&format!("ok\n{}", config::changes(&config)))
        }
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
