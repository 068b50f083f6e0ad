//! Teaches: to answer requests, several at a time but not more than a bound.
//!
//! Takes the customers' money; each payment takes a moment, as in real life.
//!
//! Alone: `cargo run -p hub-examples --bin payments`, then
//! `hub request shop.payments.charge '{"order": 1, "cents": 700}'`

use clap::Parser;
use hub_client::{BoxError, Emitter, Event, Received, ServeOptions};
use hub_examples::events::{Charge, Payment};
use hub_examples::service::{Connection, Service};
use std::time::Duration;

/// More than this nobody gets without cash.
const LIMIT_CENTS: u64 = 16_000;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// How many payments are under way at a time
    #[arg(long, default_value_t = 4)]
    at_a_time: usize,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let mut service = Service::start("payments", &arguments.connection).await?;

    // With a group, a second `payments` would share the work, not charge everything twice.
    let options = ServeOptions::new().group("payments").concurrency(arguments.at_a_time);
    let report = service.report.clone();
    let _serving = service
        .hub
        .serve(options, move |charge: Received<Charge>| {
            report.received(Charge::TOPIC);
            let report = report.clone();
            async move {
                let payment = charge_card(&charge).await;
                report.say(format_args!("order {}: {payment:?}", charge.order));
                // An `Err` would reach the one who asked as an error, too.
                Ok::<_, BoxError>(payment)
            }
        })
        .await?;
    service.ready("answers charges");

    service.stopped().await;
    service.finish().await
}

async fn charge_card(charge: &Charge) -> Payment {
    tokio::time::sleep(Duration::from_millis(10 + charge.order * 13 % 30)).await;
    if charge.cents > LIMIT_CENTS {
        return Payment::Declined { reason: format!("over {LIMIT_CENTS} cents") };
    }
    Payment::Charged { receipt: format!("R{:06}", charge.order) }
}
