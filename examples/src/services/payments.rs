//! This service shows how to answer requests, several at a time but no more than a bound.
//!
//! The service charges customers. Each payment takes a moment, as a real payment does. Without this
//! service, the hub answers each request of `orders` at once that nobody is subscribed, and `orders`
//! declines every order.
//!
//! `cargo run -p hub-examples -- payments` runs the service alone, at the hub that `hub serve` starts.
//! Then `hub request shop.payments.charge '{"order": 1, "cents": 700}'` asks the service for a payment.

use crate::events::{Charge, Payment};
use crate::service::{Connection, Service};
use clap::Args;
use hub_client::{BoxError, Emitter, Event, Received, ServeOptions};
use std::time::Duration;

/// A payment of more cents than this is declined, so that the shop has declined orders too.
const LIMIT_CENTS: u64 = 16_000;

/// Declares the options of `shop payments`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// How many payments the service makes at the same time
    #[arg(long, value_name = "N", default_value_t = 4)]
    at_a_time: usize,
}

/// Runs the service until it is asked to stop.
///
/// # Errors
/// Returns an error if there is no hub, or if it no longer accepts the events of this service.
pub async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let mut service = Service::start("payments", &arguments.connection).await?;

    // In a group, a second `payments` process shares the work. Without the group, both would charge
    // every order.
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
                // If the listener returned an `Err`, the request would fail with that error.
                Ok::<_, BoxError>(payment)
            }
        })
        .await?;
    service.ready("answers the requests for payments");

    service.stopped().await;
    service.finish().await
}

/// Takes the place of a payment provider. The function waits a moment, and declines large amounts.
async fn charge_card(charge: &Charge) -> Payment {
    tokio::time::sleep(Duration::from_millis(10 + charge.order * 13 % 30)).await;
    if charge.cents > LIMIT_CENTS {
        return Payment::Declined { reason: format!("the amount is over {LIMIT_CENTS} cents") };
    }
    Payment::Charged { receipt: format!("R{:06}", charge.order) }
}
