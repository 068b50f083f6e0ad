//! This service shows how processes share work. All processes of this service form a queue group, and
//! the hub gives each event to exactly one of them.
//!
//! The service thanks customers who have paid. Without it, the counts of the shop do not add up, since
//! every paid order must have exactly one mail.
//!
//! `cargo run -p hub-examples -- email`, in two terminals, runs two processes of the service at the hub
//! that `hub serve` starts. Then, in another terminal,
//! `hub emit shop.orders.paid '{"order": 1, "customer": "a@b.c", "cents": 5, "receipt": "R1"}'`
//! emits a paid order, and one of the two processes thanks the customer.

use crate::events::{EmailSent, OrderPaid};
use crate::service::{Connection, Service};
use clap::Args;
use hub_client::{BoxError, EmitError, Emitter, Event, Received, SubscribeOptions};

/// Declares the options of `shop email`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// The name by which the hub and the other services know this process
    #[arg(long, default_value = "email")]
    name: String,
}

/// Runs the service until it is asked to stop.
///
/// # Errors
/// Returns an error if there is no hub, or if it no longer accepts the events of this service.
pub async fn run(arguments: Arguments) -> Result<(), BoxError> {
    let mut service = Service::start(&arguments.name, &arguments.connection).await?;

    let (hub, report) = (service.hub.clone(), service.report.clone());
    let group = SubscribeOptions::new().group("email");
    let _listener = service
        .hub
        .on_with(group, move |paid: Received<OrderPaid>| {
            let (hub, report) = (hub.clone(), report.clone());
            // The listener gets the next event when this future has ended. If it ends with an error,
            // the SDK reports the error, and the listener goes on.
            async move {
                report.received(OrderPaid::TOPIC);
                let OrderPaid { order, customer, .. } = paid.event;
                report.say(format_args!("order {order}: thank you, {customer}"));
                hub.emit(&EmailSent { order, to: customer }).await?;
                report.emitted(EmailSent::TOPIC);
                report.finished(order);
                Ok::<(), EmitError>(())
            }
        })
        .await?;
    service.ready("thanks the customers who have paid");

    service.stopped().await;
    // Draining stops the listener first. Events that the hub has not yet sent to this process go
    // to the other members of the group. This process still handles the events that have come.
    service.finish().await
}
