//! Implements `hub bench sub`, which counts the events that other clients publish.
//!
//! Without this command, the delivery of a load that is not made by `hub bench` could not be
//! measured.

use super::options::{common, count, form, get, number, seconds};
use super::report::{Figures, Progress, short};
use super::server;
use super::tunnel::target;
use crate::connect::note;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgMatches, Command};
use hub_bench::dialect::Hub;
use hub_bench::listen::{self, ListenPlan, ListenResult};
use hub_client::{Overflow, TopicFilter};

pub(super) fn command() -> Command {
    Command::new("sub")
        .about("Count the events that other clients publish")
        .long_about(
            "Subscribe, and count the events that other clients publish, from the first event on. \
             The exit code is 6 if no event arrives.",
        )
        .args([
            Arg::new("filter")
                .required(true)
                .num_args(1..)
                .value_name("FILTER")
                .value_parser(TopicFilter::parse)
                .help("One or more topics or filters. In a filter, * stands for one token, and ** at the end stands for one or more"),
            count("subscribers", "1", "How many connections subscribe. Each subscribes to all filters"),
            seconds().help("How many seconds the measurement takes, counted from the first event on"),
            Arg::new("patience")
                .long("patience")
                .value_name("S")
                .default_value("60")
                .value_parser(clap::value_parser!(u64).range(1..=86_400))
                .help("How many seconds to wait for the first event"),
            Arg::new("overflow")
                .long("overflow")
                .value_name("POLICY")
                .value_parser(Overflow::ALL.map(Overflow::name))
                .default_value(Overflow::default().name())
                .help("The overflow policy: what the hub does with events when this command reads too slowly"),
        ])
        .args(common())
        .after_help(
            "Examples:\n  hub bench sub 'orders.**' --seconds 10\n  hub bench sub bench --json",
        )
}

pub(super) fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let target = target(args)?;
    let addr = target.addr();
    let process = server::process(args, target.hub);
    let probe = || server::usage(process);
    let progress = Progress::new(args.get_flag("quiet"));
    let overflow: Overflow = get::<String>(args, "overflow")?
        .parse()
        .map_err(|_| Failure::new(Exit::Usage, "no such overflow policy"))?;
    let hub = Hub { receipts: false, overflow };
    let filters = args.get_many::<TopicFilter>("filter").into_iter().flatten();
    let subscribers = number(args, "subscribers")?;
    let watch = |now: &ListenResult| {
        let seconds = now.elapsed.as_secs_f64();
        let rate = now.delivered as f64 / seconds.max(1e-9);
        let (delivered, rate) = (short(now.delivered as f64), short(rate));
        progress.show(format_args!("{seconds:5.1} s  {delivered} messages, {rate} a second"));
    };
    let topics: Vec<String> = filters.map(ToString::to_string).collect();
    let subscribed = || note(format_args!("subscribed to {}", topics.join(" ")));
    let plan = ListenPlan {
        dialect: &hub,
        addr,
        topics: topics.clone(),
        subscribers,
        duration: get(args, "seconds")?,
        patience: std::time::Duration::from_secs(get(args, "patience")?),
        probe: Some(&probe),
        subscribed: Some(&subscribed),
        watch: Some(&watch),
    };
    let outcome = listen::run(&plan);
    progress.end();
    let outcome = outcome?;
    let mut figures = Figures::default();
    figures.field("command", "sub").field("subscribers", subscribers);
    figures.field("delivered", outcome.delivered);
    figures.field("announced_missing", outcome.announced_missing);
    figures.line("announced as missing", outcome.announced_missing.to_string());
    figures.rates("messages", outcome.delivered, outcome.received_bytes, outcome.elapsed);
    figures.usage(outcome.usage, outcome.delivered);
    figures.print(form(args))?;
    Ok(if outcome.delivered == 0 { Exit::TimedOut } else { Exit::Ok })
}
