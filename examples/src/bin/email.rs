//! Teaches: to share work. All processes of this service form a queue group, so each event goes
//! to exactly one of them.
//!
//! Thanks customers who have paid.
//!
//! Alone: `cargo run -p hub-examples --bin email`, in two terminals; then, in a third,
//! `hub emit shop.orders.paid '{"order": 1, "customer": "a@b.c", "cents": 5, "receipt": "R1"}'`

use clap::Parser;
use hub_client::{BoxError, EmitError, Emitter, Event, Received, SubscribeOptions};
use hub_examples::events::{EmailSent, OrderPaid};
use hub_examples::service::{Connection, Service};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// What this process calls itself
    #[arg(long, default_value = "email")]
    name: String,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let mut service = Service::start(&arguments.name, &arguments.connection).await?;

    let (hub, report) = (service.hub.clone(), service.report.clone());
    let group = SubscribeOptions::new().group("email");
    let _listener = service
        .hub
        .on_with(group, move |paid: Received<OrderPaid>| {
            let (hub, report) = (hub.clone(), report.clone());
            // The next event comes when this future is done; an error is reported, and the
            // listener goes on.
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
    service.ready("thanks who has paid");

    service.stopped().await;
    // Draining stops the listener first. What the hub has for this process and has not yet sent
    // goes to the other members; what is already here is still handled.
    service.finish().await
}
