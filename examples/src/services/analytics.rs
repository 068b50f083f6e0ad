//! This service shows how to listen with a wildcard. One listener gets the events of many topics, and
//! each event says which topic it is on.
//!
//! The service counts all events of the shop and keeps the total of the paid orders. At its end, the
//! shop compares these counts, and those of `audit`, with the number of emitted events. Without this
//! service, every topic lacks one of the two counts.
//!
//! `cargo run -p hub-examples -- analytics` runs the service alone, at the hub that `hub serve` starts.

use crate::events::{EVERYTHING, OrderPaid};
use crate::service::{Connection, Service};
use clap::Args;
use hub_client::{BoxError, Emitter, Event, Message, SubscribeOptions, TopicFilter};

/// The service prints the total whenever this many more orders were paid.
const EVERY: u64 = 10;

/// Declares the options of `shop analytics`.
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
    let mut service = Service::start("analytics", &arguments.connection).await?;

    let report = service.report.clone();
    let (mut paid, mut cents) = (0_u64, 0_u64);
    let everything = TopicFilter::parse(EVERYTHING)?;
    let _listener = service
        .hub
        .on_filter(everything, SubscribeOptions::new(), move |message: Message| {
            report.received(message.topic.as_str());
            // The events have several types, so the SDK cannot decode them. The topic says which type
            // an event has.
            if message.topic.as_str() == OrderPaid::TOPIC {
                let order: OrderPaid = message.decode()?;
                (paid, cents) = (paid + 1, cents + order.cents);
                if paid.is_multiple_of(EVERY) {
                    let average = cents / paid;
                    report.say(format_args!("{paid} paid, {cents} cents, {average} on average"));
                }
            }
            Ok::<(), BoxError>(())
        })
        .await?;
    service.ready("counts everything");

    service.stopped().await;
    service.finish().await
}
