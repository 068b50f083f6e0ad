//! `hub bench connections`: what a connection costs that does nothing.

use super::options::{common, count, form, number};
use super::outcome::{Figures, Progress, short};
use super::server;
use super::tunnel::target;
use crate::exit::{Exit, Failure};
use clap::{ArgMatches, Command};
use hub_bench::dialect::Hub;
use hub_bench::idle;

pub(super) fn command() -> Command {
    Command::new("connections")
        .about("Opens connections with one subscription each, and measures the hub's memory")
        .long_about(
            "Opens connections with one subscription each, and measures the hub's memory before \
             and with them. Each takes a file descriptor here and one at the hub: see `ulimit -n`, \
             and the hub's max_connections.",
        )
        .arg(count("count", "1000", "How many connections"))
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
