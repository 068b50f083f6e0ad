//! `hub on`: events as they come.

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

/// How many events may wait for stdout. A terminal or `jq` is slower than a hub, and bursts are
/// what people look at, so this is well above the SDK's default.
const CAPACITY: usize = 1 << 16;

pub(crate) fn command() -> Command {
    let policies = Overflow::ALL.map(Overflow::name);
    Command::new("on")
        .visible_alias("sub")
        .about("Prints events as they come")
        .long_about(
            "Prints events as they come, until stopped. An event that matches several of the \
             filters is printed once. Where events are missing, this is always said: with --json \
             as a line {\"gap\": …} in their place, otherwise on stderr.",
        )
        .args([
            Arg::new("filter")
                .required(true)
                .num_args(1..)
                .value_name("FILTER")
                .value_parser(TopicFilter::parse)
                .help("Topics; * stands for one token, a final ** for the rest"),
            Arg::new("count")
                .long("count")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("Ends after N events"),
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .conflicts_with("raw")
                .help("One object a line: topic, seq, publisher, time_ms, headers, payload"),
            Arg::new("raw")
                .long("raw")
                .action(ArgAction::SetTrue)
                .help("The payloads' MessagePack bytes, one after another"),
            Arg::new("overflow")
                .long("overflow")
                .value_parser(policies)
                .default_value(Overflow::default().name())
                .help("What happens when this command is too slow"),
            Arg::new("group")
                .long("group")
                .value_name("NAME")
                .help("Joins a queue group: each event goes to one of its members"),
            Arg::new("last")
                .long("last")
                .action(ArgAction::SetTrue)
                .help("Starts with the last event of each topic"),
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

async fn subscribe(client: &Client, args: &ArgMatches) -> Result<SelectAll<Own>, Failure> {
    let mut options = SubscribeOptions::new().capacity(CAPACITY);
    if let Some(policy) = args.get_one::<String>("overflow").and_then(|name| name.parse().ok()) {
        options = options.overflow(policy);
    }
    if let Some(group) = args.get_one::<String>("group") {
        options = options.group(group);
    }
    if args.get_flag("last") {
        options = options.start(Start::Last);
    }
    let (mut events, mut earlier) = (SelectAll::new(), Vec::new());
    for filter in args.get_many::<TopicFilter>("filter").into_iter().flatten() {
        let subscription = client.subscribe(filter.clone(), options.clone()).await?;
        note(format_args!("subscribed to {filter}"));
        events.push(Own { subscription, earlier: earlier.clone(), ended: false });
        // Of a queue group each subscription is a member of its own, with events of its own.
        if options.group.is_none() {
            earlier.push(filter.clone());
        }
    }
    Ok(events)
}

/// What arrives for a filter and for none of those before it on the command line.
struct Own {
    subscription: Subscription,
    earlier: Vec<TopicFilter>,
    ended: bool,
}

impl Own {
    fn is_shown_already(&self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Message(message) => self.earlier.iter().any(|f| f.matches(&message.topic)),
            Delivery::Gap(gap) => TopicName::parse(&gap.topic)
                .is_ok_and(|topic| self.earlier.iter().any(|f| f.matches(&topic))),
        }
    }
}

impl Stream for Own {
    /// The last item is why it ended.
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

/// Why no more is printed.
enum Stopped {
    Output(io::Error),
    Subscription(SubscriptionEnd),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Stopped::Output(error)
    }
}

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
                // Nothing waits: now is the time to show what was written.
                () = std::future::ready(()), if !idle => {
                    self.output.flush()?;
                    idle = true;
                }
            }
        }
        Ok(self.output.flush()?)
    }

    /// Unsubscribes, and prints what has arrived until then.
    async fn rest(&mut self, client: &Client) -> Result<(), Stopped> {
        // It only fails for events that were emitted, and there are none.
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
