//! Implements `hub bench pub`, `hub bench fanout` and `hub bench latency`, which send messages from
//! publishers to subscribers.
//!
//! Without these commands, a user could not measure the throughput and the latency of their own hub.

use super::options::{common, count, form, get, number, payload, seconds, topic, topics};
use super::report::{Figures, Progress, short};
use super::server;
use super::tunnel::target;
use crate::exit::{Exit, Failure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hub_bench::dialect::Hub;
use hub_bench::load::{self, Group, LoadPlan, LoadResult};
use hub_client::Overflow;

/// A publisher writes this many bytes at a time.
const CHUNK: usize = 64 << 10;

/// Says which of the three commands runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Publish,
    Fanout,
    Latency,
}

/// Declares `hub bench pub` and its arguments.
pub(super) fn publish() -> Command {
    Command::new("pub")
        .about("Publish as fast as the hub accepts messages, with receipts")
        .long_about(
            "Publish as fast as the hub accepts messages. The hub confirms every message with a \
             receipt, unless --no-receipts is given. This command has no subscribers; `hub bench \
             fanout` has.",
        )
        .args([
            topic(),
            count(
                "topics",
                "1",
                "How many topics there are. Each publisher publishes to all of them in turn",
            ),
            count("publishers", "1", "How many connections publish"),
            payload(),
            seconds(),
            Arg::new("no-receipts").long("no-receipts").action(ArgAction::SetTrue).help(
                "Do not ask for receipts. A message that counts as sent may then not have arrived",
            ),
        ])
        .args(common())
        .after_help(
            "Examples:\n  hub bench pub --publishers 4\n  \
             hub bench pub --topics 100 --payload map:1024 --json",
        )
}

/// Declares `hub bench fanout` and its arguments.
pub(super) fn fanout() -> Command {
    Command::new("fanout")
        .about("Publish as fast as possible, to subscribers of this command")
        .args([
            topic(),
            count("topics", "1", "How many topics there are. Each publisher and each subscriber uses all of them"),
            count("publishers", "1", "How many connections publish"),
            count("subscribers", "1", "How many connections subscribe"),
            payload(),
            seconds(),
            Arg::new("overflow")
                .long("overflow")
                .value_name("POLICY")
                .value_parser(Overflow::ALL.map(Overflow::name))
                .default_value(Overflow::Block.name())
                .help("The overflow policy: what the hub does with events when a subscriber reads too slowly"),
            Arg::new("window-mib")
                .long("window-mib")
                .value_name("MIB")
                .default_value("4")
                .value_parser(value_parser!(u32).range(1..=65_536))
                .help("By how many MiB the publishers may be ahead of the slowest subscriber"),
            Arg::new("receipts")
                .long("receipts")
                .action(ArgAction::SetTrue)
                .help("Ask for receipts"),
        ])
        .args(common())
        .after_help(
            "Examples:\n  hub bench fanout --subscribers 100\n  \
             hub bench fanout --publishers 4 --topics 16 --payload map:128 --csv",
        )
}

/// Declares `hub bench latency` and its arguments.
pub(super) fn latency() -> Command {
    Command::new("latency")
        .about("Publish at a steady rate, and measure how long messages take")
        .long_about(
            "Publish at a steady rate, and measure the time from the moment when a message was due \
             to be sent to the moment when a subscriber has read it. So when the hub makes the \
             publisher wait, all messages that were due in that time count as late.",
        )
        .args([
            Arg::new("rate")
                .long("rate")
                .value_name("N")
                .default_value("1000")
                .value_parser(value_parser!(u32).range(1..=10_000_000))
                .help("How many messages each publisher sends in a second"),
            topic(),
            count(
                "topics",
                "1",
                "How many topics there are. Each publisher and each subscriber uses all of them",
            ),
            count("publishers", "1", "How many connections publish"),
            count("subscribers", "1", "How many connections subscribe"),
            payload(),
            seconds(),
        ])
        .args(common())
        .after_help(
            "Examples:\n  hub bench latency --rate 20000\n  \
             hub bench latency --rate 1000 --subscribers 50 --seconds 30 --json",
        )
}

pub(super) fn run(kind: Kind, args: &ArgMatches) -> Result<Exit, Failure> {
    let target = target(args)?;
    let addr = target.addr();
    let process = server::process(args, target.hub);
    let probe = || server::usage(process);
    let progress = Progress::new(args.get_flag("quiet"));
    let hub = Hub {
        receipts: match kind {
            Kind::Publish => !args.get_flag("no-receipts"),
            Kind::Fanout => args.get_flag("receipts"),
            Kind::Latency => false,
        },
        overflow: match kind {
            Kind::Fanout => get::<String>(args, "overflow")?
                .parse()
                .map_err(|_| Failure::new(Exit::Usage, "no such overflow policy"))?,
            _ => Overflow::Block,
        },
    };
    let publishers = number(args, "publishers")?;
    let subscribers = if kind == Kind::Publish { 0 } else { number(args, "subscribers")? };
    let topics = topics(args, number(args, "topics")?)?;
    let payload: hub_bench::Payload = get(args, "payload")?;
    let watch = |now: &LoadResult| {
        let (handled, seconds) = (now.handled(), now.elapsed.as_secs_f64());
        let cpu = now.cpu_us().map(|each| format!(", {} µs each", short(each)));
        progress.show(format_args!(
            "{seconds:5.1} s  {} messages, {} a second{}",
            short(handled as f64),
            short(now.rate()),
            cpu.unwrap_or_default()
        ));
    };
    let plan = LoadPlan {
        dialect: &hub,
        addr,
        groups: vec![Group { topics: topics.clone(), publishers, subscribers }],
        payload: payload.clone(),
        rate: match kind {
            Kind::Latency => Some(f64::from(get::<u32>(args, "rate")?)),
            _ => None,
        },
        duration: get(args, "seconds")?,
        window: match kind {
            Kind::Fanout => number(args, "window-mib")? << 20,
            _ => usize::MAX,
        },
        chunk: CHUNK,
        readers: 1,
        probe: Some(&probe),
        watch: Some(&watch),
    };
    let outcome = load::run(&plan);
    progress.end();
    let outcome = outcome?;

    let mut figures = Figures::default();
    let command = match kind {
        Kind::Publish => "pub",
        Kind::Fanout => "fanout",
        Kind::Latency => "latency",
    };
    figures.field("command", command).field("payload", payload.to_string());
    figures.field("publishers", publishers).field("subscribers", subscribers);
    figures.field("topics", topics.len());
    figures.line("payload", payload.to_string());
    if let Some(rate) = plan.rate {
        figures.field("rate", rate);
    }
    figures.field("sent", outcome.sent);
    if kind == Kind::Publish {
        if hub.receipts {
            figures.field("acknowledged", outcome.acknowledged);
            figures.line("acknowledged", format!("{} of {}", outcome.acknowledged, outcome.sent));
        }
    } else {
        figures.field("due", outcome.due).field("delivered", outcome.delivered);
        figures.field("lost", outcome.lost());
        figures.field("announced_missing", outcome.announced_missing);
        let announced = outcome.announced_missing;
        figures
            .line("lost", format!("{} of {}, {announced} announced", outcome.lost(), outcome.due));
    }
    figures.rates("messages", outcome.handled(), outcome.received_bytes, outcome.elapsed);
    figures.latency(&outcome.latency);
    figures.usage(outcome.usage, outcome.handled());
    figures.print(form(args))?;
    // The overflow policy explains the messages that the hub announced as missing. Messages that are
    // missing without an announcement are a loss.
    let untold = outcome.lost().saturating_sub(outcome.announced_missing);
    let unacknowledged = hub.receipts && outcome.acknowledged < outcome.sent;
    Ok(if untold > 0 || unacknowledged { Exit::Lost } else { Exit::Ok })
}
