//! Implements `hub on`, which prints events as they arrive.
//!
//! Without this command, a user would need a program of their own to see what happens on a topic.

use crate::connect::{connect, end, note, stop_signal, tell};
use crate::exit::{Exit, Failure};
use crate::output::{Output, OutputFormat};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures_util::stream::{SelectAll, Stream, StreamExt};
use hub_client::{
    Client, Delivery, Emitter, Overflow, Start, SubscribeOptions, Subscription, SubscriptionEnd,
    TopicFilter, TopicName,
};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// At most this many events may wait for stdout. A terminal or `jq` is slower than a hub, and users want
/// to see bursts as a whole, so this number is well above the SDK's default.
const CAPACITY: usize = 1 << 16;

pub(crate) fn command() -> Command {
    let policies = Overflow::ALL.map(Overflow::name);
    Command::new("on")
        .visible_alias("sub")
        .about("Print events as they arrive")
        .long_about(
            "Print events as they arrive, until the command is stopped. An event that matches \
             several of the filters is printed once. Without --group, the command only watches: \
             it does not count as somebody who answers requests. The command always announces \
             missing events: with --json as a line {\"gap\": …} in their place, otherwise on stderr.",
        )
        .args([
            Arg::new("filter")
                .required(true)
                .num_args(1..)
                .value_name("FILTER")
                .value_parser(TopicFilter::parse)
                .help("One or more topics or filters. In a filter, * stands for one token, and ** at the end stands for one or more"),
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("End after N events"),
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .conflicts_with("raw")
                .help("Print one JSON object a line, with topic, seq, publisher, time_ms, headers and payload"),
            Arg::new("raw")
                .long("raw")
                .action(ArgAction::SetTrue)
                .help("Print the MessagePack bytes of the payloads, one after another"),
            Arg::new("overflow")
                .long("overflow")
                .value_name("POLICY")
                .value_parser(policies)
                .default_value(Overflow::default().name())
                .help("The overflow policy: what the hub does with events when this command reads too slowly"),
            Arg::new("group")
                .long("group")
                .value_name("NAME")
                .help("Join a queue group. The hub sends each event to one member of the group"),
            Arg::new("last")
                .long("last")
                .action(ArgAction::SetTrue)
                .help("Begin with the last event of each topic"),
        ])
        .after_help(format!(
            "{}\n\nExamples:\n  \
             hub on 'orders.**'\n  \
             hub on orders.placed payments.failed --json | jq .payload\n  \
             hub on 'logs.**' --raw --count 10000 > records.mp\n  \
             hub on jobs.resize --group workers",
            crate::json::HELP
        ))
}

pub(crate) async fn run(args: &ArgMatches) -> Result<Exit, Failure> {
    let form = match (args.get_flag("json"), args.get_flag("raw")) {
        (true, _) => OutputFormat::Json,
        (_, true) => OutputFormat::Raw,
        _ => OutputFormat::Line,
    };
    let left = args.get_one("count").copied().unwrap_or(u64::MAX);
    let stop = stop_signal()?;
    let client = connect(args).await?;
    let teller = tokio::spawn(tell(client.events()));
    let events = subscribe(&client, args).await?;
    let mut printer = Printer { output: Output::new(form), events, left };
    let printed = printer.print(&client, stop).await;
    drop(printer);
    end(client, teller).await;
    match printed {
        Ok(()) => Ok(Exit::Ok),
        Err(Stopped::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(Stopped::Output(error)) => Err(error.into()),
        Err(Stopped::Subscription(end)) => Err(end.into()),
    }
}

/// Subscribes to every filter of the command line.
async fn subscribe(client: &Client, args: &ArgMatches) -> Result<SelectAll<Own>, Failure> {
    let mut options = SubscribeOptions::new().capacity(CAPACITY);
    if let Some(policy) = args.get_one::<String>("overflow").and_then(|name| name.parse().ok()) {
        options = options.overflow(policy);
    }
    // Whoever looks on answers no requests. A member of a group takes them away from the others.
    options = match args.get_one::<String>("group") {
        Some(group) => options.group(group),
        None => options.observe(),
    };
    if args.get_flag("last") {
        options = options.start(Start::Last);
    }
    let (mut events, mut earlier) = (SelectAll::new(), Vec::new());
    for filter in args.get_many::<TopicFilter>("filter").into_iter().flatten() {
        let subscription = client.subscribe(filter.clone(), options.clone()).await?;
        note(format_args!("subscribed to {filter}"));
        events.push(Own { subscription, earlier: earlier.clone(), ended: false });
        // In a queue group, each subscription is a member with events of its own.
        if options.group.is_none() {
            earlier.push(filter.clone());
        }
    }
    Ok(events)
}

/// Yields the deliveries for a filter, without those that an earlier filter of the command line matches.
struct Own {
    subscription: Subscription,
    earlier: Vec<TopicFilter>,
    ended: bool,
}

impl Own {
    /// Returns whether an earlier filter of the command line matches the delivery too.
    fn is_shown_already(&self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Message(message) => self.earlier.iter().any(|f| f.matches(&message.topic)),
            Delivery::Gap(gap) => TopicName::parse(&gap.topic)
                .is_ok_and(|topic| self.earlier.iter().any(|f| f.matches(&topic))),
        }
    }
}

impl Stream for Own {
    /// The last item is an error that says why the subscription ended.
    type Item = Result<Delivery, SubscriptionEnd>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            match ready!(Pin::new(&mut self.subscription).poll_next(cx)) {
                Some(delivery) if self.is_shown_already(&delivery) => {}
                Some(delivery) => return Poll::Ready(Some(Ok(delivery))),
                None => {
                    self.ended = true;
                    let end = self.subscription.end_reason();
                    return Poll::Ready(Some(Err(end.unwrap_or(SubscriptionEnd::Closed))));
                }
            }
        }
    }
}

/// Says why the command stopped printing.
enum Stopped {
    Output(io::Error),
    Subscription(SubscriptionEnd),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Output(error)
    }
}

/// Holds the state of a running `hub on`.
struct Printer {
    output: Output,
    events: SelectAll<Own>,
    left: u64,
}

impl Printer {
    async fn print(
        &mut self,
        client: &Client,
        mut stop: impl Future<Output = ()> + Unpin,
    ) -> Result<(), Stopped> {
        let mut idle = false;
        while self.left > 0 {
            tokio::select! {
                biased;
                () = &mut stop => return self.rest(client).await,
                came = self.events.next() => match came {
                    Some(Ok(delivery)) => {
                        self.write(&delivery)?;
                        idle = false;
                    }
                    Some(Err(end)) => {
                        self.output.flush()?;
                        return Err(Stopped::Subscription(end));
                    }
                    None => break,
                },
                // No event waits, so the user should now see all events that were written.
                () = std::future::ready(()), if !idle => {
                    self.output.flush()?;
                    idle = true;
                }
            }
        }
        Ok(self.output.flush()?)
    }

    /// Unsubscribes, and prints the events that have arrived by then.
    async fn rest(&mut self, client: &Client) -> Result<(), Stopped> {
        // Draining fails only because of emitted events, and this command emits none.
        let _ = client.drain().await;
        while self.left > 0
            && let Some(came) = self.events.next().await
        {
            if let Ok(delivery) = came {
                self.write(&delivery)?;
            }
        }
        Ok(self.output.flush()?)
    }

    /// Writes one delivery, and counts it if it is an event.
    fn write(&mut self, delivery: &Delivery) -> io::Result<()> {
        match delivery {
            Delivery::Gap(gap) => self.output.gap(gap),
            Delivery::Message(message) => {
                self.left -= 1;
                self.output.message(message)
            }
        }
    }
}
