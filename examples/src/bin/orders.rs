//! Teaches: to emit typed events, and to ask another service and wait for its answer.
//!
//! Takes orders, asks `payments` for the money, and says how it went.
//!
//! Alone: `cargo run -p hub-examples --bin orders -- --orders 3`
//! (without `payments`, the hub answers at once that nobody is there).

use clap::Parser;
use hub_client::{BoxError, Client, Emitter, Event, RequestError, with_causes};
use hub_examples::events::{Charge, OrderDeclined, OrderPaid, OrderPlaced, Payment};
use hub_examples::report::Report;
use hub_examples::service::{Connection, Service};
use std::time::Duration;
use tokio::task::JoinSet;

/// How many orders are open at most; more would only wait at `payments`.
const AT_A_TIME: usize = 64;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    /// Stop after so many orders
    #[arg(long)]
    orders: Option<u64>,
    /// How many orders come in a second
    #[arg(long, default_value_t = 3.0, value_parser = positive)]
    per_second: f64,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let mut service = Service::start("orders", &arguments.connection).await?;
    let (hub, report) = (service.hub.clone(), service.report.clone());
    service.ready("takes orders");

    let mut customers = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.per_second));
    let mut open = JoinSet::new();
    for order in 1..=arguments.orders.unwrap_or(u64::MAX) {
        tokio::select! {
            () = service.stopped() => break,
            _ = customers.tick() => {}
        }
        // Each order in a task of its own, so that one that waits for its payment delays no other;
        // but not more of them than the shop can have open.
        open.spawn(handle(hub.clone(), report.clone(), order));
        while let Some(done) = match open.len() {
            AT_A_TIME.. => open.join_next().await,
            _ => open.try_join_next(),
        } {
            note(&report, done?);
        }
    }
    while let Some(done) = open.join_next().await {
        note(&report, done?);
    }
    service.finish().await
}

async fn handle(hub: Client, report: Report, order: u64) -> Result<(), BoxError> {
    let customer = format!("customer{}@example.org", order % 17);
    let cents = 500 + order * 7919 % 20_000;

    // `emit` returns when the hub has the event: it is numbered, and on its way to everyone.
    hub.emit(&OrderPlaced { order, customer: customer.clone(), cents }).await?;
    report.emitted(OrderPlaced::TOPIC);
    report.say(format_args!("order {order} placed, {cents} cents"));

    // A request is an event with an answer. Without anybody to answer it fails at once.
    let answer = hub.request(&Charge { order, cents }).await;
    if !matches!(answer, Err(RequestError::NoSubscriber)) {
        report.emitted(Charge::TOPIC);
    }
    let payment = answer.unwrap_or_else(|error| Payment::Declined { reason: error.to_string() });

    match payment {
        Payment::Charged { receipt } => {
            hub.emit(&OrderPaid { order, customer, cents, receipt }).await?;
            report.emitted(OrderPaid::TOPIC);
            report.finished(order);
        }
        Payment::Declined { reason } => {
            report.say(format_args!("order {order} declined: {reason}"));
            hub.emit(&OrderDeclined { order, reason }).await?;
            report.emitted(OrderDeclined::TOPIC);
        }
    }
    Ok(())
}

fn note(report: &Report, outcome: Result<(), BoxError>) {
    if let Err(error) = outcome {
        report.fault(with_causes(&*error));
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0.001 to 10000".to_owned()),
    }
}
