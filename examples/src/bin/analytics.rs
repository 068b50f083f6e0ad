//! Teaches: to listen with a wildcard. One listener sees many topics, and which one it was.
//!
//! Keeps running totals of what happens in the shop.
//!
//! Alone: `cargo run -p hub-examples --bin analytics`

use clap::Parser;
use hub_client::{BoxError, Emitter, Event, Message, SubscribeOptions, TopicFilter};
use hub_examples::events::{EVERYTHING, OrderPaid};
use hub_examples::service::{Connection, Service};

/// After how many paid orders it says where things stand.
const EVERY: u64 = 10;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let mut service = Service::start("analytics", &arguments.connection).await?;

    let report = service.report.clone();
    let (mut paid, mut cents) = (0_u64, 0_u64);
    let everything = TopicFilter::parse(EVERYTHING)?;
    let _listener = service
        .hub
        .on_filter(everything, SubscribeOptions::new(), move |message: Message| {
            report.received(message.topic.as_str());
            // The events are of several types, so they come undecoded; the topic says which it is.
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
