//! Implements `hub bench request`, which measures requests and their replies.
//!
//! Without this command, a user could not measure how long a request through their own hub takes.

use super::options::{common, count, form, get, number, payload, seconds};
use super::report::{Figures, Progress, short};
use super::server;
use super::tunnel::target;
use crate::exit::{Exit, Failure};
use clap::{ArgMatches, Command};
use hub_bench::dialect::Hub;
use hub_bench::request::{self, RequestPlan};
use std::time::Duration;

pub(super) fn command() -> Command {
    Command::new("request")
        .about("Send requests, answer them, and measure how long that takes")
        .args([
            count("in-flight", "1", "How many requests wait for their answer at a time"),
            payload(),
            seconds(),
        ])
        .args(common())
        .after_help(
            "Examples:\n  hub bench request\n  hub bench request --in-flight 64 --payload map:1024",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let target = target(args)?;
    let addr = target.addr();
    let process = server::process(args, target.hub);
    let probe = || server::usage(process);
    let progress = Progress::new(args.get_flag("quiet"));
    let watch = |answered: u64, elapsed: Duration| {
        let (seconds, rate) = (elapsed.as_secs_f64(), answered as f64 / elapsed.as_secs_f64());
        let (answered, rate) = (short(answered as f64), short(rate));
        progress.show(format_args!("{seconds:5.1} s  {answered} requests, {rate} a second"));
    };
    let in_flight = number(args, "in-flight")?;
    let payload: hub_bench::Payload = get(args, "payload")?;
    let hub = Hub::default();
    let outcome = request::run(&RequestPlan {
        dialect: &hub,
        addr,
        payload: payload.clone(),
        in_flight: in_flight as u64,
        duration: get(args, "seconds")?,
        probe: Some(&probe),
        watch: Some(&watch),
    });
    progress.end();
    let outcome = outcome?;
    let mut figures = Figures::default();
    figures.field("command", "request").field("payload", payload.to_string());
    figures.field("in_flight", in_flight);
    figures.field("sent", outcome.asked).field("answered", outcome.answered);
    figures.line("answered", format!("{} of {}", outcome.answered, outcome.asked));
    figures.rates("requests", outcome.answered, 0, outcome.elapsed);
    figures.latency(&outcome.latency);
    figures.usage(outcome.usage, outcome.answered);
    figures.print(form(args))?;
    Ok(if outcome.answered < outcome.asked { Exit::Lost } else { Exit::Ok })
}
