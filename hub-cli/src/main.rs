//! `hub`: the server and its tools in one binary.
//!
//! Each module is one command, with what it takes (`command`) and what it does (`run`). Stdout
//! carries results only; everything said to people goes to stderr. How it ended is the exit code,
//! see [`exit::Exit`].

mod admin;
mod bench;
mod config_cmd;
mod connect;
mod emit;
mod exit;
mod health;
mod http;
mod input;
mod json;
mod on;
mod output;
mod reply;
mod request;
mod scrub;
mod serve;
mod token;

use clap::Command;
use std::process::ExitCode;

fn command() -> Command {
    Command::new("hub")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A hub through which services talk in events, and its tools")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(connect::args())
        .subcommands([
            connects_to_nobody(serve::command()),
            emit::command(),
            on::command(),
            request::command(),
            reply::command(),
            connects_to_nobody(config_cmd::command()),
            health::command(),
            admin::audit_command(),
            admin::reload_command(),
            bench::command(),
            connects_to_nobody(token::command()),
            connects_to_nobody(scrub::command()),
        ])
        .after_help(format!(
            "{}\n\nExamples:\n  \
             hub serve &\n  \
             hub on 'orders.**' &\n  \
             hub emit orders.placed '{{\"number\": 7}}'\n  \
             hub help emit",
            exit::Exit::help()
        ))
}

/// Leaves the options for connecting out of a command's help.
fn connects_to_nobody(command: Command) -> Command {
    command.args(connect::args().map(|arg| arg.hide(true)))
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("serve", args)) => serve::run(args),
        Some(("config", args)) => config_cmd::run(args),
        Some(("health", args)) => health::run(args),
        Some(("bench", args)) => bench::run(args),
        Some(("token", args)) => connect::run(token::run(args)),
        Some(("scrub", args)) => connect::run(scrub::run(args)),
        Some(("audit", args)) => connect::run(admin::audit(args)),
        Some(("reload", args)) => connect::run(admin::reload(args)),
        Some(("emit", args)) => connect::run(emit::run(args)),
        Some(("on", args)) => connect::run(on::run(args)),
        Some(("request", args)) => connect::run(request::run(args)),
        Some(("reply", args)) => connect::run(reply::run(args)),
        // clap lets no other through.
        _ => exit::Exit::Usage.into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commands_fit_together() {
        super::command().debug_assert();
    }
}
