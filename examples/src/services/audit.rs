//! This service shows how a subscriber knows that no event is missing. The hub numbers the events
//! of each topic consecutively from 1 on, and announces events that it cannot deliver as a gap.
//!
//! The service checks the event numbers of all topics of the shop, and prints the gaps. Without this
//! service, the shop would show that the counts are right, but not that every event came in its place.
//!
//! `cargo run -p hub-examples -- audit` runs the service alone, at the hub that `hub serve` starts.

use crate::events::EVERYTHING;
use crate::report::Report;
use crate::service::{Connection, Service};
use clap::Args;
use hub_client::{BoxError, Delivery, Emitter, SubscribeOptions, Subscription, TopicFilter};
use std::collections::HashMap;

/// Declares the options of `shop audit`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
}

/// Runs the service until it is asked to stop.
///
/// # Errors
/// Returns an error if there is no hub, or if it no longer accepts the events of this service.
pub async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let mut service = Service::start("audit", &arguments.connection).await?;
    let everything = TopicFilter::parse(EVERYTHING)?;
    let subscription = service.hub.subscribe(everything, SubscribeOptions::new()).await?;
    let auditing = tokio::spawn(audit(subscription, service.report.clone()));
    service.ready("checks the event numbers of every topic");

    service.stopped().await;
    // Draining ends the subscription after the last event that the hub has for it.
    service.drain().await?;
    auditing.await?;
    service.report.print()?;
    Ok(())
}

/// Reads a subscription to its end. All listeners of the SDK are built on subscriptions. A
/// subscription yields events, and it yields a gap in the place of missing events.
async fn audit(mut subscription: Subscription, report: Report) {
    // For each topic, the map holds the epoch and the number that the next event must have.
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
                report.fault(format_args!(
                    "{topic}: event number {from} came, but {due} was expected"
                ));
            }
            Some(&(known, _)) if known != epoch => {
                report.say(format_args!("{topic} has a new epoch: its event numbers begin again"));
            }
            Some(_) => {}
            None => report.say(format_args!("{topic}: the first event number is {from}")),
        }
        expected.insert(topic, (epoch, next));
    }
    for (topic, (_, next)) in expected {
        report.say(format_args!("{topic}: complete up to event number {}", next - 1));
    }
}
