//! Teaches: numbers and gaps. The hub numbers the events of each topic from 1 without a hole, and
//! what a subscriber does not get it is told. So it can be known that nothing is missing.
//!
//! Looks at everything that happens in the shop, and lists the gaps.
//!
//! Alone: `cargo run -p hub-examples --bin audit`

use clap::Parser;
use hub_client::{BoxError, Delivery, Emitter, SubscribeOptions, Subscription, TopicFilter};
use hub_examples::events::EVERYTHING;
use hub_examples::report::Report;
use hub_examples::service::{Connection, Service};
use std::collections::HashMap;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let mut service = Service::start("audit", &arguments.connection).await?;
    let everything = TopicFilter::parse(EVERYTHING)?;
    let subscription = service.hub.subscribe(everything, SubscribeOptions::new()).await?;
    let auditing = tokio::spawn(audit(subscription, service.report.clone()));
    service.ready("checks the numbers of every topic");

    service.stopped().await;
    // Draining ends the subscription, behind the last event that it is due.
    service.drain().await?;
    auditing.await?;
    service.report.print()?;
    Ok(())
}

/// A subscription is what all listeners are made of: it yields events, and gaps in their place.
async fn audit(mut subscription: Subscription, report: Report) {
    // The epoch and the next number of each topic.
    let mut expected: HashMap<String, (u64, u64)> = HashMap::new();
    while let Some(delivery) = subscription.next().await {
        let (topic, epoch, from, next) = match delivery {
            Delivery::Message(message) => {
                report.received(message.topic.as_str());
                (message.topic.to_string(), message.epoch, message.seq, message.seq + 1)
            }
            Delivery::Gap(gap) => {
                let to = gap.to.map_or("an unknown number".to_owned(), |to| to.to_string());
                report.gap(format_args!("{} {} to {to}: {}", gap.topic, gap.from, gap.reason));
                (gap.topic, gap.epoch, gap.from, gap.to.unwrap_or(gap.from) + 1)
            }
        };
        match expected.get(&topic) {
            Some(&(known, due)) if known == epoch && due != from => {
                report.fault(format_args!("{topic}: {from} came where {due} was due"));
            }
            Some(&(known, _)) if known != epoch => {
                report.say(format_args!("{topic} began anew"));
            }
            Some(_) => {}
            None => report.say(format_args!("{topic}: from number {from} on")),
        }
        expected.insert(topic, (epoch, next));
    }
    for (topic, (_, next)) in expected {
        report.say(format_args!("{topic}: complete up to number {}", next - 1));
    }
}
