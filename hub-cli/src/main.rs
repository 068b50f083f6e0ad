//! The program `hub` is the server and its tools in one binary.
//!
//! Each command has a module with two functions: `command` declares its arguments, and `run` runs it.
//! The other modules hold what several commands share. Stdout carries results only, and every
//! message for people goes to stderr. Without that separation, a script could not read the results.
//! The exit code tells how a command ended; see [`exit::Exit`].

mod admin;
mod bench;
mod config_cmd;
mod connect;
#[cfg(target_os = "linux")]
mod doctor;
mod emit;
mod empty_env;
mod exact_json;
mod exit;
mod health;
mod http;
mod input;
mod inspect;
mod json;
mod on;
mod output;
mod reply;
mod request;
mod scrub;
mod serve;
mod token_cmd;

use clap::Command;
use std::process::ExitCode;

fn command() -> Command {
    Command::new("hub")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A publish/subscribe hub for services, and its tools")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(connect::args())
        .subcommands([
            without(serve::command(), &CONNECTING),
            emit::command(),
            on::command(),
            request::command(),
            reply::command(),
            without(config_cmd::command(), &CONNECTING),
            without(without(health::command(), &CLIENTS_ONLY), &["token-file"]),
            without(admin::audit_command(), &CLIENTS_ONLY),
            without(admin::reload_command(), &CLIENTS_ONLY),
            bench::command(),
            #[cfg(target_os = "linux")]
            doctor::command(),
            without(inspect::command(), &CONNECTING),
            without(token_cmd::command(), &CONNECTING),
            without(scrub::command(), &CONNECTING),
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

/// Lists all options for connecting to a hub.
const CONNECTING: [&str; 7] = ["server", "name", "token-file", "ca", "cert", "key", "tls-name"];
/// Lists the options for connecting that the commands over HTTP do not have.
const CLIENTS_ONLY: [&str; 4] = ["server", "name", "cert", "key"];

/// Hides the named options for connecting in the help of a command.
fn without(command: Command, options: &[&str]) -> Command {
    let all = connect::args().into_iter();
    let named = all.filter(|arg| options.contains(&arg.get_id().as_str()));
    command.args(named.map(|arg| arg.hide(true)))
}

fn main() -> ExitCode {
    // A hub lets a second process read files of file systems that may hang.
    if let Some(code) = hub_server::read_for_hub(std::env::args_os()) {
        return code;
    }
    let matches = empty_env::forget(command()).get_matches();
    match matches.subcommand() {
        Some(("serve", args)) => serve::run(args),
        Some(("config", args)) => config_cmd::run(args),
        Some(("health", args)) => health::run(args),
        Some(("bench", args)) => bench::run(args),
        #[cfg(target_os = "linux")]
        Some(("doctor", args)) => doctor::run(args),
        Some(("inspect", args)) => inspect::run(args),
        Some(("token", args)) => connect::run(token_cmd::run(args)),
        Some(("scrub", args)) => connect::run(scrub::run(args)),
        Some(("audit", args)) => connect::run(admin::audit(args)),
        Some(("reload", args)) => connect::run(admin::reload(args)),
        Some(("emit", args)) => connect::run(emit::run(args)),
        Some(("on", args)) => connect::run(on::run(args)),
        Some(("request", args)) => connect::run(request::run(args)),
        Some(("reply", args)) => connect::run(reply::run(args)),
        // clap accepts no other command.
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
