//! Implements `hub bench connections`, which measures how much memory an idle connection costs the
//! hub.
//!
//! Without this command, nobody could say how many clients fit into the memory of a machine.

use super::options::{common, count, form, number};
use super::report::{Figures, Progress, short};
use super::server;
use super::tunnel::target;
use crate::exit::{Exit, Failure};
use clap::{ArgMatches, Command};
use hub_bench::dialect::Hub;
use hub_bench::idle;

pub(super) fn command() -> Command {
    Command::new("connections")
        .about("Open connections with one subscription each, and measure the hub's memory")
        .long_about(
            "Open connections with one subscription each, and measure how much the hub's memory \
             grows. Each connection takes one file descriptor of this process and one of the hub; \
             `ulimit -n` and the hub's key max_connections limit them.",
        )
        .arg(count("count", "1000", "How many connections the command opens"))
        .args(common())
        .after_help(
            "Examples:\n  hub bench connections --count 10000\n  hub bench connections --json",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let target = target(args)?;
    let addr = target.addr();
    let process = server::process(args, target.hub);
    let probe = || server::usage(process);
    let progress = Progress::new(args.get_flag("quiet"));
    let hub = Hub::default();
    let shown = |made: usize| progress.show(format_args!("{made} connections"));
    let outcome = idle::run(&hub, addr, number(args, "count")?, &probe, shown);
    progress.end();
    let outcome = outcome?;
    let mut figures = Figures::default();
    figures.field("command", "connections").field("connections", outcome.connections);
    figures.rates("connections", outcome.connections as u64, 0, outcome.elapsed);
    if let Some(each) = outcome.bytes_each() {
        figures.field("bytes_each", each.round());
        figures.line("the hub's memory each", format!("{} KiB", short(each / 1024.0)));
    }
    figures.usage(outcome.usage.map(|(_, after)| after), 0);
    figures.print(form(args))?;
    Ok(Exit::Ok)
}
